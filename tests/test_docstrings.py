"""What several public objects share is described in the same words.

A parameter or attribute with one name has the same first sentence everywhere in its group; further
sentences state what is particular to one object. Where the defaults are equal, so are the types,
shapes apart.
"""

import inspect
import re
from importlib import import_module

import pytest

import skdistill

SENTENCE = re.compile(r"(.*?\.)(?= [^a-z]|$)")
SHAPE = re.compile(r" of shape \([^)]*\)(?:,? or (?:of shape )?\([^)]*\))*")

# Names that mean something else in one place. Only the other places are compared.
OTHER_MEANING = {
    ("SoftLabelClassifier.fit", "y"): "class probabilities instead of labels",
    ("SoftLabelClassifier.score", "y"): "class probabilities instead of labels",
}
# Types that differ although the defaults are equal.
OTHER_TYPE = {
    ("DistilledBipartiteRanker", "alpha"): 'accepts "auto"; the others with default 1.0 do not',
    ("BornAgainClassifier", "cv"): 'does not accept "in-sample", which would predict seen labels',
}


def entries(documented, section):
    """Return the type and the description of each entry in a section of a docstring."""
    _, _, body = inspect.getdoc(documented).partition(f"{section}\n{'-' * len(section)}\n")
    body = re.split(r"\n\n[A-Z][A-Za-z ]*\n-{3,}\n", body)[0]
    found = {}
    for entry in filter(None, re.split(r"\n+(?=\S)", body)):
        head, _, text = entry.partition("\n")
        name, _, kind = head.partition(" : ")
        found[name] = (kind, " ".join(text.split()))
    return found


def public(module):
    """Return the public classes and functions of a module by name."""
    module = import_module(module)
    named = {name: getattr(module, name) for name in module.__all__}
    return {name: each for name, each in named.items() if not inspect.ismodule(each)}


def methods(classes):
    """Return the public methods that this package documents, by qualified name."""
    return {
        f"{name}.{method}": function
        for name, each in classes.items()
        for method, function in inspect.getmembers(each, callable)
        if not method.startswith("_")
        and getattr(function, "__module__", "").startswith("skdistill")
        and function.__doc__
    }


def groups():
    """Return the objects whose descriptions are compared with each other."""
    estimators = {
        name: each
        for name, each in public("skdistill").items()
        if inspect.isclass(each) and hasattr(each, "fit")
    }
    of_estimators = methods(estimators)
    fits = {name: each for name, each in of_estimators.items() if name.endswith(".fit")}
    found = {
        "estimators": estimators,
        "fit of estimators": fits,
        "other methods of estimators": {
            name: each for name, each in of_estimators.items() if name not in fits
        },
    }
    for part in ("inspection", "augmentation", "nets"):
        objects = public(f"skdistill.{part}")
        classes = {name: each for name, each in objects.items() if inspect.isclass(each)}
        functions = {name: each for name, each in objects.items() if name not in classes}
        found[f"classes of {part}"] = classes
        found[f"functions of {part}"] = functions
        found[f"methods of {part}"] = methods(classes)
    return found


def shared():
    """Return the entries that at least two objects of a group have, as parameters of a test."""
    for group, objects in groups().items():
        for section in ("Parameters", "Attributes"):
            documented = {name: entries(each, section) for name, each in objects.items()}
            for name in sorted(set().union(*documented.values())):
                where = {
                    owner: (*found[name], default_of(objects[owner], name))
                    for owner, found in documented.items()
                    if name in found and (owner, name) not in OTHER_MEANING
                }
                if len(where) > 1:
                    yield pytest.param(name, where, id=f"{group}-{section.lower()}-{name}")


def default_of(documented, name):
    """Return the default of a parameter as text, or None without a default."""
    parameter = inspect.signature(documented).parameters.get(name)
    required = parameter is None or parameter.default is parameter.empty
    return None if required else repr(parameter.default)


def owners_of(texts):
    """Return the owners of each text."""
    return {text: sorted(o for o in texts if texts[o] == text) for text in texts.values()}


@pytest.mark.parametrize(("name", "where"), shared())
def test_shared_names_are_described_in_the_same_words(name, where):
    first = {}
    for owner, (_, text, _) in where.items():
        sentence = SENTENCE.match(text)
        assert sentence, f"{owner} describes {name} without a sentence: {text!r}"
        first[owner] = sentence[1]
    assert len(set(first.values())) == 1, owners_of(first)


@pytest.mark.parametrize(("name", "where"), shared())
def test_shared_parameters_with_one_default_have_one_type(name, where):
    types = {}
    for owner, (kind, _, default) in where.items():
        if default is not None and (owner, name) not in OTHER_TYPE:
            types.setdefault(default, {})[owner] = SHAPE.sub("", kind)
    for alike in types.values():
        assert len(set(alike.values())) == 1, owners_of(alike)


def test_every_exception_is_needed():
    objects = {owner: each for group in groups().values() for owner, each in group.items()}
    for owner, name in OTHER_MEANING | OTHER_TYPE:
        assert name in entries(objects[owner], "Parameters"), (owner, name)


def test_the_estimators_are_found():
    found = groups()
    assert set(found["estimators"]) >= {"DistilledClassifier", "SoftLabelClassifier"}
    assert len(found["fit of estimators"]) == len(found["estimators"])
    assert {"teacher", "cv"} <= set(entries(skdistill.DistilledClassifier, "Parameters"))
    assert {"classes_", "student_"} <= set(entries(skdistill.DistilledClassifier, "Attributes"))
    assert entries(skdistill.SoftLabelClassifier.score, "Parameters")["sample_weight"] == (
        "array-like of shape (n_samples,), default=None",
        "Weight of each row.",
    )

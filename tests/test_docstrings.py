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
    ("centred_logits", "proba"): "any probabilities, not only those of a teacher",
    ("compare_students", "X"): "rows to fit on, too",
    ("compare_students", "teacher"): "unfitted, or a regressor",
    ("StudentComparison.to_onnx", "name"): "of a row, not in a legend",
    ("distillation_report", "teacher"): "the model that is replaced",
    ("softmax_rows", "logits"): "any logits, not only those of a student",
    ("SoftLabelClassifier.fit", "y"): "class probabilities instead of labels",
    ("SoftLabelClassifier.score", "y"): "class probabilities instead of labels",
    ("CascadeClassifier", "student"): "it is distilled or frozen",
    ("CascadeClassifier", "teacher"): "it is kept, and predicts",
    ("CascadeDisplay", "curve"): "of a cascade",
    ("CascadeClassifier.fit", "**params"): "its groups are a parameter of their own",
    ("DistilledRegressor", "alpha"): "values instead of one-hot labels",
    ("DistilledRegressor", "cv"): "predictions instead of probabilities",
    ("DistilledRegressor", "student"): "a regressor, and targets instead of soft labels",
    ("DistilledRegressor", "teacher"): "a regressor",
    ("DistilledRegressor", "teacher_scores_"): "predictions instead of probabilities",
    ("DistilledRegressor.fit", "y"): "values instead of labels",
    ("RegressionReliabilityDisplay.from_estimator", "y"): "values instead of labels",
    ("RegressionReliabilityDisplay.from_predictions", "y_true"): "values instead of labels",
    ("RegressionReliabilityDisplay.from_predictions", "n_bins"): "of equal weight, not width",
    ("DistilledRegressor.score", "y"): "values instead of labels",
}
# Types that differ although the defaults are equal.
OTHER_TYPE = {
    ("TeacherStudentDisplay.plot", "ax"): "one matplotlib Axes for each panel",
    ("TeacherStudentDisplay.from_predictions", "ax"): "one matplotlib Axes for each panel",
    ("CostQualityDisplay.from_report", "quality"): "reports on regressors have other scores",
    ("linear_double_distillation_loss", "reduction"): "no one number per row",
    ("linear_label_weighted_cross_entropy", "reduction"): "no one number per row",
    ("linear_soft_cross_entropy", "reduction"): "no one number per row",
    ("DistilledBipartiteRanker", "alpha"): 'accepts "auto"; the others with default 1.0 do not',
    ("DistilledBipartiteRanker", "unlabeled_weight"): 'accepts "auto"; the retriever does not',
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
    """Return the public methods that this package documents, by qualified name.

    Hooks of skorch and scikit-learn, which users do not call (`get_...`), are left out.
    """
    return {
        f"{name}.{method}": function
        for name, each in classes.items()
        for method, function in inspect.getmembers(each, callable)
        if not method.startswith(("_", "get_"))
        and getattr(function, "__module__", "").startswith("skdistill")
        and function.__doc__
    }


def groups():
    """Return the objects whose descriptions are compared with each other."""
    found = {}
    for part in ("", ".augmentation", ".inspection", ".metrics", ".nets", ".objectives"):
        objects = public(f"skdistill{part}")
        classes = {name: each for name, each in objects.items() if inspect.isclass(each)}
        if not part:
            classes = {name: each for name, each in classes.items() if hasattr(each, "fit")}
        every_method = methods(classes)
        fits = {name: each for name, each in every_method.items() if name.endswith(".fit")}
        found[f"classes of skdistill{part}"] = classes
        found[f"fit of skdistill{part}"] = fits
        found[f"other methods of skdistill{part}"] = {
            name: each for name, each in every_method.items() if name not in fits
        }
        found[f"functions of skdistill{part}"] = {
            name: each for name, each in objects.items() if not inspect.isclass(each)
        }
    return found


def shared():
    """Return the entries that at least two objects of a group have, as parameters of a test."""
    for group, objects in groups().items():
        for section in ("Parameters", "Attributes"):
            documented = {owner: entries(each, section) for owner, each in objects.items()}
            for name in sorted(set().union(*documented.values())):
                where = {
                    owner: (*found[name], default_of(objects[owner], name))
                    for owner, found in documented.items()
                    if name in found
                }
                if len(where) > 1:
                    yield pytest.param(name, where, id=f"{group}-{section.lower()}-{name}")


def default_of(documented, name):
    """Return the default of a parameter as text, or None without a default."""
    parameter = inspect.signature(documented).parameters.get(name)
    required = parameter is None or parameter.default is parameter.empty
    return None if required else repr(parameter.default)


def first_sentences(where):
    """Return the first sentence of each description, by owner."""
    return {owner: SENTENCE.match(text)[1] for owner, (_, text, _) in where.items()}


def types_by_default(where):
    """Return the types without shapes, by default and owner."""
    types = {}
    for owner, (kind, _, default) in where.items():
        if default is not None:
            types.setdefault(default, {})[owner] = SHAPE.sub("", kind)
    return types


def check_alike(texts, name, exceptions):
    """Raise unless all texts are alike, those of exceptions apart, which must differ."""
    alike = {owner: text for owner, text in texts.items() if (owner, name) not in exceptions}
    variants = {text: [o for o in alike if alike[o] == text] for text in alike.values()}
    assert len(variants) <= 1, f"{name} is described as {variants}"
    for owner in texts.keys() - alike.keys():
        assert texts[owner] not in variants, f"{owner} needs no exception for {name}"


@pytest.mark.parametrize(("name", "where"), shared())
def test_shared_names_are_described_in_the_same_words(name, where):
    check_alike(first_sentences(where), name, OTHER_MEANING)


@pytest.mark.parametrize(("name", "where"), shared())
def test_shared_parameters_with_one_default_have_one_type(name, where):
    for types in types_by_default(where).values():
        check_alike(types, name, OTHER_TYPE)


def test_signatures_name_type_aliases():
    """`help` prints ArrayLike, not the twenty types behind it."""
    for objects in groups().values():
        for owner, each in objects.items():
            assert "numpy._typing" not in str(inspect.signature(each)), owner


def test_exceptions_name_what_exists():
    owners = {
        (owner, name)
        for objects in groups().values()
        for owner, each in objects.items()
        for section in ("Parameters", "Attributes")
        for name in entries(each, section)
    }
    assert set(OTHER_MEANING) | set(OTHER_TYPE) <= owners


def test_a_changed_word_is_noticed():
    where = {
        "A": ("int, default=5", "Number of folds. As in B.", "5"),
        "B": ("int or None, default=5", "Number of the folds.", "5"),
    }
    with pytest.raises(AssertionError, match="cv is described as"):
        check_alike(first_sentences(where), "cv", {})
    with pytest.raises(AssertionError, match="cv is described as"):
        check_alike(types_by_default(where)["5"], "cv", {})
    check_alike(first_sentences(where), "cv", {("B", "cv")})
    with pytest.raises(AssertionError, match="B needs no exception for cv"):
        check_alike({"A": "Folds.", "B": "Folds."}, "cv", {("B", "cv")})


def test_the_estimators_are_found():
    found = groups()
    assert set(found["classes of skdistill"]) >= {"DistilledClassifier", "SoftLabelClassifier"}
    assert len(found["fit of skdistill"]) == len(found["classes of skdistill"])
    assert {"teacher", "cv"} <= set(entries(skdistill.DistilledClassifier, "Parameters"))
    assert {"classes_", "student_"} <= set(entries(skdistill.DistilledClassifier, "Attributes"))
    assert entries(skdistill.SoftLabelClassifier.score, "Parameters")["sample_weight"] == (
        "array-like of shape (n_samples,), default=None",
        "Weight of each row; 1 by default.",
    )

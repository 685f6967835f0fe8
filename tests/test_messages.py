"""Errors and warnings restate the input, name the remedy, and are short plain English.

The parameters are those of the public estimators and augmenters; the sentences are read from the
syntax trees of all files.
"""

import ast
import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.naive_bayes import GaussianNB

import skdistill
from skdistill import augmentation

ROOT = Path(skdistill.__file__).parent
X = np.random.default_rng(0).normal(size=(40, 3))
CODES = np.arange(40) % 2

# What each estimator needs to be fitted: its other parameters, and y.
FITS = {
    "BornAgainClassifier": ({"estimator": GaussianNB()}, CODES),
    "CascadeClassifier": ({"teacher": GaussianNB(), "student": GaussianNB()}, CODES),
    "DistilledBipartiteRanker": ({"teacher": GaussianNB()}, CODES),
    "DistilledClassifier": ({"teacher": GaussianNB()}, CODES),
    "DistilledMulticlassRetriever": ({"teacher": GaussianNB(), "k": 2}, np.arange(40) % 4),
    "DistilledRegressor": ({"teacher": LinearRegression()}, X[:, 0]),
    "SoftLabelClassifier": ({}, np.eye(2)[CODES]),
}
# joblib, NumPy and Python check these.
CHECKED_ELSEWHERE = {"n_jobs", "random_state", "verbose"}
WRONG = ["nonsense", -3]
ALLOWED = {("memory", "nonsense")}  # the path of a folder


def public_estimators():
    return {name for name in skdistill.__all__ if hasattr(getattr(skdistill, name), "get_params")}


def parameters_of(package, names):
    return [
        (name, parameter, value)
        for name in sorted(names)
        for parameter in getattr(package, name)().get_params(deep=False)
        for value in WRONG
        if parameter not in CHECKED_ELSEWHERE and (parameter, value) not in ALLOWED
    ]


def check(call, parameter, value):
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    message = str(caught.value)
    assert re.search(rf"\b{parameter}\b", message), message
    assert str(value) in message, message


def test_every_estimator_has_a_fit():
    assert public_estimators() == set(FITS)


@pytest.mark.parametrize(("name", "parameter", "value"), parameters_of(skdistill, FITS))
def test_a_wrong_parameter_is_named_with_its_value(name, parameter, value):
    parameters, y = FITS[name]
    model = getattr(skdistill, name)(**{**parameters, parameter: value})
    check(lambda: model.fit(X, y), parameter, value)


@pytest.mark.parametrize(
    ("name", "parameter", "value"), parameters_of(augmentation, augmentation.__all__)
)
def test_a_wrong_augmenter_parameter_is_named_with_its_value(name, parameter, value):
    augmenter = getattr(augmentation, name)(**{parameter: value})
    check(lambda: augmenter.sample(X, random_state=0), parameter, value)


def text_of(node):
    """Return the text of a message, "x" in place of each formatted value; None for others."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(v.value if isinstance(v, ast.Constant) else "x" for v in node.values)
    return None


def messages():
    """Return each text that is raised or warned, with its place."""
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            is_call = isinstance(node, ast.Call) and node.args
            name = getattr(node.func, "id", "") if is_call else ""
            if name.endswith("Error") or name == "warn":
                text = text_of(node.args[0])
                if text is not None:
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", text


# Words for persons do not fit a program, and "which X has not" has to be read twice.
UNPLAIN = re.compile(
    r"\b(lesson|taught|told|asked|answers|whoever|nobody|somebody|has not\.|have not\.|hears)\b"
)
MOST_WORDS = 32


def test_messages_are_found():
    assert len(list(messages())) > 250


def test_messages_are_short_and_plain():
    wrong = []
    for place, text in messages():
        sentences = re.split(r"(?<=[.?])\s+(?=[A-Z])", text)
        longest = max(sentences, key=lambda sentence: len(sentence.split()))
        if len(longest.split()) > MOST_WORDS or UNPLAIN.search(text):
            wrong.append(f"{place}: {longest}")
    assert not wrong, "\n".join(wrong)

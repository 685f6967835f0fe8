"""One probability per row is that of the second of two classes, in every function."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.naive_bayes import GaussianNB

from skdistill import (
    DistilledBipartiteRanker,
    DistilledClassifier,
    DistilledMulticlassRetriever,
    SoftLabelClassifier,
    SoftLabels,
)
from skdistill.datasets import make_gaussian_classes
from skdistill.inspection import bias_variance
from skdistill.metrics import (
    brier_loss,
    expected_calibration_error,
    smooth_calibration_error,
    soft_log_loss,
    soft_log_loss_scorer,
    teacher_agreement,
)

X, Y, P = make_gaussian_classes(80, 2, 2, random_state=0)
SECOND = P[:, 1]
FORMS = {
    "array": np.asarray,
    "column": lambda p: p[:, None],
    "list": lambda p: p.tolist(),
    "list of columns": lambda p: p[:, None].tolist(),
    "objects": lambda p: p.astype(object),
    "series": lambda p: pd.Series(p, name="p"),
    "nullable series": lambda p: pd.Series(p, dtype="Float64"),
    "polars": lambda p: pl.Series(p),
    "sparse": lambda p: sparse.csr_array(p[:, None]),
    "frame": lambda p: pd.DataFrame({"yes": p}),
    "polars frame": lambda p: pl.DataFrame({"yes": p}),
    "read-only": lambda p: np.broadcast_to(p, (1, len(p)))[0],
}
CLASSES = ["no", "yes"]


def soft_coefficients(P, **params):
    return SoftLabelClassifier(**params).fit(X, P).student_.coef_


def distilled_coefficients(P, **params):
    names = np.array(CLASSES)[Y]
    return (
        DistilledClassifier(GaussianNB(), alpha=0.5, **params)
        .fit(X, names, teacher_proba=P)
        .student_.coef_
    )


def ranked_coefficients(P, **params):
    return DistilledBipartiteRanker(**params).fit(X, np.array(CLASSES)[Y], teacher_proba=P).coef_


def retrieved_coefficients(P, **params):
    model = DistilledMulticlassRetriever(k=1, **params)
    return model.fit(X, np.array(CLASSES)[Y], teacher_proba=P).coef_


ENTRIES = {
    "SoftLabelClassifier": soft_coefficients,
    "DistilledClassifier": distilled_coefficients,
    "DistilledBipartiteRanker": ranked_coefficients,
    "DistilledMulticlassRetriever": retrieved_coefficients,
    "SoftLabels": lambda P, classes: SoftLabels(P, classes).proba,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("entry", ENTRIES)
def test_it_is_both_columns(entry, form):
    both = np.column_stack([1 - SECOND, SECOND])
    expected = ENTRIES[entry](both, classes=CLASSES)
    assert_allclose(ENTRIES[entry](FORMS[form](SECOND), classes=CLASSES), expected, rtol=1e-9)


@pytest.mark.parametrize("dtype", ["float16", "float32", "longdouble"])
def test_of_every_precision(dtype):
    model = SoftLabelClassifier().fit(X, SECOND.astype(dtype))
    assert_array_equal(model.classes_, [0, 1])
    both = np.column_stack([1 - SECOND, SECOND])
    assert_allclose(model.student_.coef_, soft_coefficients(both), rtol=1e-2)


@pytest.mark.parametrize("entry", ["SoftLabelClassifier", "DistilledClassifier", "SoftLabels"])
def test_a_named_column_is_of_the_class_that_it_is_named_after(entry):
    expected = ENTRIES[entry](np.column_stack([1 - SECOND, SECOND]), classes=CLASSES)
    for name, p in (("yes", SECOND), ("no", 1 - SECOND)):
        named = ENTRIES[entry](pd.DataFrame({name: p}), classes=CLASSES)
        assert_allclose(named, expected, rtol=1e-9)
    reverse = ENTRIES[entry](pd.DataFrame({"yes": SECOND}), classes=CLASSES[::-1])
    assert_allclose(reverse, expected, rtol=1e-9)
    with pytest.raises(ValueError, match=r"no class for \['score'\]"):
        ENTRIES[entry](pd.DataFrame({"score": SECOND}), classes=CLASSES)


def test_labels_are_labels():
    """Zeros and ones say the same either way; what may be a label is one."""
    hard = (SECOND > 0.5).astype(float)
    plain = LogisticRegression().fit(X, hard)
    for labels in (hard, hard.astype(int), hard.astype(bool), hard.astype(int).astype(str)):
        model = SoftLabelClassifier().fit(X, labels)
        assert_array_equal(model.student_.coef_, plain.coef_)
    named = SoftLabelClassifier(classes=CLASSES).fit(X, hard)  # no label of theirs: probabilities
    assert_allclose(named.student_.coef_, plain.coef_, rtol=1e-9)
    assert_array_equal(named.classes_, CLASSES)
    twos = SoftLabelClassifier(classes=[1.0, 2.0]).fit(X, hard + 1)
    assert_array_equal(twos.classes_, [1.0, 2.0])
    with pytest.raises(ValueError, match="does not list"):
        SoftLabelClassifier(classes=CLASSES).fit(X, hard.astype(int))


REFUSED = {
    "three classes": (SECOND, {"classes": ["a", "b", "c"]}, "Give one column for each class"),
    "one class": (SECOND, {"classes": ["a"]}, "Give one column for each class"),
    "classes in another order": (SECOND, {"classes": ["yes", "no"]}, "Give both columns"),
    "a name and no classes": (pd.DataFrame({"yes": SECOND}), {}, "List both in classes"),
    "above one": (SECOND * 100, {}, "one number per row as those of the second of two classes"),
    "below zero": (SECOND - 0.5, {}, "they lie in .0, 1."),
    "a column above one": (
        sparse.csr_array(SECOND[:, None] * 100),
        {},
        "divide percentages by 100",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_ambiguous_or_none_is_refused(case):
    p, params, match = REFUSED[case]
    with pytest.raises(ValueError, match=match):
        SoftLabelClassifier(**params).fit(X, p)


def test_teacher_proba_of_three_classes_or_of_one():
    teacher, labels = GaussianNB(), np.arange(80) % 3
    with pytest.raises(ValueError, match=r"teacher_proba must have shape .*Give one column"):
        DistilledClassifier(teacher, alpha=0.5).fit(X, labels, teacher_proba=SECOND)
    with pytest.raises(ValueError, match="list all of them in classes"):
        DistilledClassifier(teacher, alpha=0.5).fit(X, np.zeros(80, int), teacher_proba=SECOND)
    with pytest.raises(ValueError, match=r"teacher_proba must lie in \[0, 1\]; row 0"):
        DistilledClassifier(teacher, alpha=0.5).fit(X, Y, teacher_proba=SECOND + 1)
    nan = np.where(np.arange(80) == 7, np.nan, SECOND)
    with pytest.raises(ValueError, match="row 7 has nan"):
        SoftLabels(nan, [0, 1])  # as teacher_proba, this row would keep its label


def test_soft_y_error_points_to_soft_label_classifier():
    with pytest.raises(ValueError, match=r"Unknown label type.*SoftLabelClassifier\(\)\.fit"):
        DistilledClassifier(GaussianNB(), alpha=0.5).fit(X, SECOND)


def test_score_and_scorer():
    model = SoftLabelClassifier(classes=CLASSES).fit(X, SECOND)
    assert model.score(X, SECOND) == pytest.approx(model.score(X, P))
    assert model.score(X, np.array(CLASSES)[Y]) == (model.predict(X) == np.array(CLASSES)[Y]).mean()
    expected = soft_log_loss_scorer(model, X, P)
    assert soft_log_loss_scorer(model, X, SECOND) == pytest.approx(expected)
    by_column = cross_val_score(SoftLabelClassifier(), X, SECOND, scoring=soft_log_loss_scorer)
    by_both = cross_val_score(SoftLabelClassifier(), X, P, scoring=soft_log_loss_scorer)
    assert_allclose(by_column, by_both, rtol=1e-6)


@pytest.mark.parametrize("form", ["array", "column", "series", "polars", "objects"])
def test_metrics(form):
    q = np.clip(SECOND * 0.9, 0.05, 0.95)
    both = np.column_stack([1 - q, q])
    for metric in (soft_log_loss, brier_loss, expected_calibration_error, smooth_calibration_error):
        assert metric(Y, FORMS[form](q)) == pytest.approx(metric(Y, both))
    for metric in (soft_log_loss, brier_loss):
        expected = metric(P, both)
        assert metric(FORMS[form](SECOND), FORMS[form](q)) == pytest.approx(expected)
        assert metric(P, FORMS[form](q)) == pytest.approx(expected)
    assert teacher_agreement(FORMS[form](SECOND), both) == teacher_agreement(P, both)


def test_bias_and_variance_of_given_probabilities():
    q = 0.9 * SECOND + 0.05
    by_column = bias_variance(q, 0.8 * q, X, Y)
    both = bias_variance(*(np.column_stack([1 - p, p]) for p in (q, 0.8 * q)), X, Y)
    assert str(by_column) == str(both)

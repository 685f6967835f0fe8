"""Labels that differ in type only, repeated index labels and empty classes are handled."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from skdistill import (
    DistilledBipartiteRanker,
    DistilledClassifier,
    DistilledMulticlassRetriever,
    SoftLabelClassifier,
    SoftLabels,
)
from skdistill.datasets import make_gaussian_classes

X, Y, P = make_gaussian_classes(60, 3, 2, random_state=0)
FITS = {
    "classifier": DistilledClassifier(GaussianNB(), alpha=0.5, cv=2),
    "ranker": DistilledBipartiteRanker(GaussianNB(), cv=2),
    "retriever": DistilledMulticlassRetriever(GaussianNB(), k=1, cv=2),
    "soft labels": SoftLabelClassifier(),
}


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize(("kind", "other"), [(int, str), (str, int)])
def test_labels_and_classes_that_differ_in_type_only(name, kind, other):
    model = clone(FITS[name]).set_params(classes=[other(0), other(1)])
    match = rf"of type {kind.__name__}.*of type {other.__name__}. Give both in one type"
    with pytest.raises(ValueError, match=match):
        model.fit(X, Y.astype(kind))
    model.set_params(classes=[kind(0), kind(1)]).fit(X, Y.astype(kind))


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize(
    "classes", [[0, "1"], (1, "1"), np.array([0, "1"], dtype=object), [0, 1, "1"]], ids=str
)
def test_classes_of_several_kinds(name, classes):
    with pytest.raises(TypeError, match="of one kind; classes holds int and str"):
        clone(FITS[name]).set_params(classes=classes).fit(X, Y)


def test_columns_of_several_kinds():
    frame = pd.DataFrame(P, columns=[1, "1"])
    with pytest.raises(TypeError, match="the columns of proba holds int and str"):
        SoftLabels(frame)
    with pytest.raises(ValueError, match="name the same class"):
        DistilledClassifier(alpha=0.5).fit(X, Y, teacher_proba=frame)


@pytest.mark.parametrize("form", [int, "row {}".format])
def test_an_index_that_repeats_labels(form):
    index = [form(number % 30) for number in range(60)]
    rows = pd.DataFrame(X, index=index)
    model = DistilledClassifier(student=LogisticRegression(), alpha=0.5)
    same = model.fit(rows, Y, teacher_proba=pd.DataFrame(P, index=index)).student_.coef_
    assert_allclose(same, model.fit(X, Y, teacher_proba=P).student_.coef_, rtol=1e-9)
    other = pd.DataFrame(P, index=index[::-1])
    with pytest.raises(ValueError, match=r"labels are repeated.*teacher_proba\.set_axis\(X\.index"):
        model.fit(rows, Y, teacher_proba=other)
    model.fit(rows, Y, teacher_proba=other.set_axis(rows.index))


def test_classes_that_neither_rows_nor_a_teacher_show():
    model = DistilledClassifier(GaussianNB(), alpha=0.5, cv=2, classes=range(4)).fit(X, Y)
    assert_array_equal(model.classes_, range(4))
    for predicting in (model, model.student_):
        assert_array_equal(predicting.predict_proba(X)[:, 2:], 0)
        assert predicting.predict(X).max() <= 1

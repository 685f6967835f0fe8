"""A frozen teacher without some classes of y is treated like such a fold teacher."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdistill import (
    DistilledBipartiteRanker,
    DistilledClassifier,
    DistilledMulticlassRetriever,
)
from skdistill.datasets import make_gaussian_classes

X, CODES, _ = make_gaussian_classes(150, 3, 3, random_state=0)
LABELS = {
    "text": np.array(["a", "b", "c"])[CODES],
    "numbers": np.array([30, 20, 10])[CODES],
    "text like numbers": np.array(["10", "9", "2"])[CODES],
}
TEACHERS = [
    GaussianNB(),
    ExtraTreesClassifier(5, max_depth=4, random_state=0),
    make_pipeline(StandardScaler(), LogisticRegression()),
]


def by_hand(teacher, X, y, classes):
    """Return the teacher's columns in their places, and the labels of the rows that it lacks."""
    proba = pd.DataFrame(teacher.predict_proba(X), columns=teacher.classes_)
    proba = proba.reindex(columns=classes, fill_value=0.0).to_numpy()
    unseen = ~np.isin(y, teacher.classes_)
    proba[unseen] = classes == y[unseen][:, None]
    return proba


@pytest.mark.filterwarnings("ignore:alpha=", "ignore:.* was fitted on these rows")
@pytest.mark.parametrize("declared", [False, True])
@pytest.mark.parametrize("alpha", [0.5, 1.0, "auto"])
@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("teacher", TEACHERS, ids=lambda teacher: type(teacher).__name__)
def test_rows_of_its_class_keep_their_label(teacher, labels, alpha, declared):
    y = LABELS[labels]
    classes = np.unique(y)
    teacher.fit(X[CODES != 1], y[CODES != 1])
    model = DistilledClassifier(
        FrozenEstimator(teacher),
        GaussianNB(),
        alpha=alpha,
        teacher_temperature=1.0,
        classes=classes if declared else None,
    )
    given = DistilledClassifier(
        student=GaussianNB(), alpha=alpha, teacher_temperature=1.0, classes=model.classes
    )
    given.fit(X, y, teacher_proba=by_hand(teacher, X, y, classes))
    n_rows = (CODES == 1).sum()
    with pytest.warns(UserWarning, match=f"The frozen teacher never saw .*{n_rows} rows keep"):
        model.fit(X, y)
    assert_allclose(model.predict_proba(X), given.predict_proba(X), rtol=1e-9)
    assert model.alpha_ == pytest.approx(given.alpha_)
    # As with fold teachers, its scores are of the rows whose class it knows.
    seen = DistilledClassifier(
        FrozenEstimator(teacher), GaussianNB(), alpha=1.0, teacher_temperature=1.0
    )
    seen.fit(X[CODES != 1], y[CODES != 1])
    assert model.teacher_scores_["raw"] == pytest.approx(seen.teacher_scores_["raw"])


def test_no_warning_where_no_row_has_the_class():
    """A class may be declared that neither the teacher nor the rows show."""
    y = LABELS["text"]
    seen = CODES != 1
    frozen = FrozenEstimator(GaussianNB().fit(X[seen], y[seen]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = DistilledClassifier(
            frozen, alpha=1.0, teacher_temperature=1.0, classes=["a", "b", "c", "d"]
        )
        model.fit(X[seen], y[seen])
    assert_array_equal(model.classes_, ["a", "b", "c", "d"])
    assert_array_equal(model.predict_proba(X)[:, [1, 3]], 0)


def test_the_remedy_that_the_message_names_helps():
    """The teacher lacks a class of these rows and knows another: list them all in classes."""
    y = LABELS["text"]
    frozen = FrozenEstimator(GaussianNB().fit(X[CODES != 1], y[CODES != 1]))  # a and c
    rows = CODES != 2  # a and b
    with pytest.raises(ValueError, match=r"it lacks \['b'\], and adds \['c'\].*list them all in"):
        DistilledClassifier(frozen, alpha=0.5, teacher_temperature=1.0).fit(X[rows], y[rows])
    model = DistilledClassifier(frozen, alpha=0.5, teacher_temperature=1.0, classes=["a", "b", "c"])
    with pytest.warns(UserWarning, match=r"never saw the classes \['b'\]"):
        model.fit(X[rows], y[rows])
    assert_array_equal(model.classes_, ["a", "b", "c"])


@pytest.mark.parametrize(("kind", "other"), [(int, str), (str, int)])
def test_labels_that_differ_in_type_only(kind, other):
    frozen = FrozenEstimator(GaussianNB().fit(X, CODES.astype(kind)))
    match = rf"only in their type, {kind.__name__} and {other.__name__}.*astype\({kind.__name__}\)"
    with pytest.raises(ValueError, match=match):
        DistilledClassifier(frozen, alpha=0.5, teacher_temperature=1.0).fit(X, CODES.astype(other))


def test_a_teacher_of_none_of_the_rows():
    y = LABELS["text"]
    frozen = FrozenEstimator(GaussianNB().fit(X[CODES > 0], y[CODES > 0]))
    some_a = np.flatnonzero(CODES == 0)
    with pytest.raises(ValueError, match="has seen the class of none of the"):
        DistilledClassifier(
            frozen, alpha=0.5, teacher_temperature=1.0, classes=["a", "b", "c"]
        ).fit(X[some_a], y[some_a])


def test_rankers_and_more_rows():
    two = CODES < 2
    frozen = FrozenEstimator(GaussianNB().fit(X, CODES))
    with pytest.raises(ValueError, match=r"adds \[2\]"):
        DistilledBipartiteRanker(frozen).fit(X[two], CODES[two])
    seen = CODES != 1
    frozen = FrozenEstimator(GaussianNB().fit(X[seen], CODES[seen]))
    model = DistilledMulticlassRetriever(frozen, k=1, top_k=2)
    with pytest.warns(UserWarning, match="never saw"):
        model.fit(X[:100], CODES[:100], X_unlabeled=X[100:])
    proba = by_hand(frozen, X[:100], CODES[:100], np.arange(3))
    with pytest.raises(ValueError, match="Give the model that teacher_proba is from"):
        model.fit(X[:100], CODES[:100], teacher_proba=proba, X_unlabeled=X[100:])
    of_more = np.insert(frozen.predict_proba(X[100:]), 1, 0, axis=1)
    given = DistilledMulticlassRetriever(alpha=1.0, k=1, top_k=2)
    given.fit(X, CODES, teacher_proba=np.vstack([proba, of_more]))
    assert_allclose(model.decision_function(X), given.decision_function(X), atol=1e-4)


def test_rows_in_partitions():
    da = pytest.importorskip("dask.array")
    seen = CODES != 1
    frozen = FrozenEstimator(GaussianNB().fit(X[seen], CODES[seen]))
    model = DistilledClassifier(frozen, GaussianNB(), alpha=0.5, teacher_temperature=1.0)
    with pytest.warns(UserWarning, match="The frozen teacher never saw the class of .* rows"):
        model.fit(da.from_array(X, chunks=(50, 3)), da.from_array(CODES, chunks=50))
    proba = by_hand(frozen, X, CODES, np.arange(3))
    given = DistilledClassifier(student=GaussianNB(), alpha=0.5, teacher_temperature=1.0).fit(
        X, CODES, teacher_proba=proba
    )
    assert_allclose(model.student_.theta_, given.student_.theta_, rtol=1e-9)

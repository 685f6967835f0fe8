"""Each supervised transformer of scikit-learn is a correct step of a student Pipeline.

The input of the last step equals an explicit definition, or the Pipeline is rejected before any
teacher is fitted. With two and three classes, of which one is rare: it is most probable in no row.
"""

import inspect
import warnings
from functools import cache

import numpy as np
import pytest
from contracts.sklearn_transformers import TRANSFORMERS
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.model_selection import KFold
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import TargetEncoder

from skdistill import DistilledClassifier, SoftLabelClassifier
from skdistill.students._registry import FITTERS
from skdistill.students._step_kinds import NOTHING, target_of

N_LABELLED, N_UNLABELED = 80, 60
RNG = np.random.default_rng(0)
X = RNG.uniform(0.1, 1, size=(N_LABELLED + N_UNLABELED, 4)).round(1)
RARE = 0.3 * X[:, 0] + 0.05  # the probability of the last class


def proba(n_classes):
    if n_classes == 2:
        return np.column_stack([1 - RARE, RARE])
    return np.column_stack([(1 - RARE) * X[:, 1], (1 - RARE) * (1 - X[:, 1]), RARE])


def labels(n_classes):
    draws = np.random.default_rng(1).uniform(size=len(X))[:, None]
    return (draws > proba(n_classes).cumsum(axis=1)).sum(axis=1)[:N_LABELLED]


# What each learns from, as its documentation has it: a class that is not listed fails the test.
COPIES = {"RFE of a classifier", "SelectFromModel of a classifier"}
COPIES |= {"VotingClassifier of classifiers"}
TRUE_LABELS = {
    *("GenericUnivariateSelect", "LinearDiscriminantAnalysis", "NeighborhoodComponentsAnalysis"),
    *("RFECV of a classifier", "SelectFdr", "SelectFpr", "SelectFwe", "SelectKBest"),
    *("SelectPercentile", "SequentialFeatureSelector of a classifier"),
    "StackingClassifier of classifiers",
}
EXPECTED = {
    *("RFE of a regressor", "RFECV of a regressor", "SelectFromModel of a regressor"),
    *("SequentialFeatureSelector of a regressor", "StackingRegressor of regressors"),
    *("VotingRegressor of regressors", "IsotonicRegression"),
}
NO_WEIGHTS = {"RFECV of a regressor", "SequentialFeatureSelector of a regressor"}
NEVER = {"CCA", "PLSCanonical", "PLSRegression", "PLSSVD"}  # they hand pairs on
NEVER |= {"LabelBinarizer", "LabelEncoder", "MultiLabelBinarizer"}  # they transform labels
NEVER |= {"TSNE"}  # it has no transform
SUPERVISED = [
    name
    for name, each in TRANSFORMERS.items()
    if target_of(each) != NOTHING or not hasattr(each, "transform")
]


class KeepsRows(ClassifierMixin, BaseEstimator):
    """A last step that keeps the rows and the soft labels that it is given."""

    def fit(self, X, y):
        return self

    def predict_proba(self, X):
        return np.tile(1 / len(self.classes_), (len(X), len(self.classes_)))


def keep_rows(student, X, soft_labels, **fit_params):
    student.classes_, student.X_, student.soft_labels_ = soft_labels.classes, X, soft_labels
    return student


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    """Other tests read all that are registered: it is, for the time of a test only."""
    monkeypatch.setitem(FITTERS, KeepsRows, keep_rows)


class CountedTeacher(GaussianNB):
    """Counts how often it is fitted."""

    fits = 0

    def fit(self, X, y, sample_weight=None):
        type(self).fits += 1
        return super().fit(X, y, sample_weight)


@cache
def rows_for(name):
    """Return rows that a transformer takes."""
    return X[:, 0] if name == "IsotonicRegression" else X


def fitted(name, n_classes, *, labelled, text=False):
    """Return the fitted student Pipeline with a transformer as step."""
    student = Pipeline([("step", clone(TRANSFORMERS[name])), ("last", KeepsRows())])
    CountedTeacher.fits = 0
    own = rows_for(name)
    names = np.array(["a", "b", "c"])[:n_classes] if text else np.arange(n_classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not labelled:
            return SoftLabelClassifier(student, classes=names).fit(own, proba(n_classes)).student_
        teacher = CountedTeacher()
        if own.ndim == 1:
            teacher = Pipeline([("column", Column()), ("last", teacher)])
        model = DistilledClassifier(
            teacher, student, alpha=0.7, unlabeled_weight=0.7, teacher_temperature=1.0, cv=2
        )
        y = names[labels(n_classes)]
        return model.fit(own[:N_LABELLED], y, X_unlabeled=own[N_LABELLED:]).student_


class Column(BaseEstimator):
    """Makes a column of rows of one number each."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.reshape(X, (-1, 1))


def by_hand(name, own, soft_labels):
    """Return the rows as a transformer transforms them that was fitted by the definition."""
    step, P = clone(TRANSFORMERS[name]), soft_labels.proba
    P = P.toarray() if hasattr(P, "toarray") else P
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if name == "TargetEncoder":
            columns = [P[:, 1]] if P.shape[1] == 2 else P.T
            encoders = [clone(step).set_params(target_type="continuous") for _ in columns]
            each = [e.fit_transform(own, c) for e, c in zip(encoders, columns, strict=True)]
            return np.concatenate(
                [encoded[:, [k]] for k in range(own.shape[1]) for encoded in each], axis=1
            )
        if name in COPIES:
            rows, y, weight = soft_labels.expand()
            return step.fit(own[rows], y, sample_weight=weight).transform(own)
        if name in TRUE_LABELS:
            known = soft_labels.codes >= 0
            y = soft_labels.classes[soft_labels.codes[known]]
            return step.fit(own[known], y).transform(own)
        assert name in EXPECTED, name
        target = P @ np.arange(P.shape[1])
        weights = {} if name in NO_WEIGHTS else {"sample_weight": soft_labels.weight}
        return step.fit(own, target, **weights).transform(own)


def is_refused(name, n_classes, *, labelled, text):
    """Return whether there is no right way."""
    if name in NEVER or (name in TRUE_LABELS and not labelled):
        return True
    return name in EXPECTED and text and n_classes > 2


CASES = [
    pytest.param(name, n, labelled, text, id=f"{name}-{n}-{labelled=}-{text=}")
    for name in SUPERVISED
    for n in (2, 3)
    for labelled in (True, False)
    for text in (True, False)
]


@pytest.mark.parametrize(("name", "n_classes", "labelled", "text"), CASES)
def test_a_supervised_step_learns_soft_targets_or_is_refused(name, n_classes, labelled, text):
    if is_refused(name, n_classes, labelled=labelled, text=text):
        with pytest.raises(TypeError, match=type(TRANSFORMERS[name]).__name__):
            fitted(name, n_classes, labelled=labelled, text=text)
        assert CountedTeacher.fits == 0
        return
    last = fitted(name, n_classes, labelled=labelled, text=text)[-1]
    np.testing.assert_array_equal(last.X_, by_hand(name, rows_for(name), last.soft_labels_))


def test_how_many_are_right_and_how_many_refused():
    refused = sum(
        is_refused(case.values[0], case.values[1], labelled=case.values[2], text=case.values[3])
        for case in CASES
    )
    print(f"{len(SUPERVISED)} supervised transformers in {len(CASES)} cases: "
          f"{len(CASES) - refused} right, {refused} refused")  # fmt: skip
    assert len(SUPERVISED) >= 25
    assert {*COPIES, *TRUE_LABELS, *EXPECTED, "TargetEncoder"} <= set(SUPERVISED)


UNSUPERVISED = [
    name
    for name, each in TRANSFORMERS.items()
    if name not in SUPERVISED and "y" in inspect.signature(each.fit).parameters
]


@pytest.mark.parametrize("name", UNSUPERVISED)
def test_an_unsupervised_step_sees_each_row_once_as_ever(name):
    step = clone(TRANSFORMERS[name])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = clone(step).fit_transform(X)
    except (TypeError, ValueError, AttributeError):
        return  # it takes texts or dicts
    found = fitted(name, 3, labelled=False)[-1].X_
    found, expected = (each.toarray() if hasattr(each, "toarray") else each for each in (
        found, expected))  # fmt: skip
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("target_type", ["auto", "multiclass"])
def test_multiclass_target_encodings_are_mean_probabilities(target_type):
    encoder = TargetEncoder(smooth=0, cv=3, target_type=target_type)
    student = Pipeline([("step", encoder), ("last", KeepsRows())])
    P = proba(3)
    found = SoftLabelClassifier(student).fit(X, P).student_[0]
    rows = X[:, 2] == found.categories_[2][3]
    for k in range(3):
        np.testing.assert_allclose(found.encodings_[2 * 3 + k][3], P[rows, k].mean())
        np.testing.assert_allclose(found.transform(X[rows][:1])[0, 2 * 3 + k], P[rows, k].mean())
    np.testing.assert_allclose(found.target_mean_, P.mean(axis=0))
    assert found.target_type == target_type
    assert found.get_feature_names_out().tolist()[:3] == ["x0_0", "x0_1", "x0_2"]


def test_one_hot_rows_are_encoded_as_labels_are():
    y = labels(3)
    model = TargetEncoder(cv=3).fit(X[:N_LABELLED], y)
    student = Pipeline([("step", TargetEncoder(cv=3)), ("last", KeepsRows())])
    almost = np.eye(3)[y] * (1 - 3e-9) + 1e-9
    found = SoftLabelClassifier(student).fit(X[:N_LABELLED], almost).student_[0]
    for ours, theirs in zip(found.encodings_, model.encodings_, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_the_classes_of_an_encoder_share_their_folds():
    """Unless the folds are the same, the encodings of a row do not sum to one."""
    student = Pipeline([("step", TargetEncoder(smooth=0, cv=3)), ("last", KeepsRows())])
    few = np.c_[X[:, 0] > 0.5, X[:, 1] > 0.5].astype(int)
    found = SoftLabelClassifier(student).fit(few, proba(3)).student_[-1].X_
    np.testing.assert_allclose(found[:, :3].sum(axis=1), 1)


@pytest.mark.skipif(
    "cv_object" not in TargetEncoder._parameter_constraints["cv"], reason="scikit-learn 1.9"
)
def test_an_encoder_may_have_a_splitter():
    encoder = TargetEncoder(cv=KFold(3))
    student = Pipeline([("step", encoder), ("last", KeepsRows())])
    found = SoftLabelClassifier(student).fit(X, proba(2)).student_
    expected = clone(encoder).set_params(target_type="continuous").fit_transform(X, RARE)
    np.testing.assert_allclose(found[-1].X_, expected)
    assert isinstance(found[0].cv, KFold)

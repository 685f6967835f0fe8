"""All functions that take probabilities match named columns and rows by the same rules."""

from inspect import signature

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import ShuffleSplit, cross_val_score, train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

from skdistill import (
    DistilledBipartiteRanker,
    DistilledClassifier,
    DistilledMulticlassRetriever,
    SoftLabelClassifier,
    SoftLabels,
    metrics,
)
from skdistill._utils._named import match_columns
from skdistill.datasets import make_gaussian_classes
from skdistill.inspection import bias_variance
from skdistill.inspection._displays._scores import score as score_of_display

NAMES = np.array(["cat", "cow", "dog"])
X, Y, P = make_gaussian_classes(90, 2, 3, random_state=0)
LABELS = NAMES[Y]
Q = 0.5 * P + 0.5 * np.random.default_rng(0).dirichlet(np.ones(3), 90)
ORDER = [2, 0, 1]


def frame(proba, order=ORDER, names=NAMES, **kwargs):
    """Return a dataframe with its columns in another order."""
    return pd.DataFrame(proba[:, order], columns=np.asarray(names)[order], **kwargs)


def renamed(proba):
    return frame(proba).rename(columns={"dog": "owl"})


class Fixed(GaussianNB):
    """An estimator that predicts the same probabilities for all rows."""

    classes_ = NAMES

    def predict_proba(self, X):
        return Q


MODEL = SoftLabelClassifier(GaussianNB(), classes=NAMES).fit(X, P)
RETRIEVED = NAMES[np.argsort(-Q, axis=1)[:, :2]]
INDICATOR = pd.DataFrame(P > 0.3, columns=NAMES).astype(int)
INDICATOR.loc[INDICATOR.sum(axis=1) == 0, "cat"] = 1


def calls(name):
    """Yield calls of a metric with one side left open, what that is to be, and which side it is."""
    metric = getattr(metrics, name)
    params = list(signature(metric).parameters)
    if "proba" in params:
        yield (lambda given: metric(P, given)), Q, "proba beside an array"
        yield (lambda given: metric(LABELS, given)), Q, "proba beside labels"
        yield (lambda given: metric(frame(P, [0, 2, 1]), given)), Q, "proba beside a frame"
        yield (lambda given: metric(given, Q)), P, "target beside an array"
        yield (lambda given: metric(given, frame(Q, [1, 0, 2]))), P, "target beside a frame"
        yield (lambda given: metric(P, given, classes=NAMES)), Q, "proba, with classes"
    elif params[:2] == ["teacher", "student"]:
        yield (lambda given: metric(given, Q)), P, "teacher beside an array"
        yield (lambda given: metric(frame(P), given)), Q, "student beside a frame"
    elif params[0] == "estimator":
        yield (lambda given: metric(Fixed(), X, given)), P, "y"
        yield (lambda given: metric(MODEL, X, given)), P, "y of a model with classes"
    elif "retrieved" in params or name == "label_propensities":
        more = [RETRIEVED] if "retrieved" in params else []
        more += [[0.2, 0.5, 0.9]] if "propensities" in params else []
        yield (
            (lambda given: np.sum(metric(given, *more, classes=NAMES))),
            INDICATOR.to_numpy(),
            "indicator",
        )
    else:
        assert "scores" in params or params[0] == "metric", f"{name}: not known to this test"


CALLS = [
    pytest.param(call, proba, id=f"{name}: {what}")
    for name in metrics.__all__
    for call, proba, what in calls(name)
]
CALLS += [
    pytest.param(lambda given: MODEL.score(X, given), P, id="SoftLabelClassifier.score"),
    pytest.param(
        lambda given: SoftLabels(given, NAMES).expected_accuracy(LABELS), P, id="SoftLabels"
    ),
    pytest.param(
        lambda given: (
            SoftLabelClassifier(GaussianNB(), classes=NAMES).fit(X, given).predict_proba(X)[0, 0]
        ),
        P,
        id="SoftLabelClassifier.fit",
    ),
    pytest.param(
        lambda given: (
            DistilledClassifier(student=GaussianNB(), alpha=0.5)
            .fit(X, LABELS, teacher_proba=given)
            .predict_proba(X)[0, 0]
        ),
        P,
        id="DistilledClassifier.fit",
    ),
    pytest.param(
        lambda given: (
            DistilledMulticlassRetriever(k=1)
            .fit(X, LABELS, teacher_proba=given)
            .decision_function(X)[0, 0]
        ),
        P,
        id="DistilledMulticlassRetriever.fit",
    ),
    pytest.param(
        lambda given: bias_variance(Q, given, X, LABELS).squared_bias, P, id="bias_variance teacher"
    ),
    pytest.param(
        lambda given: bias_variance(given, Q, X, LABELS).squared_bias, P, id="bias_variance student"
    ),
    pytest.param(
        lambda given: bias_variance(Q, Q[::-1], X, LABELS, p_star=given).squared_bias,
        P,
        id="bias_variance truth",
    ),
    pytest.param(
        lambda given: score_of_display("log_loss", LABELS, given), Q, id="scores of a display"
    ),
]


@pytest.mark.parametrize(("call", "proba"), CALLS)
def test_columns_are_matched_by_name(call, proba):
    assert call(frame(proba)) == pytest.approx(call(proba), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("call", "proba"), CALLS)
def test_columns_of_no_class_are_refused_by_name(call, proba):
    try:
        call(renamed(proba))
    except ValueError as error:
        assert "owl" in str(error)
    else:
        # Only where the other side is an array of the same number of columns: no names to compare.
        with pytest.raises(ValueError, match=r"extra|shape"):
            call(frame(proba).assign(extra=0.0))


@pytest.mark.parametrize(
    "name",
    ["brier_loss", "soft_log_loss", "expected_calibration_error", "smooth_calibration_error"],
)
def test_other_names_on_both_sides_are_refused(name):
    ours = pd.DataFrame({"cat": [1.0], "dog": [0.0]})
    theirs = pd.DataFrame({"cow": [1.0], "owl": [0.0]})
    for classes in (None, ["cat", "dog"]):
        with pytest.raises(ValueError, match=r"no class for \['cow', 'owl'\]"):
            getattr(metrics, name)(ours, theirs, classes=classes)
    with pytest.raises(ValueError, match=r"no class for \['cow', 'owl'\]"):
        metrics.teacher_agreement(ours, theirs)


def test_a_class_without_a_column_has_probability_0():
    lacking = frame(P[:, :2] / P[:, :2].sum(axis=1, keepdims=True), [1, 0], NAMES[:2])
    full = np.column_stack([lacking["cat"], lacking["cow"], 0 * lacking["cow"]])
    for given in (lacking, full):
        assert metrics.brier_loss(LABELS, given) == metrics.brier_loss(LABELS, full)
    ours = DistilledClassifier(student=GaussianNB(), alpha=0.5)
    theirs = clone(ours).fit(X, LABELS, teacher_proba=full)
    ours.fit(X, LABELS, teacher_proba=lacking)
    np.testing.assert_array_equal(ours.predict_proba(X), theirs.predict_proba(X))


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ([0.0, 1.0], [0, 1]),
        ([0.0, 1.0], ["0", "1"]),
        ([0, 1], ["0.0", "1.0"]),
        ([0, 1], ["0", 1.0]),
        ([False, True], ["False", "True"]),
        ([False, True], [0, 1]),
        (["0", "1"], [0, 1]),
        (["0", "1"], [0.0, 1.0]),
        ([2, 10], ["2", "10"]),
    ],
)
def test_names_stand_for_labels_of_another_type(labels, names):
    labels = np.array(labels)
    np.testing.assert_array_equal(match_columns(names, labels), labels)
    P = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
    y = labels[[0, 1, 1]]
    named = pd.DataFrame(P[:, ::-1], columns=pd.Index(names[::-1], dtype=object))
    assert metrics.brier_loss(y, named) == pytest.approx(metrics.brier_loss(y, P))


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "string", "category", "boolean"])
def test_nullable_labels_have_columns_named_by_their_values(dtype):
    y = pd.Series(Y % 2).astype(bool if dtype == "boolean" else "int64").astype(dtype)
    proba = np.column_stack([P[:, 0], 1 - P[:, 0]])
    named = pd.DataFrame(proba[:, ::-1], columns=[1, 0])
    model = DistilledClassifier(student=GaussianNB(), alpha=0.5).fit(X, y, teacher_proba=named)
    plain = DistilledClassifier(student=GaussianNB(), alpha=0.5).fit(X, y, teacher_proba=proba)
    np.testing.assert_array_equal(model.predict_proba(X), plain.predict_proba(X))


@pytest.mark.parametrize(
    ("labels", "names", "match"),
    [
        (["01", "1"], ["01", "001"], "no class for"),
        ([1, 2], [1, "1"], "name the same class"),
        ([1, 2], ["1", "1.0"], "name the same class"),
        ([1, 2], [1, 3], r"no column for \[2\], no class for \[3\]"),
        (["a", "b"], ["a", "a"], "name the same class"),
    ],
)
def test_names_that_do_not_fit_are_refused(labels, names, match):
    with pytest.raises(ValueError, match=match):
        match_columns(names, np.array(labels))
    with pytest.raises(ValueError, match=match):
        SoftLabels(pd.DataFrame([[0.5, 0.5]], columns=names), labels)


def test_many_classes_are_matched_fast():
    labels = np.arange(50_000)
    names = [str(label) for label in labels[::-1]]
    np.testing.assert_array_equal(match_columns(names, labels), labels[::-1])


# --- rows ---------------------------------------------------------------------------------------

IDS = np.array([f"row {k}" for k in range(90)])
SHUFFLED = np.random.default_rng(1).permutation(90)


def fits():
    student = GaussianNB()
    yield lambda X, P: DistilledClassifier(student=student, alpha=0.5).fit(
        X, LABELS, teacher_proba=P
    )
    yield lambda X, P: DistilledClassifier(student=student).fit(X, LABELS, teacher_proba=P)
    yield lambda X, P: DistilledMulticlassRetriever(k=1).fit(X, LABELS, teacher_proba=P)
    yield lambda X, P: DistilledMulticlassRetriever(k=1, alpha=0.5).fit(
        X, INDICATOR.to_numpy(), teacher_proba=P.set_axis([0, 1, 2], axis=1)
    )
    yield lambda X, P: SoftLabelClassifier(student).fit(X, P)
    yield lambda X, P: MODEL.score(X, P)
    yield lambda X, P: metrics.soft_log_loss_scorer(MODEL, X, P)
    yield lambda X, P: metrics.brier_loss(P, frame(Q, index=X.index))


FITS = pytest.mark.parametrize("fit", list(fits()))


@FITS
@pytest.mark.parametrize(
    ("of_X", "of_P"),
    [
        (IDS, IDS[SHUFFLED]),
        (np.arange(90), SHUFFLED),
        (SHUFFLED, np.arange(90)),
        (10 * SHUFFLED, 10 * np.arange(90)),
        (IDS, np.char.add("other ", IDS)),
        (np.repeat(IDS[:45], 2), np.tile(IDS[:45], 2)),
        (pd.date_range("2020", periods=90), pd.date_range("2020", periods=90)[::-1]),
    ],
    ids=["text", "numbers", "default", "sorted", "others", "twice", "dates"],
)
def test_rows_of_another_order_are_refused(fit, of_X, of_P):
    rows = pd.DataFrame(X, columns=["a", "b"], index=of_X)
    with pytest.raises(ValueError, match=r"index of .* names .*row \d+ is .*set_axis"):
        fit(rows, frame(P, index=of_P))
    fit(rows, frame(P, index=of_X))


@FITS
@pytest.mark.parametrize(
    ("of_X", "of_P"),
    [
        (IDS, np.arange(90)),
        (np.arange(90), IDS),
        (1000 + SHUFFLED, np.arange(90)),
        (IDS, 3 * np.arange(90)),
        (np.repeat(IDS[:45], 2), np.repeat(IDS[:45], 2)),
    ],
    ids=["default of P", "default of X", "a split", "what a split leaves", "twice"],
)
def test_range_index_is_ignored(fit, of_X, of_P):
    fit(pd.DataFrame(X, columns=["a", "b"], index=of_X), frame(P, index=of_P))


def test_index_on_one_side_only_is_ignored():
    rows = pd.DataFrame(X, columns=["a", "b"], index=IDS)
    SoftLabelClassifier(GaussianNB()).fit(X, frame(P, index=IDS[SHUFFLED]))
    SoftLabelClassifier(GaussianNB()).fit(rows, P)


def test_splits_of_named_rows():
    rows = pd.DataFrame(X, columns=["a", "b"])
    some, _, labels, _ = train_test_split(rows, LABELS, test_size=30, random_state=0)
    proba = pd.DataFrame(KNeighborsClassifier().fit(rows, LABELS).predict_proba(some))
    proba = proba.set_axis(NAMES, axis=1)
    model = DistilledClassifier(student=GaussianNB(), alpha=0.5)
    by_frame = cross_val_score(model, some, labels, params={"teacher_proba": proba})
    plain = {"teacher_proba": proba.to_numpy()}
    np.testing.assert_array_equal(by_frame, cross_val_score(model, some, labels, params=plain))
    named = {"teacher_proba": proba.set_axis(some.index)}
    shuffled = ShuffleSplit(3, random_state=0)
    assert np.isfinite(
        cross_val_score(model, some, labels, cv=shuffled, params=named, error_score="raise")
    ).all()


def test_a_ranker_matches_names():
    two = pd.DataFrame({"dog": P[:, 0], "cat": 1 - P[:, 0]})
    y = np.where(P[:, 0] > 0.5, "dog", "cat")
    model = DistilledBipartiteRanker(alpha=1.0).fit(X, y, teacher_proba=two)
    plain = DistilledBipartiteRanker(alpha=1.0)
    plain.fit(X, y, teacher_proba=two[["cat", "dog"]].to_numpy())
    np.testing.assert_array_equal(model.decision_function(X), plain.decision_function(X))


# --- sparse -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [n for n in metrics.__all__ if list(calls(n))])
def test_sparse_on_both_sides(name):
    metric = getattr(metrics, name)
    params = list(signature(metric).parameters)
    if not {"proba", "student"} & set(params):
        return
    forms = [np.asarray, sparse.csr_array, sparse.csr_matrix, sparse.coo_array, sparse.csc_array]
    expected = metric(P, Q)
    for first in forms:
        for second in forms:
            assert metric(first(P), second(Q)) == pytest.approx(expected)

"""Public metrics equal those of scikit-learn for all dtypes, weights and absent classes."""

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    brier_score_loss,
    log_loss,
    ndcg_score,
    precision_score,
    roc_auc_score,
    top_k_accuracy_score,
)

from skdistill import metrics
from skdistill.metrics import (
    brier_loss,
    expected_calibration_error,
    ndcg_at_k,
    pairwise_disagreement,
    precision_at_k,
    propensity_scored_precision_at_k,
    recall_at_k,
    smooth_calibration_error,
    soft_log_loss,
    teacher_agreement,
)

rng = np.random.default_rng(0)
CLASSES = np.array(["a", "b", "c", "d"])
PROBA = rng.dirichlet(np.ones(4), 80)
Y = CLASSES[rng.integers(4, size=80)]
LABELS = {"all classes": Y, "absent class": np.where(Y == "c", "a", Y)}
WEIGHTS = {"none": None, "some": rng.uniform(0, 3, 80), "zeros": np.repeat([0.0, 2.0], 40)}


def codes(y):
    return np.searchsorted(CLASSES, y)


def retrieved(proba, k):
    return CLASSES[np.argsort(-proba, axis=1, kind="stable")[:, :k]]


def one_hot(y):
    return (y[:, None] == CLASSES).astype(int)


def mean_row(proba):
    proba = proba.astype(float)
    return np.tile((proba / proba.sum(axis=1, keepdims=True)).mean(axis=0), (len(proba), 1))


def binary(y, proba):
    return (y == "a").astype(int), proba[:, 0]


# Name -> ours and scikit-learn's, both of (y, proba, sample_weight).
PAIRS = {
    "soft_log_loss": (
        lambda y, p, w: soft_log_loss(y, p, classes=CLASSES, sample_weight=w),
        lambda y, p, w: log_loss(y, p, labels=CLASSES, sample_weight=w),
    ),
    "brier_loss": (
        lambda y, p, w: brier_loss(binary(y, p)[0], np.c_[1 - p[:, 0], p[:, 0]], sample_weight=w),
        lambda y, p, w: 2 * brier_score_loss(*binary(y, p), sample_weight=w),
    ),
    "pairwise_disagreement": (
        lambda y, p, w: pairwise_disagreement(*binary(y, p), sample_weight=w),
        lambda y, p, w: 1 - roc_auc_score(*binary(y, p), sample_weight=w),
    ),
    "teacher_agreement": (
        lambda y, p, w: teacher_agreement(one_hot(y), p, sample_weight=w),
        lambda y, p, w: accuracy_score(codes(y), p.argmax(axis=1), sample_weight=w),
    ),
    "recall_at_k": (
        lambda y, p, w: recall_at_k(y, retrieved(p, 2), classes=CLASSES, sample_weight=w),
        lambda y, p, w: top_k_accuracy_score(y, p, k=2, labels=CLASSES, sample_weight=w),
    ),
    "ndcg_at_k": (
        lambda y, p, w: ndcg_at_k(y, retrieved(p, 3), classes=CLASSES, sample_weight=w),
        lambda y, p, w: ndcg_score(one_hot(y), p, k=3, sample_weight=w),
    ),
    "precision_at_k": (
        lambda y, p, w: precision_at_k(y, retrieved(p, 1), classes=CLASSES, sample_weight=w),
        lambda y, p, w: precision_score(y, retrieved(p, 1)[:, 0], average="micro", sample_weight=w),
    ),
    "propensity_scored_precision_at_k": (  # with equal propensities, the precision
        lambda y, p, w: propensity_scored_precision_at_k(
            y, retrieved(p, 1), np.full(4, 0.3), classes=CLASSES, sample_weight=w
        ),
        lambda y, p, w: accuracy_score(y, retrieved(p, 1)[:, 0], sample_weight=w),
    ),
    "expected_calibration_error": (  # in one bin: how far the mean confidence is from the accuracy
        lambda y, p, w: expected_calibration_error(
            y, p, classes=CLASSES, n_bins=1, sample_weight=w
        ),
        lambda y, p, w: abs(
            np.average(p.max(axis=1), weights=w)
            - accuracy_score(codes(y), p.argmax(axis=1), sample_weight=w)
        ),
    ),
    "smooth_calibration_error": (  # the same prediction for each row is in one bin, too
        lambda y, p, w: smooth_calibration_error(y, mean_row(p), classes=CLASSES, sample_weight=w),
        lambda y, p, w: abs(
            mean_row(p)[0].max()
            - accuracy_score(codes(y), mean_row(p).argmax(axis=1), sample_weight=w)
        ),
    ),
}
WITHOUT_TWIN = {"label_propensities", "retrieval_scorer", "soft_log_loss_scorer"}


def test_every_public_metric_is_here():
    assert set(metrics.__all__) == set(PAIRS) | WITHOUT_TWIN


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("weight", WEIGHTS.values(), ids=WEIGHTS)
@pytest.mark.parametrize("y", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("name", PAIRS)
def test_values_equal_those_of_scikit_learn(name, y, weight, dtype):
    ours, theirs = PAIRS[name]
    proba = PROBA.astype(dtype)
    expected = theirs(y, proba.astype(float) / proba.astype(float).sum(1, keepdims=True), weight)
    assert ours(y, proba, weight) == pytest.approx(
        expected, rel=1e-6 if dtype == np.float32 else 1e-9
    )
    as_float32 = None if weight is None else weight.astype(np.float32)
    assert ours(y, proba, as_float32) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("n_bins", [0, -1, 2.5, True, "15"])
def test_bins_are_counted(n_bins):
    with pytest.raises(ValueError, match="n_bins must be an integer above 0; got n_bins="):
        expected_calibration_error(Y, PROBA, classes=CLASSES, n_bins=n_bins)

"""Metrics of probabilities equal their definitions, for hard and for soft labels."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss, roc_auc_score
from sklearn.naive_bayes import GaussianNB

from skdistill import SoftLabelClassifier
from skdistill.datasets import make_gaussian_classes
from skdistill.metrics import (
    brier_loss,
    expected_calibration_error,
    pairwise_disagreement,
    smooth_calibration_error,
    soft_log_loss,
    soft_log_loss_scorer,
    teacher_agreement,
)

rng = np.random.default_rng(0)
N, K = 200, 4
PROBA = rng.dirichlet(np.ones(K), size=N)
Y = np.concatenate([np.arange(K), rng.integers(K, size=N - K)])
WEIGHT = rng.random(N)
SOFT = rng.dirichlet(np.ones(K), size=N)


def test_log_loss_of_labels_is_that_of_scikit_learn():
    expected = log_loss(Y, PROBA, sample_weight=WEIGHT)
    assert soft_log_loss(Y, PROBA, sample_weight=WEIGHT) == pytest.approx(expected, rel=1e-12)
    assert soft_log_loss([0], [[0.0, 1.0]], classes=[0, 1]) == pytest.approx(
        log_loss([0], [[0.0, 1.0]], labels=[0, 1])
    )


def test_log_loss_of_soft_labels_is_the_definition():
    rows = [-sum(p * np.log(q)) for p, q in zip(SOFT, PROBA, strict=True)]
    expected = sum(w * row for w, row in zip(WEIGHT, rows, strict=True)) / WEIGHT.sum()
    assert soft_log_loss(SOFT, PROBA, sample_weight=WEIGHT) == pytest.approx(expected, rel=1e-12)
    as_csr = sparse.csr_array(SOFT)
    assert soft_log_loss(as_csr, PROBA, sample_weight=WEIGHT) == pytest.approx(expected, rel=1e-12)


def test_brier_loss():
    expected = np.mean(((np.eye(K)[Y] - PROBA) ** 2).sum(axis=1))
    assert brier_loss(Y, PROBA) == pytest.approx(expected, rel=1e-12)
    p = PROBA[:, 0]
    binary = (Y == 0).astype(int)
    twice = brier_loss(binary, np.column_stack([1 - p, p]))
    assert twice == pytest.approx(2 * brier_score_loss(binary, p), rel=1e-12)
    assert brier_loss(sparse.csr_array(SOFT), PROBA) == pytest.approx(brier_loss(SOFT, PROBA))


def test_calibration_error_is_the_definition_by_bins():
    top, confidence = PROBA.argmax(axis=1), PROBA.max(axis=1)
    expected = 0
    for low in np.arange(10) / 10:
        inside = (confidence >= low) & (confidence < low + 0.1)
        if inside.any():
            gap = np.average((top == Y)[inside] - confidence[inside], weights=WEIGHT[inside])
            expected += WEIGHT[inside].sum() / WEIGHT.sum() * abs(gap)
    got = expected_calibration_error(Y, PROBA, n_bins=10, sample_weight=WEIGHT)
    assert got == pytest.approx(expected, rel=1e-9)


def test_calibration_error_is_zero_against_own_probabilities():
    assert expected_calibration_error(PROBA, PROBA) == pytest.approx(0, abs=1e-12)
    assert expected_calibration_error([0, 1], [[1.0, 0.0], [0.0, 1.0]]) == 0


def test_agreement_of_labels_and_of_probabilities():
    assert teacher_agreement(PROBA, SOFT) == np.mean(PROBA.argmax(axis=1) == SOFT.argmax(axis=1))
    assert teacher_agreement(Y, PROBA.argmax(axis=1), sample_weight=WEIGHT) == pytest.approx(
        accuracy_score(Y, PROBA.argmax(axis=1), sample_weight=WEIGHT)
    )
    with pytest.raises(ValueError, match=r"\(200,\) and \(200, 4\)"):
        teacher_agreement(Y, PROBA)


def test_scorer_is_minus_the_loss():
    model = SoftLabelClassifier().fit(PROBA, SOFT)
    expected = -soft_log_loss(SOFT, model.predict_proba(PROBA))
    assert soft_log_loss_scorer(model, PROBA, SOFT) == expected


def test_labels_with_fewer_classes_need_the_classes_parameter():
    with pytest.raises(ValueError, match="give classes="):
        soft_log_loss([0, 1], [[0.2, 0.3, 0.5]] * 2)
    assert soft_log_loss([0, 1], [[0.2, 0.3, 0.5]] * 2, classes=[0, 1, 2]) > 0


@pytest.mark.parametrize("decimals", [8, 1])
def test_disagreement_is_the_double_sum_with_ties_half(decimals):
    scores, p = np.round(rng.normal(size=40), decimals), rng.random(40)
    weight = rng.random(40)
    wrong = total = 0.0
    for i in range(40):
        for j in range(40):
            if i != j:
                pair = weight[i] * weight[j] * p[i] * (1 - p[j])
                wrong += pair * ((scores[i] < scores[j]) + (scores[i] == scores[j]) / 2)
                total += pair
    got = pairwise_disagreement(p, scores, sample_weight=weight)
    assert got == pytest.approx(wrong / total, rel=1e-12)


def test_disagreement_of_labels_is_one_minus_the_auc():
    y, scores = (Y > 1).astype(int), np.round(PROBA[:, 0], 2)
    expected = 1 - roc_auc_score(y, scores, sample_weight=WEIGHT)
    assert pairwise_disagreement(y, scores, sample_weight=WEIGHT) == pytest.approx(expected)
    assert pairwise_disagreement([0, 1], [0.0, 1.0]) == 0
    assert pairwise_disagreement([0, 1], [1.0, 0.0]) == 1


@pytest.mark.parametrize(
    ("p", "scores", "match"),
    [
        ([0, 1], [0.0, np.nan], "1 NaN"),
        ([0, 2], [0.0, 1.0], "from 0 to 2"),
        ([1, 1], [0.0, 1.0], "No pair of the 2 rows"),
        ([[0, 1]], [0.0, 1.0], r"got \(1, 2\) and \(2,\)"),
    ],
)
def test_disagreement_of_bad_input(p, scores, match):
    with pytest.raises(ValueError, match=match):
        pairwise_disagreement(p, scores)


@pytest.mark.parametrize("target", [Y, SOFT, sparse.csr_array(SOFT)], ids=["hard", "soft", "csr"])
def test_sparse_predictions_are_scored_as_dense_ones(target):
    sharp = np.where(PROBA > 0.2, PROBA, 0)
    sharp[:, 0] += 1e-3
    sharp /= sharp.sum(axis=1, keepdims=True)
    for metric in (soft_log_loss, brier_loss, expected_calibration_error, smooth_calibration_error):
        given = {"sample_weight": WEIGHT}
        expected = metric(target, sharp, **given)
        assert metric(target, sparse.csr_array(sharp), **given) == pytest.approx(expected)


def test_full_confidence_shares_the_last_bin():
    got = expected_calibration_error([1, 0], [[1.0, 0], [0.96, 0.04]], n_bins=10)
    assert got == pytest.approx(0.48)


def test_weights_of_the_brier_loss():
    assert brier_loss([0, 1], [[1.0, 0], [0.5, 0.5]], sample_weight=[1, 3]) == pytest.approx(0.375)


def test_scorer_passes_classes_and_weights():
    X, y, P = make_gaussian_classes(150, 3, 3, random_state=0)
    m = SoftLabelClassifier(GaussianNB()).fit(X, P)
    w = np.arange(150) % 3
    few = y < 2
    assert soft_log_loss_scorer(m, X[few], y[few]) == -soft_log_loss(
        y[few], m.predict_proba(X[few]), classes=[0, 1, 2]
    )
    assert soft_log_loss_scorer(m, X, P, sample_weight=w) == -soft_log_loss(
        P, m.predict_proba(X), sample_weight=w
    )


def test_columns_in_another_order_are_aligned_or_refused():
    pd = pytest.importorskip("pandas")
    expected = soft_log_loss(["b", "a"], [[0.1, 0.9], [0.8, 0.2]], classes=["a", "b"])
    frame = pd.DataFrame([[0.9, 0.1], [0.2, 0.8]], columns=["b", "a"])
    assert soft_log_loss(["b", "a"], frame) == pytest.approx(expected)
    with pytest.raises(ValueError, match=r"classes must be sorted.*\['b', 'a'\]"):
        soft_log_loss(["b", "a"], [[0.9, 0.1], [0.2, 0.8]], classes=["b", "a"])

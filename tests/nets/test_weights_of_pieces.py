"""The weight of a row has the same effect in every batch, call and piece of the rows."""

import numpy as np
import pytest
import torch
from skorch import NeuralNetClassifier

from skdistill import SoftLabelClassifier, SoftLabels
from skdistill.datasets import make_gaussian_classes
from skdistill.nets import (
    DistillationLoss,
    LogitMatching,
    RankingNet,
    SoftCrossEntropy,
    SoftLabelNet,
)
from skdistill.nets._weights import with_mean_weight_one

X, y, P = make_gaussian_classes(60, 4, 3, random_state=0)
PAIRS, label, Q = make_gaussian_classes(60, 4, 2, random_state=0)
WEIGHT = np.where(np.arange(60) < 30, 9.0, 1.0) * np.random.default_rng(0).uniform(0.5, 1, 60)
CUTS = {
    "one piece": [],
    "halves": [30],
    "unequal": [10, 50],
    "each batch": [10, 20, 30, 40, 50],
}


def linear(n_outputs):
    torch.manual_seed(0)
    return torch.nn.Linear(4, n_outputs)


def net(cls=SoftLabelNet, **params):
    defaults = {
        "module": linear(3 if cls is SoftLabelNet else 1),
        "classes": [0, 1, 2] if cls is SoftLabelNet else [0, 1],
        "optimizer": torch.optim.SGD,
        "optimizer__momentum": 0.9,
        "lr": 0.1,
        "max_epochs": 1,
        "batch_size": 10,
        "iterator_train__shuffle": False,
    }
    return cls(**{**defaults, **params})


def coefficients(fitted):
    return fitted.module_.weight.detach().numpy()


@pytest.mark.parametrize("cuts", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize("weight", [None, WEIGHT, np.full(60, 7.0)], ids=["none", "some", "equal"])
@pytest.mark.parametrize("cls", [SoftLabelNet, RankingNet])
def test_partial_fit_in_pieces_equals_the_whole_fit(cls, weight, cuts):
    rows, targets = (X, P) if cls is SoftLabelNet else (PAIRS, Q)
    whole = net(cls).fit(rows, targets, sample_weight=weight)
    piecewise = net(cls)
    parts = np.split(np.arange(60), cuts)
    for part in parts:
        # What `fit` does by itself: the mean is that of all rows.
        of_part = None if weight is None else weight[part] / weight.mean()
        piecewise.partial_fit(rows[part], targets[part], sample_weight=of_part)
    np.testing.assert_allclose(coefficients(piecewise), coefficients(whole), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("criterion", [SoftCrossEntropy, DistillationLoss, LogitMatching])
def test_pieces_of_one_row_equal_batches_of_one_row(criterion):
    soft_labels = SoftLabels(P, y=y, sample_weight=WEIGHT / WEIGHT.mean())
    whole = net(batch_size=1, criterion=criterion).fit(X, soft_labels)
    piecewise = net(criterion=criterion)
    for row in range(60):
        piecewise.partial_fit(X[[row]], soft_labels.take([row]))
    np.testing.assert_allclose(coefficients(piecewise), coefficients(whole), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 49.0])
def test_only_ratios_matter_in_fit(scale):
    once = net().fit(X, P, sample_weight=WEIGHT)
    scaled = net().fit(X, P, sample_weight=scale * WEIGHT)
    np.testing.assert_allclose(coefficients(scaled), coefficients(once), rtol=1e-5)
    equal = net().fit(X, P, sample_weight=np.full(60, scale))
    np.testing.assert_array_equal(coefficients(equal), coefficients(net().fit(X, P)))


def test_partial_fit_learns_the_weighted_share():
    """Without features the share of a class is all there is to learn: 9 in 10 by weight."""
    fitted = net(module=linear(2), classes=[0, 1], optimizer__momentum=0.0, batch_size=-1, lr=0.02)
    rows, ones = np.zeros((30, 4)), np.ones(30)
    for _ in range(120):
        fitted.partial_fit(rows, [0] * 30, sample_weight=9 * ones)
        fitted.partial_fit(rows, [1] * 30, sample_weight=ones)
    np.testing.assert_allclose(fitted.predict_proba(rows[:1]), [[0.9, 0.1]], atol=0.02)


def test_a_weight_of_two_is_twice_the_learning_rate():
    step = {"batch_size": -1, "optimizer__momentum": 0.0}
    heavy = net(**step).partial_fit(X, P, sample_weight=np.full(60, 2.0))
    fast = net(**step, lr=0.2).partial_fit(X, P)
    np.testing.assert_allclose(coefficients(heavy), coefficients(fast), rtol=1e-5)


def test_batches_of_pairs_count_by_the_weight_of_their_rows():
    """One step for each of two batches, of which the first weighs nine times as much."""
    weight = np.repeat([1.8, 0.2], 30)
    step = {"optimizer__momentum": 0.0, "batch_size": 30}
    module = linear(1)
    fitted = net(RankingNet, module=module, **step).fit(PAIRS, Q, sample_weight=weight)
    module = linear(1)
    for part, factor in ((slice(0, 30), 1.8), (slice(30, 60), 0.2)):
        alone = net(RankingNet, module=module, lr=0.1 * factor, **step)
        alone.fit(PAIRS[part], Q[part])
    np.testing.assert_allclose(coefficients(fitted), module.weight.detach().numpy(), rtol=1e-5)


def test_the_history_has_the_weighted_mean_loss():
    fitted = net(lr=0.0).fit(X, P, sample_weight=WEIGHT)
    rows = -(P * np.log(fitted.predict_proba(X))).sum(axis=1)
    expected = np.average(rows, weights=WEIGHT)
    assert fitted.history[-1, "train_loss"] == pytest.approx(expected, rel=1e-5)
    pairs = net(RankingNet, lr=0.0).fit(PAIRS, Q, sample_weight=WEIGHT)
    losses = pairs.history[0, "batches", :, "train_loss"]
    assert pairs.history[-1, "train_loss"] == pytest.approx(np.mean(losses))


def test_nets_of_skorch_divide_weights_by_their_mean_too():
    def student():
        return NeuralNetClassifier(
            linear(3), criterion=torch.nn.CrossEntropyLoss, train_split=None, verbose=0, lr=0.1,
            max_epochs=2, iterator_train__batch_size=10,
        )  # fmt: skip

    fits = [
        SoftLabelClassifier(student()).fit(X.astype("float32"), P, sample_weight=c * WEIGHT)
        for c in (1.0, 50.0)
    ]
    once, scaled = (coefficients(each.student_) for each in fits)
    np.testing.assert_allclose(scaled, once, rtol=1e-4)


def test_a_piece_without_rows_or_weight_is_refused():
    with pytest.raises(ValueError, match="sample_weight is zero for every one of the 10 rows"):
        net().partial_fit(X[:10], P[:10], sample_weight=np.zeros(10))
    with pytest.raises(ValueError, match=r"0 sample|no rows|0 rows"):
        net().partial_fit(X[:0], P[:0])


def test_the_mean_over_all_pieces_may_be_given():
    soft_labels = SoftLabels(P, sample_weight=WEIGHT)
    whole = with_mean_weight_one(soft_labels)
    assert whole.weight.mean() == pytest.approx(1)
    part = with_mean_weight_one(soft_labels.take(slice(0, 10)), mean=WEIGHT.mean())
    np.testing.assert_allclose(part.weight, whole.weight[:10])
    assert (with_mean_weight_one(SoftLabels(P, sample_weight=np.full(60, 0.1))).weight == 1).all()
    assert soft_labels.weight is not whole.weight

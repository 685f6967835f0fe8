"""Nets that rank equal the dense double sum, work in the ranker, and reject bad input."""

import numpy as np
import pytest
import torch
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import make_scorer, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNet, NeuralNetRegressor
from skorch.callbacks import Callback, EpochScoring
from skorch.dataset import ValidSplit

from skdistill import DistilledBipartiteRanker, SoftLabels
from skdistill.datasets import make_gaussian_classes
from skdistill.nets import RankingNet
from skdistill.objectives import pairwise_loss
from skdistill.students.ranking import fit_ranker

X, y, P = make_gaussian_classes(150, 3, 2, random_state=0)
X = X.astype(np.float32)
NAMES = np.array(["bad", "good"])


class Small(torch.nn.Module):
    def __init__(self, n_outputs=1):
        super().__init__()
        torch.manual_seed(0)
        self.last = torch.nn.Linear(3, n_outputs)

    def forward(self, x):
        return self.last(x)


def net(cls=RankingNet, **params):
    defaults = {"module": Small, "max_epochs": 3, "lr": 0.1, "verbose": 0, "batch_size": -1}
    if cls is RankingNet:
        defaults["optimizer"] = torch.optim.SGD
    else:
        defaults |= {"criterion": torch.nn.MSELoss, "train_split": None}
    return cls(**{**defaults, **params})


def descend(surrogate, weight, n_steps=3):
    """Return the coefficients after gradient descent on the loss of all pairs."""
    module = Small()
    w = module.last.weight.detach().numpy().astype(float).ravel()
    for _ in range(n_steps):
        _, gradient = pairwise_loss(X @ w, P[:, 1], surrogate=surrogate, sample_weight=weight)
        w = w - 0.1 * X.T @ gradient
    return w


@pytest.mark.parametrize("surrogate", ["logistic", "exponential", "hinge", "squared_hinge"])
@pytest.mark.parametrize("cls", [RankingNet, NeuralNet, NeuralNetRegressor])
@pytest.mark.parametrize("weight", [None, np.arange(150) % 4])
def test_a_net_descends_on_all_pairs(cls, surrogate, weight):
    fitted = fit_ranker(net(cls), X, SoftLabels(P, sample_weight=weight), surrogate)
    assert type(fitted) is cls
    np.testing.assert_allclose(
        fitted.module_.last.weight.detach().numpy().ravel(), descend(surrogate, weight), rtol=1e-4
    )


@pytest.mark.parametrize("cls", [RankingNet, NeuralNetRegressor])
@pytest.mark.parametrize("alpha", [0, 1])
def test_the_ranker_scores_by_the_net(cls, alpha):
    student = make_pipeline(StandardScaler(), net(cls, batch_size=30, max_epochs=30))
    teacher = ExtraTreesClassifier(20, random_state=0)
    ranker = DistilledBipartiteRanker(teacher, student, alpha=alpha).fit(X, NAMES[y])
    assert ranker.score(X, NAMES[y]) > 0.9
    scores = ranker.student_.predict(X).ravel() + ranker.intercept_
    np.testing.assert_allclose(ranker.decision_function(X), scores, rtol=1e-6)
    assert (ranker.predict(X) == NAMES[y]).mean() > 0.75


def test_the_surrogate_is_that_of_the_ranker():
    ranker = DistilledBipartiteRanker(student=net(), surrogate="squared_hinge", alpha=0).fit(X, y)
    assert ranker.student_.criterion_.surrogate == "squared_hinge"


RARE = (np.arange(150) % 50 == 0).astype(int)  # in three of fifteen batches of ten rows
HAS_PAIR = [k for k in range(15) if 0 < RARE[10 * k : 10 * k + 10].sum() < 10]


class Counts(Callback):
    """Counts the events of batches."""

    def on_train_begin(self, net, **kwargs):
        self.n_events = {"on_batch_begin": 0, "on_grad_computed": 0, "on_batch_end": 0}

    def on_batch_begin(self, net, **kwargs):
        self.n_events["on_batch_begin"] += 1

    def on_grad_computed(self, net, **kwargs):
        self.n_events["on_grad_computed"] += 1

    def on_batch_end(self, net, **kwargs):
        self.n_events["on_batch_end"] += 1


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("cls", [RankingNet, NeuralNet, NeuralNetRegressor])
def test_batches_without_a_pair_are_passed_over(cls, decay):
    """Nothing of the optimiser moves in them: neither its momentum nor the decay of weights."""
    module = Small()
    optimizer = torch.optim.Adam(module.parameters(), lr=0.1, weight_decay=decay)
    for _ in range(3):
        losses = []
        for k in HAS_PAIR:
            part = slice(10 * k, 10 * k + 10)
            scores, labels = module(torch.as_tensor(X[part])).ravel(), torch.as_tensor(RARE[part])
            margins = scores[labels == 1][:, None] - scores[labels == 0]
            loss = torch.nn.functional.softplus(-margins).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    counts = Counts()
    params = {"optimizer": torch.optim.Adam, "optimizer__weight_decay": decay}
    student = net(
        cls, batch_size=10, iterator_train__shuffle=False, callbacks=[("counts", counts)], **params
    )
    fitted = fit_ranker(student, X, SoftLabels.from_labels(RARE))
    np.testing.assert_allclose(
        fitted.module_.last.weight.detach(), module.last.weight.detach(), rtol=1e-4
    )
    assert fitted.history[-1, "train_loss"] == pytest.approx(np.mean(losses), rel=1e-4)
    assert fitted.history[-1, "train_batch_count"] == len(HAS_PAIR)
    (counts,) = [each for _, each in fitted.callbacks_ if isinstance(each, Counts)]
    assert set(counts.n_events.values()) == {3 * len(HAS_PAIR)}


@pytest.mark.parametrize("cls", [RankingNet, NeuralNet])
def test_an_epoch_without_a_pair_is_refused(cls):
    sorted_rows = np.argsort(RARE, kind="stable")
    with pytest.raises(ValueError, match=r"No pair .* train batch .*15 of batch_size=10.*-1"):
        fit_ranker(
            net(cls, batch_size=10, iterator_train__shuffle=False),
            X[sorted_rows][:-3].repeat(2, axis=0)[:150],
            SoftLabels.from_labels((np.arange(150) >= 140).astype(int)),
        )
    with pytest.raises(ValueError, match=r"No pair .* valid batch"):
        split = ValidSplit(3)  # the first third
        fit_ranker(
            net(cls, train_split=split), X, SoftLabels.from_labels((np.arange(150) > 100) * 1)
        )


def test_validation_scores_pairs_of_true_labels():
    # By name, scikit-learn before 1.8 calls a regressor's predict_proba.
    auc = EpochScoring(make_scorer(roc_auc_score), lower_is_better=False, name="auc")
    split = ValidSplit(3, stratified=True)
    fitted = net(train_split=split, callbacks=[auc]).fit(X, SoftLabels(P, y=y))
    held_out = split(list(range(150)), y)[1].indices
    scores = fitted.predict(X[held_out])
    expected, _ = pairwise_loss(scores, y[held_out].astype(float))
    assert fitted.history[-1, "valid_loss"] == pytest.approx(expected, rel=1e-4)
    assert fitted.history[-1, "auc"] == pytest.approx(roc_auc_score(y[held_out], scores))


@pytest.mark.parametrize("cls", [RankingNet, NeuralNet])
def test_bad_input(cls):
    with pytest.raises(ValueError, match=r"one score per row.*got shape \(150, 2\)"):
        fit_ranker(net(cls, module__n_outputs=2), X, SoftLabels(P))
    three = np.column_stack([P, np.zeros(150)])
    with pytest.raises(ValueError, match="3"):
        net().fit(X, three)

"""Nets that rank labels use the NumPy objectives, work in the retriever, reject bad input."""

import pickle

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import sparse
from scipy.optimize import minimize
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNet, NeuralNetClassifier, NeuralNetRegressor
from skorch.callbacks import Callback
from skorch.dataset import Dataset, ValidSplit
from skorch.helper import predefined_split
from torch.utils.data import DataLoader

from skdistill import DistilledMulticlassRetriever
from skdistill._targets._retrieval_targets import OBJECTIVES, RetrievalTargets
from skdistill.datasets import make_gaussian_classes
from skdistill.nets import DeviceBatches, SoftLabelNet
from skdistill.nets._targets import soft_targets
from skdistill.objectives import double_distillation_loss, linear_retrieval_loss
from skdistill.students.retrieval import fit_retriever
from skdistill.students.retrieval.skorch import fit_net, scores_of_net

N_ROWS, N_FEATURES, N_LABELS = 100, 3, 10
X, y, P = make_gaussian_classes(N_ROWS, N_FEATURES, N_LABELS, random_state=0)
X = X.astype(np.float32)
NAMES = np.array(list("abcdefghij"))
EVERY_NET = pytest.mark.parametrize("cls", [SoftLabelNet, NeuralNet, NeuralNetClassifier])
EVERY_OBJECTIVE = pytest.mark.parametrize("objective", OBJECTIVES)


class Linear(torch.nn.Module):
    """A linear scorer, of which some pass on more than the scores."""

    def __init__(self, n_labels=N_LABELS, n_features=N_FEATURES, gives_more=False, softmax=False):
        super().__init__()
        torch.manual_seed(0)
        self.last = torch.nn.Linear(n_features, n_labels)
        self.gives_more, self.softmax = gives_more, softmax

    def forward(self, x):
        scores = self.last(x)
        if self.softmax:
            scores = scores.softmax(dim=1)
        return (scores, x) if self.gives_more else scores


def net(cls=SoftLabelNet, **params):
    defaults = {"module": Linear, "max_epochs": 3, "lr": 0.5, "verbose": 0, "batch_size": -1}
    defaults |= {"optimizer": torch.optim.SGD, "train_split": None}
    if cls is NeuralNet:
        defaults["criterion"] = torch.nn.CrossEntropyLoss
    return cls(**{**defaults, **params})


def targets_of(objective, *, entries=None, weight=None, multilabel=False, codes=y):
    """Return targets of the teacher P, or of its largest entries."""
    proba = P
    if entries is not None:
        proba = np.where(np.sort(P, axis=1)[:, [-entries]] <= P, P, 0)
        proba /= proba.sum(axis=1, keepdims=True)
    relevant = np.eye(N_LABELS + 1)[codes][:, :N_LABELS]
    if multilabel:
        relevant[:, 0] = 1
    positives = relevant if objective == "label_weighted" else proba
    negative_discount = {
        "double_distillation": proba,
        "label_weighted": np.maximum(relevant, proba),
        "cross_entropy": np.zeros_like(P),
    }[objective]
    weight = np.ones(N_ROWS) if weight is None else weight
    as_rows = sparse.csr_array
    return RetrievalTargets(
        as_rows(positives),
        as_rows(negative_discount),
        NAMES,
        weight,
        as_rows(relevant),
        multilabel=multilabel,
    )


def descend(targets, n_steps=3):
    """Return weights and bias after gradient descent on the loss in NumPy."""
    last = Linear().last
    weight, bias = (each.detach().numpy().astype(float) for each in (last.weight, last.bias))
    for _ in range(n_steps):
        _, gradient = linear_retrieval_loss(
            X.astype(float), weight, bias, targets.positives, targets.negative_discount,
            sample_weight=targets.weight,
        )  # fmt: skip
        weight, bias = weight - 0.5 * gradient.weight, bias - 0.5 * gradient.bias
    return weight, bias


@EVERY_OBJECTIVE
@EVERY_NET
@pytest.mark.parametrize("entries", [None, 2])
@pytest.mark.parametrize(("weight", "multilabel"), [(None, False), (np.arange(N_ROWS) % 4, True)])
def test_a_net_descends_on_the_objective(cls, objective, entries, weight, multilabel):
    targets = targets_of(objective, entries=entries, weight=weight, multilabel=multilabel)
    fitted = fit_retriever(net(cls), X, targets)
    assert type(fitted) is cls
    for found, expected in zip(fitted.module_.last.parameters(), descend(targets), strict=True):
        assert_allclose(found.detach(), expected, rtol=1e-4, atol=1e-5)


@EVERY_OBJECTIVE
@EVERY_NET
@pytest.mark.parametrize("weight", [None, np.arange(N_ROWS) % 4])
def test_data_loader_and_device_batches_fit_alike(cls, objective, weight):
    targets = targets_of(objective, entries=2, weight=weight)
    fits = [
        fit_retriever(
            net(cls, batch_size=16, iterator_train=each, iterator_train__shuffle=False), X, targets
        )
        for each in (DataLoader, DeviceBatches)
    ]
    expected, found = (fit.module_.last.weight.detach() for fit in fits)
    assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert not torch.equal(found, Linear().last.weight.detach())


def test_a_linear_net_finds_what_free_scores_find():
    proba = P[:5]
    rows = np.eye(5, dtype=np.float32)  # each row has scores of its own
    targets = targets_of("double_distillation").take(slice(5))
    student = net(
        module__n_features=5, optimizer=torch.optim.LBFGS, lr=1.0, max_epochs=10,
        optimizer__max_iter=50, optimizer__line_search_fn="strong_wolfe",
    )  # fmt: skip
    fitted = fit_retriever(student, rows, targets)
    loss, _ = double_distillation_loss(fitted.decision_function(rows), proba)

    def free(scores):
        loss, gradient = double_distillation_loss(scores.reshape(proba.shape), proba)
        return loss, gradient.ravel()

    best = minimize(free, np.zeros(proba.size), jac=True, tol=1e-10)
    start, _ = free(np.zeros(proba.size))
    assert loss - best.fun < 1e-3 * (start - best.fun)
    assert (fitted.predict(rows) == NAMES[proba.argmax(axis=1)]).all()


@EVERY_OBJECTIVE
@EVERY_NET
def test_the_retriever_scores_by_the_net(cls, objective):
    student = net(cls, optimizer=torch.optim.Adam, lr=0.05, batch_size=40, max_epochs=30)
    for each in (student, make_pipeline(StandardScaler(), student)):
        retriever = DistilledMulticlassRetriever(
            ExtraTreesClassifier(10, random_state=0), each, objective=objective, k=3, top_k=4, cv=3
        ).fit(X, NAMES[y])
        last = retriever.student_ if each is student else retriever.student_[-1]
        assert type(last) is cls
        rows = X if each is student else retriever.student_[:-1].transform(X)
        expected = last.forward(rows).numpy()
        assert_allclose(retriever.decision_function(X), expected, rtol=1e-6)
        labels, _ = retriever.retrieve(X)
        assert (labels == NAMES[np.argsort(-expected, axis=1)[:, :3]]).all()
        assert retriever.score(X, NAMES[y]) > 2 * 3 / N_LABELS


@EVERY_NET
def test_labels_that_compete_with_none_of_a_rows_own(cls):
    indicator = np.eye(N_LABELS, dtype=int)[y]
    indicator[:, 0] = 1
    student = net(cls, optimizer=torch.optim.Adam, lr=0.05, batch_size=40, max_epochs=30)
    retriever = DistilledMulticlassRetriever(
        ExtraTreesClassifier(10, random_state=0), student, k=2, cv=3
    ).fit(X, indicator)
    assert (retriever.retrieve(X, 1)[0] == 0).mean() > 0.9
    assert retriever.predict(X).shape == indicator.shape


@EVERY_NET
def test_two_labels_have_one_score(cls):
    module = {"module__n_labels": 2}
    two = y % 2
    retriever = DistilledMulticlassRetriever(student=net(cls, **module), alpha=0, k=1).fit(X, two)
    scores = retriever.student_.forward(X).numpy()
    assert_allclose(retriever.decision_function(X), scores[:, 1] - scores[:, 0], rtol=1e-5)
    assert (retriever.predict(X) == (scores[:, 1] > scores[:, 0])).all()


class Notes(Callback):
    """Write down what a callback is shown."""

    def initialize(self):
        self.labels, self.batches, self.pickled = None, [], None

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        self.labels = np.asarray(y)

    def on_batch_end(self, net, batch=None, training=False, **kwargs):
        if training:
            self.batches.append(np.asarray(batch[1]))

    def on_epoch_end(self, net, **kwargs):
        others = [each for each in net.callbacks_ if each[1] is not self]
        kept, net.callbacks_ = net.callbacks_, others
        self.pickled = pickle.loads(pickle.dumps(net))
        net.callbacks_ = kept


@EVERY_OBJECTIVE
@EVERY_NET
def test_callbacks_and_splitters_see_true_labels(cls, objective):
    notes = Notes()
    own = y if cls is not SoftLabelNet else NAMES[y]
    student = net(
        cls, callbacks=[notes], train_split=ValidSplit(2, stratified=True), batch_size=16,
        iterator_train__shuffle=False,
    )  # fmt: skip
    targets = targets_of(objective, entries=2)
    # The clone that is fitted has a clone of the callback.
    fitted = fit_retriever(student, X, targets)
    notes = next(each for _, each in fitted.callbacks_ if isinstance(each, Notes))
    assert (notes.labels == own).all()
    held_out = ValidSplit(2, stratified=True)(list(range(N_ROWS)), y)[1].indices
    trained = np.setdiff1d(np.arange(N_ROWS), held_out)
    n_trained = len(trained)
    assert (np.concatenate(notes.batches)[:n_trained] == own[trained]).all()
    assert type(notes.pickled) is cls
    expected = torch.nn.functional.cross_entropy(
        fitted.forward(X[held_out]), torch.tensor(y[held_out])
    )
    assert fitted.history[-1, "valid_loss"] == pytest.approx(expected.item(), rel=1e-4)


def test_held_out_multilabel_rows_are_scored_by_the_objective():
    targets = targets_of("label_weighted", multilabel=True)
    fitted = fit_retriever(net(train_split=ValidSplit(2)), X, targets)
    held_out = np.asarray(ValidSplit(2)(list(range(N_ROWS)), y)[1].indices)
    last = fitted.module_.last
    expected, _ = linear_retrieval_loss(
        X[held_out], last.weight.detach().numpy(), last.bias.detach().numpy(),
        targets.positives[held_out], targets.negative_discount[held_out],
    )  # fmt: skip
    assert fitted.history[-1, "valid_loss"] == pytest.approx(expected, rel=1e-4)


@EVERY_NET
def test_a_validation_set_of_ones_own_is_scored_by_its_labels(cls):
    own = NAMES[y] if cls is SoftLabelNet else y
    student = net(cls, train_split=predefined_split(Dataset(X[:30], own[:30])))
    fitted = fit_retriever(student, X, targets_of("double_distillation"))
    expected = torch.nn.functional.cross_entropy(fitted.forward(X[:30]), torch.tensor(y[:30]))
    assert fitted.history[-1, "valid_loss"] == pytest.approx(expected.item(), rel=1e-4)


@EVERY_OBJECTIVE
@pytest.mark.parametrize("entries", [2, None])
def test_entries_are_held_where_they_are_smaller(objective, entries):
    targets = targets_of(objective, entries=entries, codes=np.where(y == 1, -1, y))
    found = soft_targets(targets, sparse_rows=True).proba
    parts = [found] if objective == "cross_entropy" else list(found)
    for part, expected in zip(parts, (targets.positives, targets.negative_discount), strict=False):
        dense = part
        if entries is not None:
            assert part.indices.shape[1] <= entries + 1
            dense = torch.zeros(N_ROWS, N_LABELS).scatter_add(1, part.indices, part.proba)
        assert_allclose(dense, expected.toarray(), rtol=1e-6)


@EVERY_NET
def test_fitted_net_keeps_its_classes_without_extra_state(cls):
    fitted = fit_retriever(net(cls), X, targets_of("double_distillation"))
    if cls is not NeuralNet:
        assert (fitted.classes_ == NAMES).all()
    assert "_output_is_checked" not in vars(fitted)
    again = pickle.loads(pickle.dumps(fitted))
    assert type(again) is cls
    assert_allclose(scores_of_net(again, X), scores_of_net(fitted, X))


@EVERY_NET
def test_a_module_may_pass_on_more_than_scores(cls):
    targets = targets_of("double_distillation")
    plain, more = (
        fit_retriever(net(cls, module__gives_more=more), X, targets) for more in (False, True)
    )
    assert_allclose(scores_of_net(more, X), scores_of_net(plain, X))


@EVERY_OBJECTIVE
def test_mixed_precision_computes_the_loss_in_single(objective):
    targets = targets_of(objective, entries=2)
    plain, mixed = (fit_retriever(net(amp=amp), X, targets) for amp in (None, "bfloat16"))
    assert mixed.module_.last.weight.dtype == torch.float32
    assert_allclose(scores_of_net(mixed, X), scores_of_net(plain, X), atol=0.05)


def test_scores_are_at_least_in_single_precision():
    fitted = fit_retriever(net(NeuralNet), X, targets_of("double_distillation"))
    fitted.module_.to(torch.bfloat16)
    rows = torch.tensor(X).bfloat16()
    assert scores_of_net(fitted, rows).dtype == np.float32
    fitted.module_.to(torch.float64)
    assert scores_of_net(fitted, X.astype(float)).dtype == np.float64


def test_training_goes_on_from_where_a_net_stands():
    targets = targets_of("double_distillation")
    whole = fit_retriever(net(max_epochs=6), X, targets)
    half = fit_retriever(net(max_epochs=3, warm_start=True), X, targets)
    half.set_params(warm_start=True)
    again = fit_net(half, X, targets)
    assert_allclose(
        again.module_.last.weight.detach(), whole.module_.last.weight.detach(), rtol=1e-5
    )


@EVERY_NET
def test_bad_input(cls):
    targets = targets_of("double_distillation", entries=2)
    with pytest.raises(ValueError, match=r"one logit per class.*\(100, 11\)"):
        fit_retriever(net(cls, module__n_labels=N_LABELS + 1), X, targets)
    with pytest.raises(ValueError, match="ends in a softmax already"):
        fit_retriever(net(cls, module__softmax=True), X, targets)
    with pytest.raises(ValueError, match="loss became inf"):
        fit_retriever(net(cls, lr=1e38), X, targets)
    with pytest.raises(ValueError, match="targets for 100"):
        fit_retriever(net(cls), X[:5], targets)


def test_other_nets_are_refused():
    with pytest.raises(TypeError, match="cannot be fitted to rank labels"):
        fit_retriever(net(NeuralNetRegressor), X, targets_of("double_distillation"))
    with pytest.raises(ValueError, match=r"The net has the classes \['a', 'b'\]"):
        fit_retriever(net(classes=["a", "b"]), X, targets_of("double_distillation"))

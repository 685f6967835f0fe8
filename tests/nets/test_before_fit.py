"""Invalid parameters and rows of nets raise an error before torch or skorch fails."""

import warnings

import numpy as np
import pytest
import torch
from scipy import sparse
from skorch import NeuralNetClassifier, NeuralNetRegressor
from skorch.callbacks import (
    BatchScoring,
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    GradientNormClipping,
    LRScheduler,
    ProgressBar,
    TrainEndCheckpoint,
)
from skorch.dataset import Dataset, ValidSplit
from torch.utils.data import DataLoader, RandomSampler, TensorDataset

from skdistill import SoftLabels, fit_soft_labels
from skdistill.datasets import make_gaussian_classes
from skdistill.nets import RankingNet, SoftLabelNet
from skdistill.students.ranking import fit_ranker
from skdistill.students.retrieval import RetrievalTargets, fit_retriever

X, y, P = make_gaussian_classes(65, 4, 3, random_state=0)
X = X.astype(np.float32)
SOFT = SoftLabels(P, y=y)
TWO = SoftLabels.from_labels(y > 0)


def net(cls=SoftLabelNet, n_outputs=3, **params):
    own = {"random_state": 0, "verbose": 0, "max_epochs": 2}
    if not issubclass(cls, SoftLabelNet | RankingNet):
        own = {"verbose": 0, "train_split": None, "max_epochs": 2}
        own["criterion"] = torch.nn.CrossEntropyLoss
    module = {
        "module": torch.nn.Linear,
        "module__in_features": 4,
        "module__out_features": n_outputs,
    }
    return cls(**{**module, **own, **params})


def as_classifier(**params):
    return fit_soft_labels(net(**params), X, SOFT)


def as_net_of_skorch(**params):
    return fit_soft_labels(net(NeuralNetClassifier, **params), X, SOFT)


def as_ranker(**params):
    return fit_ranker(net(RankingNet, 1, **params), X, TWO)


def as_ranker_of_skorch(**params):
    return fit_ranker(net(NeuralNetRegressor, 1, **params), X, TWO)


def as_retriever(**params):
    return fit_retriever(net(**params), X, RetrievalTargets.of(SOFT, "label_weighted"))


WAYS = [as_classifier, as_net_of_skorch, as_ranker, as_ranker_of_skorch, as_retriever]


class Normed(torch.nn.Sequential):
    def __init__(self, in_features, out_features):
        super().__init__(torch.nn.BatchNorm1d(in_features), torch.nn.Linear(4, out_features))


# Callbacks that want rows that are held out, and what works without.
HELD_OUT = {
    "EarlyStopping": EarlyStopping(),
    "class": EarlyStopping,
    "named": ("stop", EarlyStopping(patience=2)),
    "Checkpoint": Checkpoint(),
    "plateau": LRScheduler("ReduceLROnPlateau", monitor="valid_loss"),
}
ALWAYS = {
    "train_loss": EarlyStopping(monitor="train_loss"),
    "clipping": GradientNormClipping(1.0),
    "scheduler": LRScheduler("StepLR", step_size=1),
    "plateau": LRScheduler("ReduceLROnPlateau"),
    "step": LRScheduler("CyclicLR", base_lr=0.01, max_lr=0.1, step_every="batch"),
    "bar": ProgressBar(detect_notebook=False),
}


@pytest.mark.parametrize("callback", HELD_OUT.values(), ids=HELD_OUT)
@pytest.mark.parametrize("way", WAYS)
def test_callbacks_that_monitor_rows_that_are_held_out(way, callback, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"monitor='valid_loss.*train_split=None.*ValidSplit\(5"):
        way(callbacks=[callback])
    split = ValidSplit(3, stratified=True)
    params = {"callbacks": [callback], "train_split": split, "optimizer": torch.optim.SGD}
    assert len(way(**params, batch_size=-1).history) == 2


@pytest.mark.parametrize("callback", ALWAYS.values(), ids=ALWAYS)
@pytest.mark.parametrize("way", WAYS)
def test_callbacks_that_need_no_held_out_rows(way, callback):
    assert len(way(callbacks=[callback], optimizer=torch.optim.SGD).history) == 2


def test_callbacks_that_monitor_a_score(tmp_path):
    stop = EarlyStopping(monitor="accuracy", lower_is_better=False)
    for scoring in (EpochScoring("accuracy"), BatchScoring("accuracy")):
        with pytest.raises(ValueError, match=r"monitor='accuracy'.*train_split"):
            net(callbacks=[scoring, stop]).fit(X, y)
    on_train = EpochScoring("accuracy", on_train=True, lower_is_better=False)
    best = Checkpoint(monitor="accuracy_best", dirname=tmp_path)
    fitted = net(callbacks=[on_train, stop, best, TrainEndCheckpoint(dirname=tmp_path)]).fit(X, y)
    assert len(fitted.history) == 2
    with pytest.raises(ValueError, match="monitor='valid_acc'"):
        net(callbacks=[("stop", EarlyStopping())], callbacks__stop__monitor="valid_acc").fit(X, y)
    fitted = net(callbacks=[("stop", EarlyStopping())], callbacks__stop__monitor="train_loss")
    assert len(fitted.fit(X, y).history) == 2


@pytest.mark.parametrize("way", WAYS)
def test_few_rows_are_a_batch_even_if_smaller_ones_are_dropped(way):
    if way in (as_net_of_skorch, as_ranker_of_skorch):
        with pytest.raises(ValueError, match=r"no train batch.*iterator_train__drop_last"):
            way(iterator_train__drop_last=True)
    else:
        assert len(way(iterator_train__drop_last=True).history) == 2
        with pytest.raises(ValueError, match=r"no train batch.*iterator_train__drop_last"):
            way(iterator_train__drop_last=True, iterator_train=DataLoader)


@pytest.mark.parametrize("way", WAYS)
def test_batch_normalisation_and_a_batch_of_one_row(way):
    pairs = way in (as_ranker, as_ranker_of_skorch)  # a row alone is no pair
    with pytest.raises(ValueError, match="batch_size=64.*drop_last" if not pairs else "pair"):
        way(module=Normed, batch_size=64 if not pairs else 1)
    way(module=Normed, batch_size=64, iterator_train__drop_last=True)


@pytest.mark.parametrize("way", WAYS)
def test_a_loss_that_is_not_finite_names_the_epoch(way):
    class Explode(Callback):
        def on_epoch_begin(self, net, **kwargs):
            if len(net.history) == 2:
                with torch.no_grad():
                    net.module_.weight.fill_(torch.inf)

    with pytest.raises(ValueError, match=r"train loss became nan in epoch 2, batch 1 of 1"):
        way(callbacks=[Explode()])


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"iterator_train__sampler": [0, 1, 2]}, "iterator_train__sampler=.*DataLoader"),
        ({"iterator_train__num_workers": 1}, "num_workers=1 is an option of torch's DataLoader"),
        ({"iterator_valid__collate_fn": list}, "iterator_valid__collate_fn"),
        ({"iterator_train": DataLoader, "iterator_train__sampler": [0, 1]}, "shuffle=False"),
        ({"iterator_valid__drop_last": True}, "from every prediction"),
        ({"criterion": torch.nn.CrossEntropyLoss}, "criterion=CrossEntropyLoss.*SoftCrossEntropy"),
        ({"criterion": torch.nn.NLLLoss()}, "criterion=NLLLoss"),
        ({"device": "meteor"}, "device='meteor' is not available"),
    ],
)
def test_options_of_another_iterator(params, match):
    for fit in (lambda: as_classifier(**params), lambda: net(**params).fit(X, P)):
        with pytest.raises(ValueError, match=match):
            fit()


def pad(rows_and_labels):
    rows, labels = zip(*rows_and_labels, strict=True)
    return torch.stack([torch.as_tensor(each) for each in rows]), torch.tensor(labels)


LOADER = {"iterator_train": DataLoader, "iterator_valid": DataLoader}
OPTIONS = {
    "plain": {},
    "sampler": {"iterator_train__sampler": range(65)},
    "workers": {"iterator_train__num_workers": 1},
    "collate": {"iterator_train__collate_fn": pad, "iterator_valid__collate_fn": pad},
}
ROWS = {"float32": X, "float64": X.astype(float), "csr_array": sparse.csr_array(X),
        "csr_matrix": sparse.csr_matrix(X)}  # fmt: skip


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_torch_data_loader_fits_as_device_batches_do(options, rows):
    order = {"iterator_train__shuffle": False, "batch_size": 20}
    weight = np.arange(65.0)
    expected = net(**order).fit(X, P, sample_weight=weight).predict_proba(X)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of torch, about the number of processors
        fitted = net(**order, **LOADER, **options).fit(rows, P, sample_weight=weight)
    np.testing.assert_allclose(fitted.predict_proba(rows), expected, atol=1e-5)


def test_a_random_sampler_draws_rows_with_their_targets():
    fitted = net(
        **LOADER,
        iterator_train__sampler=RandomSampler(range(65), replacement=True, num_samples=130),
        iterator_train__shuffle=False,
    ).fit(sparse.csr_array(X), P)
    assert sum(fitted.history[0, "batches", :, "train_batch_size"]) == 130


def reverse(rows_and_labels):
    return pad(rows_and_labels[::-1])


def mixed(rows_and_labels):
    rows, labels = pad(rows_and_labels)
    return (rows + rows.flip(0)) / 2, torch.nn.functional.one_hot(labels, 3) / 2


@pytest.mark.parametrize("collate_fn", [reverse, mixed])
@pytest.mark.parametrize("way", [as_classifier, as_net_of_skorch])
def test_a_collate_function_that_moves_rows_is_refused(way, collate_fn):
    with pytest.raises(ValueError, match=r"collate_fn=.* must return the labels of the rows in"):
        way(iterator_train=DataLoader, iterator_train__collate_fn=collate_fn)


def test_a_collate_function_sees_columns_of_labels():
    seen = []

    def remember(rows_and_labels):
        seen.extend(label for _, label in rows_and_labels)
        return pad(rows_and_labels)

    as_net_of_skorch(iterator_train__collate_fn=remember, batch_size=-1, max_epochs=1)
    assert seen == y.tolist()


RAGGED = [np.ones(length, np.float32) for length in (4, 4, 3)]


@pytest.mark.parametrize("rows", [RAGGED, np.array([*RAGGED, None], dtype=object)[:3]])
def test_rows_of_several_lengths_are_refused(rows):
    with pytest.raises(ValueError, match=r"row 0 has 4 entries, row 2 has 3.*Pad them"):
        net().fit(rows, [0, 1, 2])


@pytest.mark.parametrize("way", [as_net_of_skorch, as_ranker_of_skorch])
def test_rows_of_another_precision(way, monkeypatch):
    monkeypatch.setitem(globals(), "X", X.astype(np.float64))
    with pytest.raises(ValueError, match=r"torch.float64.*X.astype\(np.float32\)"):
        way()


@pytest.mark.parametrize(
    "make", [Dataset, lambda X, y: TensorDataset(*map(torch.as_tensor, (X, y)))]
)
def test_datasets_of_rows_and_labels(make):
    expected = net().fit(X, y).predict_proba(X)
    for labels in (None, y):
        fitted = net().fit(make(X, y), labels)
        np.testing.assert_array_equal(fitted.predict_proba(X), expected)
    soft = net().fit(make(X, y), P).predict_proba(X)
    np.testing.assert_array_equal(soft, net().fit(X, P).predict_proba(X))


def test_datasets_that_give_out_their_rows_only():
    class Rows(torch.utils.data.Dataset):
        def __len__(self):
            return len(X)

        def __getitem__(self, i):
            return X[i], y[i]

    with pytest.raises(TypeError, match=r"X is a Rows.*parameter `dataset`"):
        net().fit(Rows(), None)


def test_a_module_for_nll_loss_learns_by_soft_cross_entropy():
    """The remedy that the message for `criterion=NLLLoss` names: log-probabilities are logits."""

    class LogProba(torch.nn.Linear):
        def forward(self, X):
            return torch.log_softmax(super().forward(X), dim=-1)

    with pytest.raises(ValueError, match="takes the log-probabilities that a module gives to NLLL"):
        as_classifier(module=LogProba, criterion=torch.nn.NLLLoss)
    ours, plain = as_classifier(module=LogProba), as_classifier()
    np.testing.assert_allclose(ours.predict_proba(X), plain.predict_proba(X), rtol=1e-4)

"""The net equals a hand-written training loop and its limit cases, and rejects bad input."""

from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import (
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    GradientNormClipping,
    LoadInitState,
)
from skorch.dataset import Dataset, ValidSplit
from skorch.helper import predefined_split
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader

from skdistill import DistilledClassifier, SoftLabelClassifier, SoftLabels
from skdistill.datasets import make_gaussian_classes
from skdistill.nets import DistillationLoss, LogitMatching, SoftCrossEntropy, SoftLabelNet

X, y, P = make_gaussian_classes(120, 4, 3, random_state=0)
NAMES = np.array(["one", "three", "two"])


class SmallNet(torch.nn.Sequential):
    def __init__(self, hidden_units=8, n_features=4, n_classes=3, dropout=0.0):
        super().__init__(
            torch.nn.Linear(n_features, hidden_units),
            torch.nn.ReLU(),
            torch.nn.Dropout(dropout),
            torch.nn.Linear(hidden_units, n_classes),
        )


def small_net(**params):
    defaults = {"module": SmallNet, "max_epochs": 5, "lr": 0.01, "random_state": 0}
    return SoftLabelNet(**{**defaults, **params})


def weights_of(net):
    return torch.cat([each.detach().ravel() for each in net.module_.parameters()])


def test_it_is_the_loop_that_one_would_write():
    module = SmallNet()
    net = SoftLabelNet(module, iterator_train__shuffle=False, batch_size=50, max_epochs=3)
    module = torch.nn.Sequential(*[torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3)])
    module.load_state_dict(
        {name.replace("3.", "2."): value.clone() for name, value in net.module.state_dict().items()}
    )
    net.fit(X, P)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.001)
    rows, targets = torch.as_tensor(X).float(), torch.as_tensor(P).float()
    for _ in range(3):
        for start in range(0, 120, 50):
            optimizer.zero_grad()
            batch = slice(start, start + 50)
            cross_entropy(module(rows[batch]), targets[batch]).backward()
            optimizer.step()
    by_hand = torch.cat([each.detach().ravel() for each in module.parameters()])
    torch.testing.assert_close(weights_of(net), by_hand, rtol=1e-6, atol=1e-7)


def test_it_reaches_the_optimum_of_the_soft_cross_entropy():
    # With free logits, one row per one-hot input, the minimiser has the teacher's probabilities.
    rows = np.eye(4, dtype=np.float32)
    teacher = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8], [0.3, 0.3, 0.4], [0.05, 0.9, 0.05]])
    linear = torch.nn.Linear(4, 3, bias=False)
    net = SoftLabelNet(linear, lr=0.1, max_epochs=500).fit(rows, teacher)
    np.testing.assert_allclose(net.predict_proba(rows), teacher, atol=1e-3)


@pytest.mark.parametrize("labels", [np.array([0, 1, 2]), np.array([7, -1, 3]), NAMES])
def test_one_hot_probabilities_are_ordinary_labels_of_any_type(labels):
    own = labels[y]
    net = small_net().fit(X, own)
    on_rows = small_net(classes=labels).fit(X, np.eye(3)[y])
    torch.testing.assert_close(weights_of(net), weights_of(on_rows), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(net.classes_, np.sort(labels))
    assert net.predict(X).dtype == own.dtype
    longer = small_net(max_epochs=40).fit(X, own)
    assert longer.score(X, own) > 0.8


def test_sparse_soft_labels_learn_what_dense_ones_do():
    top = SoftLabels(P).truncate_top_k(2)
    many = np.zeros((120, 30))
    many[:, :3] = top.proba.toarray()
    nets = [
        small_net(module__n_classes=30).fit(X, proba)
        for proba in (many, sparse.csr_array(many), SoftLabels(sparse.csr_array(many)))
    ]
    for other in nets[1:]:
        torch.testing.assert_close(weights_of(nets[0]), weights_of(other), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("iterator", [None, DataLoader])
def test_weights_count_as_repetitions_in_a_full_batch(iterator):
    options = {} if iterator is None else {"iterator_train": iterator}
    weight = np.random.default_rng(0).integers(0, 4, 120)
    rows = np.repeat(np.arange(120), weight)
    weighed = small_net(batch_size=-1, **options).fit(X, P, sample_weight=weight)
    repeated = small_net(batch_size=-1, **options).fit(X[rows], P[rows])
    torch.testing.assert_close(weights_of(weighed), weights_of(repeated), rtol=1e-3, atol=1e-4)
    plain = small_net(batch_size=-1, **options).fit(X, P)
    assert not torch.allclose(weights_of(weighed), weights_of(plain), atol=1e-3)


@pytest.mark.parametrize("iterator", [{}, {"iterator_train": DataLoader}])
def test_hinton_loss_mixes_in_known_true_labels(iterator):
    soft_labels = SoftLabels(P, y=y)
    options = {"batch_size": -1, "iterator_train__shuffle": False, **iterator}
    hinton = {"criterion": DistillationLoss, "criterion__temperature": 1.0}
    mixed = small_net(criterion__alpha=0.3, **hinton, **options).fit(X, soft_labels)
    before = small_net(**options).fit(X, soft_labels.mix_with_labels(0.3))
    torch.testing.assert_close(weights_of(mixed), weights_of(before), rtol=1e-4, atol=1e-5)
    # Of rows without a true label the soft part is left, and weighs alpha.
    half = SoftLabels(P[:60], y=y[:60]).append(SoftLabels(P[60:]))
    mixed = small_net(criterion__alpha=0.3, **hinton, **options).fit(X, half)
    rows = torch.as_tensor(X).float()
    module = SmallNet()
    module.load_state_dict(small_net().fit(X, P).module_.state_dict())
    logits = module(rows)
    known = DistillationLoss(1.0, 0.3)(
        logits[:60], torch.as_tensor(P[:60]), torch.as_tensor(y[:60])
    )
    unknown = 0.3 * cross_entropy(logits[60:], torch.as_tensor(P[60:]).float())
    net = small_net(criterion__alpha=0.3, **hinton, **options).initialize()
    net.module_.load_state_dict(module.state_dict())
    net.partial_fit(X, half)
    expected = (known + unknown).item() / 2
    assert net.history[0, "train_loss"] == pytest.approx(expected, rel=1e-5)


def test_each_criterion_learns_from_a_distilled_teacher():
    for criterion in (SoftCrossEntropy, DistillationLoss, LogitMatching):
        net = small_net(criterion=criterion, max_epochs=40, lr=0.02)
        model = DistilledClassifier(ExtraTreesClassifier(30, random_state=0), net, cv=3, alpha=1.0)
        assert model.fit(X, NAMES[y]).score(X, NAMES[y]) > 0.8, criterion


def test_alpha_zero_is_ordinary_training():
    distilled = DistilledClassifier(student=small_net(), alpha=0).fit(X, NAMES[y])
    alone = small_net().fit(X, NAMES[y])
    torch.testing.assert_close(weights_of(distilled.student_), weights_of(alone), rtol=0, atol=0)


# Reproducibility


@pytest.mark.parametrize("seed", [0, np.random.RandomState(3)])
def test_random_state_is_reproducible_and_keeps_global_rng(seed):
    state = torch.random.get_rng_state()
    nets = [
        small_net(module__dropout=0.5, random_state=each).fit(X, P)
        for each in (seed, np.random.RandomState(3) if seed else 0)
    ]
    torch.testing.assert_close(weights_of(nets[0]), weights_of(nets[1]), rtol=0, atol=0)
    assert (torch.random.get_rng_state() == state).all()


def test_each_epoch_has_an_order_of_its_own():
    class Orders(Callback):
        def on_batch_begin(self, net, batch, **kwargs):
            orders.append(batch[0][:, 0].tolist())

    orders = []
    small_net(batch_size=-1, max_epochs=2, callbacks=[Orders()]).fit(X, P)
    assert orders[0] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1])


def test_without_a_seed_torchs_own_generator_decides():
    nets = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        nets.append(weights_of(small_net(random_state=None).fit(X, P)))
    torch.testing.assert_close(nets[0], nets[1], rtol=0, atol=0)
    assert not torch.equal(nets[0], nets[2])


def test_distilled_classifier_seeds_the_net():
    fits = [
        DistilledClassifier(student=small_net(random_state=None), random_state=5, alpha=1.0).fit(
            X, y
        )
        for _ in range(2)
    ]
    np.testing.assert_array_equal(fits[0].predict_proba(X), fits[1].predict_proba(X))


# Long training


def test_fit_resumed_from_checkpoint_equals_uninterrupted_fit(tmp_path):
    def net(**params):
        return small_net(module__dropout=0.5, max_epochs=6, batch_size=32, **params)

    class Crash(Callback):
        def on_epoch_begin(self, net, **kwargs):
            if len(net.history) == 4:
                raise RuntimeError("power cut")

    whole = net().fit(X, P)
    every_epoch = Checkpoint(monitor=None, dirname=tmp_path)
    with pytest.raises(RuntimeError, match="power cut"):
        net(callbacks=[every_epoch, Crash()]).fit(X, P)
    again = net(callbacks=[every_epoch, LoadInitState(every_epoch)]).fit(X, P)
    assert len(again.history) == 6
    torch.testing.assert_close(weights_of(again), weights_of(whole), rtol=0, atol=0)
    assert again.history[:, "train_loss"] == whole.history[:, "train_loss"]


def test_ctrl_c_leaves_a_net_that_predicts():
    class CtrlC(Callback):
        def on_batch_end(self, net, training, **kwargs):
            if len(net.history) == 3:
                raise KeyboardInterrupt

    net = small_net(batch_size=32, callbacks=[CtrlC()]).fit(X, P)
    assert len(net.history) == 3
    assert isinstance(net.history[-1, "batches", 0, "train_loss"], float)
    assert net.predict(X).shape == y.shape


def test_partial_fit_and_warm_start_go_on():
    twice = small_net(max_epochs=2).partial_fit(X, P).partial_fit(X, P)
    warm = small_net(max_epochs=2, warm_start=True).fit(X, P).fit(X, P)
    once = small_net(max_epochs=4).fit(X, P)
    assert len(twice.history) == len(warm.history) == 4
    for each in (twice, warm):
        torch.testing.assert_close(weights_of(each), weights_of(once), rtol=0, atol=0)


def test_partial_fit_takes_batches_that_lack_a_class():
    net = small_net(classes=NAMES).partial_fit(X[y == 0], NAMES[y[y == 0]])
    net.partial_fit(X[y > 0], NAMES[y[y > 0]])
    assert set(net.predict(X)) <= set(NAMES)
    with pytest.raises(ValueError, match="four"):
        net.partial_fit(X, np.where(y == 0, "four", NAMES[y]))


def test_a_second_fit_may_have_other_classes():
    net = small_net().fit(X, y)
    assert (net.fit(X, NAMES[y]).classes_ == NAMES).all()


def test_validation_is_scored_by_true_labels_of_real_rows():
    split = ValidSplit(4, stratified=True)
    net = small_net(train_split=split, iterator_train__shuffle=False).fit(
        X, SoftLabels(P, NAMES, y=NAMES[y])
    )
    held_out = split(list(range(120)), NAMES[y])[1].indices
    proba = net.predict_proba(X[held_out])
    expected = log_loss(y[held_out], proba, labels=[0, 1, 2])
    assert net.history[-1, "valid_loss"] == pytest.approx(expected, rel=1e-4)
    accuracy = net.score(X[held_out], NAMES[y[held_out]])
    assert net.history[-1, "valid_acc"] == pytest.approx(accuracy)


def test_validation_loss_is_independent_of_training_weights():
    split = ValidSplit(2)
    weight = np.r_[np.full(60, 5.0), np.full(60, 0.1)]
    net = small_net(train_split=split).fit(X, SoftLabels(P, y=y, sample_weight=weight))
    expected = log_loss(y[:60], net.predict_proba(X[:60]), labels=[0, 1, 2])
    assert net.history[-1, "valid_loss"] == pytest.approx(expected, rel=1e-4)


def test_unlabelled_rows_are_trained_on_but_never_scored():
    seen = []

    class Sizes(Callback):
        def on_epoch_begin(self, net, dataset_train, dataset_valid, **kwargs):
            seen.append((len(dataset_train), len(dataset_valid)))

    soft_labels = SoftLabels(P[:80], y=y[:80]).append(SoftLabels(P[80:]))
    split = ValidSplit(2)  # holds out the first half
    small_net(train_split=split, callbacks=[Sizes()], max_epochs=1).fit(X, soft_labels)
    assert seen == [(60, 60)]
    soft_labels = SoftLabels(P[:40]).append(SoftLabels(P[40:], y=y[40:]))
    small_net(train_split=split, callbacks=[Sizes()], max_epochs=1).fit(X, soft_labels)
    assert seen[1] == (100, 20)
    small_net(train_split=split, callbacks=[Sizes()], max_epochs=1).fit(X, P)
    assert seen[2] == (60, 60)  # no true labels are better than the soft labels


def test_callbacks_see_labels_and_losses():
    seen = []

    class Looks(Callback):
        def on_train_begin(self, net, X, y, **kwargs):
            seen.append(np.asarray(y))

        def on_batch_end(self, net, batch, training, **kwargs):
            seen.append(batch[1])
            assert float(net.history[-1, "batches", -1, "train_loss"]) > 0

    accuracy = EpochScoring("accuracy", on_train=True, name="train_acc", lower_is_better=False)
    loss = EpochScoring("neg_log_loss", on_train=True, name="train_ll", lower_is_better=False)
    net = small_net(
        callbacks=[Looks(), accuracy, loss], max_epochs=1, iterator_train__shuffle=False
    )
    net.fit(X, SoftLabels(P, NAMES, y=NAMES[y]))
    assert (seen[0] == NAMES[y]).all()
    assert (seen[1] == NAMES[y]).all()
    assert 0 <= net.history[-1, "train_acc"] <= 1
    assert net.history[-1, "train_ll"] < 0


def test_early_stopping_and_the_best_checkpoint():
    net = small_net(
        max_epochs=200,
        lr=0.1,
        train_split=ValidSplit(3, stratified=True),
        callbacks=[EarlyStopping(patience=3, load_best=True)],
    ).fit(X, SoftLabels(P, y=y))
    table = pd.DataFrame(list(net.history))
    assert 3 < len(table) < 200
    held_out = ValidSplit(3, stratified=True)(list(range(120)), y)[1].indices
    best = log_loss(y[held_out], net.predict_proba(X[held_out]), labels=[0, 1, 2])
    assert best == pytest.approx(table.valid_loss.min(), rel=1e-4)


# Rows of other kinds


def test_images_dataframes_tensors_and_sparse_rows():
    digits, labels = load_digits(return_X_y=True)
    images = digits[:200].reshape(-1, 1, 8, 8)
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
    expected = small_net(module=deepcopy(module)).fit(images, labels[:200]).predict_proba(images)
    for rows in (
        digits[:200],
        digits[:200].astype(int),
        pd.DataFrame(digits[:200]),
        sparse.csr_array(digits[:200]),
        sparse.coo_array(digits[:200]),
        torch.as_tensor(digits[:200]),
        digits[:200][:, ::-1][:, ::-1],
    ):
        net = small_net(module=deepcopy(module)).fit(rows, labels[:200])
        np.testing.assert_allclose(net.predict_proba(rows), expected, rtol=1e-4, atol=1e-6)


def test_named_inputs_and_embeddings():
    class Two(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.word = torch.nn.Embedding(5, 4)
            self.last = torch.nn.Linear(8, 3)

        def forward(self, word, numbers):
            return self.last(torch.cat([self.word(word), numbers], dim=1))

    rows = {"word": np.arange(120) % 5, "numbers": X}
    net = small_net(module=Two).fit(rows, P)
    assert net.predict_proba(rows).shape == (120, 3)
    words = torch.nn.Sequential(torch.nn.Embedding(5, 3), torch.nn.Flatten())
    assert (
        small_net(module=words).fit(np.arange(120)[:, None] % 5, P).predict_proba([[1]]).size == 3
    )


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_it_computes_in_the_precision_of_the_module(dtype):
    net = small_net(module=SmallNet().to(dtype)).fit(X, P)
    assert net.predict_proba(X).dtype == str(dtype).removeprefix("torch.")


@pytest.mark.parametrize("amp", ["bfloat16", "float16"])
def test_mixed_precision_learns_nearly_the_same(amp):
    exact = small_net(max_epochs=20).fit(X, P)
    mixed = small_net(max_epochs=20, amp=amp).fit(X, P)
    assert mixed.module_[0].weight.dtype is torch.float32
    assert mixed.predict_proba(X).dtype == np.float32
    np.testing.assert_allclose(mixed.predict_proba(X), exact.predict_proba(X), atol=0.02)
    assert not np.array_equal(mixed.predict_proba(X), exact.predict_proba(X))


# Inside scikit-learn


def test_grid_search_in_a_pipeline_behind_a_scaler():
    student = small_net(max_epochs=3)
    model = DistilledClassifier(ExtraTreesClassifier(10, random_state=0), student, cv=2, alpha=1.0)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), model),
        {
            "distilledclassifier__student__lr": [1e-4, 0.05],
            "distilledclassifier__student__module__hidden_units": [4, 16],
        },
        cv=2,
    ).fit(X, NAMES[y])
    assert search.best_params_["distilledclassifier__student__lr"] == 0.05
    assert search.score(X, NAMES[y]) > 0.7


def test_a_net_is_a_teacher_cross_fitted_or_frozen():
    net = small_net(max_epochs=30, lr=0.02)
    model = DistilledClassifier(net, cv=3, alpha=1.0).fit(X, NAMES[y])
    assert model.teacher_scores_["raw"]["accuracy"] > 0.7
    frozen = FrozenEstimator(net.fit(X, NAMES[y]))
    assert DistilledClassifier(frozen, alpha=1.0).fit(X, NAMES[y]).score(X, NAMES[y]) > 0.8


def test_wrapped_pretrained_module_serves_as_teacher():
    module = small_net(max_epochs=30, lr=0.02).fit(X, y).module_
    wrapped = SoftLabelNet(module, classes=NAMES, batch_size=7).initialize()
    sizes = []
    module.register_forward_hook(lambda _, args, output: sizes.append(len(args[0])))
    model = DistilledClassifier(FrozenEstimator(wrapped), alpha=1.0).fit(X, NAMES[y])
    assert max(sizes) == 7
    assert model.score(X, NAMES[y]) > 0.8


def test_further_training_needs_classes_in_output_order():
    wrapped = SoftLabelNet(SmallNet, classes=["two", "one", "three"]).initialize()
    with pytest.raises(ValueError, match="Sort the classes, and the module's outputs alike"):
        wrapped.partial_fit(X, NAMES[y])
    too_wide = SoftLabelNet(SmallNet, classes=["a", "b"]).initialize()
    with pytest.raises(ValueError, match=r"one logit per class, shape \(n_samples, 2\)"):
        too_wide.predict(X)
    warm = small_net(warm_start=True).initialize().fit(X, y)
    assert len(warm.history) == 5


def test_predicting_in_a_callback_keeps_training_mode():
    class Predicts(Callback):
        def on_batch_end(self, net, training, **kwargs):
            net.predict(X[:2])
            modes.append(training)

    class Modes(SmallNet):
        def forward(self, x):
            if torch.is_grad_enabled():
                modes.append(self.training)
            return super().forward(x)

    modes = []
    small_net(module=Modes, batch_size=30, max_epochs=1, callbacks=[Predicts()]).fit(X, P)
    assert modes == [True] * 8


def test_a_wrapped_module_that_ends_in_a_softmax_is_noticed():
    softmax = torch.nn.Sequential(SmallNet(), torch.nn.Softmax(dim=1))
    wrapped = SoftLabelNet(softmax, classes=range(3)).initialize()
    with pytest.raises(ValueError, match="ends in a softmax already"):
        wrapped.predict_proba(X)
    half = SoftLabelNet(softmax, classes=range(3), amp="bfloat16", max_epochs=1)
    with pytest.raises(ValueError, match="ends in a softmax already"):
        half.fit(X, P)


def test_linear_outputs_that_sum_to_one_are_taken_as_logits():
    class Centred(SmallNet):
        def forward(self, x):
            logits = super().forward(x)
            return logits - logits.mean(dim=1, keepdim=True) + 1 / 3

    assert small_net(module=Centred).fit(X, P).predict_proba(X).shape == (120, 3)


def test_fit_then_partial_fit_trains_twice_as_long():
    net = small_net(max_epochs=2).fit(X, P).partial_fit(X, P)
    assert len(net.history) == 4


def test_initialising_is_seeded_too():
    nets = [small_net(module__dropout=0.1).initialize() for _ in range(2)]
    torch.testing.assert_close(weights_of(nets[0]), weights_of(nets[1]), rtol=0, atol=0)
    fitted = [small_net(random_state=np.random.RandomState(0)).fit(X, P) for _ in range(2)]
    torch.testing.assert_close(weights_of(fitted[0]), weights_of(fitted[1]), rtol=0, atol=0)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_the_reduction_of_a_criterion_is_kept(reduction):
    weight = np.arange(1, 121)
    net = small_net(criterion__reduction=reduction, batch_size=-1, max_epochs=1)
    weighed = net.fit(X, P, sample_weight=weight)
    assert weighed.criterion_.reduction == reduction
    module = small_net().initialize().module_
    rows = cross_entropy(module(torch.as_tensor(X).float()), torch.as_tensor(P).float(),
                         reduction="none") * torch.as_tensor(weight / weight.mean())  # fmt: skip
    expected = rows.sum() if reduction == "sum" else rows.mean()
    assert weighed.history[0, "train_loss"] == pytest.approx(expected.item(), rel=1e-4)


def test_float16_shows_callbacks_the_true_gradients():
    clipping = GradientNormClipping(1e-3)
    before = weights_of(small_net().initialize())
    net = small_net(
        amp="float16", optimizer=torch.optim.SGD, lr=1.0, max_epochs=1, batch_size=-1,
        callbacks=[clipping],
    ).fit(X, P)  # fmt: skip
    step = (weights_of(net) - before).norm().item()
    assert 0 < step <= 1.01e-3


def test_a_validation_set_that_lacks_a_class_keeps_its_columns():
    others = Dataset(X[y > 0], NAMES[y[y > 0]])
    net = small_net(train_split=predefined_split(others)).fit(X, SoftLabels(P, NAMES, y=NAMES[y]))
    expected = log_loss(y[y > 0], net.predict_proba(X[y > 0]), labels=[0, 1, 2])
    assert net.history[-1, "valid_loss"] == pytest.approx(expected, rel=1e-4)


def test_sparse_soft_labels_are_validated_by_true_labels():
    many = sparse.csr_array(np.pad(P, ((0, 0), (0, 27))))
    net = small_net(module__n_classes=30, train_split=ValidSplit(2)).fit(X, SoftLabels(many, y=y))
    expected = log_loss(y[:60], net.predict_proba(X[:60]), labels=range(30))
    assert net.history[-1, "valid_loss"] == pytest.approx(expected, rel=1e-4)


def test_training_mode_is_set_on_every_module_of_a_net():
    class Noisy(SoftLabelNet):
        def initialize_module(self):
            super().initialize_module()
            self.noise_ = torch.nn.Dropout(0.5)
            return self

        def infer(self, x, **params):
            modes.append(self.noise_.training)
            return super().infer(self.noise_(x), **params)

    modes = []
    split = ValidSplit(2)
    Noisy(SmallNet, train_split=split, max_epochs=2).fit(X, SoftLabels(P, y=y))
    assert modes == [True, False, True, False]


def test_soft_label_classifier_with_sparse_X_and_string_labels():
    model = SoftLabelClassifier(small_net(), classes=NAMES)
    model.fit(sparse.csr_array(X), P)
    np.testing.assert_array_equal(model.predict(X), NAMES[model.predict_proba(X).argmax(axis=1)])
    assert model.decision_function(X).shape == (120, 3)


# Bad input


def bad(match, error=ValueError, **params):
    rows, targets = params.pop("X", X), params.pop("y", P)
    with pytest.raises(error, match=match):
        small_net(**params).fit(rows, targets)


def test_a_module_of_the_wrong_width():
    bad(r"one logit per class, shape \(n_samples, 3\); got shape \(120, 5\)",
        module__n_classes=5)  # fmt: skip


def test_a_module_that_ends_in_a_softmax():
    softmax = torch.nn.Sequential(SmallNet(), torch.nn.Softmax(dim=1))
    bad("ends in a softmax already", module=softmax)


def test_rows_that_the_module_cannot_take():
    bad(r"cannot take a batch of X, of shape \(120, 3\) and torch.float32", X=X[:, :3])
    bad("could not convert string", X=np.full((120, 4), "a"))
    bad("NaN", X=np.where(X > 2, np.nan, X))
    bad("1D array", X=X[:, 0])
    net = small_net().fit(X, P)
    with pytest.raises(ValueError, match="X has 3 features, but SoftLabelNet is expecting 4"):
        net.predict(X[:, :3])


def test_non_finite_loss_error_gives_epoch_and_cause():
    bad(r"train loss became (nan|inf) in epoch 1, batch \d+ of 4\. .*lr=1e\+30",
        lr=1e30, batch_size=30, optimizer=torch.optim.SGD)  # fmt: skip


def test_a_device_that_is_not_there():
    missing = "cuda:7" if torch.cuda.device_count() < 8 else "mps"
    bad(f"device='{missing}' is not available.*Available here: cpu", device=missing)
    bad("device='gpu' is not available", device="gpu")


def test_an_unknown_precision():
    bad('amp must be None, "bfloat16" or "float16"; got amp=True', amp=True)


def test_memory_that_runs_out():
    class Large(SmallNet):
        def forward(self, x):
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")

    bad("batches of 16 rows.*Lower\nbatch_size".replace("\n", " "), MemoryError,
        module=Large, batch_size=16)  # fmt: skip


def test_weights_that_no_row_has_and_criteria_that_have_no_rows():
    with pytest.raises(ValueError, match="zero for every one of the 120 rows"):
        small_net().fit(X, P, sample_weight=np.zeros(120))
    with pytest.raises(ValueError, match="zero for every one of the 120 rows"):
        small_net().partial_fit(X, P, sample_weight=np.zeros(120))

    class NoRows(torch.nn.Module):
        def forward(self, logits, proba, y):
            return cross_entropy(logits, proba)

    small_net(criterion=NoRows).fit(X, P)
    with pytest.raises(ValueError, match="cannot return one loss per row"):
        small_net(criterion=NoRows).fit(X, P, sample_weight=np.arange(120))


def test_classes_that_contradict_each_other():
    with pytest.raises(ValueError, match="The net has the classes"):
        small_net(classes=["a", "b", "c"]).fit(X, SoftLabels(P, NAMES))


def test_an_error_that_is_no_shortage_stays_as_it_is():
    class Broken(SoftCrossEntropy):
        def forward(self, *args):
            raise RuntimeError("out of order")

    bad("^out of order$", RuntimeError, criterion=Broken)


def test_classes_are_not_known_before_the_fit():
    with pytest.raises(AttributeError, match="knows its classes once it is fitted"):
        _ = small_net().classes_
    assert small_net(classes=["b", "a"]).classes_.tolist() == ["b", "a"]


def test_another_nonlinearity_is_skorchs_own():
    net = small_net().fit(X, P)
    halves = small_net(predict_nonlinearity=lambda logits: logits / 2).fit(X, P)
    np.testing.assert_allclose(halves.predict_proba(X), net.forward(X).numpy() / 2, rtol=1e-6)


def test_error_for_unsupported_named_inputs_describes_them():
    class Wants(SmallNet):
        def forward(self, left, right):
            return super().forward(left.long())

    inputs = {"left": X.astype(np.float32), "right": X.astype(np.float32)}
    with pytest.raises(ValueError, match=r"'left' of shape \(.*'right' of shape"):
        small_net(module=Wants).fit(inputs, P)

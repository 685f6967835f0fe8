"""One pass over the partitions is one epoch for every callback, or the callback is rejected."""

import inspect

import numpy as np
import pytest
from partitioned import in_partitions
from sklearn.ensemble import ExtraTreesClassifier

from skdistill import DistilledClassifier
from skdistill.datasets import make_gaussian_classes

torch = pytest.importorskip("torch")

import skorch.callbacks  # noqa: E402
from skorch.callbacks import Callback, EarlyStopping, EpochScoring, LRScheduler  # noqa: E402
from skorch.dataset import Dataset, ValidSplit  # noqa: E402
from skorch.helper import predefined_split  # noqa: E402

from skdistill.nets import SoftLabelNet  # noqa: E402


class UnusedTeacher(ExtraTreesClassifier):
    def fit(self, *args, **kwargs):
        raise AssertionError("the teacher was fitted")


@pytest.fixture
def problem():
    X, y, p = make_gaussian_classes(n_samples=240, n_features=3, n_classes=3, random_state=0)
    return X.astype(np.float32), p, y


def make_net(**options):
    options = {"max_epochs": 4, "lr": 0.02, "batch_size": 20, "random_state": 0, **options}
    options = {"module": torch.nn.Linear, "module__in_features": 3, **options}
    return SoftLabelNet(module__out_features=3, **options)


def fit_both(net, problem, n_partitions, weight=None):
    """Return a net fitted over partitions, and one fitted in memory."""
    X, P, y = problem
    weights = [] if weight is None else [weight]
    dX, dP, dy, *dw = in_partitions(n_partitions, X, P, y, *weights)
    model = DistilledClassifier(student=net, alpha=1.0, teacher_temperature=1.0)
    ours = model.fit(dX, dy, *dw, teacher_proba=dP).student_
    return ours, model.fit(X, y, *weights, teacher_proba=P).student_


def weights_of(net):
    return [each.detach().numpy() for each in net.module_.parameters()]


def assert_same_weights(ours, theirs, **tolerance):
    for mine, other in zip(weights_of(ours), weights_of(theirs), strict=True):
        np.testing.assert_allclose(mine, other, **tolerance)


@pytest.mark.parametrize("weighted", [False, True])
def test_one_partition_is_all_rows_in_memory(problem, weighted):
    weight = np.where(np.arange(240) < 120, 10.0, 1.0) if weighted else None
    ours, theirs = fit_both(make_net(), problem, 1, weight)
    assert_same_weights(ours, theirs, rtol=1e-6)
    for name in ("train_loss", "train_batch_count", "epoch"):
        np.testing.assert_allclose(ours.history[:, name], theirs.history[:, name], rtol=1e-6)


@pytest.mark.parametrize("n_partitions", [2, 3, 12])
@pytest.mark.parametrize("weighted", [False, True])
def test_rows_in_order_are_learnt_as_in_memory(problem, n_partitions, weighted):
    """Partitions of whole batches, which nothing shuffles: the same steps in the same order."""
    weight = np.where(np.arange(240) < 80, 10.0, 1.0) if weighted else None
    schedule = LRScheduler("ExponentialLR", gamma=0.7)
    net = make_net(iterator_train__shuffle=False, callbacks=[schedule])
    ours, theirs = fit_both(net, problem, n_partitions, weight)
    assert_same_weights(ours, theirs, rtol=1e-5, atol=1e-7)
    for name in ("train_loss", "event_lr", "train_batch_count"):
        np.testing.assert_allclose(ours.history[:, name], theirs.history[:, name], rtol=1e-5)


@pytest.mark.parametrize("n_partitions", [1, 2, 7])
@pytest.mark.parametrize(
    "policy",
    [
        {"policy": "ExponentialLR", "gamma": 0.7},
        {"policy": "StepLR", "step_size": 2},
        {"policy": "CosineAnnealingLR", "T_max": 4},
        {"policy": "WarmRestartLR"},
    ],
    ids=lambda policy: policy["policy"],
)
def test_a_schedule_steps_once_for_each_pass(problem, n_partitions, policy):
    net = make_net(callbacks=[LRScheduler(**policy)])
    ours, theirs = fit_both(net, problem, n_partitions)
    assert len(ours.history) == 4
    assert ours.history[:, "event_lr"] == theirs.history[:, "event_lr"]
    group, expected = (net.optimizer_.param_groups[0]["lr"] for net in (ours, theirs))
    assert group == expected


@pytest.mark.parametrize("n_partitions", [1, 7])
def test_early_stopping_stops(problem, n_partitions):
    X, P, y = problem
    held_out = predefined_split(Dataset(X[:60], y[:60]))
    for options in (
        {"train_split": held_out, "callbacks": [EarlyStopping(patience=2, load_best=True)]},
        {"callbacks": [EarlyStopping("train_loss", patience=2, threshold=0.01)]},
        {"train_split": held_out, "callbacks": [LRScheduler("ReduceLROnPlateau", patience=1)]},
    ):
        net = make_net(max_epochs=30, lr=0.2, **options)
        ours, theirs = fit_both(net, (X[60:], P[60:], y[60:]), n_partitions)
        if n_partitions == 1:
            np.testing.assert_array_equal(ours.history[:, "epoch"], theirs.history[:, "epoch"])
            assert_same_weights(ours, theirs, rtol=1e-5)
        stopping = isinstance(options["callbacks"][0], EarlyStopping)
        assert (len(ours.history) < 30) == stopping
        if "train_split" in options:
            assert set(theirs.history[-1]) == set(ours.history[-1])  # valid_acc among them
            assert ours.history[-1, "valid_loss"] < 1.0


class Counts(Callback):
    """Note the events that happen, with the number of batches or epochs."""

    seen = []  # noqa: RUF012 - of the class: estimators are cloned with their callbacks

    def on_train_begin(self, net, X, y, **kwargs):
        self.seen.append(("train begins", X.shape[1]))

    def on_epoch_begin(self, net, **kwargs):
        self.seen.append(("epoch begins", len(net.history)))

    def on_epoch_end(self, net, dataset_train, dataset_valid, **kwargs):
        assert dataset_train is None and dataset_valid is None
        self.seen.append(("epoch ends", net.history[-1, "train_batch_count"]))

    def on_train_end(self, net, **kwargs):
        self.seen.append(("train ends", len(net.history)))


def test_user_callbacks_are_called_in_each_pass(problem):
    Counts.seen.clear()
    X, P, y = problem
    dX, dP, dy = in_partitions(4, X, P, y)
    net = make_net(max_epochs=2, callbacks=[Counts])
    DistilledClassifier(student=net, alpha=1.0, teacher_temperature=1.0).fit(
        dX, dy, teacher_proba=dP
    )
    assert Counts.seen == [
        ("train begins", 3),
        ("epoch begins", 1), ("epoch ends", 12),
        ("epoch begins", 2), ("epoch ends", 12),
        ("train ends", 2),
    ]  # fmt: skip
    net = make_net(max_epochs=2, callbacks="disable")
    DistilledClassifier(student=net, alpha=1.0, teacher_temperature=1.0).fit(
        dX, dy, teacher_proba=dP
    )
    assert len(Counts.seen) == 6


class Anything:
    """Stand in for what the loggers of callbacks write to."""

    def __getattr__(self, name):
        if name.startswith("__") or name == "get_params":
            raise AttributeError(name)
        return lambda *args, **kwargs: self

    def __setitem__(self, name, value):
        pass


def callbacks_of_skorch(folder):
    """Return an instance of each callback that skorch has, by its name."""
    writers = {"writer", "run", "wandb_run", "experiment", "client"}
    special = {
        "BatchScoring": {"scoring": accuracy_of_batch, "name": "of_batch", "on_train": True},
        "Checkpoint": {"monitor": "train_loss_best", "dirname": str(folder)},
        "EarlyStopping": {"monitor": "train_loss"},
        "EpochScoring": {"scoring": "accuracy"},
        "Freezer": {"patterns": "bias"},
        "GradientNormClipping": {"gradient_clip_value": 0.1},
        "InputShapeSetter": {"param_name": "in_features"},
        "Initializer": {"patterns": "bias", "fn": torch.nn.init.zeros_},
        "LoadInitState": {"checkpoint": skorch.callbacks.Checkpoint(dirname=str(folder / "none"))},
        "ParamMapper": {"patterns": "bias", "fn": torch.nn.init.zeros_},
        "PassthroughScoring": {"name": "train_loss", "on_train": True},
        "PrintLog": {"sink": lambda *args: None},
        "TrainEndCheckpoint": {"dirname": str(folder)},
        "Unfreezer": {"patterns": "bias"},
        "WandbLogger": {"wandb_run": Anything(), "save_model": False},
    }
    for name in skorch.callbacks.__all__:
        cls = getattr(skorch.callbacks, name)
        if not issubclass(cls, Callback):
            continue  # a schedule
        parameters = inspect.signature(cls).parameters
        options = special.get(name, {each: Anything() for each in parameters if each in writers})
        yield name, cls(**options)


def accuracy_of_batch(net, X, y):
    return 0.5


def test_every_skorch_callback_is_run_or_refused_by_name(problem, tmp_path):
    X, P, y = problem
    dX, dP, dy = in_partitions(1, X, P, y)
    followed = {}
    for name, callback in callbacks_of_skorch(tmp_path):
        net = make_net(max_epochs=2, callbacks=[callback])
        model = DistilledClassifier(UnusedTeacher(), net, alpha=1.0, teacher_temperature=1.0, cv=2)
        try:
            student = model.fit(dX, dy, teacher_proba=dP).student_
        except ValueError as error:
            assert f"a {name}, is not supported" in str(error)
            assert not hasattr(model, "student_")
            with pytest.raises(ValueError, match=name):  # nor is the teacher fitted
                model.fit(dX, dy)
        else:
            theirs = DistilledClassifier(student=net, alpha=1.0, teacher_temperature=1.0).fit(
                X, y, teacher_proba=P
            )
            assert_same_weights(student, theirs.student_, rtol=1e-5, atol=1e-7)
            assert set(theirs.student_.history[-1]) == set(student.history[-1])
            followed[name] = len(student.history)
    assert set(followed.values()) == {2}
    refused = {"MlflowLogger", "NeptuneLogger", "ProgressBar", "SacredLogger", "TensorBoard"}
    names = {name for name, _ in callbacks_of_skorch(tmp_path)}
    assert names - set(followed) == refused


class GradientCallback(Callback):
    def on_grad_computed(self, net, **kwargs):
        raise AssertionError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"callbacks": [LRScheduler("CyclicLR", step_every="batch")]}, "LRScheduler.*step_every"),
        ({"callbacks": [EpochScoring("accuracy", on_train=True)]}, "EpochScoring.*on_train=True"),
        (
            {"callbacks": [("mine", GradientCallback())]},
            "'mine', a GradientCallback.*on_grad_computed",
        ),
        (
            {"train_split": ValidSplit(5), "callbacks": [EarlyStopping(patience=3)]},
            r"train_split=.*EarlyStopping\(monitor='valid_loss'\).*predefined_split",
        ),
        ({"callbacks": [EarlyStopping()]}, r"EarlyStopping\(monitor='valid_loss'\)"),
    ],
)
def test_options_that_need_all_rows_are_refused_up_front(problem, options, message):
    X, _, y = problem
    dX, dy = in_partitions(4, X, y)
    far = dX.map_blocks(lambda block: 1 / 0, meta=np.empty((0, 0), np.float32))
    model = DistilledClassifier(
        UnusedTeacher(), make_net(**options), alpha=1.0, teacher_temperature=1.0, cv=2
    )
    with pytest.raises(ValueError, match=f"(?s){message}"):
        model.fit(far, dy)


def test_a_module_that_cannot_travel_is_refused_by_name(problem):
    class Local(torch.nn.Linear):
        pass

    X, _, y = problem
    model = DistilledClassifier(
        UnusedTeacher(), make_net(module=Local), alpha=1.0, teacher_temperature=1.0, cv=2
    )
    with pytest.raises(ValueError, match=r"module=Local cannot be sent.*top of a file"):
        model.fit(*in_partitions(4, X, y))


def test_a_loss_that_is_not_finite_names_the_epoch(problem):
    X, P, y = problem
    dX, dP, dy = in_partitions(4, X * np.float32(1e30), P, y)
    model = DistilledClassifier(student=make_net(lr=1e30), alpha=1.0, teacher_temperature=1.0)
    with pytest.raises(ValueError, match=r"train loss became (nan|inf) in epoch \d"):
        model.fit(dX, dy, teacher_proba=dP)


def test_a_net_leaves_the_generators_of_torch_as_they_were(problem):
    X, P, y = problem
    dX, dP, dy = in_partitions(3, X, P, y)
    net = make_net(module=Drops)
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    models = [
        DistilledClassifier(student=net, alpha=1.0, teacher_temperature=1.0).fit(
            dX, dy, teacher_proba=dP
        )
        for _ in range(2)
    ]
    assert torch.rand(1) == expected
    assert_same_weights(models[0].student_, models[1].student_, rtol=0)


class Drops(torch.nn.Sequential):
    def __init__(self, in_features, out_features):
        super().__init__(torch.nn.Dropout(0.2), torch.nn.Linear(in_features, out_features))


@pytest.mark.slow
def test_heavy_partitions_weigh_what_they_weigh_in_memory():
    X, y, _ = make_gaussian_classes(n_samples=640, n_features=3, n_classes=3, random_state=0)
    X = X.astype(np.float32)
    y[:320] = 0
    weight = np.where(np.arange(640) < 320, 100.0, 1.0)  # 0.993 of the weight or more is class 0
    net = make_net(max_epochs=20, batch_size=50)
    means = []
    for n_partitions in (None, 2, 7):
        model = DistilledClassifier(student=net, alpha=0)
        if n_partitions is None:
            model.fit(X, y, weight)
        else:
            model.fit(*in_partitions(n_partitions, X, y, weight))
        means.append(model.predict_proba(X)[:, 0].mean())
    np.testing.assert_allclose(means, means[0], atol=0.02)
    assert min(means) > 0.95

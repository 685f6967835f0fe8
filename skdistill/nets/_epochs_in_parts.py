"""Training on rows that come in parts: one pass over all parts is one epoch, for every callback.

The net stays where it is, with its callbacks, the rows that it is validated on and its history. A
copy goes to the parts, trains on one after the other, and comes back with weights, optimiser and
the losses of the epoch.
"""

import copy
import pickle
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from skorch.callbacks import BatchScoring, EpochScoring, GradientNormClipping, LRScheduler
from skorch.helper import predefined_split
from skorch.history import History

from .._targets._soft_labels import SoftLabels
from .._utils._typing import NDArray, Rows
from ._before_fit import callbacks_of, check_criterion_call, check_net
from ._device_trained_net import BATCH_EVENTS, overrides
from ._soft_label_net import SoftLabelNet
from ._weights import with_mean_weight_one

# Callbacks that go with the copy: from batch to batch they remember nothing.
GO_ALONG = (BatchScoring, GradientNormClipping)


def check_trains_in_parts(net: SoftLabelNet) -> None:
    """Raise if what a net asks for cannot be followed where rows come in parts, or anywhere.

    Parameters
    ----------
    net : SoftLabelNet
        Fitted or not; it is left as it is.
    """
    callbacks = _callbacks_as_set(net)
    for name, each in callbacks:
        obstacle = _obstacle(each)
        if obstacle:
            raise ValueError(
                f"The callback {name!r}, a {type(each).__name__}, cannot be followed over "
                f"partitions: {obstacle}; or compute a sample of the rows and fit in memory."
            )
    if not (net.train_split is None or _is_predefined(net.train_split)):
        waiting = [
            f"{type(each).__name__}(monitor={each.monitor!r})"
            for _, each in callbacks
            if getattr(each, "monitor", None)
        ]
        needed = f", which {', '.join(waiting)} may wait for" if waiting else ""
        raise ValueError(
            f"train_split={net.train_split!r} cannot hold rows out of partitions: none holds all "
            f"of them, and so there is no validation loss of an epoch{needed}. Give rows in "
            "memory, train_split=skorch.helper.predefined_split(skorch.dataset.Dataset(X, y)); or "
            'train_split=None, and monitor="train_loss" in callbacks.'
        )
    check_net(net)
    check_criterion_call(net.criterion)
    _check_travels(net.module, "module")
    _check_travels(net.criterion, "criterion")


def _check_travels(value, name):
    """Raise unless the class of a module can be pickled, as skorch does with a net."""
    cls = value if isinstance(value, type) else type(value)
    try:
        pickle.dumps(cls)
    except (pickle.PicklingError, AttributeError) as error:
        raise ValueError(
            f"{name}={cls.__name__} cannot be sent to where the rows are: {error}. Define the "
            "class at the top of a file, which workers can import, and not inside a function."
        ) from error


def train_in_parts(
    net: SoftLabelNet,
    header: Rows,
    classes: NDArray,
    n_parts: int,
    pass_over: Callable[[SoftLabelNet, list, list], SoftLabelNet],
) -> SoftLabelNet:
    """Train a net from new weights for `max_epochs`, or until a callback ends it.

    With all rows in one part this is `fit`, to the bit; so it is with several whose sizes are
    multiples of `batch_size`, where rows are not shuffled.

    Parameters
    ----------
    net : SoftLabelNet
        It is trained, and returned.

    header : array or dataframe of shape (any, n_features)
        Something with the columns of the rows.

    classes : ndarray of shape (n_classes,)
        All of them, sorted.

    n_parts : int
        How many parts there are.

    pass_over : callable
        ``pass_over(net, order, seeds)`` returns what :func:`train_on_part` has made of the net, or
        of a copy, with each part in this order, and with its seed.

    Returns
    -------
    SoftLabelNet
    """
    net._check_features(header, reset=True)
    net.classes_inferred_ = classes
    net._answers_columns = classes.tolist() == list(range(len(classes)))
    with net._reproducible():
        net.initialize()
        net._begin_training()
        net.notify("on_train_begin", X=header, y=None)
        valid = _validation_set(net)
        for _ in range(net._count_epochs_left()):
            if _train_one_epoch(net, n_parts, pass_over, valid):
                break
        net.notify("on_train_end", X=header, y=None)
    return net


def train_on_part(
    net: SoftLabelNet, X: Rows, soft_labels: SoftLabels, mean_weight: float, seed: int
) -> SoftLabelNet:
    """Train a net for the part of an epoch that some rows are.

    Parameters
    ----------
    net : SoftLabelNet
        It is trained, and returned.

    X : rows
        As in `fit`.

    soft_labels : SoftLabels
        Of these rows.

    mean_weight : float
        Mean weight of the rows of all parts, by which weights are divided.

    seed : int
        For the order of the rows, and dropout.

    Returns
    -------
    SoftLabelNet
    """
    uses_gpus = str(net.device).startswith("cuda") or torch.cuda.is_initialized()
    with torch.random.fork_rng(range(torch.cuda.device_count()) if uses_gpus else []):
        torch.manual_seed(seed)
        dataset = net.get_dataset(X, with_mean_weight_one(soft_labels, mean_weight))
        iterator = net.get_iterator(dataset, training=True)
        net.run_single_epoch(iterator, training=True, prefix="train", step_fn=net.train_step)
    return net


def _train_one_epoch(net, n_parts, pass_over, valid):
    """Train for an epoch; return whether a callback ends the training."""
    datasets = {"dataset_train": None, "dataset_valid": valid}
    if _ends_training(net, "on_epoch_begin", datasets):
        return True
    seeds = torch.randint(2**31 - 1, (n_parts,)).tolist()
    shuffles = net.get_params_for("iterator_train").get("shuffle", False)
    order = torch.randperm(n_parts).tolist() if shuffles else list(range(n_parts))
    if net.random_state is not None:
        seeds[0] = torch.initial_seed()  # this epoch's seed: a single part is all rows in memory
    _take_over(net, pass_over(_to_go(net), order, seeds))
    iterator = None if valid is None else net.get_iterator(valid, training=False)
    net.run_single_epoch(iterator, training=False, prefix="valid", step_fn=net.validation_step)
    return _ends_training(net, "on_epoch_end", datasets)


def _ends_training(net, event, datasets):
    """Notify the callbacks of an event; return whether one asks to end, as skorch's do."""
    with warnings.catch_warnings():
        # The optimiser's steps were made by the copy.
        warnings.filterwarnings("ignore", r"Detected call of `lr_scheduler\.step\(\)`")
        try:
            net.notify(event, **datasets)
        except KeyboardInterrupt:
            return True
    return False


def _to_go(net):
    """Return a copy of a net that goes to the rows; what stays with the net is left out."""
    to_go = copy.copy(net)
    to_go.callbacks, to_go.train_split = None, None
    to_go.callbacks_ = [pair for pair in net.callbacks_ if type(pair[1]) in GO_ALONG]
    to_go.history_ = History()
    to_go.history_.append(net.history[-1])
    return to_go


def _take_over(net, trained):
    """Give a net what its copy has learnt; its modules and its optimiser stay the objects they are.

    Callbacks hold on to these objects: a scheduler sets the learning rate of its optimiser.
    """
    for name in net.cuda_dependent_attributes_:
        if hasattr(getattr(net, name, None), "load_state_dict"):
            getattr(net, name).load_state_dict(getattr(trained, name).state_dict())
    net.history_[-1] = trained.history_[-1]
    net._scaler, net._output_is_checked = trained._scaler, trained._output_is_checked


def _callbacks_as_set(net):
    """Return the name of each callback of the user, and a copy with the net's parameters for it.

    They are not initialised: a logger would begin to write.
    """
    callbacks = []
    for name, given in callbacks_of(net):
        callback = copy.copy(vars(net).get(f"callbacks__{name}", given))
        prefix = f"callbacks__{name}__"
        for key, value in vars(net).items():
            if key.startswith(prefix):
                setattr(callback, key.removeprefix(prefix), value)
        callbacks.append((name, callback))
    return callbacks


def _validation_set(net):
    """Return the rows that the user holds out, as a dataset of the net; None if there are none."""
    if net.train_split is None:
        return None
    _, valid = net.train_split(None, None)
    return net._own_validation_set(valid, SoftLabels.from_labels(net.classes_, net.classes_))


def _is_predefined(train_split):
    """Return whether `train_split` is what `skorch.helper.predefined_split` has returned."""
    ours = predefined_split(None)
    return isinstance(train_split, partial) and train_split.func is ours.func


def _obstacle(callback: Any) -> str | None:
    """Return why a callback cannot be followed, and the remedy; None where it can."""
    if isinstance(callback, LRScheduler):
        if callback.step_every == "epoch":
            return None
        return (
            f"step_every={callback.step_every!r} makes a step at each batch, which only a net with "
            'all rows sees. Set step_every="epoch"'
        )
    if isinstance(callback, EpochScoring):
        if not callback.on_train:
            return None
        return (
            "on_train=True predicts all training rows. Score rows that are held out "
            "(on_train=False, and train_split=skorch.helper.predefined_split(...))"
        )
    if type(callback) in GO_ALONG:
        return None
    batches = [event for event in BATCH_EVENTS if overrides(callback, event)]
    if not batches:
        return None
    return (
        f"it is told of batches ({', '.join(batches)}), and these are trained where the rows lie, "
        "in several processes. Leave it away, or do its work in on_epoch_end"
    )

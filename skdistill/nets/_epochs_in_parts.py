"""Training on rows in parts, such as Dask partitions: a pass over all parts is one epoch.

The net keeps its callbacks, validation rows and history. In each epoch a copy of the net trains on
the parts, one after the other. Its weights, optimiser state and losses are then copied back.
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
from ._resumed_callbacks import continue_patience, continue_schedules
from ._soft_label_net import SoftLabelNet
from ._weights import with_mean_weight_one

# Callbacks that the copy takes along: they keep no state between batches.
STATELESS_CALLBACKS = (BatchScoring, GradientNormClipping)


def check_trains_in_parts(net: SoftLabelNet) -> None:
    """Raise if a net has parameters that training in parts, or any training, does not support.

    Parameters
    ----------
    net : SoftLabelNet
        Fitted or not; it is not changed.
    """
    callbacks = _configured_callbacks(net)
    for name, each in callbacks:
        reason = _unsupported_reason(each)
        if reason:
            raise ValueError(
                f"The callback {name!r}, a {type(each).__name__}, is not supported for "
                f"partitions: {reason}; or compute a sample of the rows and fit in memory."
            )
    if not (net.train_split is None or _is_predefined(net.train_split)):
        monitors = [
            f"{type(each).__name__}(monitor={each.monitor!r})"
            for _, each in callbacks
            if getattr(each, "monitor", None)
        ]
        needed = f", which {', '.join(monitors)} may need" if monitors else ""
        raise ValueError(
            f"train_split={net.train_split!r} cannot hold rows out of partitions: no process has "
            f"all of them, and so there is no validation loss of an epoch{needed}. Give rows in "
            "memory, train_split=skorch.helper.predefined_split(skorch.dataset.Dataset(X, y)); or "
            'train_split=None, and monitor="train_loss" in callbacks.'
        )
    check_net(net)
    check_criterion_call(net.criterion)
    _check_picklable(net.module, "module")
    _check_picklable(net.criterion, "criterion")


def _check_picklable(value, name):
    """Raise unless the class of a module or criterion can be pickled."""
    cls = value if isinstance(value, type) else type(value)
    try:
        pickle.dumps(cls)
    except (pickle.PicklingError, AttributeError) as error:
        raise ValueError(
            f"{name}={cls.__name__} cannot be sent to the workers: {error}. Define the class at "
            "the top of a file that workers can import, and not inside a function."
        ) from error


def train_in_parts(
    net: SoftLabelNet,
    header: Rows,
    classes: NDArray,
    n_parts: int,
    run_epoch: Callable[[SoftLabelNet, list, list], SoftLabelNet],
) -> SoftLabelNet:
    """Train a net from new weights for `max_epochs`, or until a callback stops it.

    With all rows in one part the result is that of `fit`, to the bit. The same holds for several
    parts if their sizes are multiples of `batch_size` and rows are not shuffled.

    Parameters
    ----------
    net : SoftLabelNet
        It is trained in place.

    header : array or dataframe of shape (any, n_features)
        An array or dataframe with the columns of the rows.

    classes : ndarray of shape (n_classes,)
        All classes, sorted.

    n_parts : int
        Number of parts.

    run_epoch : callable
        ``run_epoch(net, order, seeds)`` calls :func:`train_on_part` for each part, in this order
        and with these seeds, and returns the trained net or a trained copy.

    Returns
    -------
    SoftLabelNet
        `net`.
    """
    net._check_features(header, reset=True)
    net.classes_inferred_ = classes
    net._labels_are_codes = classes.tolist() == list(range(len(classes)))
    with net._reproducible():
        net.initialize()
        net._begin_training()
        net.notify("on_train_begin", X=header, y=None)
        continue_schedules(net)
        valid = _validation_set(net)
        for _ in range(net._count_epochs_left()) if _has_patience(net) else ():
            if _train_one_epoch(net, n_parts, run_epoch, valid):
                break
        net.notify("on_train_end", X=header, y=None)
    return net


def train_on_part(
    net: SoftLabelNet, X: Rows, soft_labels: SoftLabels, mean_weight: float, seed: int
) -> SoftLabelNet:
    """Train a net on one part of the rows, within an epoch.

    Parameters
    ----------
    net : SoftLabelNet
        It is trained in place.

    X : rows
        As in `fit`.

    soft_labels : SoftLabels
        Soft labels of these rows.

    mean_weight : float
        Mean weight of the rows of all parts; weights are divided by it.

    seed : int
        Seed of the order of the rows, and of dropout.

    Returns
    -------
    SoftLabelNet
        `net`.
    """
    uses_gpus = str(net.device).startswith("cuda") or torch.cuda.is_initialized()
    with torch.random.fork_rng(range(torch.cuda.device_count()) if uses_gpus else []):
        torch.manual_seed(seed)
        dataset = net.get_dataset(X, with_mean_weight_one(soft_labels, mean_weight))
        iterator = net.get_iterator(dataset, training=True)
        net.run_single_epoch(iterator, training=True, prefix="train", step_fn=net.train_step)
    return net


def _has_patience(net):
    """Return whether the training continues after the past epochs of a checkpoint."""
    try:
        continue_patience(net)
    except KeyboardInterrupt:
        return False
    return True


def _train_one_epoch(net, n_parts, run_epoch, valid):
    """Train for an epoch; return whether a callback stops the training."""
    datasets = {"dataset_train": None, "dataset_valid": valid}
    if _stops_training(net, "on_epoch_begin", datasets):
        return True
    seeds = torch.randint(2**31 - 1, (n_parts,)).tolist()
    shuffles = net.get_params_for("iterator_train").get("shuffle", False)
    order = torch.randperm(n_parts).tolist() if shuffles else list(range(n_parts))
    if net.random_state is not None:
        seeds[0] = torch.initial_seed()  # the epoch's seed, so that one part equals `fit`
    _load_trained_state(net, run_epoch(_copy_for_parts(net), order, seeds))
    iterator = None if valid is None else net.get_iterator(valid, training=False)
    net.run_single_epoch(iterator, training=False, prefix="valid", step_fn=net.validation_step)
    return _stops_training(net, "on_epoch_end", datasets)


def _stops_training(net, event, datasets):
    """Notify the callbacks of an event; return whether one stops the training, as in skorch."""
    with warnings.catch_warnings():
        # The copy made the optimiser's steps.
        warnings.filterwarnings("ignore", r"Detected call of `lr_scheduler\.step\(\)`")
        try:
            net.notify(event, **datasets)
        except KeyboardInterrupt:
            return True
    return False


def _copy_for_parts(net):
    """Return a copy of a net for training on parts, with the last epoch's history only."""
    new = copy.copy(net)
    new.callbacks, new.train_split = None, None
    new.callbacks_ = [pair for pair in net.callbacks_ if type(pair[1]) in STATELESS_CALLBACKS]
    new.history_ = History()
    new.history_.append(net.history[-1])
    return new


def _load_trained_state(net, trained):
    """Load the state of a trained copy into the modules and the optimiser of a net.

    These objects are not replaced, since callbacks refer to them: a scheduler sets the learning
    rate of its optimiser.
    """
    for name in net.cuda_dependent_attributes_:
        if hasattr(getattr(net, name, None), "load_state_dict"):
            getattr(net, name).load_state_dict(getattr(trained, name).state_dict())
    net.history_[-1] = trained.history_[-1]
    net._scaler, net._output_is_checked = trained._scaler, trained._output_is_checked


def _configured_callbacks(net):
    """Return the name of each user callback, and a copy with the parameters that the net sets.

    The copies are not initialised: a logger would start to write.
    """
    callbacks = []
    for name, given in callbacks_of(net):
        callback = copy.copy(getattr(net, f"callbacks__{name}", given))
        for key, value in net.get_params_for(f"callbacks__{name}").items():
            setattr(callback, key, value)
        callbacks.append((name, callback))
    return callbacks


def _validation_set(net):
    """Return the user's held-out rows as a dataset of the net; None if there are none."""
    if net.train_split is None:
        return None
    _, valid = net.train_split(None, None)
    return net._as_validation_dataset(valid, SoftLabels.from_labels(net.classes_, net.classes_))


def _is_predefined(train_split):
    """Return whether `train_split` was returned by `skorch.helper.predefined_split`."""
    reference = predefined_split(None)
    return isinstance(train_split, partial) and train_split.func is reference.func


def _unsupported_reason(callback: Any) -> str | None:
    """Return why a callback is not supported, with the remedy; None if it is supported."""
    if isinstance(callback, LRScheduler):
        if callback.step_every == "epoch":
            return None
        return (
            f"step_every={callback.step_every!r} makes a step at each batch, and batches are "
            'trained by a copy of the net. Set step_every="epoch"'
        )
    if isinstance(callback, EpochScoring):
        if not callback.on_train:
            return None
        return (
            "on_train=True predicts all training rows. Score held-out rows "
            "(on_train=False, and train_split=skorch.helper.predefined_split(...))"
        )
    if type(callback) in STATELESS_CALLBACKS:
        return None
    batches = [event for event in BATCH_EVENTS if overrides(callback, event, training=True)]
    if not batches:
        return None
    return (
        f"it has handlers for batches ({', '.join(batches)}), which are trained in other "
        "processes. Remove it, or do its work in on_epoch_end"
    )

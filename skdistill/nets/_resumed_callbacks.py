"""Callbacks of a training that continues: learning rates and patience as if never interrupted.

skorch keeps the state of callbacks in no checkpoint. It is computed again from the history: each
callback gets the past epochs, one after the other, as it would have got them during training.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from types import SimpleNamespace
from typing import Any

from skorch.callbacks import Callback, EarlyStopping, LRScheduler
from skorch.history import History

from .._utils._warnings import warn


def whole_epochs(history: History) -> list[dict]:
    """Return the epochs of a history that were trained to their end."""
    return [each for each in history if "train_batch_count" in each]


def continue_schedules(net: Any) -> None:
    """Set learning rates, and the state of each LRScheduler, to those after the past epochs.

    skorch starts a scheduler at the number of past epochs. StepLR and others then repeat their last
    step, whose effect may be in the optimiser already. Here all steps are repeated, from the
    initial learning rate.

    Parameters
    ----------
    net : SoftInputNet
        Its callbacks have begun the training.
    """
    schedulers = [each for _, each in net.callbacks_ if isinstance(each, LRScheduler)]
    past = whole_epochs(net.history)
    if not (schedulers and past):
        return
    _reset_learning_rates(net)
    replay = SimpleNamespace(optimizer_=net.optimizer_, history=History())
    with warnings.catch_warnings():
        # The optimiser made its own steps before.
        warnings.filterwarnings("ignore", r"Detected call of `lr_scheduler\.step\(\)`")
        for each in schedulers:
            each.on_train_begin(replay)
        for epoch in past:
            for each in schedulers:
                with _explained(each):
                    _replay_epoch(each, replay, epoch)


def _reset_learning_rates(net):
    """Give the optimiser the learning rates that a new one would have."""
    arguments, options = net.get_params_for_optimizer(
        "optimizer", list(net.get_all_learnable_params())
    )
    new = net.optimizer(*arguments, **options)
    for group, new_group in zip(net.optimizer_.param_groups, new.param_groups, strict=True):
        group["lr"] = new_group["lr"]
        group.pop("initial_lr", None)  # a scheduler sets it from `lr`


def _replay_epoch(scheduler, replay, epoch):
    """Give a scheduler the batches and the end of a past epoch."""
    replay.history.append({**epoch, "batches": []})
    for batch in epoch["batches"] if scheduler.step_every == "batch" else ():
        replay.history[-1]["batches"].append(dict(batch))
        scheduler.on_batch_end(replay, training="train_loss" in batch)
    scheduler.on_epoch_end(replay)


def continue_patience(net: Any) -> None:
    """Set the state of each EarlyStopping to that after the past epochs.

    Parameters
    ----------
    net : SoftInputNet
        A net that has loaded a checkpoint.

    Raises
    ------
    KeyboardInterrupt
        If the training had been stopped; skorch then ends the fit.
    """
    past = whole_epochs(net.history)
    for name, each in net.callbacks_:
        if isinstance(each, EarlyStopping) and past:
            with _explained(each):
                _replay_patience(each, past, net)
            _warn_if_best_is_lost(name, each, past)


def _replay_patience(stopping, past, net):
    """Give an EarlyStopping the past epochs; only the last one's weights are known."""
    module = SimpleNamespace(state_dict=lambda: None)
    replay = SimpleNamespace(history=History(), module_=module, verbose=0)
    for epoch in past:
        replay.history.append(epoch)
        if epoch is past[-1]:
            module.state_dict = lambda: deepcopy(net.module_.state_dict())
        stopping.on_epoch_end(replay)


def _warn_if_best_is_lost(name, stopping, past):
    """Warn if load_best cannot work, because the best epoch was before the checkpoint."""
    if stopping.load_best and stopping.best_model_weights_ is None:
        warn(
            f"The callback {name!r} has load_best=True. Its best epoch so far, "
            f"{stopping.best_epoch_} of {len(past)}, is not the one of the checkpoint, so that its "
            "weights are not known. If no later epoch is better, the net keeps those of the last "
            "one. Checkpoint(monitor='valid_loss_best', load_best=True) keeps the best weights "
            "in a file."
        )


@contextmanager
def _explained(callback: Callback) -> Iterator[None]:
    """Raise a clearer error if a callback needs what the history does not have."""
    try:
        yield
    except (AttributeError, KeyError, ValueError) as error:
        raise ValueError(
            f"{type(callback).__name__}(monitor={callback.monitor!r}) cannot continue after the "
            f"past epochs of the history: {error}. Train from new weights without LoadInitState, "
            "or monitor a score that the history has for every epoch."
        ) from error

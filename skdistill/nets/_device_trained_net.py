"""Training on the device: mixed precision, seeds, and no synchronisation within an epoch."""

from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from sklearn.utils import check_random_state
from skorch import NeuralNet
from skorch.callbacks import Callback, EpochScoring, PrintLog
from skorch.utils import TeeGenerator
from torch.utils.data import DataLoader

from ._batch_errors import check_losses, n_rows_of
from ._before_fit import check_batch_options
from ._device import check_device, explain_out_of_memory
from ._device_batches import DeviceBatches, count_processes
from ._lazy_log import LazyLog
from ._resumed_callbacks import continue_patience, continue_schedules, whole_epochs
from ._seeded_split import seeded_split

AMP_DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16}
BATCH_EVENTS = ("on_batch_begin", "on_grad_computed", "on_batch_end")


class DeviceTrainedNet(NeuralNet):
    """Train without synchronising with the device between batches.

    Subclasses have the parameters `amp` and `random_state` as well as those of a skorch net.
    """

    _counts_past_epochs = False  # whether `max_epochs` includes those of a loaded checkpoint
    _is_seeded = False
    _needs_closure: bool = True  # whether a step is a function that the optimiser calls
    _scaler: Any = None  # loss scaler, in float16
    _unhandled_events: Any = frozenset()  # batch events without a handler, in the current epoch

    def initialize_module(self) -> Any:
        """Create the module, after checking that the device is available.

        Returns
        -------
        self : object
        """
        check_device(self.device)
        if self.amp is not None and self.amp not in AMP_DTYPES:
            raise ValueError(f'amp must be None, "bfloat16" or "float16"; got amp={self.amp!r}.')
        return super().initialize_module()

    def initialize(self) -> Any:
        """Create module, criterion, optimiser and callbacks, seeded by `random_state`.

        Returns
        -------
        self : object
        """
        with self._reproducible():
            return super().initialize()

    def get_default_callbacks(self) -> list:
        """Return the callbacks of every net, with a log that makes its table only if it is shown.

        Returns
        -------
        callbacks : list of (str, skorch.callbacks.Callback)
        """
        callbacks = super().get_default_callbacks()
        return [(name, LazyLog() if type(each) is PrintLog else each) for name, each in callbacks]

    def get_iterator(self, dataset: Any, training: bool = False) -> Any:
        """Return batches of a dataset, on the device of the module.

        Parameters
        ----------
        dataset : torch.utils.data.Dataset
            As returned by :meth:`get_dataset`.

        training : bool, default=False
            Whether to use `iterator_train` or `iterator_valid`.

        Returns
        -------
        iterator
        """
        iterator = self.iterator_train if training else self.iterator_valid
        if iterator is not DeviceBatches:
            return super().get_iterator(dataset, training)
        prefix = "iterator_train" if training else "iterator_valid"
        options = {"batch_size": self.batch_size, **self.get_params_for(prefix)}
        if options["batch_size"] == -1:
            options["batch_size"] = len(dataset)
        check_batch_options(self, prefix)
        if count_processes() > 1 and not training:
            # accelerate distributes and gathers predictions by a torch DataLoader.
            return DataLoader(dataset, options["batch_size"])
        with explain_out_of_memory(options["batch_size"]):
            return DeviceBatches(dataset, **{"device": self._module_device(), **options})

    def fit_loop(self, X: Any, y: Any, epochs: int | None = None, **fit_params: Any) -> Any:
        """Train for the remaining epochs, with schedules and patience that continue."""
        self._begin_training()
        continue_schedules(self)
        if self._counts_past_epochs:
            continue_patience(self)
            epochs = self._count_epochs_left() if epochs is None else epochs
        return super().fit_loop(X, y, epochs, **fit_params)

    def _count_epochs_left(self):
        """Return the number of epochs left after the complete ones of a checkpoint."""
        return self.max_epochs - len(whole_epochs(self.history))

    def _splitter(self):
        """Return the function that splits off validation rows, seeded by `random_state`."""
        if self.random_state is None:
            return self.train_split
        return seeded_split(self.train_split, self._seed)

    def _begin_training(self):
        """Reset the output check, and how steps are made."""
        self._output_is_checked = False
        self._needs_closure = self._optimizers_need_closure()
        scales = self.amp == "float16"
        self._scaler = torch.amp.GradScaler(self._module_device().type) if scales else None

    def _optimizers_need_closure(self):
        """Return whether optimisers get closures: unless it is one of torch without need."""
        several = sum(isinstance(each, torch.optim.Optimizer) for each in vars(self).values()) > 1
        of_torch = type(self.optimizer_).__module__.startswith("torch.optim.")
        return several or not of_torch or isinstance(self.optimizer_, torch.optim.LBFGS)

    def on_epoch_begin(self, net: Any, **arguments: Any) -> None:
        """Seed each epoch by itself, so that a resumed fit equals an uninterrupted one."""
        super().on_epoch_begin(net, **arguments)
        if self.random_state is not None:
            torch.manual_seed(self._seed + len(self.history))

    def notify(self, method_name: str, **arguments: Any) -> None:
        """Call the callbacks; for batch events, only if one of them has a handler.

        Few callbacks have one. Handlers get the batch's labels; if these are strings, converting
        them synchronises with the GPU.
        """
        if method_name in self._unhandled_events:
            getattr(self, method_name)(self, **arguments)
        else:
            super().notify(method_name, **arguments)

    def _has_handler(self, event, training):
        """Return whether the net or a callback does something at an event of these batches."""
        listeners = [self, *(callback for _, callback in self.callbacks_)]
        return any(overrides(each, event, training) for each in listeners)

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Any, **fit_params: Any
    ) -> None:
        """Run an epoch, and read its losses from the device once, at the end.

        skorch reads the loss of each batch at once, which synchronises with the GPU.
        """
        if iterator is None:
            return
        key = f"{prefix}_loss"
        self._unhandled_events = {
            event for event in BATCH_EVENTS if not self._has_handler(event, training)
        }
        self._set_modes(training)
        try:
            with explain_out_of_memory(self.batch_size):
                for batch in iterator:
                    self.notify("on_batch_begin", batch=batch, training=training)
                    step = step_fn(batch, **fit_params)
                    loss = step["loss"].detach()
                    is_deferred = loss.device.type != "cpu"
                    self.history.record_batch(key, loss if is_deferred else loss.item())
                    self.history.record_batch(f"{prefix}_batch_size", n_rows_of(batch[0]))
                    self.notify("on_batch_end", batch=batch, training=training, **step)
                    del batch, step  # so that the next batch can have their memory
        finally:  # also after an interrupted epoch
            self._unhandled_events = frozenset()
            batches = [each for each in self.history[-1]["batches"] if key in each]
            deferred = [each for each in batches if isinstance(each[key], torch.Tensor)]
            values = torch.stack([each[key] for each in deferred]).tolist() if deferred else []
            for each, value in zip(deferred, values, strict=True):
                each[key] = value
        self.history.record(f"{prefix}_batch_count", len(batches))
        average_over_processes(batches, key, self._module_device())
        check_losses(self, prefix)

    def _set_modes(self, training):
        """Set each initialised module of the net, and its criterion, to training or evaluation."""
        for name, each in vars(self).items():
            if name.endswith("_") and isinstance(each, torch.nn.Module):
                each.train(training)

    def train_step(self, batch: Any, **fit_params: Any) -> dict:
        """Make one optimiser step, with a scaled loss in float16.

        skorch gives each optimiser a closure, which only few need and which takes longer.
        """
        scaler, optimizer = self._scaler, self.optimizer_
        if self._needs_closure and scaler is None:
            return super().train_step(batch, **fit_params)
        optimizer.zero_grad()
        step = self.train_step_single(batch, **fit_params)
        if scaler is not None:
            scaler.unscale_(optimizer)  # callbacks that clip see the true gradients
        parameters = TeeGenerator(self.get_all_learnable_params())
        self.notify("on_grad_computed", named_parameters=parameters, batch=batch, training=True)
        if scaler is None:
            optimizer.step()
        else:
            scaler.step(optimizer)
            scaler.update()
        return step

    def train_step_single(self, batch: Any, **fit_params: Any) -> dict:
        """Compute the loss of a batch and its gradient."""
        if not self.module_.training:  # a callback has predicted since the previous batch
            self._set_modes(True)
        Xi, targets = batch
        y_pred = self.infer(Xi, **fit_params)
        loss = self.get_loss(y_pred, targets, X=Xi, training=True)
        (loss if self._scaler is None else self._scaler.scale(loss)).backward()
        return {"loss": loss, "y_pred": y_pred}

    def evaluation_step(self, batch: Any, training: bool = False) -> Any:
        """Return the output of the module for a batch."""
        with explain_out_of_memory(self.batch_size):
            return super().evaluation_step(batch, training)

    def infer(self, x: Any, **fit_params: Any) -> Any:
        """Run the module on a batch, in the precision given by `amp`."""
        amp: Any = nullcontext()
        if self.amp is not None:
            amp = torch.autocast(self._module_device().type, AMP_DTYPES[self.amp])
        with amp:
            return super().infer(x, **fit_params)

    @contextmanager
    def _reproducible(self):
        """Seed torch's global generators by `random_state`, and restore them afterwards."""
        if self._is_seeded:  # seed again: a callback may create the module once more
            torch.manual_seed(self._seed)
            yield
            return
        if self.random_state is None:
            if count_processes() > 1:
                raise ValueError(
                    "random_state is None, and processes that train together need the same seed "
                    "to shuffle alike. Set random_state to an integer."
                )
            yield
            return
        self._seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        check_device(self.device)
        uses_gpus = str(self.device).startswith("cuda") or torch.cuda.is_initialized()
        with torch.random.fork_rng(range(torch.cuda.device_count()) if uses_gpus else []):
            torch.manual_seed(self._seed)
            self._is_seeded = True
            try:
                yield
            finally:
                self._is_seeded = False

    def _module_device(self):
        """Return the device of the weights; accelerate chooses it if `device` is None."""
        return next((each.device for each in self.module_.parameters()), torch.device("cpu"))


def average_over_processes(batches, key, device):
    """Replace the losses of batches by their means over the processes that train together.

    All processes then have the same history, and stop at the same epoch. They have equally many
    batches.
    """
    if count_processes() == 1:
        return
    losses = torch.tensor([each[key] for each in batches], dtype=torch.float64, device=device)
    torch.distributed.all_reduce(losses)
    for each, loss in zip(batches, (losses / count_processes()).tolist(), strict=True):
        each[key] = loss


def overrides(listener, event, training):
    """Return whether a net or a callback overrides the method of an event of these batches."""
    base_methods = [getattr(NeuralNet, event), getattr(Callback, event)]
    if isinstance(listener, EpochScoring) and listener.on_train != training:
        base_methods.append(EpochScoring.on_batch_end)  # it skips batches of the other kind
    return getattr(getattr(listener, event), "__func__", None) not in base_methods

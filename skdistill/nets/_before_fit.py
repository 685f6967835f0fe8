"""Parameters of a net that contradict each other: checked before any fit, without rows."""

from copy import deepcopy
from inspect import signature

from skorch.callbacks import BatchScoring, EpochScoring, LoadInitState, LRScheduler
from torch.nn import Module

from ._device import check_device
from ._device_batches import DeviceBatches
from ._seeded_split import draws_each_time

BATCH_OPTIONS = set(signature(DeviceBatches).parameters) - {"dataset"}


def check_net(net):
    """Raise for an unavailable device, and for callbacks or iterators that cannot work."""
    check_device(net.device)
    check_accelerator(net)
    check_monitors(net)
    check_split_can_resume(net)
    for prefix in ("iterator_train", "iterator_valid"):
        check_batch_options(net, prefix)


def check_accelerator(net):
    """Raise for parameters that contradict the accelerator of skorch's AccelerateMixin."""
    accelerator = getattr(net, "accelerator", None)
    if accelerator is None:
        return
    amp = getattr(net, "amp", None)
    if amp is not None:
        name = {"float16": "fp16", "bfloat16": "bf16"}.get(amp, amp)
        raise ValueError(
            f"amp={amp!r} and accelerate would both set the precision. Leave amp out, and give "
            f"the net accelerator=Accelerator(mixed_precision={name!r})."
        )
    criterion = net.criterion if isinstance(net.criterion, type) else type(net.criterion)
    on_cpus = str(accelerator.distributed_type).endswith("MULTI_CPU")
    if on_cpus and issubclass(criterion, Module):
        raise ValueError(
            f"criterion={criterion.__name__} is a module, and accelerate cannot wrap a module "
            "without weights for several processes on the CPU. Give a class that is no module, "
            "whose __call__(logits, proba, y) returns for example "
            "skdistill.nets.soft_cross_entropy(logits, proba)."
        )


def check_split_can_resume(net):
    """Raise if a net that may resume would hold out other rows than before."""
    resumes = any(isinstance(each, LoadInitState) for _, each in callbacks_of(net))
    if resumes and getattr(net, "random_state", None) is None and draws_each_time(net.train_split):
        raise ValueError(
            "LoadInitState resumes a training, and train_split would hold out other rows than "
            f"before. {type(net.train_split).__name__}(cv={net.train_split.cv!r}) has no "
            "random_state, so that former training rows would become validation rows. Set "
            "random_state of the net, or of the split, to an integer."
        )


def check_monitors(net):
    """Raise if a callback monitors validation rows and none are held out."""
    if net.train_split:
        return
    callbacks = dict(callbacks_of(net))
    scores = [each for each in callbacks.values() if isinstance(each, EpochScoring | BatchScoring)]
    names = {on_train: {_name_of(each) for each in scores if each.on_train == on_train}
             for on_train in (True, False)}  # fmt: skip
    missing = ({"valid_loss", "valid_acc"} | names[False]) - names[True]
    for name, callback in callbacks.items():
        given = net.get_params_for(f"callbacks__{name}")
        monitor = given.get("monitor", getattr(callback, "monitor", None))
        if isinstance(callback, LRScheduler) and "Plateau" not in str(callback.policy):
            continue  # other policies monitor nothing
        if isinstance(monitor, str) and monitor.removesuffix("_best") in missing:
            raise ValueError(
                f"{type(callback).__name__}(monitor={monitor!r}) needs held-out rows, and "
                f"train_split={net.train_split!r} holds out none. Set train_split=skorch.dataset."
                "ValidSplit(5, stratified=True), or monitor 'train_loss'."
            )


def callbacks_of(net):
    """Yield the name and an instance of each of the user's callbacks."""
    given = net.callbacks if isinstance(net.callbacks, list | tuple) else ()
    for each in given:
        name, callback = each if isinstance(each, tuple) else (None, each)
        callback = callback() if isinstance(callback, type) else callback
        yield name or type(callback).__name__, callback


def _name_of(scoring):
    """Return the name of a score in the history."""
    return deepcopy(scoring).initialize().name_


def check_criterion_call(criterion):
    """Raise unless a SoftLabelNet can call a criterion, which is a class or an instance."""
    is_class = isinstance(criterion, type)
    try:
        arguments = signature(getattr(criterion, "forward", None) or criterion.__call__)
    except (TypeError, ValueError):
        return  # compiled code without a signature
    try:
        arguments.bind(*[None] * (3 + is_class))
    except TypeError as error:
        name = criterion.__name__ if is_class else type(criterion).__name__
        raise ValueError(
            f"criterion={name} cannot be called as criterion(logits, proba, y), with probabilities "
            f"and the column of the true label: {error}. Use skdistill.nets.SoftCrossEntropy: it "
            "is torch's CrossEntropyLoss of probabilities (its `weight` is `label_weight`), and "
            "takes the log-probabilities that a module gives to NLLLoss as they are. Or give your "
            "own loss with three arguments."
        ) from error


def check_batch_options(net, prefix):
    """Raise for iterator options that do not exist or contradict each other."""
    iterator, options = getattr(net, prefix), net.get_params_for(prefix)
    if iterator is DeviceBatches:
        unknown = sorted(set(options) - BATCH_OPTIONS)
        if unknown:
            name = f"{prefix}__{unknown[0]}"
            raise ValueError(
                f"{name}={options[unknown[0]]!r} is an option of torch's DataLoader, and "
                f"{prefix}={DeviceBatches.__name__} has {sorted(BATCH_OPTIONS)}. Set {prefix}="
                f"torch.utils.data.DataLoader as well."
            )
    if options.get("sampler") is not None and options.get("shuffle"):
        raise ValueError(
            f"{prefix}__sampler and {prefix}__shuffle=True both decide the order of the rows. Set "
            f"{prefix}__shuffle=False."
        )
    if prefix == "iterator_valid" and options.get("drop_last"):
        raise ValueError(
            "iterator_valid__drop_last=True would drop rows from every prediction. Set "
            "iterator_train__drop_last only."
        )

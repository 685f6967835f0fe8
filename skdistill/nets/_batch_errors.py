"""Errors that a batch can cause, and their remedies."""

import math
from collections.abc import Mapping

from ._device import is_out_of_memory


def explain_batch_error(net, x, error):
    """Raise a clearer error for a module's error on a batch, if its cause is known."""
    if n_rows_of(x) == 1 and "more than 1 value per channel" in str(error):
        raise ValueError(
            "Batch normalisation needs the variance of a batch, which a single row does not have. "
            f"With batch_size={net.batch_size}, the last batch of an epoch or every batch has one "
            "row. Set iterator_train__drop_last=True, which drops that batch, or another "
            "batch_size."
        ) from error
    if (
        isinstance(error, RuntimeError)
        and not net._output_is_checked
        and not is_out_of_memory(error)
    ):
        raise ValueError(
            f"The module cannot take a batch of X, {_shape_and_dtype(x)}: {error}. Give X the "
            "shape and the precision that the module's first layer expects, usually float32: "
            "X.astype(np.float32). skdistill.nets.SoftLabelNet converts floats by itself."
        ) from error


def check_losses(net, prefix):
    """Raise if the last epoch had no batch, or a loss that is not finite."""
    key = f"{prefix}_loss"
    losses = [each[key] for each in net.history[-1]["batches"] if key in each]
    if not losses:
        raise ValueError(
            f"Epoch {net.history[-1, 'epoch']} had no {prefix} batch. With "
            f"iterator_{prefix}__drop_last=True, rows that do not fill a batch "
            f"(batch_size={net.batch_size}) are dropped: lower batch_size, or set drop_last to "
            "False."
        )
    bad_batch = next((k for k, loss in enumerate(losses, 1) if not math.isfinite(loss)), None)
    if bad_batch is None:
        return
    in_float16 = getattr(net, "amp", None) == "float16"
    advice = 'use amp="bfloat16", whose range is that of float32; ' if in_float16 else ""
    raise ValueError(
        f"The {prefix} loss became {losses[bad_batch - 1]} in epoch {net.history[-1, 'epoch']}, "
        f"batch {bad_batch} of {len(losses)}. Likely causes: a learning rate that is too high "
        f"(lr={net.lr}), features that are not scaled, or a module that divides by zero or takes "
        f"the logarithm of zero. Lower lr, put a StandardScaler before the net, {advice}"
        "or clip gradients with skorch.callbacks.GradientNormClipping."
    )


def n_rows_of(x):
    """Return the number of rows of a batch."""
    return len(next(iter(x.values())) if isinstance(x, Mapping) else x)


def _shape_and_dtype(x):
    if isinstance(x, Mapping):
        return ", ".join(f"{name!r} {_shape_and_dtype(each)}" for name, each in x.items())
    return f"of shape {tuple(x.shape)} and {x.dtype}"

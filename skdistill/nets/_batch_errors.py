"""What can be wrong with a batch, and what to do about it."""

import math
from collections.abc import Mapping

from ._device import is_shortage


def explain_batch_error(net, x, error):
    """Raise what an error of the module means for a batch, where that is known."""
    if n_rows_of(x) == 1 and "more than 1 value per channel" in str(error):
        raise ValueError(
            "Batch normalisation cannot take a batch of one row, of which it would need the "
            f"variance. With batch_size={net.batch_size} the last batch of an epoch is such a row, "
            "or all rows are. Set iterator_train__drop_last=True, which leaves it out, or another "
            "batch_size."
        ) from error
    if isinstance(error, RuntimeError) and not net._output_is_checked and not is_shortage(error):
        raise ValueError(
            f"The module cannot take a batch of X, {_described(x)}: {error}. Give X in the shape "
            "and the precision that its first layer takes, mostly float32 as in "
            "X.astype(np.float32); skdistill.nets.SoftLabelNet converts floats by itself."
        ) from error


def check_losses(net, prefix):
    """Raise if the last epoch had no batch, or if a loss of it is not finite."""
    key = f"{prefix}_loss"
    losses = [each[key] for each in net.history[-1]["batches"] if key in each]
    if not losses:
        raise ValueError(
            f"Epoch {net.history[-1, 'epoch']} had no {prefix} batch. With "
            f"iterator_{prefix}__drop_last=True, rows that do not fill a batch "
            f"(batch_size={net.batch_size}) are left out: lower batch_size, or set drop_last to "
            "False."
        )
    wrong = next((k for k, loss in enumerate(losses, 1) if not math.isfinite(loss)), None)
    if wrong is None:
        return
    in_float16 = getattr(net, "amp", None) == "float16"
    advice = 'use amp="bfloat16", whose range is that of float32; ' if in_float16 else ""
    raise ValueError(
        f"The {prefix} loss became {losses[wrong - 1]} in epoch {net.history[-1, 'epoch']}, batch "
        f"{wrong} of {len(losses)}. Likely causes: a learning rate that is too high "
        f"(lr={net.lr}), features that are not scaled, or a module that divides by zero or "
        f"takes the logarithm of it. Lower lr, put a StandardScaler before the net, {advice}"
        "or clip gradients with skorch.callbacks.GradientNormClipping."
    )


def n_rows_of(x):
    """Return the number of rows of a batch."""
    return len(next(iter(x.values())) if isinstance(x, Mapping) else x)


def _described(x):
    if isinstance(x, Mapping):
        return ", ".join(f"{name!r} {_described(each)}" for name, each in x.items())
    return f"of shape {tuple(x.shape)} and {x.dtype}"

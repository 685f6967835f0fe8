"""Devices: is one there, which ones are, and what to do when its memory is full."""

from contextlib import contextmanager

import torch


def check_device(device):
    """Raise unless torch can put a tensor on `device`; None leaves the choice to others."""
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(
            f"device={device!r} is not available: {str(error).splitlines()[0]} Available here: "
            f"{', '.join(available_devices())}."
        ) from error


def available_devices():
    """Return the names of the devices that torch can use here."""
    names = ["cpu", *(f"cuda:{k}" for k in range(torch.cuda.device_count()))]
    return [*names, "mps"] if torch.backends.mps.is_available() else names


def is_shortage(error):
    """Return whether an error of torch says that memory ran out, on whatever device."""
    known = ("out of memory", "not enough memory", "can't allocate memory")
    return any(each in str(error) for each in known)


@contextmanager
def explained_shortage(batch_size):
    """Say, when memory runs out, what was asked for and what to lower."""
    try:
        yield
    except RuntimeError as error:
        if not is_shortage(error):
            raise
        raise MemoryError(
            f"Out of memory with batches of {batch_size} rows: {str(error).splitlines()[0]} Lower "
            "batch_size, keep the data in the computer's memory with "
            'iterator_train__storage="host", or halve the activations with amp="bfloat16".'
        ) from error

"""Devices: availability checks, and an explained error when memory runs out."""

from contextlib import contextmanager

import torch


def check_device(device):
    """Raise unless torch can put a tensor on `device`; None is torch's default device."""
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


def is_out_of_memory(error):
    """Return whether a torch error means that memory ran out, on any device."""
    messages = ("out of memory", "not enough memory", "can't allocate memory")
    return any(each in str(error) for each in messages)


@contextmanager
def explain_out_of_memory(batch_size):
    """Raise a MemoryError that names the batch size and the remedies when memory runs out."""
    try:
        yield
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise MemoryError(
            f"Out of memory with batches of {batch_size} rows: {str(error).splitlines()[0]} Lower "
            "batch_size, keep the data in host memory with "
            'iterator_train__storage="host", or halve the activations with amp="bfloat16".'
        ) from error

"""A device without a GPU: its tensors have values, and every wait of the host for them is counted.

Its tensors say that they are on "meta", so that code takes the way of a device that is not the CPU.
They hold their values in a tensor on the CPU. Operations that send values to the host, or whose
result has a shape that depends on values, would make the host wait for a GPU.
"""

import sys
from collections import Counter
from pathlib import Path

import torch
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_any_only, tree_map, tree_map_only

DEVICE = torch.device("meta")
# Their results, or the shapes of these, depend on values.
READS_VALUES = {
    "_local_scalar_dense",  # item, int, float, bool, and tolist of a scalar
    "is_nonzero",
    "equal",
    "nonzero",
    "nonzero_numpy",
    "argwhere",
    "masked_select",
    "_unique",
    "_unique2",
    "unique_dim",
    "unique_consecutive",
    "unique_dim_consecutive",
    "bincount",
}
TESTS = Path(__file__).parent.parent
LIBRARY = TESTS.parent / "skdistill"


class DeviceTensor(torch.Tensor):
    """A tensor on the device, with its values in `values`, on the CPU."""

    @staticmethod
    def __new__(cls, values):
        return torch.Tensor._make_wrapper_subclass(
            cls, values.shape, strides=values.stride(), storage_offset=values.storage_offset(),
            dtype=values.dtype, device=DEVICE,
        )  # fmt: skip

    def __init__(self, values):
        self.values = values

    def __repr__(self):
        return f"DeviceTensor({self.values!r})"

    def tolist(self):
        """Return the values as torch does: it sends them to the host first."""
        return self.cpu().tolist()

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        raise AssertionError(f"{function} outside of the CountingDevice")


class CountingDevice(TorchDispatchMode):
    """Count the waits of the host, by the place in the code that causes each.

    Attributes
    ----------
    waits : Counter
        How often each place waited: "file:function of the innermost caller".
    """

    def __init__(self):
        super().__init__()
        self.waits = Counter()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        inputs_are_there = tree_any_only(DeviceTensor, lambda each: True, (args, kwargs))
        device = kwargs.get("device")
        goes_there = device is not None and torch.device(device) == DEVICE
        if not (inputs_are_there or goes_there):
            return function(*args, **kwargs)
        goes_back = inputs_are_there and device is not None and not goes_there
        if inputs_are_there and (goes_back or reads_values(function, args)):
            self.waits[place_of_caller()] += 1
        if goes_there:
            kwargs = kwargs | {"device": "cpu"}
        on_cpu = tree_map_only(DeviceTensor, lambda each: each.values, (args, kwargs))
        result = function(*on_cpu[0], **on_cpu[1])
        if goes_back:
            return result
        result = tree_map(wrapped, result)
        return return_and_correct_aliasing(function, args, kwargs, result)


def wrapped(value):
    """Return a tensor as one of the device."""
    return DeviceTensor(value) if isinstance(value, torch.Tensor) else value


def reads_values(function, args):
    """Return whether an operation waits for the values of its inputs."""
    name = function.__name__.split(".")[0]
    if name in ("index", "index_put", "index_put_"):  # a mask is turned into positions
        return any(each is not None and each.dtype in (torch.bool, torch.uint8) for each in args[1])
    if name == "repeat_interleave":
        return function.overloadpacket is torch.ops.aten.repeat_interleave
    return name in READS_VALUES


def place_of_caller():
    """Return the file and the function of the innermost frame of skdistill, skorch or a test."""
    frame = sys._getframe(1)
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path != Path(__file__) and ("skorch" in path.parts or is_ours(path)):
            return f"{path.name}:{frame.f_code.co_name}"
        frame = frame.f_back
    return "elsewhere"


def is_ours(path):
    """Return whether a file belongs to skdistill or to its tests."""
    return path.is_relative_to(LIBRARY) or path.is_relative_to(TESTS)

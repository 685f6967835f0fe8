"""Size of the file that a model is shipped in: of skops, or a pickle where that fails."""

import pickle
import re
from typing import NamedTuple

from ._cost import pickled_bytes

# Numbers of objects in a file of skops: addresses in memory, whose digits vary from one fit to the
# next. All count as the longest, so that equal models have files of equal size.
ADDRESS = re.compile(rb'"__id__": (\d+)|(\d+)\.npy')
LONGEST = 15  # digits of 47 bits


class ShippedFile(NamedTuple):
    """The kilobytes of a file, and its format; NaN and empty for a model that cannot be written."""

    kilobytes: float = float("nan")
    format: str = ""  # "skops" or "pickle"


def shipped_file(model):
    """Return the file that a fitted model is shipped in."""
    try:
        pickled = pickled_bytes(model) / 1000
    except (pickle.PicklingError, AttributeError, TypeError):
        return ShippedFile()  # skops is not tried: it ends the process for some compiled classes
    try:
        return ShippedFile(_skops_bytes(model) / 1000, "skops")
    except Exception:  # not installed, or anything that it raises for what it does not know
        return ShippedFile(pickled, "pickle")


def _skops_bytes(model):
    """Return the bytes of a model as `skops.io.dump` writes it, up to the digits of addresses."""
    import skops.io

    file = skops.io.dumps(model)
    addresses = (match[1] or match[2] for match in ADDRESS.finditer(file))
    return len(file) + sum(LONGEST - len(address) for address in addresses)

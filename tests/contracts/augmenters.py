"""Every public augmenter, small: each name of `skdistill.augmentation.__all__` is tested.

Tests take the name as a parameter and call `make_augmenter`, so that they need no list.
"""

from typing import Any

import pytest

from skdistill import augmentation

AUGMENTERS = sorted(augmentation.__all__)
# Parameters with which a class samples from two different rows, where its defaults do not.
SMALL_OF: dict[str, dict[str, Any]] = {}


def make_augmenter(name, size_factor=1.0):
    """Return an augmenter by the name of its class."""
    cls = getattr(augmentation, name)
    try:
        return cls(size_factor, **SMALL_OF.get(name, {}))
    except TypeError as error:
        pytest.fail(
            f"skdistill.augmentation.{name} cannot be created from `size_factor` alone ({error}). "
            "Give its parameters defaults, or add them to SMALL_OF of "
            "tests/contracts/augmenters.py.",
            pytrace=False,
        )


def path_of(augmenter):
    """Return the path of the class of an augmenter, which saved files name."""
    return f"{type(augmenter).__module__}.{type(augmenter).__name__}"

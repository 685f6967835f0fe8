"""Fingerprints: equal for equal contents, whoever holds them, in whatever process.

A value is written out as plain numbers and text, part by part, and that text is hashed. An
array counts by dtype, shape and numbers, not by how it lies in memory. An estimator counts by
what `clone` keeps of it; any other object by what pickling would keep. Code counts by the
version of its package, code without a version (a script, a notebook) by itself and by what it
refers to.
"""

import copyreg
import sys
from datetime import date, time, timedelta
from functools import singledispatch
from hashlib import sha256
from random import Random
from types import BuiltinFunctionType, CodeType, EllipsisType, FunctionType, ModuleType

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils import gen_batches

from ._code import (
    CACHED,
    WRAPPERS,
    attributes_of,
    closed_over,
    functions_in,
    parts_of,
    reachable,
    version_of,
)

# Parameters that decide how fast an estimator is fitted and what it prints, not what it learns.
LEFT_OUT = {"n_jobs", "verbose"}
# What a class draws random numbers from is another thing after each draw.
GENERATORS = (np.random.Generator, np.random.RandomState, Random)
# Arrays are copied for hashing in blocks of about so many bytes.
BLOCK = 2**24


def fingerprint(value):
    """Return a digest of a value: 64 hexadecimal digits."""
    return sha256(repr(canonical_form(value)).encode()).hexdigest()


def canonical_form_unfitted(value):
    """Return an estimator as its class and parameters, which is all that `clone` keeps of it."""
    if type(value) in (list, tuple, set, frozenset):
        return canonical_form(type(value)(map(canonical_form_unfitted, value)))
    if type(value) is dict:
        return canonical_form({name: canonical_form_unfitted(each) for name, each in value.items()})
    if not _is_cloned_by_parameters(value):
        return canonical_form(value)
    parameters = value.get_params(deep=False)
    kept = {name: parameters[name] for name in sorted(parameters) if name not in LEFT_OUT}
    # What set_output asked for: it decides which columns, of which dtypes, the next step sees.
    output = getattr(value, "_sklearn_output_config", {})
    return (canonical_form(type(value)), canonical_form(output), canonical_form_unfitted(kept))


def _is_cloned_by_parameters(value):
    """Return whether `clone` makes a new estimator; a FrozenEstimator stays what it is."""
    if isinstance(value, type) or not hasattr(value, "get_params"):
        return False
    own = getattr(type(value), "__sklearn_clone__", None)
    return own in (None, BaseEstimator.__sklearn_clone__)


@singledispatch
def canonical_form(value):
    """Return any value as nested tuples of numbers and text, which `repr` tells apart."""
    if sparse.issparse(value):
        return _written_sparse(value)
    if hasattr(value, "columns") and hasattr(value, "dtypes"):
        return _written_frame(value)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        return _written_tensor(value, torch)
    reduce = copyreg.dispatch_table.get(type(value))
    parts = value.__reduce_ex__(4) if reduce is None else reduce(value)
    if isinstance(parts, str):  # it pickles as a name
        return (canonical_form(type(value)), parts)
    make, arguments, state, items, pairs = (*parts, None, None, None)[:5]
    of_iterators = [None if each is None else canonical_form(list(each)) for each in (items, pairs)]
    return (canonical_form(make), canonical_form(arguments), canonical_form(state), *of_iterators)


@canonical_form.register(int | float | complex | bytes | EllipsisType | None)
def _written_plain(value):
    return value


@canonical_form.register
def _written_text(value: str):
    return str(value)  # numpy has strings of its own


@canonical_form.register
def _written_number(value: np.generic):
    return value.item() if value.dtype.kind in "biufcS" else canonical_form(np.asarray(value))


@canonical_form.register(date | time | timedelta)
def _written_time(value):
    return repr(value)


@canonical_form.register(list | tuple)
def _written_sequence(value):
    return (type(value).__name__, *map(canonical_form, value))


@canonical_form.register(set | frozenset)
def _written_set(value):
    return ("set", *sorted(repr(canonical_form(each)) for each in value))


@canonical_form.register
def _written_dict(value: dict):
    return (
        type(value).__name__,
        *((canonical_form(key), canonical_form(each)) for key, each in value.items()),
    )


@canonical_form.register
def _written_array(value: np.ndarray):
    if isinstance(value, np.ma.MaskedArray):
        return ("masked", canonical_form(value.data), canonical_form(np.ma.getmaskarray(value)))
    if value.dtype.names:  # there may be bytes without meaning between fields
        return ("fields", *((name, canonical_form(value[name])) for name in value.dtype.names))
    if value.dtype.hasobject:
        return ("array", value.shape, canonical_form(value.ravel().tolist()))
    native = value.dtype.newbyteorder("=")
    digest = sha256()
    lines = np.atleast_1d(value)
    batch = max(1, BLOCK * len(lines) // max(1, value.nbytes))
    for rows in gen_batches(max(1, len(lines)), batch):
        digest.update(np.asarray(lines[rows], dtype=native).tobytes())
    return ("array", native.str, value.shape, digest.hexdigest())


def _written_sparse(value):
    """Write a sparse matrix as rows, their entries in order; stored zeros count."""
    rows = sparse.csr_array(value, copy=True)
    rows.sum_duplicates()
    positions = [canonical_form(each.astype(np.int64)) for each in (rows.indptr, rows.indices)]
    return ("sparse", rows.shape, *positions, canonical_form(rows.data))


def _written_frame(frame):
    """Write a dataframe column by column, however the library groups them in memory."""
    if hasattr(frame, "get_columns"):  # polars
        columns = [(each.name, each) for each in frame.get_columns()]
    else:
        columns = [*frame.items(), ("index", frame.index)]
    return (
        type(frame).__module__.partition(".")[0],
        *((canonical_form(name), *_written_column(column)) for name, column in columns),
    )


def _written_column(column):
    """Write the dtype and the values of a column: an array if that says all, else a list."""
    dtype = column.dtype
    if isinstance(dtype, np.dtype):
        return "numpy", canonical_form(column.to_numpy())
    if hasattr(column, "null_count") and dtype.is_numeric() and not column.null_count():
        return repr(dtype), canonical_form(column.to_numpy())
    if hasattr(dtype, "ordered"):  # pandas shows no more than a few of many categories
        dtype = (dtype.ordered, canonical_form(dtype.categories.to_list()))
    return repr(dtype), canonical_form(column.to_list())


def _written_tensor(tensor, torch):
    """Write a tensor of torch, which pickles with an address that is never the same."""
    numbers = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
    return (str(tensor.dtype), tuple(tensor.shape), tensor.requires_grad, canonical_form(numbers))


@canonical_form.register
def _written_class(value: type):
    return (_flat_class(value), *_written_helpers(value))


@canonical_form.register
def _written_function(value: FunctionType):
    return (_flat_function(value), *_written_helpers(value))


@canonical_form.register(CACHED)
def _written_cached(value):
    return ("lru_cache", canonical_form(value.__wrapped__))


def _written_helpers(value):
    """Write what code refers to: each for itself, since one may refer to the other."""
    helpers, constants = reachable(value)
    return (
        *sorted(repr(_written_helper(each)) for each in helpers),
        *((name, _flat_data(constants[name], strict=False)) for name in sorted(constants)),
    )


def _written_helper(value):
    """Write code that other code refers to: that of a package by its version alone."""
    name = (value.__module__, value.__qualname__, version_of(value.__module__))
    if name[-1] is not None:
        return name
    return _flat_class(value) if isinstance(value, type) else _flat_function(value, strict=False)


def _flat_class(value):
    """Write a class with all that it defines and inherits."""
    return tuple(
        (each.__module__, each.__qualname__, version_of(each.__module__) or _flat_attributes(each))
        for each in value.__mro__
    )


def _flat_attributes(cls):
    """Write what a class of one's own defines."""
    return tuple(
        (name, type(value).__name__, _flat_data(value, strict=False))
        for name, value in attributes_of(cls).items()
    )


def _flat_function(value, strict=True):
    """Write a function without the functions and classes that it refers to."""
    data = {
        **closed_over(value),
        "(defaults)": value.__defaults__,
        "(keywords)": value.__kwdefaults__,
    }
    return (
        value.__module__,
        value.__qualname__,
        version_of(value.__module__),
        canonical_form(value.__code__),
        tuple((name, _flat_data(each, strict)) for name, each in data.items()),
    )


def _flat_data(value, strict):
    """Write a value that code holds; code in it is written elsewhere, by itself."""
    if isinstance(value, FunctionType):
        return value.__qualname__, canonical_form(value.__code__)
    if isinstance(value, type):
        return value.__qualname__
    if isinstance(value, WRAPPERS) or functions_in(value):
        parts = sorted(parts_of(value).items())
        return [(name, _flat_data(part, strict=False)) for name, part in parts]
    if isinstance(value, GENERATORS):
        return type(value).__qualname__
    try:
        return canonical_form(value)
    except Exception:  # a lock, a connection: what they hold is not what is learnt
        if strict:
            raise
        return type(value).__qualname__


@canonical_form.register
def _written_code(value: CodeType):
    return (value.co_code, value.co_names, canonical_form(value.co_consts))


@canonical_form.register
def _written_built_in(value: BuiltinFunctionType):
    owner = value.__self__
    bound_to = None if isinstance(owner, ModuleType | None) else canonical_form(owner)
    return (value.__module__, value.__qualname__, bound_to)


@canonical_form.register
def _written_module(value: ModuleType):
    return (value.__name__, version_of(value.__name__))

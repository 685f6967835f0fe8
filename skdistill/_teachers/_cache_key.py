"""Fingerprints: equal for equal contents, in any container and in any process.

A value is converted recursively to plain numbers and text, its canonical form, which is hashed.
An array is represented by dtype, shape and values, not by its memory layout. An estimator is
represented by what `clone` keeps of it; any other object by what pickling keeps. Code is
represented by the version of its package; code without a version (a script, a notebook) by its
byte code and by what it refers to.
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

# Parameters that change the run time and the output on screen, but not the fitted model.
IGNORED_PARAMS = {"n_jobs", "verbose"}
# The state of a random number generator changes with each draw.
GENERATORS = (np.random.Generator, np.random.RandomState, Random)
# Arrays are copied for hashing in blocks of about this many bytes.
BLOCK = 2**24


def fingerprint(value):
    """Return a digest of a value: 64 hexadecimal digits."""
    return sha256(repr(canonical_form(value)).encode()).hexdigest()


def canonical_form_unfitted(value):
    """Return the canonical form of an unfitted estimator: its class and parameters."""
    if type(value) in (list, tuple, set, frozenset):
        return canonical_form(type(value)(map(canonical_form_unfitted, value)))
    if type(value) is dict:
        return canonical_form({name: canonical_form_unfitted(each) for name, each in value.items()})
    if not _is_cloned_by_parameters(value):
        return canonical_form(value)
    parameters = value.get_params(deep=False)
    kept = {name: parameters[name] for name in sorted(parameters) if name not in IGNORED_PARAMS}
    # The configuration of set_output changes the columns and dtypes that the next step gets.
    output = getattr(value, "_sklearn_output_config", {})
    return (canonical_form(type(value)), canonical_form(output), canonical_form_unfitted(kept))


def _is_cloned_by_parameters(value):
    """Return whether `clone` makes a new estimator, unlike for a FrozenEstimator."""
    if isinstance(value, type) or not hasattr(value, "get_params"):
        return False
    method = getattr(type(value), "__sklearn_clone__", None)
    return method in (None, BaseEstimator.__sklearn_clone__)


@singledispatch
def canonical_form(value):
    """Return any value as nested tuples of numbers and text, distinguishable by `repr`."""
    if sparse.issparse(value):
        return _form_of_sparse(value)
    if hasattr(value, "columns") and hasattr(value, "dtypes"):
        return _form_of_frame(value)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        return _form_of_tensor(value, torch)
    reduce = copyreg.dispatch_table.get(type(value))
    parts = value.__reduce_ex__(4) if reduce is None else reduce(value)
    if isinstance(parts, str):  # pickled by name
        return (canonical_form(type(value)), parts)
    make, arguments, state, items, pairs = (*parts, None, None, None)[:5]
    contents = [None if each is None else canonical_form(list(each)) for each in (items, pairs)]
    return (canonical_form(make), canonical_form(arguments), canonical_form(state), *contents)


@canonical_form.register(int | float | complex | bytes | EllipsisType | None)
def _form_of_plain(value):
    return value


@canonical_form.register
def _form_of_text(value: str):
    return str(value)  # np.str_ has another repr


@canonical_form.register
def _form_of_number(value: np.generic):
    return value.item() if value.dtype.kind in "biufcS" else canonical_form(np.asarray(value))


@canonical_form.register(date | time | timedelta)
def _form_of_time(value):
    return repr(value)


@canonical_form.register(list | tuple)
def _form_of_sequence(value):
    return (type(value).__name__, *map(canonical_form, value))


@canonical_form.register(set | frozenset)
def _form_of_set(value):
    return ("set", *sorted(repr(canonical_form(each)) for each in value))


@canonical_form.register
def _form_of_dict(value: dict):
    return (
        type(value).__name__,
        *((canonical_form(key), canonical_form(each)) for key, each in value.items()),
    )


@canonical_form.register
def _form_of_array(value: np.ndarray):
    if isinstance(value, np.ma.MaskedArray):
        return ("masked", canonical_form(value.data), canonical_form(np.ma.getmaskarray(value)))
    if value.dtype.names:  # the padding bytes between fields are arbitrary
        return ("fields", *((name, canonical_form(value[name])) for name in value.dtype.names))
    if value.dtype.hasobject:
        return ("array", value.shape, canonical_form(value.ravel().tolist()))
    native = value.dtype.newbyteorder("=")
    digest = sha256()
    lines = np.atleast_1d(value)
    batch = max(1, BLOCK * len(lines) // max(1, value.nbytes))
    for rows in gen_batches(max(1, len(lines)), batch):
        block = np.ascontiguousarray(lines[rows], dtype=native)
        digest.update(block.reshape(-1).view(np.uint8).data)
    return ("array", native.str, value.shape, digest.hexdigest())


def _form_of_sparse(value):
    """Return the form of a sparse matrix as sorted CSR; explicit zeros are kept."""
    rows = sparse.csr_array(value, copy=True)
    rows.sum_duplicates()
    positions = [canonical_form(each.astype(np.int64)) for each in (rows.indptr, rows.indices)]
    return ("sparse", rows.shape, *positions, canonical_form(rows.data))


def _form_of_frame(frame):
    """Return the form of a dataframe, column by column, whatever its memory layout."""
    if hasattr(frame, "get_columns"):  # polars
        columns = [(each.name, each) for each in frame.get_columns()]
    else:
        columns = [*frame.items(), ("index", frame.index)]
    return (
        type(frame).__module__.partition(".")[0],
        *((canonical_form(name), *_form_of_column(column)) for name, column in columns),
    )


def _form_of_column(column):
    """Return the forms of the dtype and values of a column: an array if lossless, else a list."""
    dtype = column.dtype
    if isinstance(dtype, np.dtype):
        return "numpy", canonical_form(column.to_numpy())
    if hasattr(column, "null_count") and dtype.is_numeric() and not column.null_count():
        return repr(dtype), canonical_form(column.to_numpy())
    if hasattr(dtype, "ordered"):  # the repr in pandas abbreviates many categories
        dtype = (dtype.ordered, canonical_form(dtype.categories.to_list()))
    return repr(dtype), canonical_form(column.to_list())


def _form_of_tensor(tensor, torch):
    """Return the form of a torch tensor, whose pickle contains a changing address."""
    numbers = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
    return (str(tensor.dtype), tuple(tensor.shape), tensor.requires_grad, canonical_form(numbers))


@canonical_form.register
def _form_of_class(value: type):
    return (_flat_class(value), *_form_of_helpers(value))


@canonical_form.register
def _form_of_function(value: FunctionType):
    return (_flat_function(value), *_form_of_helpers(value))


@canonical_form.register(CACHED)
def _form_of_cached(value):
    return ("lru_cache", canonical_form(value.__wrapped__))


def _form_of_helpers(value):
    """Return the forms of what code refers to, without recursion since references may be cyclic."""
    helpers, constants = reachable(value)
    return (
        *sorted(repr(_form_of_helper(each)) for each in helpers),
        *((name, _flat_data(constants[name], strict=False)) for name in sorted(constants)),
    )


def _form_of_helper(value):
    """Return the form of code that other code refers to: for a package, its version alone."""
    name = (value.__module__, value.__qualname__, version_of(value.__module__))
    if name[-1] is not None:
        return name
    return _flat_class(value) if isinstance(value, type) else _flat_function(value, strict=False)


def _flat_class(value):
    """Return the form of a class with all that it defines and inherits."""
    return tuple(
        (each.__module__, each.__qualname__, version_of(each.__module__) or _flat_attributes(each))
        for each in value.__mro__
    )


def _flat_attributes(cls):
    """Return the form of the attributes of a class without a version."""
    return tuple(
        (name, type(value).__name__, _flat_data(value, strict=False))
        for name, value in attributes_of(cls).items()
    )


def _flat_function(value, strict=True):
    """Return the form of a function without the functions and classes that it refers to."""
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
    """Return the form of a value inside code, without the code that it refers to."""
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
    except Exception:  # such as a lock or a connection, whose state does not change the fit
        if strict:
            raise
        return type(value).__qualname__


@canonical_form.register
def _form_of_code(value: CodeType):
    return (value.co_code, value.co_names, canonical_form(value.co_consts))


@canonical_form.register
def _form_of_built_in(value: BuiltinFunctionType):
    owner = value.__self__
    bound_to = None if isinstance(owner, ModuleType | None) else canonical_form(owner)
    return (value.__module__, value.__qualname__, bound_to)


@canonical_form.register
def _form_of_module(value: ModuleType):
    return (value.__name__, version_of(value.__name__))

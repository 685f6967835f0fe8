"""The X of a net: checked, and in the precision of the module."""

from collections.abc import Mapping

import numpy as np
import torch
from scipy import sparse
from sklearn.utils import check_array


def as_rows(X, module):
    """Return X as a tensor, a CSR matrix or a dict of them, floats in the module's precision.

    Integers become floats, as in scikit-learn, unless the module has an embedding. In a dict,
    whose entries go to the module by name, they stay integers.
    """
    floats = (each.dtype for each in module.parameters() if each.is_floating_point())
    precision = next(floats, torch.float32)
    if has_named_parts(X):
        return {name: _converted(each, precision, True) for name, each in X.items()}
    lookups = (torch.nn.Embedding, torch.nn.EmbeddingBag)
    return _converted(X, precision, any(isinstance(each, lookups) for each in module.modules()))


def check_rows_alike(X):
    """Raise if rows differ in length, so that they do not form an array."""
    if isinstance(X, np.ndarray) and (X.dtype != object or X.ndim != 1):
        return
    if not isinstance(X, list | tuple | np.ndarray) or not all(map(np.ndim, X)):
        return
    lengths = [len(each) for each in X]
    other = next((row for row, length in enumerate(lengths) if length != lengths[0]), None)
    if other is not None:
        raise ValueError(
            f"The rows of X differ in length: row 0 has {lengths[0]} entries, row {other} has "
            f"{lengths[other]}. Pad them to one length that the module handles, for example by an "
            "Embedding with padding_idx; or fit one array for each length."
        )


def has_named_parts(X):
    """Return whether X is a dict of arrays; a DOK matrix, also a Mapping, is not."""
    return isinstance(X, Mapping) and not sparse.issparse(X)


def _converted(X, precision, keeps_integers):
    if isinstance(X, torch.Tensor):
        return X if keeps_integers and not X.is_floating_point() else X.to(precision)
    X = X if sparse.issparse(X) else np.asarray(X)
    if keeps_integers and X.dtype.kind in "iub":
        dtype, precision = np.int64, torch.int64
    else:
        dtype = np.float64 if precision is torch.float64 else np.float32
    X = check_array(
        X,
        dtype=dtype,
        accept_sparse="csr",
        allow_nd=True,
        ensure_2d=not keeps_integers,
        input_name="X",
    )
    if sparse.issparse(X):
        return sparse.csr_matrix(X)  # skorch's dataset, for torch's loader, takes no CSR array
    # torch supports neither read-only memory nor negative strides.
    return torch.as_tensor(np.require(X, requirements=["C", "W"])).to(precision)

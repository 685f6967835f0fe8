"""The teacher cache: a folder with the predictions of fold teachers, so that none is fitted twice.

One file per fold teacher, named by a hash of all that its predictions depend on; the student and
alpha are not among it. If more predictions may be needed, for other sampled rows, a second file
contains the teacher. Files are written atomically and contain a checksum.
"""

import json
import math
import os
import pickle
from collections.abc import Callable
from copy import deepcopy
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import joblib
import numpy as np
import sklearn
from scipy import sparse
from sklearn.utils.metadata_routing import get_routing_for_object

from .._utils._warnings import warn
from ._cache_key import canonical_form, canonical_form_unfitted, fingerprint
from ._code import version_of

CHECKSUM_BYTES = 32
# Raised by failed writes, and by objects that cannot be pickled.
WRITE_ERRORS = (OSError, pickle.PicklingError, TypeError, AttributeError)


class FoldPredictions(NamedTuple):
    """Predictions of one fold's teacher, which is then discarded."""

    tested: np.ndarray | sparse.csr_array
    unlabeled: np.ndarray | sparse.csr_array | None
    seen: np.ndarray  # positions in classes of the classes in its training data


def cache_folder(memory):
    """Return the folder of a `memory` parameter, None without a cache."""
    location = memory.location if isinstance(memory, joblib.Memory) else memory
    if location is None:
        return None
    if isinstance(location, str | os.PathLike) and os.fspath(location):
        return Path(location).expanduser() / "skdistill"
    raise ValueError(
        "memory must be None, the path of a folder, or a joblib.Memory that has one; got "
        f"memory={memory!r}. Give it as in memory='teacher_cache'."
    )


def make_folder(folder):
    """Make the folder, or raise if it is not writable."""
    probe = folder / f"{uuid4().hex}.tmp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise type(error)(
            f"memory={str(folder.parent)!r} cannot be written to: {error}. Give a folder that you "
            "may write to, or memory=None."
        ) from error


class TeacherCache(NamedTuple):
    """Cached predictions of the fold teachers of one fit, from this or earlier equal fits.

    If they predict more than the labelled rows, the teachers are cached too: other settings of an
    augmenter, or of top_k, need other predictions of the same teachers.
    """

    folder: Path | None
    common_key: str = ""  # fingerprint of all that the fold teachers have in common
    output: str = ""  # fingerprint of what they predict
    keeps_teachers: bool = False

    @classmethod
    def for_fit(cls, folder, teacher, rows, output, fit_params):
        """Return the cache of a fit; the rows are hashed here, once for all folds."""
        if folder is None:
            return cls(None)
        make_folder(folder)
        common = (
            [version_of(name) for name in ("skdistill", "sklearn")],
            teacher_key(teacher),
            sklearn.get_config()["transform_output"],
            _routing(teacher) if fit_params else None,
            canonical_form((rows.X, rows.y, fit_params)),
        )
        return cls(folder, fingerprint(common)).of_output(output, rows.X_unlabeled)

    def of_output(self, output, X_unlabeled):
        """Return the cache of teachers of the same fit that predict these unlabelled rows."""
        if self.folder is None:
            return self
        is_cut = output.top_k is not None and output.top_k < len(output.classes)
        return self._replace(
            output=fingerprint((X_unlabeled, output)),
            keeps_teachers=X_unlabeled is not None or is_cut,
        )

    def predictions(self, train, test):
        """Return the entry of the predictions of a fold's teacher, None without a cache."""
        if self.folder is None:
            return None
        name = fingerprint((self.common_key, self.output, train, test))
        return Entry(self.folder / f"{name}.predictions", _pack, _unpack)

    def teacher(self, train):
        """Return the entry of a fold's teacher, None without a cache."""
        if self.folder is None:
            return None
        return Entry(
            self.folder / f"{fingerprint((self.common_key, train))}.teacher",
            pickle.dumps,
            pickle.loads,
        )


def _routing(teacher):
    """Return the metadata routing inside a teacher as text, None if it is disabled."""
    routed = sklearn.get_config()["enable_metadata_routing"]
    return str(get_routing_for_object(teacher)) if routed else None


def teacher_key(teacher):
    """Return the canonical form of an unfitted teacher, which is equal for copies of it."""
    reason = "a copy of it looks different"
    try:
        first, second = canonical_form_unfitted(teacher), canonical_form_unfitted(deepcopy(teacher))
    except Exception as error:  # parameters may raise anything when pickled
        first, second, reason = 0, 1, f"{type(error).__name__}: {error}"
    if first == second:
        return first
    raise TypeError(
        f"memory cannot tell the teacher {teacher!r} from others, since its parameters cannot be "
        f"compared ({reason}). Give it parameters that pickle, such as a class and its arguments "
        "instead of an object, or leave memory=None."
    )


class Entry(NamedTuple):
    """One cache file: a checksum, then the value, packed into bytes."""

    path: Path
    pack: Callable
    unpack: Callable

    def get(self):
        """Return the cached value, None if the file is missing, damaged or unreadable."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._warn(f"cannot be read ({error})")
            return None
        checksum, packed = content[:CHECKSUM_BYTES], content[CHECKSUM_BYTES:]
        if checksum != self._checksum(packed):
            self._warn("is damaged")
            return None
        try:
            return self.unpack(packed)
        except Exception as error:  # a class that has changed may raise anything
            self._warn(f"cannot be unpacked ({type(error).__name__}: {error})")
            return None

    def put(self, value):
        """Write a value to a temporary file, then rename it, so that no reader sees half of it."""
        unfinished = self.path.with_suffix(f".{uuid4().hex}.tmp")
        try:
            packed = self.pack(value)
            unfinished.write_bytes(self._checksum(packed) + packed)
            unfinished.replace(self.path)
        except WRITE_ERRORS as error:  # the fit goes on without the cache
            warn(
                f"A teacher could not be cached in {str(self.path)!r} ({error}); it is used all "
                "the same."
            )
        finally:  # also after an interruption
            unfinished.unlink(missing_ok=True)

    def _checksum(self, packed):
        """Return a checksum of content and name, so that a renamed file is not accepted."""
        return sha256(self.path.name.encode() + packed).digest()

    def _warn(self, reason):
        """Warn that an existing file is not used."""
        warn(
            f"A teacher cached in {str(self.path)!r} is not used: the file {reason}. The teacher "
            "is fitted anew, and the file replaced."
        )


def _pack(prediction):
    """Return predictions as bytes: names, dtypes and shapes as JSON in a line, then the arrays."""
    arrays = {}
    for name, value in prediction._asdict().items():
        if sparse.issparse(value):
            parts = {"data": value.data, "indices": value.indices, "indptr": value.indptr}
            arrays |= {f"{name}_{part}": array for part, array in parts.items()}
            arrays[f"{name}_shape"] = np.array(value.shape)
        elif value is not None:
            arrays[name] = value
    header = [(name, value.dtype.str, value.shape) for name, value in arrays.items()]
    return b"\n".join([json.dumps(header).encode(), b"".join(map(_bytes_of, arrays.values()))])


def _bytes_of(array):
    return np.ascontiguousarray(array).tobytes()


def _unpack(packed):
    """Return predictions from bytes, which are read without pickle."""
    header, _, content = packed.partition(b"\n")
    arrays, start = {}, 0
    for name, dtype, shape in json.loads(header):
        n_values = math.prod(shape)
        values = np.frombuffer(content, dtype, n_values, start).reshape(shape)
        arrays[name] = values.copy()  # writable, and aligned
        start += values.nbytes
    return FoldPredictions(*(_unpack_field(arrays, name) for name in FoldPredictions._fields))


def _unpack_field(arrays, name):
    if f"{name}_data" not in arrays:
        return arrays.get(name)
    parts = tuple(arrays[f"{name}_{part}"] for part in ("data", "indices", "indptr"))
    return sparse.csr_array(parts, shape=tuple(arrays[f"{name}_shape"].tolist()))

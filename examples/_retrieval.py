"""Code shared by the examples of retrieval: objectives, scores of the top labels, pictures.

Results are kept as ``{(student, variant): [scores of split 0, scores of split 1, ...]}``.
"""

import pickle
import time
import warnings
from pathlib import Path

import numpy as np
from _report import longest_name
from matplotlib.figure import Figure
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from skdistill import DistilledMulticlassRetriever
from skdistill.metrics import precision_at_k, recall_at_k

K = 10
OBJECTIVES = {
    "plain": "cross_entropy",
    "label-weighted": "label_weighted",
    "double": "double_distillation",
}
BASELINE = "one-hot"
COLOURS = {"plain": "C0", "label-weighted": "C1", "double": "C2"}
WITHOUT_ERROR = ("fit s", "kB", "ms/1000")


def fit_timed(X, y, **params):
    """Return a fitted retriever and its fit time in seconds; alpha 0 needs no teacher."""
    start = time.perf_counter()
    teacher_proba = params.pop("teacher_proba", None)
    model = DistilledMulticlassRetriever(k=K, random_state=0, **params)
    with warnings.catch_warnings():
        # The number of iterations is a setting of these examples, the same for every student.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y, teacher_proba=teacher_proba)
    return model, time.perf_counter() - start


def judge(labels, y):
    """Return the scores of the top labels of each row."""
    return {"P@1": precision_at_k(y, labels, k=1), f"R@{K}": recall_at_k(y, labels, k=K)}


def cost(model, X, seconds):
    """Return the costs of a student: fit time, size, and time to predict a thousand rows."""
    timings = []
    with threadpool_limits(limits=1):
        for _ in range(5):
            start = time.perf_counter()
            model.retrieve(X[:1000])
            timings.append(time.perf_counter() - start)
    return {
        "fit s": seconds,
        "kB": len(pickle.dumps(model.student_)) / 1000,
        "ms/1000": 1e6 * np.median(timings) / min(X.shape[0], 1000),
    }


def best_of(proba, classes):
    """Return the K most probable labels of each row, best first."""
    return np.asarray(classes)[np.argsort(-np.asarray(proba), axis=1, kind="stable")[:, :K]]


def print_table(results):
    """Print a row for each model, with mean ± standard error over the splits."""
    columns = list(max((splits[0] for splits in results.values()), key=len))
    indent = longest_name(results)
    print(" " * indent + "".join(f"{column:>{width_of(column)}}" for column in columns))
    for name, splits in results.items():
        cells = [f"{cell(column, splits):>{width_of(column)}}" for column in columns]
        print(f"{', '.join(name):{indent}}" + "".join(cells))
    print(
        f"Test rows: mean ± standard error over {len(splits)} splits. kB: pickled. ms/1000: "
        f"retrieving {K}\nlabels for a thousand rows, one thread, median."
    )


def width_of(column):
    """Return the width of a column of the table."""
    return 9 if column in WITHOUT_ERROR else max(15, len(column) + 2)


def cell(column, splits):
    """Return the table cell of one column of one model."""
    values = [scores[column] for scores in splits if column in scores]
    if not values:
        return "—"
    if column in WITHOUT_ERROR:
        return f"{np.median(values):,.0f}" if column == "kB" else f"{np.median(values):.1f}"
    return f"{np.mean(values):.3f} ± {np.std(values, ddof=1) / np.sqrt(len(values)):.3f}"


def draw(results, columns, path, title):
    """Draw mean and standard error of each model, a panel for each column."""
    figure = Figure(figsize=(10, 1.6 + 0.33 * len(results)), layout="constrained")
    panels = figure.subplots(1, len(columns), sharey=True)
    heights = -np.arange(len(results))
    for panel, column in zip(panels, columns, strict=True):
        for height, ((student, variant), splits) in zip(heights, results.items(), strict=True):
            values = np.array([scores[column] for scores in splits])
            colour = colour_of(student, variant)
            error = values.std(ddof=1) / np.sqrt(len(values))
            panel.errorbar(values.mean(), height, xerr=error, fmt="o", color=colour, capsize=3)
            panel.plot(values, [height] * len(values), "o", color=colour, alpha=0.2, markersize=4)
            panel.text(
                1.02, height, f"{values.mean():.3f}", color=colour, va="center",
                transform=panel.get_yaxis_transform(),
            )  # fmt: skip
            if variant == BASELINE:
                panel.axvline(values.mean(), color="0.45", linestyle=":", linewidth=1, zorder=0)
        panel.set_xlabel(column)
        panel.spines[["top", "right", "left"]].set_visible(False)
        panel.tick_params(axis="y", length=0)
        panel.grid(axis="y", color="0.92")
    panels[0].set_yticks(heights, [", ".join(name) for name in results])
    n_splits = len(next(iter(results.values())))
    figure.suptitle(
        f"{title}: mean ± standard error of {n_splits} splits; dotted: {BASELINE} labels",
        fontsize=11,
    )
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=200)
    print(f"\nPicture: {path}")


def colour_of(student, variant):
    """Return black for teachers, grey for hard labels, a colour for each objective."""
    if student == "teacher":
        return "black"
    return next((COLOURS[name] for name in COLOURS if name in variant), "0.45")

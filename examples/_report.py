"""What the examples share: measuring a model, the table, the tally of splits and the picture.

Results are kept as ``{(student, variant): [scores of split 0, scores of split 1, ...]}``.
"""

import pickle
import time
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
from threadpoolctl import threadpool_limits

from skdistill.metrics import brier_loss, expected_calibration_error, teacher_agreement

LABELS = "true labels"  # the variant that each student's other variants are compared with
HIGHER_IS_BETTER = {"accuracy", "AUC", "agreement"}
NAME_WIDTH = 36


def measure(model, X, y, teacher_proba):
    """Return the test scores, the size and the speed of a fitted model."""
    proba = model.predict_proba(X)
    scores = {"accuracy": accuracy_score(y, model.predict(X))}
    if proba.shape[1] == 2:
        scores["AUC"] = roc_auc_score(y, proba[:, 1])
    return scores | {
        "log-loss": log_loss(y, proba),
        "Brier": brier_loss(y, proba),
        "ECE": expected_calibration_error(y, proba),
        "agreement": teacher_agreement(teacher_proba, proba),
        "kB": len(pickle.dumps(model)) / 1000,
        "ms/1000": milliseconds_per_thousand(model, X[:1000]),
    }


def milliseconds_per_thousand(model, X, repeats=7):
    """Return how long `predict_proba` takes for a thousand rows in one batch on one thread."""
    seconds = []
    with threadpool_limits(limits=1):
        for _ in range(repeats):
            start = time.perf_counter()
            model.predict_proba(X)
            seconds.append(time.perf_counter() - start)
    return 1e6 * np.median(seconds) / len(X)


def print_table(results):
    """Print a row for each model, with mean ± standard deviation over the splits."""
    first = next(iter(results.values()))
    widths = {column: 8 if column in ("kB", "ms/1000") else 14 for column in first[0]}
    print(" " * NAME_WIDTH + "".join(f"{column:>{width}}" for column, width in widths.items()))
    for name, splits in results.items():
        row = [f"{cell(column, splits):>{width}}" for column, width in widths.items()]
        print(f"{', '.join(name):{NAME_WIDTH}}" + "".join(row))
    print(
        f"Test rows: mean ± standard deviation over {len(first)} splits. Agreement: same first "
        "choice as the teacher.\nkB: pickled. ms/1000: predict_proba for a thousand rows in one "
        "batch, one thread, median. Log-loss counts a\nprobability of 0 as 2e-16."
    )


def cell(column, splits):
    """Return what the table says of one column of one model."""
    values = [scores[column] for scores in splits]
    if column == "kB":
        return f"{np.mean(values):,.0f}"
    if column == "ms/1000":  # the median: one disturbed split should not count
        return f"{np.median(values):.2f}"
    mean, deviation = (f"{x:.3f}".removeprefix("0") for x in (np.mean(values), np.std(values, ddof=1)))
    return f"{mean} ± {deviation}"


def print_tally(results, columns, baseline=LABELS):
    """Compare each student's variants with its baseline, on the same splits."""
    names = [
        (student, variant)
        for student, variant in results
        if (student, baseline) in results and variant not in (LABELS, baseline)
    ]
    print(f"\nAgainst the same student on {baseline}: mean difference, splits won / tied / lost")
    print(" " * NAME_WIDTH + "".join(f"{column:>26}" for column in columns))
    for name in names:
        row = f"{', '.join(name):{NAME_WIDTH}}"
        for column in columns:
            difference, won, tied, lost = compare(results, name, baseline, column)
            row += f"{difference:>+14.4f}{won:>4} /{tied:>2} /{lost:>2}"
        print(row)
    for column in columns:
        print(f"{column}: lost more splits than it won: {losers(results, names, baseline, column)}")


def compare(results, name, baseline, column):
    """Return the mean difference from the baseline, and how many splits won, tied and lost."""
    ours = np.array([scores[column] for scores in results[name]])
    theirs = np.array([scores[column] for scores in results[name[0], baseline]])
    gain = ours - theirs if column in HIGHER_IS_BETTER else theirs - ours
    return np.mean(ours - theirs), np.sum(gain > 0), np.sum(gain == 0), np.sum(gain < 0)


def losers(results, names, baseline, column):
    """Return the names of those that lost more splits than they won."""
    lost_more = []
    for name in names:
        _, won, _, lost = compare(results, name, baseline, column)
        if lost > won:
            lost_more.append(", ".join(name))
    return "; ".join(lost_more) or "none"


def draw(results, columns, path, title, log_scale=()):
    """Draw a row of points for each model, one panel per column: every split and their mean."""
    figure = Figure(figsize=(9, 5.2), layout="constrained")
    panels = figure.subplots(1, len(columns), sharey=True)
    heights = heights_by_student(results)
    for panel, column in zip(panels, columns, strict=True):
        for (student, variant), splits in results.items():
            values = [scores[column] for scores in splits]
            height = heights[student, variant]
            colour = "black" if student == "teacher" else "0.5" if variant == LABELS else "C0"
            panel.plot(values, np.full(len(values), height), "o", color=colour, alpha=0.25, ms=5)
            panel.plot(np.mean(values), height, "o", color=colour, ms=10)
            panel.annotate(
                f"{np.mean(values):.3f}", (1.02, height), xycoords=("axes fraction", "data"),
                va="center", fontsize=10, color=colour,
            )  # fmt: skip
            if variant == LABELS:  # a line through the student's other variants
                last = min(h for (s, _), h in heights.items() if s == student)
                panel.plot([np.mean(values)] * 2, [height, last], ":", color="0.5", lw=1)
        better = "higher" if column in HIGHER_IS_BETTER else "lower"
        panel.set_xlabel(f"{column} ({better} is better)", fontsize=11)
        if column in log_scale:
            panel.set_xscale("log")
    panels[0].set_yticks(list(heights.values()), [label(results, name) for name in heights])
    figure.suptitle(title, fontsize=12)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=200)
    print(f"\nPicture: {path}")


def heights_by_student(results):
    """Return the height of each model's row, with a gap between students."""
    heights, height, last = {}, 0.0, None
    for student, variant in results:
        height -= 1 if student == last else 1.7
        heights[student, variant] = height
        last = student
    return heights


def label(results, name):
    """Return the name of a model and its size."""
    kilobytes = np.mean([scores["kB"] for scores in results[name]])
    return f"{', '.join(name)}  ({kilobytes:,.0f} kB)"

"""What the examples share: measuring a model, the table, the tally of splits and the picture.

Results are kept as ``{(student, variant): [scores of split 0, scores of split 1, ...]}``.
"""

import pickle
import time

import matplotlib

matplotlib.use("Agg")  # a file is drawn, no window is opened

import numpy as np
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
from threadpoolctl import threadpool_limits

from skdistill.metrics import brier_loss, expected_calibration_error, teacher_agreement

LABELS = "true labels"  # the variant that every distilled student is compared with
HIGHER_IS_BETTER = {"accuracy", "AUC", "agreement"}
COST = {"kB", "ms/1000"}


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
    """Return the time of `predict_proba` for a thousand rows: one batch, one thread, the median."""
    seconds = []
    with threadpool_limits(limits=1):
        for _ in range(repeats):
            start = time.perf_counter()
            model.predict_proba(X)
            seconds.append(time.perf_counter() - start)
    return 1e6 * np.median(seconds) / len(X)


def print_table(results):
    """Print one row per model: mean ± standard deviation over the splits."""
    columns = list(next(iter(results.values()))[0])
    widths = {column: 9 if column in COST else 13 for column in columns}
    print(f"{'':32}" + "".join(f"{column:>{widths[column]}}" for column in columns))
    for name, splits in results.items():
        cells = [f"{cell(column, splits):>{widths[column]}}" for column in columns]
        print(f"{', '.join(name):32}" + "".join(cells))
    print(
        f"Mean ± standard deviation over {len(splits)} splits, on test rows. Agreement: same first "
        "choice as\nthe teacher. kB: pickled, mean. ms/1000: predict_proba for a thousand rows in "
        "one batch on one\nthread, median. Log-loss counts a probability of 0 as 2e-16."
    )


def cell(column, splits):
    """Return one cell of the table."""
    values = [scores[column] for scores in splits]
    if column == "kB":
        return f"{np.mean(values):,.0f}"
    if column == "ms/1000":  # one disturbed split must not count
        return f"{np.median(values):.2f}"
    return f"{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}".replace("0.", ".")


def print_tally(results, columns, baseline=LABELS):
    """Count in how many splits each variant beat the same student's baseline: paired."""
    rivals = [
        (student, variant)
        for student, variant in results
        if (student, baseline) in results and variant not in (LABELS, baseline)
    ]
    width = 30
    print(
        f"\nAgainst the same student on {baseline}, split by split: mean difference, won/tied/lost"
    )
    print(f"{'':32}" + "".join(f"{column:>{width}}" for column in columns))
    for name in rivals:
        cells = [tally(results, name, baseline, column) for column in columns]
        print(
            f"{', '.join(name):32}"
            + "".join(
                f"{f'{difference:+.4f}   {won:2}/{tied}/{lost}':>{width}}"
                for difference, won, tied, lost in cells
            )
        )
    for column in columns:
        lost = [
            f"{', '.join(name)} ({n_lost} of {n_won + n_tied + n_lost})"
            for name in rivals
            for _, n_won, n_tied, n_lost in [tally(results, name, baseline, column)]
            if n_lost > n_won
        ]
        print(f"Lost more often than won in {column}: {'; '.join(lost) or 'none'}.")


def tally(results, name, baseline, column):
    """Return the mean difference from the baseline, and how many splits won, tied and lost."""
    ours = np.array([scores[column] for scores in results[name]])
    theirs = np.array([scores[column] for scores in results[name[0], baseline]])
    difference = ours - theirs
    gain = difference if column in HIGHER_IS_BETTER else -difference
    return difference.mean(), (gain > 0).sum(), (gain == 0).sum(), (gain < 0).sum()

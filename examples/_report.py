"""Code shared by the examples: scores of a model, the table, the tally of splits and the picture.

Results are kept as ``{(student, variant): [scores of split 0, scores of split 1, ...]}``.
"""

import pickle
import time
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator
from sklearn.metrics import accuracy_score, log_loss, r2_score, roc_auc_score
from threadpoolctl import threadpool_limits

from skdistill.metrics import brier_loss, expected_calibration_error, teacher_agreement

HIGHER_IS_BETTER = {
    "accuracy",
    "AUC",
    "agreement",
    "average precision",
    "late in top tenth",
    "P@1",
    "R@10",
    "R²",
    "R² to teacher",
}
BEST_AT_ONE = {"mean", "slope"}
LEGEND = (
    "Agreement: same first choice as the teacher.\nkB: pickled. ms/1000: predict_proba for a "
    "thousand rows in one batch, one thread, median. Log-loss counts a\nprobability of 0 as 2e-16."
)
LEGEND_OF_NUMBERS = (
    "Mean: that of the predictions, over that of y.\nSlope: of the regression of y on the "
    "prediction. R² to teacher: with its predictions in the place of y.\nkB: pickled. ms/1000: "
    "predict for a thousand rows in one batch, one thread, median."
)


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


def measure_numbers(model, X, y, teacher_pred):
    """Return the test scores, the size and the speed of a fitted regressor."""
    predicted = model.predict(X)
    return {
        "R²": r2_score(y, predicted),
        "R² to teacher": r2_score(teacher_pred, predicted),
        "mean": predicted.mean() / y.mean(),
        "slope": np.cov(y, predicted)[0, 1] / np.var(predicted, ddof=1),
        "kB": len(pickle.dumps(model)) / 1000,
        "ms/1000": milliseconds_per_thousand(model, X[:1000]),
    }


def milliseconds_per_thousand(model, X, repeats=7):
    """Return the milliseconds of predictions for a thousand rows in one batch on one thread."""
    predict = model.predict_proba if hasattr(model, "predict_proba") else model.predict
    seconds = []
    with threadpool_limits(limits=1):
        for _ in range(repeats):
            start = time.process_time()
            predict(X)
            seconds.append(time.process_time() - start)
    return 1e6 * np.median(seconds) / len(X)


def print_table(results, legend=LEGEND):
    """Print a row for each model, with mean ± standard deviation over the splits."""
    first = next(iter(results.values()))
    indent = longest_name(results)
    widths = {column: 9 if column in ("kB", "ms/1000") else 14 for column in first[0]}
    print(" " * indent + "".join(f"{column:>{width}}" for column, width in widths.items()))
    for name, splits in results.items():
        row = [f"{cell(column, splits):>{width}}" for column, width in widths.items()]
        print(f"{', '.join(name):{indent}}" + "".join(row))
    print(f"Test rows: mean ± standard deviation over {len(first)} splits. {legend}")


def cell(column, splits):
    """Return the table cell of one column of one model."""
    values = [scores[column] for scores in splits]
    if column == "kB":
        return f"{np.mean(values):,.0f}"
    if column == "ms/1000":  # the median is robust to one disturbed split
        return f"{np.median(values):.2f}"
    mean, deviation = np.mean(values), np.std(values, ddof=1)
    return f"{mean:.3f}".removeprefix("0") + " ± " + f"{deviation:.3f}".removeprefix("0")


def longest_name(results):
    """Return the width of the column of names."""
    return max(len(", ".join(name)) for name in results)


def print_tally(results, columns, variants, baseline):
    """Compare variants of each student with its baseline, on the same splits."""
    names = [
        (student, variant)
        for student, variant in results
        if variant in variants and (student, baseline) in results
    ]
    indent = longest_name(results)
    print(f"\nAgainst the same student on {baseline}: mean difference, splits won / tied / lost")
    print(" " * indent + "".join(f"{column:>26}" for column in columns))
    for name in names:
        row = f"{', '.join(name):{indent}}"
        for column in columns:
            difference, won, tied, lost = compare(results, name, baseline, column)
            row += f"{difference:>+14.4f}{won:>4} /{tied:>2} /{lost:>2}"
        print(row)
    for column in columns:
        print(f"{column}: lost more splits than it won: {losers(results, names, baseline, column)}")


def compare(results, name, baseline, column):
    """Return the mean difference from the baseline, and the splits won, tied and lost."""
    ours = np.array([scores[column] for scores in results[name]])
    theirs = np.array([scores[column] for scores in results[name[0], baseline]])
    gain = ours - theirs if column in HIGHER_IS_BETTER else theirs - ours
    return np.mean(ours - theirs), np.sum(gain > 0), np.sum(gain == 0), np.sum(gain < 0)


def losers(results, names, baseline, column):
    """Return the names of the models that lost more splits than they won."""
    lost_more = []
    for name in names:
        _, won, _, lost = compare(results, name, baseline, column)
        if lost > won:
            lost_more.append(", ".join(name))
    return "; ".join(lost_more) or "none"


def print_teacher_scores(model):
    """Print the out-of-fold scores of the teacher's probabilities on the training rows."""
    print("The teacher's probabilities, out of fold, on the training rows of the first split:")
    for name, scores in model.teacher_scores_.items():
        temperature = model.teacher_temperature_ if name == "tempered" else 1
        numbers = ", ".join(f"{score} {value:.3f}" for score, value in scores.items())
        print(f"  {name:8} (temperature {temperature:.2f}): {numbers}")
    print()


def draw(results, columns, path, title, baseline, log_scale=()):
    """Draw a picture of models, and save it."""
    figure = Figure(figsize=(9, 5.2), layout="constrained")
    draw_models(figure, results, columns, baseline, log_scale)
    n_splits = len(next(iter(results.values())))
    figure.suptitle(
        f"{title}: {n_splits} splits (small) and their mean (large)\n"
        "grey: not distilled, blue: distilled",
        fontsize=11,
    )
    save(figure, path)


def save(figure, path):
    """Save a picture, and print its path."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=200)
    print(f"\nPicture: {path}")


def draw_models(figure, results, columns, baseline, log_scale=()):
    """Draw a row of points for each model, one panel per column: every split and their mean."""
    panels = figure.subplots(1, len(columns), sharey=True)
    heights = heights_of_rows(results)
    for panel, column in zip(panels, columns, strict=True):
        for (student, variant), splits in results.items():
            values = [scores[column] for scores in splits]
            mean, height = np.mean(values), heights[student, variant]
            colour = colour_of(student, variant)
            panel.plot(values, [height] * len(values), "o", color=colour, alpha=0.25, markersize=5)
            panel.plot(mean, height, "o", color=colour, markersize=9)
            panel.text(
                1.02, height, f"{mean:.3f}", color=colour, va="center",
                transform=panel.get_yaxis_transform(),
            )  # fmt: skip
            if variant == baseline:  # reference line for the rows below
                last = min(h for (other, _), h in heights.items() if other == student)
                panel.plot([mean, mean], [height, last], ":", color=colour, linewidth=1)
        if column in log_scale:
            panel.set_xscale("log")
            panel.xaxis.set_major_locator(LogLocator(subs=[1, 2, 5]))
            panel.xaxis.set_minor_locator(NullLocator())
            panel.xaxis.set_major_formatter("{x:g}")
        for height in heights.values():
            panel.axhline(height, color="0.9", linewidth=0.8, zorder=0)
        scale = ", log scale" if column in log_scale else ""
        panel.set_xlabel(f"{column} ({what_is_best(column)}{scale})", fontsize=11)
        panel.spines[["top", "right", "left"]].set_visible(False)
        panel.tick_params(axis="y", length=0)
    panels[0].set_yticks(list(heights.values()), [label(results, name) for name in heights])


def what_is_best(column):
    """Return which values of a score are best."""
    if column in BEST_AT_ONE:
        return "best at 1"
    return "higher is better" if column in HIGHER_IS_BETTER else "lower is better"


def colour_of(student, variant):
    """Return black for the teacher, blue for distilled students, grey for the others."""
    if student == "teacher":
        return "black"
    return "C0" if variant.startswith(("alpha", "distilled")) else "0.45"


def heights_of_rows(results):
    """Return the height at which each model is drawn, with a gap between students."""
    heights, height, last = {}, 0.0, None
    for student, variant in results:
        height -= 1 if student == last else 1.6
        heights[student, variant] = height
        last = student
    return heights


def label(results, name):
    """Return the name and the size of a model."""
    kilobytes = np.mean([scores["kB"] for scores in results[name]])
    return f"{', '.join(name)}  ({kilobytes:,.0f} kB)"

"""Tables and the picture of students of an ensemble: the share of its gain that each keeps.

Results are kept as ``{(student, recipe): [scores of seed 0, scores of seed 1, ...]}``; the ensemble
is the only entry of the student "teacher", the baseline of each student is its recipe "labels".
"""

import numpy as np
from _report import longest_name, save
from matplotlib.figure import Figure
from scipy.stats import t

BASELINE, TEACHER = "labels", "teacher"
DECIMALS = {"accuracy": 4, "log-loss": 4, "ECE": 4}
COMPARED = ("accuracy", "log-loss")


def print_table(results):
    """Print mean ± standard error over the seeds, the size and the speed of each model."""
    indent = longest_name(results)
    print("\n" + " " * indent + "".join(f"{column:>18}" for column in DECIMALS), end="")
    print(f"{'parameters':>12}{'ms/1000':>9}{'seeds':>7}")
    for name, seeds in results.items():
        cells = (f"{mean_and_error(seeds, column):>18}" for column in DECIMALS)
        speed = np.median([scores["ms/1000"] for scores in seeds])
        print(f"{', '.join(name):{indent}}" + "".join(cells), end="")
        print(f"{seeds[0]['parameters']:>12,}{speed:>9.1f}{len(seeds):>7}")
    print(
        "Test images: mean ± standard error over the seeds. ECE: expected calibration error.\n"
        "ms/1000: prediction of a thousand images in one batch, one thread, median."
    )


def mean_and_error(seeds, column):
    """Return the mean and the standard error of a score as text."""
    values = np.array([scores[column] for scores in seeds])
    if len(values) < 2:
        return f"{values[0]:.4f}"
    return f"{values.mean():.4f} ± {values.std(ddof=1) / len(values) ** 0.5:.4f}"


def print_shares(results):
    """Print the share of the ensemble's gain that each student keeps, with its interval."""
    indent = longest_name(results)
    print("\nShare of the ensemble's gain over the same student of the labels that is kept:")
    print(" " * indent + "".join(f"{column:>24}" for column in COMPARED))
    for name in results:
        if name[0] != TEACHER and name[1] != BASELINE and (name[0], BASELINE) in results:
            cells = (interval_text(share_kept(results, name, column)) for column in COMPARED)
            print(f"{', '.join(name):{indent}}" + "".join(f"{cell:>24}" for cell in cells))
    print(
        "[95 % interval]: by the jackknife over seeds and Student's t, which is wide for few seeds."
        "\nAbove 100 % the net beats the ensemble."
    )


def share_kept(results, name, column):
    """Return a student's share of the ensemble's gain, and half of its 95 % interval.

    It is a ratio of means over the seeds that all three models have; the jackknife over these seeds
    gives its standard error. Half of the interval is NaN for a single seed.
    """
    (ensemble,) = (each for each in results if each[0] == TEACHER)
    by_seed = [
        {scores["seed"]: scores[column] for scores in results[each]}
        for each in (name, (name[0], BASELINE), ensemble)
    ]
    seeds = sorted(set.intersection(*map(set, by_seed)))
    own, labels, teacher = (np.array([each[seed] for seed in seeds]) for each in by_seed)
    kept, gain = own - labels, teacher - labels
    if len(seeds) < 2:
        return kept.mean() / gain.mean(), np.nan
    n = len(seeds)
    without = (kept.sum() - kept) / (gain.sum() - gain)
    error = np.sqrt((n - 1) * np.var(without))
    return kept.mean() / gain.mean(), t.ppf(0.975, n - 1) * error


def interval_text(share_and_half):
    """Return a share and its interval in per cent."""
    share, half = share_and_half
    if np.isnan(half):
        return f"{share:.0%}"
    return f"{share:.0%} [{share - half:.0%}, {share + half:.0%}]"


def draw(results, path, title):
    """Draw the shares that are kept: a panel for each score, a row for each student and recipe."""
    names = [each for each in results if each[0] != TEACHER and each[1] != BASELINE]
    figure = Figure(figsize=(10, 1.2 + 0.3 * len(names)), layout="constrained")
    panels = figure.subplots(1, len(COMPARED), sharey=True)
    for panel, column in zip(panels, COMPARED, strict=True):
        for height, name in enumerate(reversed(names)):
            share, half = share_kept(results, name, column)
            colour = "C0" if "soft" in name[1] else "0.45"
            panel.errorbar(100 * share, height, xerr=_shown(100 * half), fmt="o", color=colour)
        panel.axvline(0, color="0.8", zorder=0)
        panel.axvline(100, color="0.8", linestyle="--", zorder=0)
        panel.set_xlim(-150, 150)
        panel.set_xlabel(f"{column}: % of the ensemble's gain kept")
        panel.spines[["top", "right", "left"]].set_visible(False)
    panels[0].set_yticks(range(len(names)), [", ".join(each) for each in reversed(names)])
    figure.suptitle(f"{title}: blue, from probabilities; lines, 95 % intervals", fontsize=11)
    save(figure, path)


def draw_curve(curves, path, title):
    """Draw the share kept against the number of extra images, a line for each student.

    Parameters
    ----------
    curves : dict
        ``{student: {number of extra images: {score: (share, half of the interval)}}}``.

    path : path
        Where the picture is saved.

    title : str
        Its title.
    """
    figure = Figure(figsize=(9, 4), layout="constrained")
    panels = figure.subplots(1, len(COMPARED), sharey=True)
    for panel, column in zip(panels, COMPARED, strict=True):
        for student, points in curves.items():
            shares, halves = np.array([each[column] for each in points.values()]).T
            panel.errorbar(
                np.array(list(points)) / 1000, 100 * shares, yerr=_shown(100 * halves),
                marker="o", capsize=3, label=student,
            )  # fmt: skip
        panel.axhline(0, color="0.8", zorder=0)
        panel.axhline(100, color="0.8", linestyle="--", zorder=0)
        panel.set_xlabel("thousands of images that only the ensemble labels")
        panel.set_title(column, fontsize=11)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("% of the ensemble's gain kept")
    panels[0].set_ylim(-60, 130)
    panels[0].legend(frameon=False)
    figure.suptitle(title, fontsize=11)
    save(figure, path)


def _shown(half):
    """Return half an interval for matplotlib, which cannot draw an unknown one."""
    return np.nan_to_num(half)

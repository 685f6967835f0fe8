"""Names and formats of figures, the same in text, sentences and HTML."""

from math import isnan

LABELS = {
    "accuracy": "accuracy",
    "log_loss": "log-loss",
    "brier": "Brier",
    "ece": "ECE",
    "auc": "AUC",
    "agreement": "agreement",
    "kl": "KL",
    "bytes": "bytes, pickled",
    "batch": "ms per 1000 rows, in batch",
    "single": "ms per 1000 rows, one by one",
}
LOWER_IS_BETTER = {"log_loss", "brier", "ece", "kl", "bytes", "batch", "single"}


def directed(measure):
    """Return the name of a measure, and whether higher or lower is better."""
    better = "lower" if measure in LOWER_IS_BETTER else "higher"
    return f"{LABELS[measure]} ({better} is better)"


def score(value):
    """Write a score."""
    return f"{value:.4f}"


def gain(value):
    """Write a difference with its sign."""
    return f"{value:+.4f}"


def share(value):
    """Write a share of a gap as a percentage."""
    return "undefined" if isnan(value) else f"{100 * value:.0f} %"


def cost(value):
    """Write bytes or milliseconds: whole numbers from a hundred on, else three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


FORMATS = {
    "quality": score,
    "fidelity": score,
    "gain": gain,
    "gap_recovered": share,
    "cost": cost,
}


def interval(estimate, write):
    """Write the ends of an interval; nothing where there is none."""
    if isnan(estimate.low):
        return ""
    return f"[{write(estimate.low)}, {write(estimate.high)}]"


def with_interval(estimate, write):
    """Write a figure and its interval."""
    return f"{write(estimate.value)} {interval(estimate, write)}".rstrip()

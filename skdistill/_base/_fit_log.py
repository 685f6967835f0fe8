"""The line that `verbose` prints at the end of a fit."""

from .._utils._progress import Progress

NAMES = (
    "alpha_", "unlabeled_weight_", "pseudo_labels_", "leaf_shrinkage_", "teacher_temperature_",
)  # fmt: skip


def log_fit(estimator, progress: Progress):
    """Print the weights that a fit used or chose, and its time, if `verbose` is positive."""
    if not estimator.verbose:
        return
    found = {
        name.rstrip("_"): getattr(estimator, name) for name in NAMES if hasattr(estimator, name)
    }
    weights = ", ".join(f"{name} {_written(value)}" for name, value in found.items())
    print(f"[{type(estimator).__name__}] {weights}; fitted in {progress.seconds():.1f} s")


def _written(value):
    """Write a weight with three digits."""
    return str(value) if isinstance(value, bool) else f"{value:.3g}"

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
    "kept_at_1_percent": "kept at 1 %",
    "r2": "R²",
    "mse": "MSE",
    "mean_prediction": "mean prediction",
    "bias": "bias",
    "calibration_slope": "calibration slope",
    "teacher_mse": "MSE to the teacher",
    "residual_correlation": "correlation of residuals",
    "bytes": "size, pickled",
    "batch": "ms per 1000 rows, in batch",
    "batch_preprocessing": "of which preprocessing",
    "batch_model": "of which the model",
    "single": "ms per 1000 rows, one by one",
    "onnx_bytes": "size, ONNX",
    "onnx_batch": "ms per 1000 rows, ONNX, in batch",
    "onnx_single": "ms per 1000 rows, ONNX, one by one",
}
LOWER_IS_BETTER = {
    "log_loss", "brier", "ece", "kl", "mse", "teacher_mse", "bytes", "batch", "single",
    "onnx_bytes", "onnx_batch", "onnx_single",
}  # fmt: skip
BEST_AT = {"bias": 0, "calibration_slope": 1}
WITHOUT_DIRECTION = {
    "mean_prediction", "residual_correlation", "batch_preprocessing", "batch_model",
}  # fmt: skip
IN_UNITS_OF_Y = {"mse", "mean_prediction", "bias", "teacher_mse"}


def directed(measure):
    """Return the name of a measure, and whether higher or lower is better."""
    if measure in WITHOUT_DIRECTION:
        return LABELS[measure]
    if measure in BEST_AT:
        return f"{LABELS[measure]} (best at {BEST_AT[measure]})"
    better = "lower" if measure in LOWER_IS_BETTER else "higher"
    return f"{LABELS[measure]} ({better} is better)"


def score(value):
    """Write a score with three digits."""
    return f"{value:.3f}"


def gain(value):
    """Write a difference with its sign; a rounded zero is positive."""
    return f"{round(value, 3) + 0.0:+.3f}"


def number(value):
    """Write a number in the unit of y: whole from a thousand on, else four digits."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def signed_number(value):
    """Write a difference in the unit of y with its sign."""
    return f"{value:+,.0f}" if abs(value) >= 1000 else f"{value:+.4g}"


def size(n_bytes):
    """Write a number of bytes with three digits, in bytes, kB or MB."""
    for unit, factor in (("MB", 1e6), ("kB", 1e3)):
        if n_bytes >= 0.9995 * factor:
            return f"{cost(n_bytes / factor)} {unit}"
    return f"{n_bytes:.0f} bytes"


def share(value):
    """Write a share of a gap as a percentage."""
    return "undefined" if isnan(value) else f"{100 * value:.0f} %"


def cost(value):
    """Write kilobytes or milliseconds: whole numbers from a hundred on, else three digits."""
    return f"{value:,.0f}" if value >= 99.95 else f"{value:.3g}"


def writer(part, measure):
    """Return the function that writes a figure of a part of a report."""
    in_units = measure in IN_UNITS_OF_Y
    if measure in ("bytes", "onnx_bytes"):
        return size
    return {
        "quality": number if in_units else score,
        "fidelity": number if in_units else score,
        "gain": signed_number if in_units else gain,
        "gain_over_teacher": signed_number if in_units else gain,
        "gap_recovered": share,
        "cost": cost,
    }[part]


def interval(estimate, write):
    """Write the ends of an interval; nothing where there is none."""
    if isnan(estimate.low):
        return ""
    return f"[{write(estimate.low)}, {write(estimate.high)}]"


def with_interval(estimate, write):
    """Write a figure and its interval."""
    return f"{write(estimate.value)} {interval(estimate, write)}".rstrip()

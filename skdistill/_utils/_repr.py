"""Estimators in one short line, for warnings of a search over many of them."""


def short_repr(estimator, n_max=60):
    """Return an estimator in one line of at most `n_max` characters, cut at the end."""
    text = " ".join(repr(estimator).split())
    return text if len(text) <= n_max else f"{text[: n_max - 3]}..."

"""A Pipeline as ranker: its steps are fitted on X, and the last one on pairs."""

from functools import partial
from typing import Any

from sklearn.pipeline import Pipeline

from ..._targets._soft_labels import SoftLabels
from ..._utils._typing import Rows
from ..pipeline import fit_last_step
from ._registry import fit_ranker, register, resolve_ranking_fitter


@register(Pipeline)
def fit_pipeline(
    pipeline: Pipeline, X: Rows, soft_labels: SoftLabels, surrogate: str, **fit_params: Any
) -> Pipeline:
    """Fit the steps before the last on X, and the last one as a ranker."""
    resolve_ranking_fitter(pipeline.steps[-1][1])  # raises before the other steps are fitted
    fit = partial(fit_ranker, surrogate=surrogate)
    return fit_last_step(pipeline, X, soft_labels, fit, **fit_params)

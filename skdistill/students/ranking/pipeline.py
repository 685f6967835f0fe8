"""A Pipeline that ranks: its steps see X once, and the last one learns from pairs."""

from functools import partial
from typing import Any

from sklearn.pipeline import Pipeline

from ..._targets._soft_labels import SoftLabels
from ..._utils._typing import Rows
from ..pipeline import fit_last_step
from ._registry import fit_ranker, register, way_of_ranking


@register(Pipeline)
def learn_pipeline(
    pipeline: Pipeline, X: Rows, soft_labels: SoftLabels, surrogate: str, **fit_params: Any
) -> Pipeline:
    """Fit the steps before the last on X, and the last one as a ranker."""
    way_of_ranking(pipeline.steps[-1][1])  # before the other steps are fitted in vain
    learn = partial(fit_ranker, surrogate=surrogate)
    return fit_last_step(pipeline, X, soft_labels, learn, **fit_params)

"""A Pipeline as retriever: its steps are fitted on X, and the last one on the targets."""

from typing import Any

from sklearn.pipeline import Pipeline

from ..._targets._retrieval_targets import RetrievalTargets
from ..._utils._typing import Rows
from ..pipeline import fit_last_step
from ._registry import fit_retriever, register, resolve_retrieval_fitter


@register(Pipeline)
def fit_pipeline(
    pipeline: Pipeline, X: Rows, targets: RetrievalTargets, **fit_params: Any
) -> Pipeline:
    """Fit the steps before the last on X, and the last one as a retriever."""
    resolve_retrieval_fitter(pipeline.steps[-1][1])  # raises before the other steps are fitted
    return fit_last_step(pipeline, X, targets, fit_retriever, **fit_params)

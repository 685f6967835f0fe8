"""The fitted object that predicts for a model: without skdistill where possible."""

from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from ._deployable import deployable
from ._student_predictions import StudentPredictionsMixin


def served(model):
    """Return the fitted object that predicts for a model: without skdistill where possible."""
    last = model
    while isinstance(last, FrozenEstimator | Pipeline) or hasattr(last, "best_estimator_"):
        if isinstance(last, Pipeline):
            last = last[-1]
        else:
            last = getattr(last, "best_estimator_", None) or last.estimator
    if isinstance(last, StudentPredictionsMixin):
        try:
            return deployable(model)
        except (TypeError, ValueError):  # several generations, or classes that it lacks
            pass
    return model

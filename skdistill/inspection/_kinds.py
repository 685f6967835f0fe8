"""What a model predicts: numbers or classes."""

from sklearn.base import RegressorMixin, is_regressor


def predicts_numbers(model):
    """Return whether a model is a regressor; without scikit-learn's tags, by what it has."""
    if isinstance(model, type):
        return issubclass(model, RegressorMixin)  # refused later, with the remedy
    if hasattr(model, "__sklearn_tags__"):
        return is_regressor(model)
    of_classes = hasattr(model, "predict_proba") or hasattr(model, "classes_")
    return hasattr(model, "predict") and not of_classes

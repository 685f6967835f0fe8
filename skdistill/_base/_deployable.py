"""The deployable part of a fitted model: the student, or a Pipeline that ends in it."""

from copy import copy

from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from .._utils._typing import Estimator
from ..students._further_classes import missing_classes
from ..students.pipeline import last_step
from ._student_predictions import FittedStudentMixin
from ._training_weights import without_training_weights


def deployable(model: Estimator) -> Estimator:
    """Return a fitted estimator that predicts without skdistill, for all classes of the model.

    Parameters
    ----------
    model : estimator
        A fitted estimator of skdistill, a Pipeline that ends in one, or a search over either.

    Returns
    -------
    estimator
        `student_` itself; or a Pipeline with the same fitted steps, which ends in it. Classifiers
        have all classes of the model, in the same order, those of its parameter `classes`
        included. A class without training rows has probability 0; with boosters, nearly 0. A
        regressor predicts probabilities, one column per class or that of the second of two.
        Forests and bagging are copies without the weights of their training rows, and so without
        `estimators_samples_`.

    Raises
    ------
    ValueError
        If the student lacks classes of the model, and they cannot be added to it.

    TypeError
        If there is no single student, or if loading it needs skdistill.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skdistill import DistilledClassifier, deployable
    >>> X, y = load_iris(return_X_y=True)
    >>> model = DistilledClassifier(student=LogisticRegression(), alpha=1.0, classes=[0, 1, 2])
    >>> service = deployable(make_pipeline(StandardScaler(), model).fit(X[y < 2], y[y < 2]))
    >>> service
    Pipeline(steps=[('standardscaler', StandardScaler()),
                    ('distilledclassifier', LogisticRegression())])
    >>> service.predict_proba(X[:1]).shape
    (1, 3)
    """
    if isinstance(model, Pipeline) and model.steps:
        *before, (name, last) = model.steps
        deployed = copy(model)
        deployed.steps = [*before, (name, deployable(last))]
        return deployed
    if isinstance(model, FrozenEstimator):
        return deployable(model.estimator)
    if hasattr(model, "best_estimator_"):
        return deployable(model.best_estimator_)
    if hasattr(model, "defers"):
        raise TypeError(
            f"A {type(model).__name__} predicts by student and teacher together. Its student_ "
            "predicts without skdistill; use teacher_ where its confidence is below threshold_."
        )
    if not isinstance(model, FittedStudentMixin):
        raise TypeError(
            f"deployable takes an estimator of skdistill, a Pipeline that ends in one, or a search "
            f"over either; got {model!r}. Other estimators can be deployed as they are."
        )
    check_is_fitted(model, "student_")
    _check_single(model)
    _check_needs_no_skdistill(model.student_)
    if hasattr(model, "classes_"):
        _check_all_classes(model)
    return without_training_weights(model.student_)


def _check_single(model):
    """Raise if several generations predict together."""
    if hasattr(model, "estimators_"):
        raise TypeError(
            f"{type(model).__name__}(ensemble=True) predicts by {len(model.estimators_)} "
            "generations together. Deploy each of estimators_ and average their probabilities, or "
            "set ensemble=False."
        )


def _check_needs_no_skdistill(student):
    """Raise if a student contains classes or functions of skdistill."""
    last = last_step(student)
    if type(last).__module__.startswith("skdistill."):
        raise TypeError(
            f"Loading a {type(last).__name__} needs skdistill. Deploy its module, "
            "student_.module_, with torch.export or safetensors."
        )
    function = getattr(last, "inverse_func", None)
    if getattr(function, "__module__", "").startswith("skdistill."):
        raise TypeError(
            "logit_regressor turns logits into probabilities by a function of skdistill. Deploy "
            "student_.regressor_, and take the softmax of its output."
        )


def _check_all_classes(model):
    """Raise if a student lacks classes of the model around it."""
    lacking = missing_classes(model.student_, model.classes_)
    if len(lacking):
        kind = type(last_step(model.student_)).__name__
        raise ValueError(
            f"The student, a {kind}, lacks the classes {lacking.tolist()}, which have no row of "
            f"positive weight, and classes cannot be added to a fitted {kind}. Add a row of each, "
            "use a student whose classes can be added (LogisticRegression, SGDClassifier, "
            "MLPClassifier, MultinomialNB, GaussianNB, a tree or forest of scikit-learn, "
            f"XGBClassifier), or deploy the {type(model).__name__} itself."
        )

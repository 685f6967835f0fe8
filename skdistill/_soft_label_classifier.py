"""A classifier that is fitted to given class probabilities: fit(X, P)."""

from __future__ import annotations

from typing import Any, Self

from sklearn import get_config
from sklearn.base import BaseEstimator
from sklearn.utils import indexable
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from ._base._student_predictions import StudentPredictionsMixin
from ._targets._soft_labels import SoftLabels, as_soft_labels
from ._utils._marks import LEFT_OUT, warn_of_marks
from ._utils._named import check_row_names
from ._utils._one_column import is_soft
from ._utils._rows import refuse_partitions
from ._utils._sample_weight import pop_row_weights
from ._utils._typing import ArrayLike, Estimator, Proba, Rows
from ._utils._validation import column_names
from .students import fit_soft_labels


class SoftLabelClassifier(StudentPredictionsMixin, BaseEstimator):
    """A student that is fitted to class probabilities instead of labels.

    Use it if you already have probabilities: from an API, a language model, or the votes of
    annotators. No teacher is fitted.

    Parameters
    ----------
    student : estimator, default=None
        Estimator that is cloned and fitted to the soft labels. It is a classifier that takes
        `sample_weight`, any regressor (fitted to the probabilities), or a Pipeline that ends in one
        of them; see :func:`skdistill.fit_soft_labels`. ``LogisticRegression()`` by default. Set its
        own `random_state`.

    classes : array-like of shape (n_classes,), default=None
        All classes, in the order of the columns of given probabilities. Any order is allowed. By
        default the names of a dataframe's columns, and 0, 1, ... for anything else; for hard
        labels, those in `y`. A class without rows has probability 0, and a column in `student_` if
        possible: see :func:`deployable`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.

    student_ : estimator
        The fitted student: an ordinary object of its class, which predicts and unpickles without
        skdistill.

    coef_ : ndarray of shape (n_classes, n_features) or (1, n_features)
        Coefficients of a linear student. The array is that of the student, for its own `classes_`.
        For a regressor, the targets are probabilities, not logits. Like `intercept_` and
        `feature_importances_`, absent if the student has none.

    intercept_ : ndarray of shape (n_classes,) or (1,)
        Intercepts of a linear student.

    feature_importances_ : ndarray of shape (n_features,)
        Feature importances of a tree, a forest or a booster as student.

    n_features_in_ : int
        Number of features of `X`, if `X` has columns.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if `X` is a dataframe.

    See Also
    --------
    DistilledClassifier : Computes the probabilities with a teacher.

    Notes
    -----
    scikit-learn's tools have limited support for a two-dimensional `y`.
    ``cross_val_score`` and ``GridSearchCV`` work with :meth:`score` or with
    :func:`skdistill.metrics.soft_log_loss_scorer`; scorers given by name raise. Folds are
    neither stratified nor shuffled: pass ``cv=KFold(shuffle=True)``. ``cross_val_predict``
    with ``method="predict_proba"`` encodes each column of `y` separately, and the soft labels
    are lost: cross-validate a ``DistilledClassifier`` with
    ``params={"teacher_proba": P}`` instead.

    Examples
    --------
    >>> import numpy as np
    >>> from skdistill import SoftLabelClassifier
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> P = np.array([[0.9, 0.1], [0.7, 0.3], [0.3, 0.7], [0.1, 0.9]])
    >>> model = SoftLabelClassifier(classes=["no", "yes"]).fit(X, P)
    >>> model.predict([[0.0], [3.0]])
    array(['no', 'yes'], dtype='<U3')
    """

    def __init__(self, student: Estimator = None, *, classes: ArrayLike | None = None):
        self.student = student
        self.classes = classes

    def fit(
        self, X: Rows, y: Proba, sample_weight: ArrayLike | None = None, **fit_params: Any
    ) -> Self:
        """Fit the student to class probabilities.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Training samples, in any form that the given estimators accept.

        y : array-like, sparse matrix or dataframe of shape (n_samples, n_classes), or SoftLabels
            Class probabilities. The columns of a dataframe are matched to `classes` by name, and a
            class without a column has probability 0. The index of a dataframe must be that of `X`,
            if both have one. For two classes, one fraction per row is enough, of shape (n_samples,)
            or (n_samples, 1). It is the probability of the class 1, or of the second in `classes`,
            which must be sorted. Labels of shape (n_samples,) mean ordinary training.

        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; 1 by default.

        **fit_params : dict
            Further parameters of the student's `fit`.

        Returns
        -------
        self : SoftLabelClassifier

        Raises
        ------
        ValueError
            For invalid probabilities, fewer than two classes, or inconsistent lengths.

        TypeError
            If the student cannot be fitted to soft labels.
        """
        refuse_partitions(self, X=X, y=y, sample_weight=sample_weight, **fit_params)
        fit_params = self._route(sample_weight, fit_params)
        weight = pop_row_weights(fit_params, self._unfitted_student())
        has_labels = not is_soft(y, self.classes)
        if not has_labels:
            check_row_names(y, X, name="y")
        soft_labels = as_soft_labels(y, self.classes, weight)
        if has_labels and self.classes is None:
            warn_of_marks(soft_labels.classes, LEFT_OUT)
        if not soft_labels.weighs_one_label:
            soft_labels.check_several_classes()
        (X,) = indexable(X)
        student = fit_soft_labels(self._unfitted_student(), X, soft_labels, **fit_params)
        self._set_fitted_attributes(X, student, soft_labels.classes)
        return self

    def score(self, X: Rows, y: Proba, sample_weight: ArrayLike | None = None) -> float:
        """Return the expected accuracy under probabilities.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Input samples, in any form that `student_` accepts.

        y : array-like of shape (n_samples, n_classes) or (n_samples,)
            Class probabilities, as in `fit`; columns of a dataframe are matched to the classes
            by name. For labels, the score is the accuracy.

        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; 1 by default.

        Returns
        -------
        float
            Mean probability of the predicted class, Σ_n p_n[ŷ_n] / n; higher is better.
        """
        if not is_soft(y, self.classes):
            return super().score(X, y, sample_weight)
        refuse_partitions(self, X=X, y=y, sample_weight=sample_weight)
        check_row_names(y, X, name="y")
        in_declared_order = self.classes is not None and column_names(y) is None
        classes = self.classes if in_declared_order else self.classes_
        soft_labels = SoftLabels(y, classes, sample_weight=sample_weight)
        return soft_labels.expected_accuracy(self.predict(X))

    def _route(self, sample_weight, fit_params):
        """Return the parameters for the student's fit, with `sample_weight`."""
        given = {"sample_weight": sample_weight, **fit_params}
        given = {name: value for name, value in given.items() if value is not None}
        if get_config()["enable_metadata_routing"]:
            return dict(process_routing(self, "fit", **given).student.fit)
        return given

    def get_metadata_routing(self):
        """Return which metadata goes to the student.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRouter
            Metadata of `fit` goes to `fit` of the student.
        """
        return (
            MetadataRouter(owner=type(self).__name__)  # not self, see `fit_router`
            .add_self_request(self)
            .add(
                student=self._unfitted_student(),
                method_mapping=MethodMapping().add(caller="fit", callee="fit"),
            )
        )

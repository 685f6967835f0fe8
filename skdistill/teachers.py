"""Probabilities of teachers, to be given to an estimator as `teacher_proba`."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.utils import check_consistent_length, indexable

from ._teachers._cache import TeacherCache, cache_folder
from ._teachers._cross_fitting import TeacherFitter, out_of_fold_proba
from ._teachers._folds import LabelledRows, named_folds
from ._teachers._predict import MulticlassOutput, check_teacher
from ._teachers._sample_weight import weight_params
from ._utils._groups import make_folds
from ._utils._labels import check_classes, check_labels
from ._utils._random_state import seeded_clones
from ._utils._rows import refuse_partitions
from ._utils._typing import ArrayLike, Estimator, Floats, Rows

__all__ = ["cross_val_proba"]


def cross_val_proba(
    teacher: Estimator,
    X: Rows,
    y: ArrayLike,
    *,
    cv: Any = None,
    groups: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    classes: ArrayLike | None = None,
    memory: Any = None,
    n_jobs: int | None = None,
    random_state: int | np.random.RandomState | None = None,
    verbose: int = 0,
) -> Floats:
    """Predict each row's class probabilities by clones of a teacher that have not seen its label.

    For a teacher that is already fitted on these rows: it would repeat their labels. Clones of it
    are fitted on the folds; the fitted teacher itself is not changed. It can still label rows that
    it has not seen, see the example.

    Parameters
    ----------
    teacher : estimator
        Any classifier with `predict_proba`, fitted or not. It is cloned, never changed.

    X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
        Rows, in any form that the teacher accepts.

    y : array-like of shape (n_samples,)
        True labels: strings, booleans or integers.

    cv : int, splitter or iterable, default=None
        Folds, as in scikit-learn (None is 5 folds, stratified). With `groups` a number means that
        many folds of whole groups. Every row must be tested; a row that several folds test gets
        the mean of their predictions.

    groups : array-like of shape (n_samples,), default=None
        Group of each row: rows of one group are kept in one fold.

    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row; 1 by default. For the fits of the teacher.

    classes : array-like of shape (n_classes,), default=None
        All classes, if `y` may not contain each of them. Those of `y` by default.

    memory : str, path, joblib.Memory or None, default=None
        Folder of a cache for the predictions of fold teachers, as in
        :class:`skdistill.DistilledClassifier`. None means no cache.

    n_jobs : int, default=None
        Number of jobs for the fits on the folds, as in joblib.

    random_state : int, RandomState instance or None, default=None
        Seed for every `random_state` of the teacher that is None.

    verbose : int, default=0
        If positive, print for each fold's teacher how long the fit took, or that its predictions
        were cached.

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
        Rows sum to one; columns are in the order of the sorted classes. A row whose class the
        teacher of its fold has not seen has its one-hot label.

    Raises
    ------
    ValueError
        If the test folds do not cover every row, if a fold tests rows that it trains on, or if
        fewer than two classes have weight.

    TypeError
        If the teacher has no `predict_proba`, or is a FrozenEstimator, which cannot be fitted.

    Warns
    -----
    UserWarning
        If a fold's teacher has not seen the class of a row, or takes no `sample_weight`.

    See Also
    --------
    skdistill.DistilledClassifier : Cross-fits its teacher in the same way, if it is not frozen.

    Notes
    -----
    These are the probabilities that :class:`skdistill.DistilledClassifier` computes with the same
    `cv`. With ``alpha="auto"`` it also fits nested teachers, so that its choice of alpha is
    independent of the held-out labels; given probabilities are not nested.

    Examples
    --------
    A teacher that is already fitted labels further rows itself; for its own training rows it is
    cross-fitted:

    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn.frozen import FrozenEstimator
    >>> from skdistill import DistilledClassifier
    >>> from skdistill.datasets import make_gaussian_classes
    >>> from skdistill.teachers import cross_val_proba
    >>> X, y, _ = make_gaussian_classes(400, n_features=4, n_classes=3, random_state=0)
    >>> X, y, X_unlabeled = X[:200], y[:200], X[200:]
    >>> forest = RandomForestClassifier(50, random_state=0).fit(X, y)
    >>> proba = cross_val_proba(forest, X, y)
    >>> proba.shape, bool((forest.predict(X) == y).all())
    ((200, 3), True)
    >>> student = DistilledClassifier(FrozenEstimator(forest), alpha=0.5)
    >>> student = student.fit(X, y, teacher_proba=proba, X_unlabeled=X_unlabeled)
    >>> student.teacher_scores_["raw"]["accuracy"] < 0.9
    True
    """
    refuse_partitions("cross_val_proba", X=X, y=y, groups=groups, sample_weight=sample_weight)
    check_teacher(teacher)
    if isinstance(teacher, FrozenEstimator):
        raise TypeError(
            f"A FrozenEstimator cannot be fitted on folds; got {teacher!r}. Pass the estimator "
            "inside it: clones of it are fitted, and it is not changed."
        )
    if isinstance(cv, str):
        raise ValueError(
            f"cv must be a number of folds, a splitter or an iterable of splits; got cv={cv!r}. "
            "For in-sample probabilities, use teacher.predict_proba(X)."
        )
    y = check_labels(y)
    X, groups, sample_weight = indexable(X, groups, sample_weight)
    check_consistent_length(X, y, groups, sample_weight)
    output = MulticlassOutput(check_classes(y, classes))
    output.targets(y, sample_weight).check_several_classes()
    (teacher,) = seeded_clones(random_state, teacher)
    fit_params = weight_params(teacher, sample_weight, "the weights are not used")
    rows = LabelledRows(X, y)
    cache = TeacherCache.for_fit(cache_folder(memory), teacher, rows, output, fit_params)
    fitter = TeacherFitter(teacher, output, fit_params, cache, verbose)
    folds = named_folds(make_folds(cv, X, y, {"groups": groups}))
    return out_of_fold_proba(fitter, rows, folds, n_jobs=n_jobs).labelled

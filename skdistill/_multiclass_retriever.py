"""Multiclass retrieval: ranking labels, with plausible negatives discounted by a teacher."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Literal, Self

import numpy as np
from scipy import sparse
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.utils import _safe_indexing, gen_batches, indexable
from sklearn.utils.metaestimators import available_if

from ._base._distillation import TeacherMixin
from ._base._multilabel import check_multilabel, check_no_temperature, count_empty_rows
from ._base._student_predictions import StudentMixin, student_attribute
from ._base._training_data import FitArguments
from ._targets._label_sets import LabelSets, is_indicator
from ._targets._retrieval_targets import RetrievalTargets, check_objective
from ._utils._probabilities import best_columns
from ._utils._progress import with_callbacks
from ._utils._rows import count_rows, refuse_partitions
from ._utils._sample_weight import requesting_weights
from ._utils._tags import supports_multilabel
from ._utils._typing import ArrayLike, Estimator, Floats, NDArray, Proba, Rows
from ._utils._validation import check_alpha, check_number, check_top_k, check_unlabeled_weight
from ._utils._warnings import warn
from .metrics import recall_at_k
from .students.pipeline import last_step
from .students.retrieval import fit_retriever
from .students.retrieval._registry import check_retriever
from .students.retrieval.linear import check_rank, fit_low_rank

# Number of scores in memory at once in retrieve.
BLOCK = 2**22


def _gives_probabilities(retriever):
    """Return True if `predict_proba` is available, else raise an AttributeError."""
    objective = getattr(retriever, "_objective", retriever.objective)
    if objective != "cross_entropy":
        raise AttributeError(
            f"The scores of objective={objective!r} rank labels, and their softmax is not the "
            'probability of a label. Use objective="cross_entropy" for probabilities.'
        )
    if getattr(retriever, "_multilabel", False):
        raise AttributeError(
            "With several labels per row the scores rank labels and are no probabilities."
        )
    return True


class DistilledMulticlassRetriever(TeacherMixin, StudentMixin, BaseEstimator):
    """Distil a teacher into a student that ranks labels: the k best of thousands.

    The teacher's probabilities of the labels are predicted out of fold. The student is fitted to
    rank relevant labels first. Labels that the teacher finds probable count less as negatives, even
    if they are not the label of the row.

    Parameters
    ----------
    teacher : estimator, default=None
        Any classifier with `predict_proba`, cloned and cross-fitted; a
        ``sklearn.frozen.FrozenEstimator`` is used as it is, without `cv`.
        ``ExtraTreesClassifier()`` by default. With several labels per row the teacher predicts
        marginals: an array of shape (n_samples, n_labels), or a list as from forests.

    student : estimator, default=None
        Estimator that is cloned and fitted to the soft labels. By default a linear function of the
        features, dense or sparse. A ``LogisticRegression`` is the same with its own parameters, for
        the end of a Pipeline. A :class:`skdistill.nets.SoftLabelNet` or a net of skorch is trained
        on the objective instead of its criterion. See
        :func:`skdistill.students.retrieval.fit_retriever`.

    objective : {"double_distillation", "label_weighted", "cross_entropy"}, \
default="double_distillation"
        Loss of the student; see Notes. "label_weighted" discounts plausible negatives.
        "double_distillation" also weights the positives by the teacher. "cross_entropy" is plain
        distillation.

    k : int, default=10
        Number of labels that :meth:`retrieve` returns and :meth:`score` evaluates. If there are
        fewer labels, all of them are used, with a warning.

    alpha : float in [0, 1], default=1.0
        Weight of the teacher in the targets: alpha · teacher + (1 − alpha) · one-hot label. 1 uses
        the teacher alone; 0 fits no teacher, and with one label per row all objectives are then its
        cross-entropy. With several labels per row, their indicator replaces the one-hot label.

    unlabeled_weight : float, default=1.0
        Weight of a row without a label, of `X_unlabeled` or from `augmenter`, relative to the mean
        weight of a labelled row. 0 leaves these rows out.

    teacher_temperature : float or "auto", default=1.0
        T in p^(1/T), renormalised. T > 1 softens the teacher, T < 1 sharpens it. A calibrated
        teacher needs T = 1. "auto" chooses the T in [1/20, 20] that minimises the teacher's
        out-of-fold log-loss. A probability of exactly 0 stays 0. With several labels per row it
        must be 1.

    cv : int, splitter, iterable or "in-sample", default=None
        Folds for out-of-fold probabilities, as in scikit-learn; None is 5 folds, stratified. Every
        row must be tested. With `groups`, a number means that many folds of whole groups.
        "in-sample" fits one teacher on all rows; see :class:`DistilledClassifier`. Rows with
        several labels are not stratified.

    top_k : int or None, default=100
        How many of the teacher's largest probabilities to keep in each row; None keeps all. They
        are truncated when predicted, and renormalised (not with several labels per row), so that no
        array of all rows and labels is created. `teacher_scores_` are those of the truncated
        probabilities.

    augmenter : object with `sample(X, random_state)`, default=None
        Samples further rows from those of `X`, which the teacher labels like `X_unlabeled`:
        :class:`skdistill.augmentation.MungeAugmenter`,
        :class:`skdistill.augmentation.MarginalAugmenter`, or your own object. Each new row has the
        weight `unlabeled_weight`. Not allowed with "label_weighted", which needs a label of each
        row. See :class:`DistilledClassifier`.

    rank : int, default=None
        Dimension of a projection of the features in the default student, which is fitted jointly
        with the scores. The student then has (n_features + n_labels) · rank coefficients instead of
        n_features · n_labels.

    C : float, default=1.0
        Inverse strength of the L2 penalty of the default student. The student minimises ½‖w‖² + C ·
        n · (mean loss), with n the total weight of the rows. ``np.inf`` means no penalty.

    classes : array-like of shape (n_labels,), default=None
        All classes, in the order of the columns of given probabilities. By default those of `y`,
        sorted; needed if a split or `teacher_proba` may have more. If `y` is an indicator, the
        labels of its columns.

    tol : float, default=1e-4
        Stopping criterion of the default student: the largest absolute entry of the gradient. It is
        the gradient of the student's objective, relative to that at the start.

    max_iter : int, default=200
        Maximum number of iterations of the default student.

    memory : str, path, joblib.Memory or None, default=None
        Folder of a cache for the predictions of fold teachers, like the `memory` of a ``Pipeline``.
        Each teacher is then fitted once for all settings of a search. None means no cache.
        Predictions are truncated to `top_k`, and cached for each `top_k` separately. See
        :class:`DistilledClassifier`.

    n_jobs : int, default=None
        Number of jobs for the fits on the folds, as in joblib.

    random_state : int, RandomState instance or None, default=None
        Seed for every `random_state` of the given estimators that is None. It also seeds
        `augmenter` and the initial projection.

    verbose : int, default=0
        If positive, print progress and the time of fits. 1 prints one line for each fit, with the
        weights that were used or chosen. 2 also prints one line for each fold's teacher: the time
        of its fit, or that its predictions were cached. For a progress bar, see
        :class:`DistilledClassifier`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_labels,)
        The labels, sorted. If `y` is an indicator, they are in the order of its columns.

    student_ : estimator
        The fitted student: an ordinary object of its class, which predicts and unpickles without
        skdistill. The linear one is a ``LogisticRegression``, or with `rank` a Pipeline of
        ``TruncatedSVD`` and ``LogisticRegression``. Its `decision_function` is that of the
        retriever. Its `predict_proba` is valid for "cross_entropy" only.

    teacher_temperature_ : float
        The temperature used; 1.0 if no teacher was fitted (``alpha=0``).

    teacher_scores_ : dict or None
        Scores of the teacher's probabilities, before and after tempering; None if no teacher was
        used. As in :class:`DistilledClassifier`, for probabilities truncated to `top_k`: in the
        log-loss, a label that was cut has probability 2e-16. With several labels per row, only
        "raw", with the Brier score and the precision at 1.

    coef_ : ndarray of shape (n_labels, n_features)
        Coefficients of a linear student. For two labels there is one row, that of the second minus
        that of the first. Like `intercept_`, absent for other students.

    intercept_ : ndarray of shape (n_labels,)
        Intercepts of a linear student.

    n_iter_ : ndarray of shape (1,), int32
        Iterations of a linear student; 1 for any other.

    n_features_in_ : int
        Number of features of `X`, if `X` has columns.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if `X` is a dataframe.

    See Also
    --------
    DistilledClassifier : Fits the probabilities of classes with any student.
    skdistill.objectives.double_distillation_loss : The loss, and its gradient.
    skdistill.metrics.retrieval_scorer : Makes scorers for a search.

    Notes
    -----
    With scores f, the row's label y (or its labels Y) and p as mixed by `alpha`, a row's loss is

    - "label_weighted": log(e^{f_y} + Σ_{y′≠y} (1 − p_{y′}) e^{f_{y′}}) − f_y (Menon, Rawat, Reddi,
      Kim and Kumar, "A statistical perspective on distillation", ICML 2021, on multiclass
      retrieval);
    - "double_distillation": its expectation over y ~ p,
      Σ_y p_y [log(e^{f_y} + Σ_{y′≠y} (1 − p_{y′}) e^{f_{y′}}) − f_y];
    - "cross_entropy": Σ_y p_y [log Σ_{y′} e^{f_{y′}} − f_y].

    With several labels per row, p contains the marginal of each label. "label_weighted" sums over
    the row's labels y ∈ Y. They do not compete with each other: y′ runs over the labels outside Y.
    The other two are unchanged; rows are averaged by `sample_weight`, so that a row counts as often
    as it has labels. A row without labels is fitted to the teacher's marginals, and ignored for
    "label_weighted" or with ``alpha=0``; a warning gives the number of such rows.

    "label_weighted" fits the row's label even where the teacher is wrong about it. But it hardly
    penalises a label to which the teacher gives a probability near 1: use a teacher with good
    probabilities. On the problems that we measured, "double_distillation" had a slightly better
    precision at 1 than plain distillation ("cross_entropy"), and about the same recall at 10. The
    choice of `alpha` mattered ten times as much.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.ensemble import ExtraTreesClassifier
    >>> from skdistill import DistilledMulticlassRetriever
    >>> X, y = load_digits(return_X_y=True)
    >>> teacher = ExtraTreesClassifier(50, random_state=0)
    >>> retriever = DistilledMulticlassRetriever(teacher, k=3).fit(X[:900] / 16, y[:900])
    >>> labels, scores = retriever.retrieve(X[900:] / 16)
    >>> labels.shape, bool(retriever.score(X[900:] / 16, y[900:]) > 0.95)
    ((897, 3), True)
    """

    intercept_ = student_attribute("intercept_", "Intercepts of the linear student.")

    def __init__(
        self,
        teacher: Estimator = None,
        student: Estimator = None,
        *,
        objective: Literal[
            "double_distillation", "label_weighted", "cross_entropy"
        ] = "double_distillation",
        k: int = 10,
        alpha: float = 1.0,
        unlabeled_weight: float = 1.0,
        teacher_temperature: float | Literal["auto"] = 1.0,
        cv: Any = None,
        top_k: int | None = 100,
        augmenter: Any = None,
        rank: int | None = None,
        C: float = 1.0,
        classes: ArrayLike | None = None,
        tol: float = 1e-4,
        max_iter: int = 200,
        memory: Any = None,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ):
        self.teacher = teacher
        self.student = student
        self.objective = objective
        self.k = k
        self.alpha = alpha
        self.unlabeled_weight = unlabeled_weight
        self.teacher_temperature = teacher_temperature
        self.cv = cv
        self.top_k = top_k
        self.augmenter = augmenter
        self.rank = rank
        self.C = C
        self.classes = classes
        self.tol = tol
        self.max_iter = max_iter
        self.memory = memory
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @with_callbacks
    def fit(
        self,
        X: Rows,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        teacher_proba: Proba | None = None,
        X_unlabeled: Rows | None = None,
        unlabeled_proba: Proba | None = None,
        **params: Any,
    ) -> Self:
        """Compute the teacher's probabilities, then fit the student to rank labels.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Training samples, in any form that the given estimators accept.

        y : array-like of shape (n_samples,), or indicator of shape (n_samples, n_labels)
            True labels: strings, booleans or integers. For several labels per row, an indicator of
            zeros and ones: dense, sparse or a dataframe whose columns are the labels. The teacher
            gets it sparse if it is sparse, except the default teacher, since forests accept no
            sparse `y`.

        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; 1 by default. It is used for the student, for `teacher_scores_`, and
            for the teacher if it takes weights (with metadata routing, for the estimators that
            request it).

        teacher_proba : array-like, sparse matrix or dataframe of shape (n_samples, n_labels), \
default=None
            The teacher's probabilities for these rows, from an external source (an API, a GPU job,
            annotators); `teacher` is then not fitted. Columns are matched as in
            :class:`DistilledClassifier`; sparse rows need not be truncated. The model must not have
            seen the labels of these rows. Dense rows of NaN keep their label, unless rows have
            several labels.

        X_unlabeled : array-like, sparse matrix or dataframe of shape (n_unlabeled, \
n_features), default=None
            Unlabelled rows, each with the weight `unlabeled_weight`. They are labelled by a teacher
            fitted on all labelled rows, or by the frozen one. Not allowed with
            "label_weighted", which needs a label of each row. See :class:`DistilledClassifier`.

        unlabeled_proba : array-like, sparse matrix or dataframe of shape (n_unlabeled, \
n_labels), default=None
            Probabilities of the rows of `X_unlabeled`, from an external source, in the form of
            `teacher_proba`; no teacher then predicts these rows. Not with `augmenter`, whose
            rows need a teacher.

        **params : dict
            `groups`, one entry per row, for the folds: rows of one group are not independent of
            each other. With metadata routing enabled, also the metadata that splitter, teacher and
            student request.

        Returns
        -------
        self : DistilledMulticlassRetriever

        Raises
        ------
        ValueError
            If a parameter is invalid, if labels and probabilities are inconsistent (missing labels
            are listed), or if fewer than two labels have weight.

        TypeError
            If the teacher has no `predict_proba`, if the student cannot rank labels, or if `memory`
            cannot distinguish the teacher from others.

        OSError
            If `memory` cannot be written to.

        Warns
        -----
        UserWarning
            If there are fewer labels than `k`, if rows of an indicator are empty, and as
            :class:`DistilledClassifier` does, also for a frozen teacher fitted on these rows (if
            each row has one label).

        ConvergenceWarning
            If the gradient of a linear student is larger than `tol` allows.
        """
        given = FitArguments(X, y, sample_weight, teacher_proba, X_unlabeled, unlabeled_proba)
        refuse_partitions(self, **given._asdict(), **params)
        inputs = self._validate(given, params)
        predictions = self._predict_teacher_proba(inputs)
        data = self._soften(inputs, predictions)
        student = self._fit_student(data)
        return self._set_distilled_attributes(X, data, student)

    def _fit_student(self, data):
        targets = RetrievalTargets.of(data.soft_labels, self.objective)
        with data.progress.task("fit-student"):
            if self.rank is None:
                return fit_retriever(data.student, data.X, targets, **data.student_params)
            return fit_low_rank(data.student, data.X, targets, self.rank, self.random_state)

    def _set_distilled_attributes(self, X, data, student):
        label_sets = isinstance(data.soft_labels, LabelSets)
        self._set_fitted_attributes(X, student, data.classes)
        self.n_iter_ = getattr(last_step(student), "n_iter_", np.ones(1, dtype=np.int32))
        self._objective, self._multilabel = self.objective, label_sets
        self._sparse_labels = label_sets and not data.soft_labels.dense
        return self._set_teacher_attributes(data)

    def decision_function(self, X: Rows) -> Floats:
        """Return the score of each label.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Input samples, in any form that `student_` accepts.

        Returns
        -------
        ndarray of shape (n_samples, n_labels), or (n_samples,) for two labels
            Higher for more relevant labels, columns in the order of `classes_`. For two labels it
            is the score of the second minus that of the first, unless rows may have several labels.
        """
        self._check_is_fitted()
        refuse_partitions(self, X=X)
        self._check_features(X)
        scores = self._student_scores(X)
        return _two_columns(scores) if self._multilabel else scores

    def retrieve(self, X: Rows, k: int | None = None) -> tuple[NDArray, Floats]:
        """Return the k best labels of each row, best first, and their scores.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Input samples, in any form that `student_` accepts. They are scored in blocks, so that
            the scores of all labels are in memory for a few rows at a time only.

        k : int, default=None
            Number of labels; by default the parameter `k`.

        Returns
        -------
        labels : ndarray of shape (n_samples, k)
            From `classes_`. Ties are in the order of `classes_`, except that any of the labels
            tied for the last position may be chosen.

        scores : ndarray of shape (n_samples, k)
            Those of :meth:`decision_function` (for two labels, half of it and its negative).

        Raises
        ------
        ValueError
            If `k` is not a positive integer, or larger than the number of labels.
        """
        self._check_is_fitted()
        refuse_partitions(self, X=X)
        self._check_features(X)
        columns, scores = self._best_columns(X, k)
        return self.classes_[columns], scores

    def _best_columns(self, X, k):
        """Return the columns of the k best labels of each row, and their scores."""
        n_labels = len(self.classes_)
        if k is None:
            k = self.k if self.k < n_labels else n_labels
        check_number("k", k, Integral)
        if k > n_labels:
            raise ValueError(f"k must be at most the number of labels, {n_labels}; got k={k}.")
        (X,) = indexable(X)
        columns, scores = [], []
        for rows in gen_batches(max(count_rows(X), 1), max(1, BLOCK // n_labels)):
            of_rows = _two_columns(self._student_scores(_safe_indexing(X, rows)))
            best = best_columns(of_rows, k)
            columns.append(best)
            scores.append(np.take_along_axis(of_rows, best, axis=1))
        return np.concatenate(columns), np.concatenate(scores)

    def predict(self, X: Rows) -> NDArray | sparse.csr_array:
        """Predict the best label; for multilabel targets, the `k` best as an indicator.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Input samples, in any form that `student_` accepts.

        Returns
        -------
        ndarray of shape (n_samples,), or indicator of shape (n_samples, n_labels)
            Labels from `classes_`. An indicator is sparse if it was sparse in :meth:`fit`.
        """
        self._check_is_fitted()
        refuse_partitions(self, X=X)
        self._check_features(X)
        columns, _ = self._best_columns(X, None if self._multilabel else 1)
        if not self._multilabel:
            return self.classes_[columns[:, 0]]
        rows = np.repeat(np.arange(len(columns)), columns.shape[1])
        ones = np.ones(columns.size, dtype=int)
        shape = len(columns), len(self.classes_)
        indicator = sparse.csr_array((ones, (rows, columns.ravel())), shape)
        return indicator if self._sparse_labels else indicator.toarray()

    @available_if(_gives_probabilities)
    def predict_proba(self, X: Rows) -> Floats:
        """Predict the probability of each label, with ``objective="cross_entropy"`` only.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Input samples, in any form that `student_` accepts.

        Returns
        -------
        ndarray of shape (n_samples, n_labels)
            Rows sum to one; columns are in the order of `classes_`.
        """
        scores = self.decision_function(X)
        if scores.ndim == 1:
            return np.column_stack([expit(-scores), expit(scores)])
        return softmax(scores, axis=1)

    @available_if(_gives_probabilities)
    def predict_log_proba(self, X: Rows) -> Floats:
        """Predict the logarithm of each label's probability, if `predict_proba` is available.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Input samples, in any form that `student_` accepts.

        Returns
        -------
        ndarray of shape (n_samples, n_labels)
            Columns are in the order of `classes_`.
        """
        scores = self.decision_function(X)
        if scores.ndim == 1:
            return np.column_stack([log_expit(-scores), log_expit(scores)])
        return log_softmax(scores, axis=1)

    def score(self, X: Rows, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the recall at `k`: the share of the rows' labels that are among the k best.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Input samples, in any form that `student_` accepts.

        y : array-like of shape (n_samples,), or indicator of shape (n_samples, n_labels)
            True labels.

        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; 1 by default.

        Returns
        -------
        float
            In [0, 1]. Rows of an indicator without a label are ignored.
        """
        refuse_partitions(self, X=X, y=y, sample_weight=sample_weight)
        labels, _ = self.retrieve(X)
        classes = self.classes_ if is_indicator(y) else None
        return recall_at_k(y, labels, classes=classes, sample_weight=sample_weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = supports_multilabel(self._unfitted_teacher())
        return tags

    def _unfitted_student(self):
        if self.student is not None:
            return self.student
        linear = LogisticRegression(C=self.C, tol=self.tol, max_iter=self.max_iter)
        return requesting_weights(linear)

    def _student_scores(self, X):
        """Return the scores of a student, (n_samples,) or (n_samples, n_labels)."""
        if hasattr(self.student_, "decision_function"):
            return self.student_.decision_function(X)
        from .students.retrieval.skorch import scores_of_net

        return scores_of_net(self.student_, X)

    def _validate(self, given, params):
        if self.rank is not None:
            check_number("rank", self.rank, Integral)
            check_rank(self.rank, given.X)
        inputs = super()._validate(given, params)
        if isinstance(inputs.labels, LabelSets):
            self._warn_of_empty_rows(inputs.labels)
        else:
            inputs.labels.check_several_classes()
        if self.k > len(inputs.output.classes):
            warn(
                f"k={self.k}, but there are {len(inputs.output.classes)} labels: retrieve and "
                "score rank them all. Set a smaller k.",
            )
        return inputs

    def _check_targets(self, X, y, teacher_proba):
        if is_indicator(y):
            check_no_temperature(self.teacher_temperature)
            # Forests, one of which is the default teacher, take no sparse indicator.
            return check_multilabel(
                X, y, teacher_proba, classes=self.classes, top_k=self.top_k,
                dense_teacher=self.teacher is None,
            )  # fmt: skip
        y, output, teacher_proba = super()._check_targets(X, y, teacher_proba)
        return y, output._replace(top_k=self.top_k), teacher_proba

    def _truncation(self):
        return self.top_k

    def _check_parameters(self):
        super()._check_parameters()
        check_objective(self.objective)
        check_top_k(self.top_k)
        check_number("k", self.k, Integral)
        defaults = {"rank": None, "C": 1.0, "tol": 1e-4, "max_iter": 200}
        changed = [
            f"{name}={getattr(self, name)!r}"
            for name, default in defaults.items()
            if getattr(self, name) != default
        ]
        if self.student is not None and changed:
            raise ValueError(
                f"{', '.join(defaults)} are those of the default student; got "
                f"{', '.join(changed)} with student={self.student!r}. Set the parameters of the "
                "student itself, as in student=LogisticRegression(C=0.1)."
            )
        check_alpha(self.alpha)  # "auto" needs students with probabilities
        check_unlabeled_weight(self.unlabeled_weight)
        check_number("max_iter", self.max_iter, Integral)
        check_number("C", self.C, Real, or_infinity=True)
        check_number("tol", self.tol, Real)
        # Raises before the teacher is fitted.
        check_retriever(self._unfitted_student())

    def _check_combinations(self, given):
        super()._check_combinations(given)
        more = "augmenter" if given.X_unlabeled is None else "X_unlabeled"
        has_more = given.X_unlabeled is not None or self.augmenter is not None
        if has_more and self.objective == "label_weighted":
            raise ValueError(
                'objective="label_weighted" needs a label of each row, and the rows of '
                f'{more} have none. Use "double_distillation" or "cross_entropy".'
            )

    def _warn_of_empty_rows(self, label_sets):
        """Warn of rows without a label."""
        n_empty = count_empty_rows(label_sets)
        if not n_empty:
            return
        used = self.alpha > 0 and self.objective != "label_weighted"
        what = "are fitted to the teacher's marginals alone" if used else "are ignored"
        warn(
            f"{n_empty} of the {label_sets.is_labelled.sum()} rows of y have no label: they "
            f"{what}.",
        )


def _two_columns(scores):
    """Return one column of scores per label, also for two labels with a single score."""
    return np.column_stack([-scores, scores]) / 2 if scores.ndim == 1 else scores

"""Self-distillation: generations of one estimator, each with the last one as its teacher."""

import time
import warnings
from numbers import Integral
from typing import Any, NamedTuple, Self

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import Bunch, _safe_indexing, check_consistent_length, indexable
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from ._base._student_predictions import StudentPredictionsMixin, student_has
from ._targets._soft_labels import SoftLabels
from ._teachers._cross_fitting import check_folds
from ._teachers._scores import teacher_scores
from ._utils._class_codes import check_codes
from ._utils._groups import make_folds, splitter_for_routing
from ._utils._labels import check_classes, check_labels
from ._utils._methods import may_have_method
from ._utils._random_state import seeded_clones
from ._utils._rows import copied, count_rows, refuse_partitions, rows_of
from ._utils._sample_weight import pop_row_weights, requesting_weights
from ._utils._typing import ArrayLike, Estimator, Floats, NDArray, Rows
from ._utils._validation import check_alpha
from .students import fit_soft_labels
from .students._capabilities import DataSummary
from .students._predictions import predicts_numbers, student_proba
from .students._registry import check_student


class BornAgainClassifier(StudentPredictionsMixin, BaseEstimator):
    """Distil an estimator repeatedly into clones of itself, as long as the loss decreases.

    Generation 0 is fitted to the labels. Each further generation is fitted to the out-of-fold
    probabilities of the one before, for the same rows. A teacher of the same class has no
    further information; its probabilities are smoothed labels. This helps estimators that fit
    noise, such as deep trees, and hardly changes smooth ones, such as a logistic regression.

    Parameters
    ----------
    estimator : estimator, default=None
        The estimator of all generations: a classifier with `predict_proba` that can be fitted
        to soft labels, see :func:`skdistill.fit_soft_labels`, any regressor, or a Pipeline that
        ends in one. ``DecisionTreeClassifier(min_samples_leaf=5)`` by default: it fits noise,
        but predicts more than 0 and 1, unlike a tree with pure leaves.

    n_generations : int, default=3
        Maximum number of generations after generation 0. Fitting stops at the first one that
        does not improve on the one before.

    alpha : float in [0, 1], default=1.0
        Weight of the teacher in the targets: alpha · teacher + (1 − alpha) · one-hot label. 1 uses
        the teacher alone; 0 repeats ordinary training. The teacher of a generation is the
        generation before it.

    cv : int, splitter or iterable, default=5
        Folds for out-of-fold probabilities, as in scikit-learn; None is 5 folds, stratified. Every
        row must be tested. With `groups`, a number means that many folds of whole groups. At least
        three folds are needed. With K folds each generation takes K² fits, the last one evaluated
        K, and the final fit on all rows 1: at most 81 with the defaults.

    ensemble : bool, default=False
        Whether to predict the mean probabilities of all generations, including generation 0,
        instead of those of the last one. Scores and early stopping then use the mean.

    n_jobs : int, default=None
        Number of jobs for the fits on the folds, as in joblib.

    random_state : int, RandomState instance or None, default=None
        Seed for every `random_state` of the given estimators that is None. All generations have the
        same seed.

    verbose : int, default=0
        If positive, print progress and the time of fits. For each generation it prints the log-loss
        and the time.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.

    student_ : estimator
        The fitted student: an ordinary object of its class, which predicts and unpickles without
        skdistill. It is the last generation kept, fitted on all rows.

    estimators_ : list of estimators
        With ``ensemble=True``: the generations 0, 1, ... whose probabilities are averaged.

    n_generations_ : int
        Number of the last generation kept; 0 if no generation improved on generation 0.

    generation_scores_ : list of dict
        Scores of `predict_proba` with each evaluated generation as the last, from 0 on,
        including one that was not kept: "log_loss" (nats), "brier" (in [0, 2]), "ece" (15
        bins) and "accuracy" on rows held out from all generations, weighted by
        `sample_weight`. The smallest of these noisy log-losses is selected, so it is slightly
        optimistic.

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
    DistilledClassifier : Distils a teacher of another class.

    Notes
    -----
    From generation 2 on, plain cross-fitting leaks labels. With one set of folds, generation 1
    of fold k has not seen the labels of fold k, but its teachers, those of the other folds,
    have: its prediction for a held-out row depends on that row's label. Here each fold k has
    its own chain: all its generations, and all their teachers, are fitted on the training rows
    of fold k, with nested folds (those of `cv`, without the rows of fold k). So no score
    uses a label seen in training, and the targets of a row, in the generations fitted on all
    rows, never depend on that row's label. Within a chain, the leak remains from its generation
    2 on: avoiding it too costs K^g fits for generation g.

    For a linear model with squared error, self-distillation has a closed form: repeating it
    shrinks the weakest directions most (Pareek, Du and Oh 2024), and with much label noise
    an alpha above 1 can be optimal (Das and Sanghavi 2023). It is not offered here, since such
    targets are no probabilities.

    References
    ----------
    T. Furlanello, Z. Lipton, M. Tschannen, L. Itti and A. Anandkumar, "Born-again neural
    networks", ICML 2018.

    R. Das and S. Sanghavi, "Understanding self-distillation in the presence of label
    noise", ICML 2023.

    D. Pareek, S. S. Du and S. Oh, "Understanding the gains from repeated
    self-distillation", NeurIPS 2024.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skdistill import BornAgainClassifier
    >>> from skdistill.datasets import make_hidden_classes
    >>> X, y, p_star = make_hidden_classes(300, class_sep=1.0, random_state=0)
    >>> tree = DecisionTreeClassifier(min_samples_leaf=5, random_state=0)
    >>> model = BornAgainClassifier(tree).fit(X, y)
    >>> first, *_, last = [scores["log_loss"] for scores in model.generation_scores_]
    >>> last < first
    True
    """

    def __init__(
        self,
        estimator: Estimator = None,
        *,
        n_generations: int = 3,
        alpha: float = 1.0,
        cv: Any = 5,
        ensemble: bool = False,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ):
        self.estimator = estimator
        self.n_generations = n_generations
        self.alpha = alpha
        self.cv = cv
        self.ensemble = ensemble
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def fit(
        self, X: Rows, y: ArrayLike, sample_weight: ArrayLike | None = None, **params: Any
    ) -> Self:
        """Fit generations until one does not improve on the one before.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Training samples, in any form that the given estimators accept.

        y : array-like of shape (n_samples,)
            True labels: strings, booleans or integers.

        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; 1 by default. It is used for all generations and for the scores
            (with metadata routing, for the generations only if the estimator requests it).

        **params : dict
            `groups`, one entry per row, for the folds: rows of one group are not independent of
            each other. With metadata routing enabled, also the metadata that splitter and estimator
            request.

        Returns
        -------
        self : BornAgainClassifier

        Raises
        ------
        ValueError
            If a parameter is invalid, if there are fewer than three folds, if
            their test rows do not cover every row, or if the training rows that two folds
            have in common have fewer than two classes.

        TypeError
            If the estimator has no `predict_proba`, or cannot be fitted to soft labels.

        Warns
        -----
        UserWarning
            If generation 1 is no better than generation 0, or if the class of a test row
            does not occur in the training rows of its fold.
        """
        refuse_partitions(self, X=X, y=y, sample_weight=sample_weight, **params)
        self._check_parameters()
        y = check_labels(y)
        X, sample_weight = (indexable(each)[0] for each in (X, sample_weight))
        check_consistent_length(X, y, sample_weight)
        (estimator,) = seeded_clones(self.random_state, self._unfitted_student())
        routed = self._route(sample_weight, params)
        weight = pop_row_weights(routed.estimator.fit, estimator)
        labels = SoftLabels.from_labels(y, check_classes(y), sample_weight=weight)
        labels.check_several_classes()
        check_student(estimator, DataSummary.of(labels))
        check_codes(estimator, labels.classes)
        folds = nested_folds(make_folds(self.cv, X, y, routed.splitter.split), len(labels))
        warn_of_unseen_classes(labels, folds)
        fitter = GenerationFitter(estimator, X, labels, routed.estimator.fit, folds, self.n_jobs)
        targets, scores = self._fit_generations(fitter, sample_weight)

        estimators = fitter.fit_on_all_rows(targets if self.ensemble else targets[-1:])
        self._set_fitted_attributes(X, estimators[-1], labels.classes)
        if self.ensemble:
            self.estimators_ = estimators
        elif hasattr(self, "estimators_"):  # of an earlier fit
            del self.estimators_
        self.n_generations_, self.generation_scores_ = len(targets) - 1, scores
        return self

    def _fit_generations(self, fitter, sample_weight):
        """Return the targets of each generation kept, and the scores of each one evaluated."""
        targets, scores, chain_targets = [fitter.labels], [], fitter.initial_targets()
        total = 0
        for generation in range(self.n_generations + 1):
            start = time.perf_counter()
            proba = fitter.predict_held_out(chain_targets)
            total = total + proba
            scored = total / (generation + 1) if self.ensemble else proba
            scores.append(fitter.score(scored, sample_weight))
            if self.verbose:
                print(
                    f"[generation {generation}] log-loss {scores[-1]['log_loss']:.4f} in "
                    f"{time.perf_counter() - start:.1f} s"
                )
            if generation and not scores[-1]["log_loss"] < scores[-2]["log_loss"]:
                targets.pop()
                break
            if generation < self.n_generations:
                targets.append(mixed_targets(proba, fitter.labels, self.alpha))
                chain_targets = fitter.next_targets(chain_targets, self.alpha)
        if len(targets) == 1:
            warnings.warn(
                "Self-distillation did not help: out of fold, generation 1 has a log-loss of "
                f"{scores[1]['log_loss']:.4g}, generation 0 of {scores[0]['log_loss']:.4g}. "
                "Generation 0, fitted to the labels, is kept; use the estimator itself, or distil "
                "a teacher of another class with DistilledClassifier.",
                UserWarning,
                stacklevel=3,
            )
        return targets, scores

    def _check_parameters(self):
        """Check the parameters that do not depend on the data."""
        count = self.n_generations
        if not isinstance(count, Integral) or isinstance(count, bool) or count < 1:
            raise ValueError(
                f"n_generations must be an integer of at least 1; got n_generations={count!r}. "
                "To train without distillation, fit the estimator itself."
            )
        check_alpha(self.alpha)
        estimator = self._unfitted_student()
        if isinstance(estimator, type):
            raise TypeError(
                f"estimator must be an estimator, not a class; got {estimator.__name__}. "
                f"Write estimator={estimator.__name__}()."
            )
        if not (predicts_numbers(estimator) or may_have_method(estimator, "predict_proba")):
            raise TypeError(
                f"Each generation is fitted to the probabilities of the one before; {estimator!r} "
                "has no predict_proba. Use an estimator that has."
            )

    def _unfitted_student(self):
        if self.estimator is not None:
            return self.estimator
        return requesting_weights(DecisionTreeClassifier(min_samples_leaf=5))

    def _student_to_describe(self):
        if hasattr(self, "estimators_"):
            raise AttributeError(
                f"With ensemble=True, {len(self.estimators_)} generations are averaged, and the "
                "attribute of a single one is not that of the ensemble. Look at each of "
                "estimators_."
            )
        return super()._student_to_describe()

    def _route(self, sample_weight, params):
        """Return the parameters for the estimator's fit and for the split."""
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        if get_config()["enable_metadata_routing"]:
            routed = process_routing(self, "fit", **weights, **params)
            return Bunch(estimator=Bunch(fit=dict(routed.estimator.fit)), splitter=routed.splitter)
        unknown = sorted(set(params) - {"groups"})
        if unknown:
            raise TypeError(
                f"BornAgainClassifier.fit() got {unknown}. Without metadata routing only `groups` "
                "is passed on; enable it with sklearn.set_config(enable_metadata_routing=True) and "
                "let the estimator request them, as in estimator.set_fit_request(...)."
            )
        return Bunch(estimator=Bunch(fit=weights), splitter=Bunch(split=params))

    def get_metadata_routing(self):
        """Return which metadata goes to estimator and splitter.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRouter
            Metadata of `fit` goes to `fit` of the estimator and to `split` of the splitter.
        """
        to_fit = MethodMapping().add(caller="fit", callee="fit")
        to_split = MethodMapping().add(caller="fit", callee="split")
        return (
            MetadataRouter(owner=self)
            .add_self_request(self)
            .add(estimator=self._unfitted_student(), method_mapping=to_fit)
            .add(splitter=splitter_for_routing(self.cv), method_mapping=to_split)
        )

    @available_if(student_has("predict"))
    def predict(self, X: Rows) -> NDArray:
        """Predict the class of each row.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Input samples, in any form that `student_` accepts.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels from `classes_`: those of the last generation; with
            ``ensemble=True``, the most probable class.
        """
        check_is_fitted(self, "student_")
        if not hasattr(self, "estimators_"):
            return super().predict(X)
        refuse_partitions(self, X=X)
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    @available_if(student_has("predict_proba"))
    def predict_proba(self, X: Rows) -> Floats:
        """Predict the probability of each class.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Input samples, in any form that `student_` accepts.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Those of the last generation; with ``ensemble=True``, the mean over the
            generations. Columns are in the order of `classes_`.
        """
        check_is_fitted(self, "student_")
        if not hasattr(self, "estimators_"):
            return super().predict_proba(X)
        refuse_partitions(self, X=X)
        self._check_features(X)
        predictions = [student_proba(each, copied(X), self.classes_) for each in self.estimators_]
        return np.mean(predictions, axis=0)

    @available_if(student_has("predict_log_proba"))
    def predict_log_proba(self, X: Rows) -> Floats:
        """Predict the logarithm of the probability of each class.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Input samples, in any form that `student_` accepts.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Those of the last generation; with ``ensemble=True``, the logarithm of the mean
            probability. Columns are in the order of `classes_`.
        """
        check_is_fitted(self, "student_")
        if not hasattr(self, "estimators_"):
            return super().predict_log_proba(X)
        with np.errstate(divide="ignore"):  # a probability of 0 has the logarithm -inf
            return np.log(self.predict_proba(X))

    @available_if(lambda self: not self.ensemble and student_has("decision_function")(self))
    def decision_function(self, X: Rows) -> Floats:
        """Return the scores of the last generation; an ensemble has none.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Input samples, in any form that `student_` accepts.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            One score for two classes, else one per class in the order of `classes_`.
        """
        return super().decision_function(X)


class Fold(NamedTuple):
    """Training and test rows of a fold, and nested folds of its training rows."""

    train: NDArray  # positions among all rows
    test: NDArray  # positions among all rows
    nested: list  # of (train, test), positions in `train`


def nested_folds(splits, n_rows):
    """Return folds, each with the others as folds of its training rows."""
    if len(splits) < 3:
        raise ValueError(
            f"Generations need at least 3 folds, got {len(splits)}: the training rows of each fold "
            "are cross-fitted with the other folds. Use cv=3 or more."
        )
    check_folds(splits, n_rows)
    return [
        Fold(train, test, [
            (np.flatnonzero(np.isin(train, other)), np.flatnonzero(np.isin(train, predicted)))
            for inner, (other, predicted) in enumerate(splits) if inner != outer
        ])
        for outer, (train, test) in enumerate(splits)
    ]  # fmt: skip


def warn_of_unseen_classes(labels, folds):
    """Warn of test rows whose class does not occur in the training rows."""
    n_unseen = 0
    for fold in folds:
        train_labels = labels.take(fold.train)
        n_unseen += (~has_seen_class(labels, fold.train, fold.test)).sum()
        n_unseen += sum(
            (~has_seen_class(train_labels, train, test)).sum() for train, test in fold.nested
        )
    if n_unseen:
        warnings.warn(
            f"In {n_unseen} cases a row's class does not occur in the training rows outside its "
            "fold, or outside two folds; the row keeps its label there. Use fewer folds, or "
            "stratified ones.",
            UserWarning,
            stacklevel=3,
        )


def has_seen_class(labels, train, test):
    """Return which rows of `test` have a class with weight in `train`."""
    return labels.take(train).class_weight_sums[labels.codes[test]] > 0


def mixed_targets(proba, labels, alpha):
    """Return a generation's probabilities mixed with the labels of the same rows."""
    y = labels.classes[labels.codes]
    return SoftLabels(proba, labels.classes, y=y, sample_weight=labels.weight).mix_with_labels(
        alpha
    )


class GenerationFitter(NamedTuple):
    """Fits all generations.

    Each fold has a chain of generations, fitted on its training rows only. The targets of a
    generation are soft labels, of all rows or of the training rows of a chain.
    """

    estimator: object
    X: object
    labels: SoftLabels
    fit_params: dict
    folds: list
    n_jobs: int | None

    def initial_targets(self):
        """Return the targets of generation 0 in each chain: the labels."""
        return [self.labels.take(fold.train) for fold in self.folds]

    def predict_held_out(self, chain_targets):
        """Fit a generation in each chain, and return its predictions for the held-out rows."""
        tasks = [
            (targets, fold.train, fold.test)
            for targets, fold in zip(chain_targets, self.folds, strict=True)
        ]
        pairs = [(fold.train, fold.test) for fold in self.folds]
        return mean_predictions(self._fit_and_predict(tasks), self.labels, pairs)

    def next_targets(self, chain_targets, alpha):
        """Return the next generation's targets in each chain: nested out-of-fold probabilities."""
        tasks = [
            (targets.take(train), fold.train[train], fold.train[test])
            for targets, fold in zip(chain_targets, self.folds, strict=True)
            for train, test in fold.nested
        ]
        predictions = iter(self._fit_and_predict(tasks))
        new = []
        for fold in self.folds:
            labels = self.labels.take(fold.train)
            proba = mean_predictions([next(predictions) for _ in fold.nested], labels, fold.nested)
            new.append(mixed_targets(proba, labels, alpha))
        return new

    def fit_on_all_rows(self, targets):
        """Return one estimator for each generation's targets, fitted on all rows."""
        single = len(targets) == 1  # otherwise one fit may change the rows of the next
        return Parallel(n_jobs=self.n_jobs)(
            delayed(fit_soft_labels)(
                self.estimator, self.X if single else copied(self.X), each, **self.fit_params
            )
            for each in targets
        )

    def score(self, proba, sample_weight):
        """Return the scores of held-out probabilities, without rows of unseen classes."""
        seen = np.zeros(len(self.labels), dtype=bool)
        for fold in self.folds:
            seen[fold.test] |= has_seen_class(self.labels, fold.train, fold.test)
        y = self.labels.classes[self.labels.codes]
        evaluated = SoftLabels(proba, self.labels.classes, y=y, sample_weight=sample_weight)
        evaluated = evaluated.take(seen)
        evaluated.check_some_weight()
        return teacher_scores(evaluated)

    def _fit_and_predict(self, tasks):
        """Return the predictions of tasks of (targets, training rows, test rows)."""
        return Parallel(n_jobs=self.n_jobs)(
            delayed(_predict_rows)(self.estimator, self.X, targets, self.fit_params, train, test)
            for targets, train, test in tasks
        )


def mean_predictions(predictions, labels, folds):
    """Return each row's mean probabilities over the folds that test it.

    A row whose class does not occur in the training rows keeps its one-hot label.
    """
    total = np.zeros((len(labels), len(labels.classes)))
    n_tested = np.zeros(len(labels))
    for proba, (train, test) in zip(predictions, folds, strict=True):
        unseen = ~has_seen_class(labels, train, test)
        proba = np.where(unseen[:, None], labels.take(test).proba.toarray(), proba)
        np.add.at(total, test, proba)  # a bootstrap may test a row twice
        np.add.at(n_tested, test, 1)
    return total / n_tested[:, None]


def _predict_rows(estimator, X, targets, fit_params, train, test):
    """Fit an estimator to the targets of the training rows, and predict the test rows."""
    targets.check_several_classes()
    params = rows_of(fit_params, train, count_rows(X))
    fitted = fit_soft_labels(estimator, _safe_indexing(X, train), targets, **params)
    return student_proba(fitted, _safe_indexing(X, test), targets.classes)

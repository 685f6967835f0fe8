"""Self-distillation: generations of one estimator, each taught by the last."""

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
    """Distil an estimator into another of its own kind, again and again while that helps.

    Generation 0 is the estimator on the labels. Each further one is fitted to what the
    generation before says, out of fold, of the same rows. A teacher of the same kind
    knows nothing that the student could not know; what it gives is a smoother version of
    the labels. That helps estimators which fit noise (deep trees, say), and does next to
    nothing for one that is smooth by itself (a logistic regression).

    Parameters
    ----------
    estimator : estimator, default=None
        What is born again: a classifier with `predict_proba` that learns soft labels, see
        :func:`skdistill.fit_soft_labels`, any regressor, or a Pipeline that ends in one.
        ``DecisionTreeClassifier(min_samples_leaf=5)`` by default: one that fits noise, and
        yet says more than 0 and 1, which a tree of pure leaves does not.

    n_generations : int, default=3
        How many generations there may be after generation 0. Fewer are fitted if one does
        not improve on those before.

    alpha : float in [0, 1], default=1.0
        Trust of a generation in the one before: it learns alpha · what that says +
        (1 − alpha) · one-hot label. 0 repeats ordinary training.

    cv : int, splitter or iterable, default=5
        Folds, at least three, as everywhere in scikit-learn (None is 5 folds, stratified);
        every row must be tested. With K folds each generation takes K² fits, the last one
        that is tried K, and what predicts 1 more: 81 at most with the defaults.

    ensemble : bool, default=False
        Whether to predict by the mean of all generations' probabilities, generation 0
        among them, rather than by the last one alone. Scores and early stopping are then
        those of the mean.

    n_jobs : int, default=None
        Processes that fit the estimators of the folds, as joblib counts them.

    random_state : int, RandomState instance or None, default=None
        Seeds those parts of the estimator whose own `random_state` is None, all
        generations alike, and nothing else.

    verbose : int, default=0
        If positive, say each generation's log-loss and how long it took.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.

    student_ : estimator
        The last generation that is kept, fitted on all rows: an ordinary object of its
        class. It predicts and pickles where skdistill is not installed.

    estimators_ : list of estimators
        With ``ensemble=True``: the generations 0, 1, ... that predict together.

    n_generations_ : int
        Number of the last generation that is kept; 0 if being born again did not help.

    generation_scores_ : list of dict
        For each generation that was tried, from 0 on, also for one that was not kept, what
        `predict_proba` would be worth if it were the last: "log_loss" (nats), "brier" (in
        [0, 2]), "ece" (15 bins) and "accuracy" of the true labels of rows held out from
        all generations, weighted by `sample_weight`. The smallest log-loss, of some that
        are all noisy, is chosen: it is then a little too good.

    coef_ : ndarray of shape (n_classes, n_features) or (1, n_features)
        Coefficients of the last generation, if it is linear, for its own `classes_`. Those of
        a regressor are of its targets, the probabilities, and not of logits. As `intercept_` and
        `feature_importances_`, it is absent where the student lacks it.

    intercept_ : ndarray of shape (n_classes,) or (1,)
        Intercepts of the last generation, if it is linear.

    feature_importances_ : ndarray of shape (n_features,)
        Importance of each feature for the last generation, if it is a tree, a forest or a booster.

    n_features_in_ : int
        Number of features of `X`, where it has a number of them.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where `X` is a dataframe.

    See Also
    --------
    DistilledClassifier : Learns from a teacher of another kind.

    Notes
    -----
    Out of fold is less simple than it looks from generation 2 on. With one set of folds,
    generation 1 of fold k has not seen the labels of fold k, but its teachers, those of
    the other folds, have: what it says of a held-out row is partly that row's own label,
    handed back by its neighbours. Here each fold k raises a line of its own: all its
    generations, and all their teachers, are fitted on the training rows of fold k, by
    folds within them (those of `cv`, without the rows of fold k). So the scores are
    honest, and what a generation on all rows is taught about a row never depends on that
    row's label. Within a line, from its generation 2 on, the shortcut stays: avoiding it
    there too costs K^g fits for generation g.

    Self-distillation of a linear model with squared error can be worked out: repeating it
    shrinks the weakest directions most (Pareek, Du and Oh 2024), and with much label noise
    a trust above 1 can be best (Das and Sanghavi 2023), which is not offered here: such
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
        """Fit generation after generation, until one does not improve on those before.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Rows, in whatever form the estimator takes them.

        y : array-like of shape (n_samples,)
            True labels: strings, booleans or integers.

        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row, for every generation and for the scores (with metadata
            routing, for the generations only if the estimator requests it).

        **params : dict
            `groups` for the folds, as in :class:`DistilledClassifier`. With metadata routing
            enabled, whatever splitter and estimator request.

        Returns
        -------
        self : BornAgainClassifier

        Raises
        ------
        ValueError
            If a parameter is out of its range, if there are fewer than three folds, if
            their test rows do not cover every row, or if the training rows that two folds
            have in common show fewer than two classes.

        TypeError
            If the estimator has no `predict_proba`, or can learn from neither weights nor
            numbers.

        Warns
        -----
        UserWarning
            If generation 1 is no better than generation 0, or if a fold never saw the
            class of a row that it tests.
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
        warn_of_unseen(labels, folds)
        breeding = GenerationFitter(estimator, X, labels, routed.estimator.fit, folds, self.n_jobs)
        lessons, scores = self._fit_generations(breeding, sample_weight)

        wanted = lessons if self.ensemble else lessons[-1:]
        estimators = breeding.fit_on_all_rows(wanted)
        self._set_fitted_attributes(X, estimators[-1], labels.classes)
        if self.ensemble:
            self.estimators_ = estimators
        elif hasattr(self, "estimators_"):  # of an earlier fit
            del self.estimators_
        self.n_generations_, self.generation_scores_ = len(lessons) - 1, scores
        return self

    def _fit_generations(self, breeding, sample_weight):
        """Return what each generation that is kept learns, and the scores of each one tried."""
        lessons, scores, line_lessons = [breeding.labels], [], breeding.labels_of_lines()
        total = 0
        for generation in range(self.n_generations + 1):
            start = time.perf_counter()
            proba = breeding.ask_lines(line_lessons)
            total = total + proba
            scored = total / (generation + 1) if self.ensemble else proba
            scores.append(breeding.score(scored, sample_weight))
            if self.verbose:
                print(
                    f"[generation {generation}] log-loss {scores[-1]['log_loss']:.4f} in "
                    f"{time.perf_counter() - start:.1f} s"
                )
            if generation and not scores[-1]["log_loss"] < scores[-2]["log_loss"]:
                lessons.pop()
                break
            if generation < self.n_generations:
                lessons.append(lesson_of(proba, breeding.labels, self.alpha))
                line_lessons = breeding.fit_chains(line_lessons, self.alpha)
        if len(lessons) == 1:
            warnings.warn(
                "Being born again did not help: out of fold, generation 1 has a log-loss of "
                f"{scores[1]['log_loss']:.4g}, generation 0 of {scores[0]['log_loss']:.4g}. "
                "Generation 0, the estimator on the labels, is kept; fit it by itself, or let it "
                "learn from a teacher of another kind with DistilledClassifier.",
                UserWarning,
                stacklevel=3,
            )
        return lessons, scores

    def _check_parameters(self):
        """Check the parameters that can be checked without rows."""
        count = self.n_generations
        if not isinstance(count, Integral) or isinstance(count, bool) or count < 1:
            raise ValueError(
                f"n_generations must be an integer of at least 1; got n_generations={count!r}. "
                "Without a generation after the first there is nothing to distil: fit the "
                "estimator itself."
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
                f"Each generation teaches the next its probabilities; {estimator!r} has no "
                "predict_proba. Take an estimator that has."
            )

    def _unfitted_student(self):
        if self.estimator is not None:
            return self.estimator
        return requesting_weights(DecisionTreeClassifier(min_samples_leaf=5))

    def _student_to_describe(self):
        if hasattr(self, "estimators_"):
            raise AttributeError(
                f"{len(self.estimators_)} generations predict together with ensemble=True, and no "
                "attribute of one of them describes all. Look at each of estimators_."
            )
        return super()._student_to_describe()

    def _route(self, sample_weight, params):
        """Return what goes to the estimator's fit and to the splitter's split."""
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        if get_config()["enable_metadata_routing"]:
            routed = process_routing(self, "fit", **weights, **params)
            return Bunch(estimator=Bunch(fit=dict(routed.estimator.fit)), splitter=routed.splitter)
        unknown = sorted(set(params) - {"groups"})
        if unknown:
            raise TypeError(
                f"BornAgainClassifier.fit() got {unknown}. Without metadata routing only `groups` "
                "is handed on; enable it with sklearn.set_config(enable_metadata_routing=True) and "
                "let the estimator request them, as in estimator.set_fit_request(...)."
            )
        return Bunch(estimator=Bunch(fit=weights), splitter=Bunch(split=params))

    def get_metadata_routing(self):
        """Return which metadata goes to estimator and splitter.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRouter
            `fit` hands on to `fit` of the estimator and to `split` of the splitter.
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
            Rows, in whatever form the estimator takes them.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels from `classes_`: as the last generation predicts; with
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
            Rows, in whatever form the estimator takes them.

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
            Rows, in whatever form the estimator takes them.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            As the last generation predicts it; with ``ensemble=True``, the logarithm of the mean
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
            Rows, in whatever form the estimator takes them.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            One score for two classes, else one per class in the order of `classes_`.
        """
        return super().decision_function(X)


class Fold(NamedTuple):
    """Rows to learn from and rows to be asked of; `within` are folds of the former."""

    train: NDArray  # positions among all rows
    test: NDArray  # positions among all rows
    nested: list  # of (train, test), positions in `train`


def nested_folds(splits, n_rows):
    """Return folds, each with the others as folds of its training rows."""
    if len(splits) < 3:
        raise ValueError(
            f"Generations need at least 3 folds, got {len(splits)}: each fold's training rows are "
            "themselves cross-fitted by the other folds. Use cv=3 or more."
        )
    check_folds(splits, n_rows)
    return [
        Fold(train, test, [
            (np.flatnonzero(np.isin(train, other)), np.flatnonzero(np.isin(train, predicted)))
            for number, (other, predicted) in enumerate(splits) if number != own
        ])
        for own, (train, test) in enumerate(splits)
    ]  # fmt: skip


def warn_of_unseen(labels, folds):
    """Say how many rows have a class that those who were to be asked about them do not know."""
    n_unseen = 0
    for fold in folds:
        own = labels.take(fold.train)
        n_unseen += (~knows(labels, fold.train, fold.test)).sum()
        n_unseen += sum((~knows(own, train, test)).sum() for train, test in fold.nested)
    if n_unseen:
        warnings.warn(
            f"In {n_unseen} cases a row's class does not occur in the rows learnt from outside its "
            "fold, or outside two folds; the row keeps its own label there. Use fewer folds, or "
            "stratified ones.",
            UserWarning,
            stacklevel=3,
        )


def knows(labels, train, test):
    """Return which rows of `test` have a class that carries weight in `train`."""
    return labels.take(train).class_weight_sums[labels.codes[test]] > 0


def lesson_of(proba, labels, alpha):
    """Return what is learnt from a generation's probabilities and the labels of the same rows."""
    y = labels.classes[labels.codes]
    return SoftLabels(proba, labels.classes, y=y, sample_weight=labels.weight).mix_with_labels(
        alpha
    )


class GenerationFitter(NamedTuple):
    """What all generations have in common.

    Each fold raises a line of generations on its training rows alone. A lesson is what a
    generation learns: soft labels, of all rows or of a line's.
    """

    estimator: object
    X: object
    labels: SoftLabels
    fit_params: dict
    folds: list
    n_jobs: int | None

    def labels_of_lines(self):
        """Return what generation 0 learns in each line: the labels."""
        return [self.labels.take(fold.train) for fold in self.folds]

    def ask_lines(self, lessons):
        """Fit the next generation of each line, and ask it about the rows that it leaves out."""
        tasks = [
            (lesson, fold.train, fold.test)
            for lesson, fold in zip(lessons, self.folds, strict=True)
        ]
        pairs = [(fold.train, fold.test) for fold in self.folds]
        return mean_predictions(self._fit_and_predict(tasks), self.labels, pairs)

    def fit_chains(self, lessons, alpha):
        """Return what the next generation of each line learns: the last, out of fold within it."""
        tasks = [
            (lesson.take(train), fold.train[train], fold.train[test])
            for lesson, fold in zip(lessons, self.folds, strict=True)
            for train, test in fold.nested
        ]
        predictions = iter(self._fit_and_predict(tasks))
        new = []
        for fold in self.folds:
            own = self.labels.take(fold.train)
            proba = mean_predictions([next(predictions) for _ in fold.nested], own, fold.nested)
            new.append(lesson_of(proba, own, alpha))
        return new

    def fit_on_all_rows(self, lessons):
        """Return the generations that predict."""
        alone = len(lessons) == 1  # else one may change the rows of the next
        return Parallel(n_jobs=self.n_jobs)(
            delayed(fit_soft_labels)(
                self.estimator, self.X if alone else copied(self.X), lesson, **self.fit_params
            )
            for lesson in lessons
        )

    def score(self, proba, sample_weight):
        """Return how good held-out probabilities are, but for rows of classes never seen."""
        seen = np.zeros(len(self.labels), dtype=bool)
        for fold in self.folds:
            seen[fold.test] |= knows(self.labels, fold.train, fold.test)
        y = self.labels.classes[self.labels.codes]
        answered = SoftLabels(proba, self.labels.classes, y=y, sample_weight=sample_weight)
        answered = answered.take(seen)
        answered.check_some_weight()
        return teacher_scores(answered)

    def _fit_and_predict(self, tasks):
        """Return the answers for tasks of (lesson, rows to learn from, rows to ask about)."""
        return Parallel(n_jobs=self.n_jobs)(
            delayed(_predict_rows)(self.estimator, self.X, lesson, self.fit_params, train, test)
            for lesson, train, test in tasks
        )


def mean_predictions(predictions, labels, folds):
    """Return each row's mean probabilities over the folds that test it.

    Where its class was not among those learnt from, a row keeps its one-hot label.
    """
    total = np.zeros((len(labels), len(labels.classes)))
    n_asked = np.zeros(len(labels))
    for proba, (train, test) in zip(predictions, folds, strict=True):
        unseen = ~knows(labels, train, test)
        proba = np.where(unseen[:, None], labels.take(test).proba.toarray(), proba)
        np.add.at(total, test, proba)  # a bootstrap may test a row twice
        np.add.at(n_asked, test, 1)
    return total / n_asked[:, None]


def _predict_rows(estimator, X, lesson, fit_params, train, test):
    """Fit an estimator to a lesson about some rows, and return what it says of others."""
    lesson.check_several_classes()
    params = rows_of(fit_params, train, count_rows(X))
    fitted = fit_soft_labels(estimator, _safe_indexing(X, train), lesson, **params)
    return student_proba(fitted, _safe_indexing(X, test), lesson.classes)

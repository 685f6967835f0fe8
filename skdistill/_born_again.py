"""Self-distillation: generations of one estimator, each with the last one as its teacher."""

from __future__ import annotations

import time
from dataclasses import dataclass
from numbers import Integral
from typing import Any, NamedTuple, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import _safe_indexing, check_consistent_length, indexable
from sklearn.utils.metaestimators import available_if
from sklearn.utils.parallel import Parallel, delayed

from ._base._routing import fit_router, route_fit
from ._base._student_predictions import StudentPredictionsMixin, student_has
from ._targets._soft_labels import SoftLabels
from ._teachers._cache import FoldPredictions
from ._teachers._cross_fitting import (
    mean_proba,
    predict_folds,
    warn_of_unseen,
    warn_of_unseen_in_pairs,
)
from ._teachers._folds import (
    LabelledRows,
    check_folds,
    check_nested_folds,
    named_folds,
    nested_folds,
)
from ._teachers._predict import MulticlassOutput
from ._teachers._scores import teacher_scores
from ._utils._class_codes import check_codes
from ._utils._groups import make_folds
from ._utils._labels import check_classes, check_labels
from ._utils._marks import LEFT_OUT, warn_of_marks
from ._utils._methods import may_have_method
from ._utils._random_state import seeded_clones
from ._utils._rows import copied, count_rows, refuse_partitions, rows_of
from ._utils._sample_weight import pop_row_weights, requesting_weights
from ._utils._typing import ArrayLike, Estimator, Floats, NDArray, Rows
from ._utils._validation import check_alpha, check_bool
from ._utils._warnings import warn
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
        The estimator of all generations. It is a classifier with `predict_proba` that can be fitted
        to soft labels (see :func:`skdistill.fit_soft_labels`), any regressor, or a Pipeline that
        ends in one. ``DecisionTreeClassifier(min_samples_leaf=5)`` by default. It fits noise, which
        self-distillation reduces; a tree with pure leaves would predict only 0 and 1.

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
        three folds are needed. With K folds each generation takes K² fits, and the last one
        evaluated only K. The final fit on all rows is one more. The defaults take at most 81 fits.

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
        Scores of each evaluated generation, from 0 on: "log_loss" (nats), "brier" (in [0, 2]),
        "ece" (15 bins) and "accuracy". The last one may be of a generation that was not kept. The
        scores are those of `predict_proba` on rows held out from all generations, weighted by
        `sample_weight`. The smallest log-loss was selected, so that it is slightly optimistic.

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
    From generation 2 on, plain cross-fitting leaks labels. With one set of folds, generation 1 of
    fold k has not seen the labels of fold k. But its teachers, those of the other folds, have seen
    them, so that its prediction for a held-out row depends on that row's label. Here each fold k
    has its own chain. All its generations and their teachers are fitted on the training rows of
    fold k, with nested folds (those of `cv`, without the rows of fold k). So no score uses a label
    seen in training. In the generations fitted on all rows, the target of a row never depends on
    its label. Within a chain, the leak remains from its generation 2 on. To avoid it too would cost
    K^g fits for generation g.

    For a linear model with squared error, self-distillation has a closed form. Repeating it shrinks
    the weakest directions most (Pareek, Du and Oh 2024). With much label noise, an alpha above 1
    can be optimal (Das and Sanghavi 2023). It is not allowed here, because such targets are not
    probabilities.

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
            If a parameter is invalid. If there are fewer than three folds, or if their test rows do
            not cover every row. If the training rows that two folds have in common have fewer than
            two classes.

        TypeError
            If the estimator has no `predict_proba`, or cannot be fitted to soft labels.

        Warns
        -----
        UserWarning
            If generation 1 is no better than generation 0, or if the class of a test row
            does not occur in the training rows of its fold.
        """
        fitter = self._validate(X, y, sample_weight, params)
        generations, scores = self._cross_fit_generations(fitter)
        targets = generations if self.ensemble else generations[-1:]
        estimators = fitter.fit_on_all_rows(targets)
        self._set_estimators(X, estimators, fitter.labels.classes)
        self.n_generations_, self.generation_scores_ = len(generations) - 1, scores
        return self

    def _validate(self, X, y, sample_weight, params):
        """Check the arguments of `fit`, and return what fits the generations."""
        refuse_partitions(self, X=X, y=y, sample_weight=sample_weight, **params)
        self._check_parameters()
        y = check_labels(y)
        X, sample_weight = (indexable(each)[0] for each in (X, sample_weight))
        check_consistent_length(X, y, sample_weight)
        (estimator,) = seeded_clones(self.random_state, self._unfitted_student())
        routed = route_fit(self, sample_weight, params, ("estimator",))
        weight = pop_row_weights(routed.estimator.fit, estimator)
        output = MulticlassOutput(check_classes(y))
        warn_of_marks(output.classes, LEFT_OUT, declared="name the classes, as in y.astype(str)")
        labels = output.targets(y, weight)
        labels.check_several_classes()
        check_student(estimator, DataSummary.of(labels))
        check_codes(estimator, labels.classes)
        folds = named_folds(make_folds(self.cv, X, y, routed.splitter.split))
        check_nested_folds(folds)
        check_folds(folds, len(labels))
        return GenerationChains(
            estimator=estimator,
            rows=LabelledRows(X, y),
            labels=labels,
            scored_labels=labels if weight is sample_weight else output.targets(y, sample_weight),
            fit_params=routed.estimator.fit,
            folds=folds,
            n_jobs=self.n_jobs,
        )

    def _cross_fit_generations(self, fitter):
        """Return the targets of each generation kept, and the scores of each one evaluated.

        The out-of-fold probabilities of a generation, mixed with the labels, are the targets of
        the next one.
        """
        targets, scores, chains = [fitter.labels], [], [fitter.labels] * len(fitter.folds)
        total = 0
        for generation in range(self.n_generations + 1):
            start = time.perf_counter()
            proba = fitter.predict_held_out(chains)
            total = total + proba.labelled
            mean = total / (generation + 1) if self.ensemble else proba.labelled
            scores.append(fitter.score(proba._replace(labelled=mean)))
            if self.verbose:
                print(
                    f"[generation {generation}] log-loss {scores[-1]['log_loss']:.4f} in "
                    f"{time.perf_counter() - start:.1f} s"
                )
            if generation and not scores[-1]["log_loss"] < scores[-2]["log_loss"]:
                targets.pop()
                break
            if generation < self.n_generations:
                mixed = fitter.labels.replace_proba(proba.labelled).soften(alpha=self.alpha)
                targets.append(mixed)
                chains = fitter.next_chains(chains, self.alpha)
        if len(targets) == 1:
            warn(
                "Self-distillation did not help: out of fold, generation 1 has a log-loss of "
                f"{scores[1]['log_loss']:.4g}, generation 0 of {scores[0]['log_loss']:.4g}. "
                "Generation 0, fitted to the labels, is kept; use the estimator itself, or distil "
                "a teacher of another class with DistilledClassifier.",
            )
        return targets, scores

    def _set_estimators(self, X, estimators, classes):
        """Set the fitted generations, the last one as `student_`."""
        self._set_fitted_attributes(X, estimators[-1], classes)
        if self.ensemble:
            self.estimators_ = estimators
        elif hasattr(self, "estimators_"):  # of an earlier fit
            del self.estimators_

    def _check_parameters(self):
        """Check the parameters that do not depend on the data."""
        count = self.n_generations
        if not isinstance(count, Integral) or isinstance(count, bool) or count < 1:
            raise ValueError(
                f"n_generations must be an integer of at least 1; got n_generations={count!r}. "
                "To train without distillation, fit the estimator itself."
            )
        check_alpha(self.alpha)
        check_bool("ensemble", self.ensemble)
        estimator = self._unfitted_student()
        if isinstance(estimator, type):
            raise TypeError(
                f"estimator must be an estimator, not a class; got {estimator.__name__}. "
                f"Write estimator={estimator.__name__}()."
            )
        if not (predicts_numbers(estimator) or may_have_method(estimator, "predict_proba")):
            raise TypeError(
                f"estimator must have predict_proba; {estimator!r} has none. Each generation is "
                "fitted to the probabilities of the one before. Use another classifier, or wrap "
                "this one, as in estimator=CalibratedClassifierCV(...)."
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

    def get_metadata_routing(self):
        """Return which metadata goes to estimator and splitter.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRouter
            Metadata of `fit` goes to `fit` of the estimator and to `split` of the splitter.
        """
        return fit_router(self, self.cv, estimator=self._unfitted_student())

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
        self._check_is_fitted()
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
        self._check_is_fitted()
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
        self._check_is_fitted()
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


class GenerationFitter(NamedTuple):
    """Fits one generation to its targets, on the training rows of a fold."""

    estimator: Estimator
    targets: SoftLabels  # of all rows; only those of training rows are used
    fit_params: dict

    def cached(self, fold):
        """Return None: generations are not cached."""

    def fit_and_predict(self, fold, X, y, X_unlabeled):
        """Return the predictions of the test rows of a fold."""
        targets = self.targets.take(fold.train)
        targets.check_several_classes()
        params = rows_of(self.fit_params, fold.train, count_rows(X))
        X_train = _safe_indexing(X, fold.train)
        fitted = fit_soft_labels(self.estimator, X_train, targets, **params)
        return FoldPredictions(
            tested=student_proba(fitted, _safe_indexing(X, fold.test), targets.classes),
            unlabeled=None,
            seen=np.unique(targets.codes[targets.weight > 0]),
        )


@dataclass(frozen=True)
class GenerationChains:
    """Cross-fits all generations.

    Each fold has a chain of generations, fitted on its training rows only. `chains` are the
    targets of a generation in each chain.
    """

    estimator: Estimator
    rows: LabelledRows
    labels: SoftLabels
    scored_labels: SoftLabels  # with the weights of the scores
    fit_params: dict
    folds: list
    n_jobs: int | None

    def predict_held_out(self, chains):
        """Return the probabilities of each row by a generation of the chain that holds it out."""
        fitters = [self._fitter(targets) for targets in chains]
        predictions = predict_folds(fitters, self.folds, self.rows, n_jobs=self.n_jobs)
        if self._is_first(chains):
            warn_of_unseen(predictions, self.folds, self.rows.y, self._output)
        return mean_proba(predictions, self.folds, self.rows.y, self._output)

    def next_chains(self, chains, alpha):
        """Return the targets of the next generation in each chain: nested probabilities."""
        nested = nested_folds(self.folds)
        fitters = [
            self._fitter(targets)
            for targets, folds in zip(chains, nested, strict=True)
            for _ in folds
        ]
        all_folds = [fold for folds in nested for fold in folds]
        predictions = iter(predict_folds(fitters, all_folds, self.rows, n_jobs=self.n_jobs))
        means = [
            mean_proba([next(predictions) for _ in folds], folds, self.rows.y, self._output)
            for folds in nested
        ]
        if self._is_first(chains):
            warn_of_unseen_in_pairs(
                [mean.take(fold.train) for mean, fold in zip(means, self.folds, strict=True)]
            )
        return [self.labels.replace_proba(mean.labelled).soften(alpha=alpha) for mean in means]

    def fit_on_all_rows(self, targets):
        """Return one estimator for each generation's targets, fitted on all rows."""
        X = self.rows.X
        single = len(targets) == 1  # otherwise one fit may change the rows of the next
        return Parallel(n_jobs=self.n_jobs)(
            delayed(fit_soft_labels)(
                self.estimator, X if single else copied(X), each, **self.fit_params
            )
            for each in targets
        )

    def score(self, proba):
        """Return the scores of held-out probabilities, without rows of unseen classes."""
        evaluated = self.scored_labels.replace_proba(proba.labelled).take(~proba.unseen)
        evaluated.check_some_weight()
        return teacher_scores(evaluated)

    def _is_first(self, chains):
        """Return whether these are the targets of generation 0, before which warnings are due."""
        return all(targets is self.labels for targets in chains)

    @property
    def _output(self):
        return MulticlassOutput(self.labels.classes)

    def _fitter(self, targets):
        return GenerationFitter(self.estimator, targets, self.fit_params)

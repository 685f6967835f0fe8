"""The main job: any teacher with `predict_proba`, any student."""

from typing import Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator

from ._base._alpha_selection import alpha_by_log_loss, check_predicts_proba
from ._base._distillation import TeacherMixin
from ._base._student_predictions import StudentPredictionsMixin
from ._utils._progress import with_callbacks
from ._utils._rows import is_in_partitions
from ._utils._typing import ArrayLike, Estimator, Proba, Rows
from ._utils._validation import check_top_k
from .students import fit_soft_labels
from .students._registry import check_student


class DistilledClassifier(TeacherMixin, StudentPredictionsMixin, BaseEstimator):
    """Distil a teacher into a student: learn from how probable it finds each class.

    The teacher says, out of fold, how probable each class is for each row; the student
    learns from these soft labels, mixed with the true ones, and is what predicts. The
    teacher is let go.

    Parameters
    ----------
    teacher : estimator, default=None
        Any classifier with `predict_proba`. It is cloned and cross-fitted; a
        ``sklearn.frozen.FrozenEstimator`` is used as it is, and `cv` does not matter. An
        ensemble teacher is a ``VotingClassifier(voting="soft")``, a calibrated one a
        ``CalibratedClassifierCV``. ``ExtraTreesClassifier()`` by default: deterministic
        given a seed, exact under sample weights, sane with many classes.

    student : estimator, default=None
        What learns: a classifier that takes `sample_weight`, any regressor (on the
        probabilities), or a Pipeline that ends in one of them; see
        :func:`skdistill.fit_soft_labels`. ``LogisticRegression()`` by default.

    alpha : float in [0, 1] or "auto", default="auto"
        Trust in the teacher: the student learns alpha · teacher + (1 − alpha) · one-hot
        label. 1 trusts the teacher alone; 0 is ordinary training and fits no teacher. No
        fixed value is safe: where labels are clean a teacher that errs contradicts them,
        where they are noisy it repairs them. So the default chooses from the data, by two or
        three more fits of the student per fold, and, with K folds, K (K − 1) / 2 more of the
        teacher; set a number where that is too much, or where you know.

    teacher_temperature : float or "auto", default=1.0
        T in p^(1/T), renormalised: above 1 softens the teacher, below sharpens it; a
        calibrated teacher wants 1. "auto" takes the T in [1/20, 20] that minimises the
        teacher's out-of-fold log-loss. A probability of exactly 0 stays 0.

    cv : int, splitter, iterable or "in-sample", default=5
        Folds for the teacher's probabilities, as everywhere in scikit-learn (None is 5
        folds, stratified). With `groups` a number means that many folds of whole groups,
        ``StratifiedGroupKFold``. Each row is labelled by teachers that did not see it, by their
        mean if several folds test it; every row must be tested. "in-sample" fits one
        teacher on all rows and asks it about the same rows, whose labels it then repeats
        (a forest exactly): for teachers that do not interpolate.

    top_k : int, default=None
        Classes that a row keeps of the teacher's, the most probable ones; all by default.
        Fewer make the expanded training set smaller. The true label is never cut away by
        it, since it is mixed in afterwards.

    augmenter : object with `sample(X, random_state)`, default=None
        What samples more rows from those of `X`, for the teacher to label as it labels
        `X_unlabeled`: :class:`skdistill.augmentation.MungeAugmenter`,
        :class:`skdistill.augmentation.MarginalAugmenter`, or an object of your own. It is
        asked in each :meth:`fit`, so that a search augments inside each split, about the rows
        whose `sample_weight` is not 0; the new rows weigh `alpha`, whatever that weight is.
        They change no teacher and no number of fits. With ``alpha=0`` it is not asked. See
        Notes on what new rows and fold teachers have in common.

    classes : array-like of shape (n_classes,), default=None
        All classes, when a split or `teacher_proba` may have more than `y` shows; the
        columns of `teacher_proba` follow their order. Those of `y` by default. Such a class has
        probability 0 and a column in `student_` too, where its class can have one:
        :func:`deployable` says.

    memory : str, path, joblib.Memory or None, default=None
        A folder for what fold teachers answered, as ``Pipeline`` has one for transformers: each
        is then fitted once for all settings of a search, however often it is asked, by this
        process or another one, now or after an interruption. Their answers are known again by
        teacher, rows, labels, weights, folds and versions, and not by `alpha`,
        `teacher_temperature`, `top_k` or the student; see Notes. None remembers nothing.

    n_jobs : int, default=None
        Processes that fit fold teachers, as joblib counts them.

    random_state : int, RandomState instance or None, default=None
        Seeds those parts of teacher and student whose own `random_state` is None, and the
        draw of `augmenter`.

    verbose : int, default=0
        If positive, say which fold's teacher has been fitted and how long it took, or that its
        answers were remembered. From scikit-learn 1.9 on there is a progress bar, too:
        ``set_callbacks(sklearn.callback.ProgressBar())``, on this estimator or on a search
        over it, shows the folds, the choice of `alpha` and the student as tasks.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.

    student_ : estimator
        The fitted student: an ordinary object of its class, fitted on your own labels. It
        predicts and pickles where skdistill is not installed.

    alpha_ : float
        The trust that was used.

    alpha_curve_ : AlphaCurve or None
        With ``alpha="auto"``, what the choice was made by: arrays `alpha` and `loss`, the
        log-loss in nats of the true labels of held-out rows under each mixture of the
        student of the labels and that of the teacher; `tried`, that of students fitted with
        some alphas; `noise`, the standard errors of what those gain over alpha 0.
        :class:`skdistill.inspection.AlphaCurveDisplay` draws it.

    teacher_temperature_ : float
        The temperature that was used; 1.0 if no teacher was asked (``alpha=0``).

    teacher_scores_ : dict or None
        How good the teacher's probabilities are: ``{"raw": ..., "tempered": ...}``, each
        with "log_loss" (nats), "brier" (in [0, 2]), "ece" (15 bins) and "accuracy",
        against the labels of the training rows, weighted by `sample_weight`. They are out
        of fold, hence honest, when the teacher is cross-fitted; for a frozen teacher or
        `teacher_proba` that depends on what it has seen, and with ``cv="in-sample"`` they
        are optimistic. Rows whose class no fold teacher had seen are not counted. None if
        no teacher was used.

    coef_ : ndarray of shape (n_classes, n_features) or (1, n_features)
        Coefficients of a linear student, as its class has them, for its own `classes_`. Those of
        a regressor are of its targets, the probabilities, and not of logits. As `intercept_` and
        `feature_importances_`, it is absent where the student lacks it.

    intercept_ : ndarray of shape (n_classes,) or (1,)
        Intercepts of a linear student.

    feature_importances_ : ndarray of shape (n_features,)
        Importance of each feature for a tree, a forest or a booster as student.

    n_features_in_ : int
        Number of features of `X`, where it has a number of them.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where `X` is a dataframe.

    See Also
    --------
    SoftLabelClassifier : The same student when you already have the probabilities.
    fit_soft_labels : The same learning without an estimator around it.

    Notes
    -----
    The student minimises the distilled risk 1/N Σ_n p^t(x_n)ᵀ ℓ(f(x_n)) (Menon, Rawat,
    Reddi, Kim and Kumar, "A statistical perspective on distillation", ICML 2021, section
    3). With exact probabilities its variance is lower than that of ordinary training; an
    estimated teacher adds a bias that grows with its squared error E‖p^t − p*‖² (section
    4), so that what matters is how good its probabilities are, not its accuracy. Cross-
    fitting keeps them independent of the labels that they replace (Dao et al., ICLR 2021).

    ``alpha="auto"`` fits the student twice on the training rows of each fold, to the labels
    alone and to the teacher alone, and finds the weight of their mixed probabilities that
    minimises the log-loss of the labels held out, a convex problem; where the student has a
    `class_weight`, a label weighs there what it weighs for the student. A third fit per fold tries
    that weight as alpha, and the best of the three is taken; 0 if it gains no more than one
    standard error. The teachers asked there have seen none of the labels held out: those of
    another fold's rows saw neither fold, and serve both. Probabilities that are given, and those
    of a frozen teacher, are taken as they are. Unlabelled rows count where the teacher does.

    The rows that `augmenter` samples are labelled by the mean of all fold teachers, most of
    which have seen the row that a new one was sampled from, and its label. So the nearer a new
    row is to its origin, the nearer is its soft label to what ``cv="in-sample"`` would say;
    `teacher_scores_` are not touched by that.

    A grid search re-fits the teachers for every setting, those of the student too, unless they
    have a `memory`; 20 settings, 5 outer and 5 inner folds are 505 fits without and 30 with it
    (1515 and 90 where alpha is chosen). What it goes by:

    - A teacher without a `random_state`, here or of its own, is frozen at its first draw: from
      then on every fit gets the answers of that one. Folds that are shuffled anew each time are
      others each time.
    - `n_jobs`, `verbose` and metadata requests make no other teacher, nor does the way in which
      rows lie in memory. Objects among its parameters count by what they hold. A teacher whose
      parameters cannot be compared (they do not pickle, or a copy of them looks different, as a
      fitted LightGBM or CatBoost booster inside a FrozenEstimator does) is refused.
    - Code of your own (a script, a notebook, a package without ``__version__``) counts by its
      functions, decorated ones too, by its class attributes, and by the functions, classes and
      constants (numbers, texts, tuples) of modules that it names. What cannot be seen: lists,
      objects and arrays among the variables of modules, what code reaches by a string or through
      another object, class attributes and variables that the code itself assigns, compiled code,
      files. When you change those, take another folder. Packages count by their version.
    - A frozen teacher is asked each time, and `teacher_proba` is taken as it is.
    - Where there are rows without labels, sampled ones among them, the fitted teachers are kept
      too, pickled: another setting of `augmenter` asks them again. Let nobody else write there.
    - Nothing is ever thrown away: delete the folder when you need it no more.

    A search with `teacher_proba` of the training rows favours whatever follows the teacher
    closely, who has seen the labels of the rows that are held out.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skdistill import DistilledClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = DistilledClassifier(
    ...     teacher=RandomForestClassifier(n_estimators=50),
    ...     student=DecisionTreeClassifier(max_depth=3),
    ...     random_state=0,
    ... ).fit(X, y)
    >>> model.student_.get_depth()
    3
    >>> sorted(model.teacher_scores_["raw"])
    ['accuracy', 'brier', 'ece', 'log_loss']
    """

    _takes_one_label = True

    def __init__(
        self,
        teacher: Estimator = None,
        student: Estimator = None,
        *,
        alpha: float | Literal["auto"] = "auto",
        teacher_temperature: float | Literal["auto"] = 1.0,
        cv: Any = 5,
        top_k: int | None = None,
        augmenter: Any = None,
        classes: ArrayLike | None = None,
        memory: Any = None,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ):
        self.teacher = teacher
        self.student = student
        self.alpha = alpha
        self.teacher_temperature = teacher_temperature
        self.cv = cv
        self.top_k = top_k
        self.augmenter = augmenter
        self.classes = classes
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
        **params: Any,
    ) -> Self:
        """Ask the teacher about each row, then fit the student to what it said.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Rows, in whatever form teacher and student take them.

        y : array-like of shape (n_samples,)
            True labels: strings, booleans or integers.

        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row, for the student, for `teacher_scores_`, and for the teacher
            if it takes weights (with metadata routing, for whoever requests them).

        teacher_proba : array-like or dataframe of shape (n_samples, n_classes), default=None
            The teacher's probabilities for these rows, when somebody else's model (an API,
            a GPU job, annotators) already gave them; `teacher` is then not asked. Columns
            are in the order of `classes`, or of the sorted labels. Those of a dataframe are
            matched by name: a class without a column has probability 0, a column that is
            neither in `classes` nor in `y` is refused; so is an index that names the rows of X in
            another order, or other rows. Of two classes, one number per row will do, the
            probability of the second. See that the model has not seen the labels of these rows.

        X_unlabeled : array-like, sparse matrix or dataframe of shape (n_unlabeled, \
n_features), default=None
            More rows, without labels: the mean of the fold teachers, or the frozen teacher,
            says how probable each class is. They weigh `alpha`. In a search they are passed
            on whole. Categories that X lacks are added to its own; a column of another dtype is
            converted where no value changes, and refused if not. Behind a transforming Pipeline
            they must be transformed too: ``Pipeline(..., transform_input=["X_unlabeled"])``.

        **params : dict
            `groups`, one entry per row, for the folds and for the standard error that
            ``alpha="auto"`` goes by: rows of one group are not independent of each other. With
            metadata routing enabled, whatever splitter, teacher and student request.

        Returns
        -------
        self : DistilledClassifier

        Raises
        ------
        ValueError
            If a parameter is out of its range, if labels or probabilities do not fit
            together, if the test folds do not cover every row or are fewer than the three
            that ``alpha="auto"`` needs, if a fold has rows of one group on both sides, a group
            is missing or groups are fewer than folds, or if fewer than two classes carry weight.

        TypeError
            If the teacher has no `predict_proba`, if the student can learn from neither
            weights nor numbers, or has no `predict_proba` with ``alpha="auto"``, or if
            `memory` cannot tell the teacher from others.

        OSError
            If `memory` cannot be written to.

        Warns
        -----
        UserWarning
            If a fold's teacher, or a frozen one, never saw the class of a row (which keeps its
            one-hot label), if the teacher takes no `sample_weight`, if the best temperature lies on
            the edge of its range, if ``alpha="auto"`` finds no use for the teacher, or if a
            file of `memory` is damaged (its teacher is fitted anew) or cannot be written.
        """
        if is_in_partitions(X, y, sample_weight, teacher_proba, X_unlabeled):
            from ._dask import fit_classifier

            return fit_classifier(self, X, y, sample_weight, teacher_proba, X_unlabeled, params)
        check_top_k(self.top_k)
        if self.alpha == "auto":
            check_predicts_proba(self._unfitted_student())
        data = self._distillation_data(X, y, sample_weight, teacher_proba, X_unlabeled, params)
        data = data.soften(self.top_k)
        alpha, curve = self.alpha, None
        if alpha == "auto" and data.scores is None:  # no teacher was asked
            alpha = 0.0
        elif alpha == "auto":
            with data.progress.task("choose-alpha"):
                curve = alpha_by_log_loss(data, self.n_jobs)
            alpha = curve.best
        data = data.mix_with_labels(alpha)
        if not data.soft_labels.weighs_one_label:
            data.soft_labels.check_several_classes()
        with data.progress.task("fit-student"):
            student = fit_soft_labels(data.student, data.X, data.soft_labels, **data.student_params)
        self._set_fitted_attributes(X, student, data.soft_labels.classes)
        self.alpha_, self.alpha_curve_ = float(alpha), curve
        self.teacher_temperature_ = data.temperature
        self.teacher_scores_ = data.scores
        data.progress.end()
        return self

    def _check_learns(self, student, summary):
        check_student(student, summary)

"""Kind of target that the `fit` of a transformer uses: none, numbers or classes.

`tests/students/test_step_kinds.py` verifies this for each transformer of scikit-learn. Subclasses
are included unless they override `fit` or `fit_transform`. Any other class ignores the target if
the bytecode of its `fit` never reads it; otherwise its kind is unknown.
"""

import dis
from functools import partial
from inspect import getattr_static, unwrap

from sklearn.base import TransformerMixin, is_classifier, is_regressor
from sklearn.compose import ColumnTransformer
from sklearn.cross_decomposition import CCA, PLSSVD, PLSCanonical, PLSRegression
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.feature_selection import (
    RFE,
    RFECV,
    GenericUnivariateSelect,
    SelectFdr,
    SelectFpr,
    SelectFromModel,
    SelectFwe,
    SelectKBest,
    SelectPercentile,
    SequentialFeatureSelector,
    f_regression,
    mutual_info_regression,
    r_regression,
)
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression
from sklearn.neighbors import NeighborhoodComponentsAnalysis
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import TargetEncoder

NOTHING, NUMBERS, CLASSES, UNKNOWN = "nothing", "numbers", "classes", "unknown"

# They pass their target to inner transformers.
CONTAINERS = (ColumnTransformer, FeatureUnion, Pipeline)
# They use the target of their inner estimator.
SELECTORS = (RFE, RFECV, SelectFromModel, SequentialFeatureSelector)
# They use the target of their `score_func`; an unknown function takes classes.
SCORING = (
    GenericUnivariateSelect,
    SelectFdr,
    SelectFpr,
    SelectFwe,
    SelectKBest,
    SelectPercentile,
)
SCORES_OF_NUMBERS = (f_regression, mutual_info_regression, r_regression)
# As a step they return a pair, of transformed rows and transformed targets.
RETURN_PAIRS = (CCA, PLSSVD, PLSCanonical, PLSRegression)
TARGET_KINDS = {
    IsotonicRegression: NUMBERS,
    LinearDiscriminantAnalysis: CLASSES,
    NeighborhoodComponentsAnalysis: CLASSES,
    StackingClassifier: CLASSES,
    StackingRegressor: NUMBERS,
    TargetEncoder: NUMBERS,
    VotingClassifier: CLASSES,
    VotingRegressor: NUMBERS,
}
# Transformers of scikit-learn that ignore their target, by name.
_NAMES = """
    AdditiveChi2Sampler BernoulliRBM Binarizer Birch BisectingKMeans DictVectorizer
    DictionaryLearning FactorAnalysis FastICA FeatureAgglomeration FeatureHasher FrozenEstimator
    FunctionTransformer GaussianRandomProjection HashingVectorizer IncrementalPCA Isomap
    IterativeImputer KBinsDiscretizer KMeans KNNImputer KNeighborsTransformer KernelCenterer
    KernelPCA LatentDirichletAllocation LocallyLinearEmbedding MaxAbsScaler MinMaxScaler
    MiniBatchDictionaryLearning MiniBatchKMeans MiniBatchNMF MiniBatchSparsePCA MissingIndicator
    NMF Normalizer Nystroem OneHotEncoder OrdinalEncoder PCA PatchExtractor PolynomialCountSketch
    PolynomialFeatures PowerTransformer QuantileTransformer RBFSampler RadiusNeighborsTransformer
    RandomTreesEmbedding RobustScaler SimpleImputer SkewedChi2Sampler SparseCoder SparsePCA
    SparseRandomProjection SplineTransformer StandardScaler TfidfTransformer TfidfVectorizer
    CountVectorizer TruncatedSVD VarianceThreshold
"""
IGNORE_TARGET = frozenset(_NAMES.split())


def is_container(step):
    """Return whether a step passes its target to inner transformers, as in scikit-learn."""
    return any(is_fitted_as(type(step), base) for base in CONTAINERS)


def transformers_inside(container):
    """Return the transformers that a container fits, without "drop" and "passthrough"."""
    if isinstance(container, ColumnTransformer):
        inside = [*(each[1] for each in container.transformers), container.remainder]
    elif isinstance(container, FeatureUnion):
        inside = [each for _, each in container.transformer_list]
    else:
        inside = [each for _, each in container.steps]
    return [each for each in inside if each is not None and not isinstance(each, str)]


def target_of(step):
    """Return the kind of target that the `fit` of a transformer uses: one of the four kinds."""
    cls = type(step)
    if isinstance(step, FrozenEstimator):
        return NOTHING
    if is_container(step):
        kinds = {target_of(each) for each in transformers_inside(step)}
        return next((kind for kind in (UNKNOWN, CLASSES, NUMBERS) if kind in kinds), NOTHING)
    if any(is_fitted_as(cls, base) for base in SELECTORS):
        return target_of(step.estimator)
    if any(is_fitted_as(cls, base) for base in SCORING):
        score = step.score_func
        score = score.func if isinstance(score, partial) else score
        return NUMBERS if score in SCORES_OF_NUMBERS else CLASSES
    for base, kind in TARGET_KINDS.items():
        if is_fitted_as(cls, base):
            return kind
    if any(_is_of_sklearn(base) and is_fitted_as(cls, base) for base in cls.__mro__):
        return NOTHING
    if never_reads_target(cls):
        return NOTHING
    if not hasattr(step, "__sklearn_tags__"):
        return UNKNOWN
    return NUMBERS if is_regressor(step) else CLASSES if is_classifier(step) else UNKNOWN


def is_fitted_as(cls, base):
    """Return whether a class inherits `fit` and `fit_transform` from `base`, or is `base`.

    Steps are fitted by `fit_transform` if they have it.
    """
    return issubclass(cls, base) and all(
        getattr_static(cls, name, None) is getattr_static(base, name, None)
        for name in ("fit", "fit_transform")
    )


def _is_of_sklearn(cls):
    return cls.__module__.startswith("sklearn.") and cls.__name__ in IGNORE_TARGET


def never_reads_target(cls):
    """Return whether the fit methods of a class are Python code that never reads the target."""
    for name in ("fit", "fit_transform"):
        method = getattr(cls, name, None)
        if method is None or method is TransformerMixin.fit_transform:  # it calls `fit`
            continue
        code = getattr(unwrap(method), "__code__", None)
        if code is None or code.co_argcount < 3:  # self, X, y
            return False
        *others, target = code.co_varnames[:3]
        arguments = [each.argval for each in dis.get_instructions(code)]
        if any(_names(each, target) for each in arguments):
            return False
        # Code that names neither the estimator nor the rows is in a form that is not known here.
        if not any(_names(each, name) for each in arguments for name in others):
            return False
    return True


def _names(argument, variable):
    """Return whether an instruction uses a variable; some have several arguments."""
    return variable in argument if isinstance(argument, tuple) else argument == variable

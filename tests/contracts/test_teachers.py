"""Every classifier of scikit-learn works as a teacher, alone and inside others.

It is fitted with the weights, or a warning states that it takes none. One without probabilities is
rejected before anything is fitted, unless only its `fit` decides that.
"""

import warnings

import numpy as np
import pytest
from contracts.sklearn_estimators import Maker, leaves, meta_estimators
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skdistill import BornAgainClassifier, DistilledClassifier, DistilledMulticlassRetriever
from skdistill._teachers._sample_weight import fit_teacher, teacher_takes_weights
from skdistill._utils._methods import may_have_method

pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:Since .* does not appear to accept sample_weight"),
]

RNG = np.random.default_rng(0)
X = RNG.uniform(size=(40, 2))
Y = np.array(["b", "a"])[(X[:, 0] + 0.3 * RNG.normal(size=40) > 0.5).astype(int)]
WEIGHT = RNG.uniform(0.5, 2, size=40)

# Inside others: one that takes weights and one that does not, with coefficients and without.
INNER = [Maker(LogisticRegression), Maker(GaussianNB), Maker(KNeighborsClassifier)]
TEACHERS = {maker.name: maker.make() for maker in leaves("classifier")} | {
    f"{meta.name} of {inner.name}": meta.make(inner.make())
    for meta in meta_estimators()
    for inner in INNER
    if meta.fits(inner)
}


def fit(teacher, weight=None):
    return DistilledClassifier(teacher, alpha=1.0, teacher_temperature=1.0, cv=2).fit(X, Y, weight)


def fails_alone(teacher):
    """Return whether scikit-learn itself cannot fit it, or has no probabilities of it then."""
    try:
        clone(teacher).fit(X, Y).predict_proba(X)
    except (AttributeError, IndexError, TypeError, ValueError):
        return True
    return False


@pytest.mark.parametrize("name", TEACHERS)
def test_teacher_fits_with_weights_or_warns_without_support(name):
    teacher = TEACHERS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        alone = not fails_alone(teacher)
    if not alone:
        return
    fit(teacher)
    if teacher_takes_weights(teacher):
        # It is not said of one that refuses them; `test_teacher_weights.py` compares the results.
        fit_teacher(clone(teacher), X, Y, {"sample_weight": WEIGHT})
        fit(teacher, WEIGHT)
        return
    with pytest.warns(UserWarning, match=f"{type(teacher).__name__} takes no sample_weight"):
        fit(teacher, WEIGHT)


@pytest.mark.parametrize("name", TEACHERS)
def test_predict_proba_is_detected_before_the_fit(name):
    teacher = TEACHERS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            fitted = clone(teacher).fit(X, Y)
        except (IndexError, TypeError, ValueError):
            return
    if hasattr(fitted, "predict_proba"):
        assert may_have_method(teacher, "predict_proba")
    elif not hasattr(type(teacher), "predict_proba"):
        assert not may_have_method(teacher, "predict_proba")


STACK = StackingClassifier([("nb", GaussianNB())], cv=2)


@pytest.mark.parametrize(
    "late",
    [
        STACK,
        make_pipeline(StandardScaler(), STACK),
        OneVsRestClassifier(STACK),
        GridSearchCV(STACK, {"passthrough": [True, False]}, cv=2),
        GridSearchCV(SGDClassifier(random_state=0), {"loss": ["log_loss"]}, cv=2),
        GridSearchCV(VotingClassifier([("nb", GaussianNB())]), {"voting": ["soft"]}, cv=2),
    ],
    ids=repr,
)
def test_probabilities_that_come_with_the_fit_are_learnt(late):
    assert not hasattr(late, "predict_proba")
    assert fit(late).teacher_scores_["raw"]["accuracy"] > 0.5


@pytest.mark.parametrize("estimator", [STACK, make_pipeline(StandardScaler(), STACK)], ids=repr)
@pytest.mark.filterwarnings("ignore:alpha=.auto. chose 0")
def test_such_a_student_is_not_refused_for_its_probabilities(estimator):
    model = DistilledClassifier(GaussianNB(), estimator, cv=3).fit(X, Y)
    assert model.predict_proba(X).shape == (40, 2)
    BornAgainClassifier(estimator, n_generations=1, cv=3).fit(X, Y)


class Counted(ClassifierMixin, BaseEstimator):
    """Counts how often it is fitted, in all of its clones together."""

    fits = 0

    def fit(self, X, y):
        type(self).fits += 1
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


def search_of(estimator):
    return GridSearchCV(estimator, {}, cv=2)


@pytest.mark.parametrize(
    "around", [lambda inner: inner, search_of, lambda inner: make_pipeline(StandardScaler(), inner)]
)
def test_a_teacher_that_never_has_probabilities_is_not_fitted(around):
    Counted.fits = 0
    with pytest.raises(TypeError, match="teacher must have predict_proba"):
        fit(around(Counted()))
    assert Counted.fits == 0


def test_search_without_predict_proba_is_refused_after_its_fit():
    with pytest.raises(TypeError, match=r"teacher must have predict_proba; GridSearchCV\("):
        fit(GridSearchCV(SGDClassifier(), {"alpha": [1.0]}, cv=2))
    for teacher in (SGDClassifier(), make_pipeline(StandardScaler(), SVC()), VotingClassifier([])):
        assert not may_have_method(teacher, "predict_proba")
    assert not may_have_method(GridSearchCV(STACK, {}, refit=False), "predict_proba")


@pytest.mark.parametrize("teacher", [MultiOutputClassifier, ClassifierChain])
def test_multilabel_teachers_without_weights_fit_unweighted(teacher):
    sets = np.column_stack([Y == "a", (X[:, 1] > 0.5) | (Y == "b")]).astype(int)
    model = DistilledMulticlassRetriever(teacher(KNeighborsClassifier()), cv=2, alpha=0.5, k=1)
    with pytest.warns(UserWarning, match=f"{teacher.__name__} takes no sample_weight"):
        model.fit(X, sets, WEIGHT)

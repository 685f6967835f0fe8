"""An estimator with a student has the prediction methods of that student, and no others.

For every classifier of scikit-learn and of the registry, as listed by ``tests/contracts``.
"""

import warnings

import numpy as np
import pytest
from contracts.sklearn_estimators import leaves
from contracts.student_cases import TrueProbaTeacher, students
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import GradientBoostingClassifier, StackingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Perceptron
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill import (
    BornAgainClassifier,
    DistilledBipartiteRanker,
    DistilledClassifier,
    DistilledMulticlassRetriever,
    SoftLabelClassifier,
)
from skdistill._utils._methods import may_have_method
from skdistill.datasets import make_gaussian_classes

METHODS = ["predict", "predict_proba", "predict_log_proba", "decision_function"]
ATTRIBUTES = ["coef_", "intercept_", "feature_importances_", "n_features_in_", "classes_"]
CLASSIFIERS = {maker.name: maker for maker in students() if maker.is_classifier}


def offered(estimator):
    return [name for name in [*METHODS, *ATTRIBUTES] if hasattr(estimator, name)]


@pytest.fixture(scope="module", params=[pytest.param(2, marks=pytest.mark.slow), 3])
def problem(request):
    X, y, _ = make_gaussian_classes(60, 3, request.param, random_state=0)
    return np.abs(X), y


def fitted_or_skipped(student, X, y):
    try:
        return clone(student).fit(X, y)
    except Exception as error:  # whatever a library raises
        pytest.skip(f"it cannot learn these rows by itself: {error}")


def assert_same(actual, expected):
    assert_array_equal(np.asarray(actual, dtype=float), np.asarray(expected, dtype=float))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_without_a_teacher_all_is_as_of_the_student(problem, name):
    X, y = problem
    student = CLASSIFIERS[name].make()
    model = DistilledClassifier(TrueProbaTeacher((0, 1)), student, alpha=0.0)
    assert [each for each in METHODS if hasattr(model, each)] == [
        each for each in METHODS if may_have_method(student, each)
    ]
    plain = fitted_or_skipped(student, X, y)
    model.fit(X, y)
    # XGBoost knows its features before it is fitted, and KNeighborsClassifier others.
    assert [each for each in offered(model) if each != "n_features_in_"] == [
        each for each in offered(plain) if each != "n_features_in_"
    ]
    for each in offered(plain):
        if each in METHODS:
            assert_same(getattr(model, each)(X), np.squeeze(getattr(plain, each)(X)))
        else:
            assert_same(getattr(model, each), getattr(plain, each))


@pytest.mark.parametrize("name", [maker.name for maker in leaves("classifier")])
def test_unfitted_it_has_none_of_the_attributes_of_a_fit(name):
    model = SoftLabelClassifier(CLASSIFIERS[name].make())
    assert not [each for each in ATTRIBUTES if hasattr(model, each)]


HOLDERS = {
    "distilled": DistilledClassifier(DecisionTreeClassifier(), alpha=0.7, cv=2),
    "soft labels": SoftLabelClassifier(),
    "born again": BornAgainClassifier(n_generations=1, cv=3),
}


def holding(name, student):
    return clone(HOLDERS[name]).set_params(
        **{"estimator" if name == "born again" else "student": student}
    )


@pytest.mark.filterwarnings("ignore:Self-distillation did not help")
@pytest.mark.parametrize("name", HOLDERS)
@pytest.mark.parametrize(
    "student",
    [
        LogisticRegression(),
        DecisionTreeClassifier(max_depth=2),
        GradientBoostingClassifier(n_estimators=2),
        make_pipeline(StandardScaler(), LogisticRegression()),
        LinearRegression(),
    ],
    ids=lambda student: type(student).__name__,
)
def test_what_it_has_is_what_student_has(problem, name, student):
    X, y = problem
    model = holding(name, student).fit(X, y)
    for each in ("coef_", "intercept_", "feature_importances_"):
        assert hasattr(model, each) == hasattr(model.student_, each)
        if hasattr(model, each):
            assert_array_equal(getattr(model, each), getattr(model.student_, each))
    assert hasattr(model, "predict_log_proba") == hasattr(model.student_, "predict_log_proba")


def test_log_probabilities_of_a_class_unseen_by_the_student():
    X, y, _ = make_gaussian_classes(60, 3, 2, random_state=0)
    model = SoftLabelClassifier(DecisionTreeClassifier(max_depth=2), classes=["a", "b", "c"])
    model.fit(X, np.array(["a", "c"])[y])
    with np.errstate(divide="ignore"):
        assert_array_equal(model.predict_log_proba(X), np.log(model.predict_proba(X)))


@pytest.mark.filterwarnings("ignore:Self-distillation did not help")
def test_averaged_generations_return_log_of_mean_probabilities(problem):
    X, y = problem
    model = BornAgainClassifier(LogisticRegression(), n_generations=1, cv=3, ensemble=True)
    model.fit(X, y)
    assert_array_equal(model.predict_log_proba(X), np.log(model.predict_proba(X)))
    for each in ("coef_", "intercept_", "feature_importances_"):
        assert not hasattr(model, each)
    with pytest.raises(AttributeError, match="Look at each of estimators_"):
        _ = model.coef_


def test_ranker_and_retriever_have_the_methods_of_students(problem):
    X, y = problem
    ranker = DistilledBipartiteRanker(alpha=0.0).fit(X[y < 2], y[y < 2])
    assert_array_equal(ranker.coef_, ranker.student_.coef_)
    assert not hasattr(ranker, "feature_importances_")
    retriever = DistilledMulticlassRetriever(alpha=0.0, k=1, objective="cross_entropy").fit(X, y)
    assert_array_equal(retriever.coef_, retriever.student_.coef_)
    assert_array_equal(retriever.intercept_, retriever.student_.intercept_)
    np.testing.assert_allclose(
        np.exp(retriever.predict_log_proba(X)), retriever.predict_proba(X), rtol=1e-12
    )
    for model in (DistilledBipartiteRanker(), DistilledMulticlassRetriever()):
        assert not hasattr(model, "coef_")


@pytest.mark.parametrize("method", METHODS)
def test_last_step_determines_the_methods_of_a_pipeline(method):
    stack = StackingClassifier([("one", LogisticRegression())])
    for last in (LogisticRegression(), Perceptron(), stack):
        assert may_have_method(make_pipeline(stack, last), method) == may_have_method(last, method)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert may_have_method(stack, method) == (method != "predict_log_proba")

"""Columns and labels follow the fitted student's `classes_`, in any order."""

import inspect
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import all_estimators
from sklearn.utils.metaestimators import available_if

from skdistill import BornAgainClassifier, DistilledClassifier, SoftLabelClassifier, SoftLabels
from skdistill._utils._labels import class_positions
from skdistill._utils._sample_weight import INNER_FITS, InnerFit
from skdistill.inspection import CostQualityDisplay, bias_variance, distillation_report
from skdistill.metrics import soft_log_loss_scorer
from skdistill.students import fit_soft_labels
from skdistill.students._registry import FITTERS

# Text that looks like numbers: as text "10" < "2" < "9" < "x".
TEXT = np.array(["10", "2", "9", "x"])
LETTERS = np.array(["a", "b", "c", "d"])


def has(method):
    return available_if(lambda self: hasattr(getattr(self, "estimator_", self.estimator), method))


class Backwards(ClassifierMixin, BaseEstimator):
    """A classifier whose columns come in the reverse order, as its `classes_` say."""

    def __init__(self, estimator):
        self.estimator = estimator

    def fit(self, X, y, sample_weight=None):
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        self.estimator_ = clone(self.estimator).fit(X, y, **weights)
        self.classes_ = self.estimator_.classes_[::-1]
        return self

    def predict(self, X):
        return self.estimator_.predict(X)

    @has("predict_proba")
    def predict_proba(self, X):
        return self.estimator_.predict_proba(X)[:, ::-1]

    @has("decision_function")
    def decision_function(self, X):
        scores = self.estimator_.decision_function(X)
        return -scores if scores.ndim == 1 else scores[:, ::-1]


@pytest.fixture(autouse=True)
def backwards_is_known(monkeypatch):
    """Say that it hands weights on: an unknown class that fits others inside it is refused."""
    monkeypatch.setitem(INNER_FITS, Backwards, InnerFit())


def problem(n_classes, n_rows=60, seed=0):
    """Return rows, codes and soft labels of nearly separable classes."""
    X, codes = make_blobs(n_rows, 3, centers=n_classes, cluster_std=1.5, random_state=seed)
    P = 0.8 * np.eye(n_classes)[codes] + 0.2 / n_classes
    P += 0.05 * np.random.default_rng(seed).random(P.shape)
    return X - X.min(), codes, P / P.sum(axis=1, keepdims=True)


def simple_instance(cls):
    """Return an instance of a class with small ones for what it requires; None if it is a net."""
    some = {
        "steps": [("tree", DecisionTreeClassifier(max_depth=2))],
        "estimators": [("nb", GaussianNB()), ("tree", DecisionTreeClassifier(max_depth=2))],
        "estimator": GaussianNB(),
        "param_grid": {},
        "param_distributions": {"var_smoothing": [1e-9]},
    }
    needed = {
        name: some.get(name)
        for name, parameter in inspect.signature(cls).parameters.items()
        if parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
        and (parameter.default is inspect.Parameter.empty or name == "estimator")
    }
    if None in needed.values():
        return None
    student = cls(**needed)
    quiet = {"verbose": False, "allow_writing_files": False, "iterations": 5}
    known = inspect.signature(cls).parameters
    if "iterations" not in known:  # CatBoost has both names
        quiet["n_estimators"] = 3
    student.set_params(**{name: value for name, value in quiet.items() if name in known})
    return student.set_params(random_state=0) if "random_state" in known else student


CLASSIFIERS = [cls for _, cls in all_estimators(type_filter="classifier")]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("cls", CLASSIFIERS, ids=lambda cls: cls.__name__)
def test_every_classifier_with_its_columns_in_another_order(cls, n_classes):
    student = simple_instance(cls)
    X, codes, _ = problem(n_classes)
    if student is None or cls.__name__ in ("ClassifierChain", "MultiOutputClassifier"):
        return  # of several outputs, or a net
    try:
        plain = SoftLabelClassifier(student).fit(X, LETTERS[codes])
    except (TypeError, ValueError):  # refused, whatever the order
        return
    for declared in (None, LETTERS)[: 4 - n_classes]:
        plain.set_params(classes=declared).fit(X, LETTERS[codes])
        other = SoftLabelClassifier(Backwards(student), classes=declared).fit(X, LETTERS[codes])
        assert_array_equal(other.predict(X), plain.predict(X))
        for method in ("predict_proba", "decision_function"):
            assert hasattr(other, method) == hasattr(plain, method)
            if hasattr(plain, method):
                ours, theirs = getattr(other, method)(X), getattr(plain, method)(X)
                assert_allclose(ours, theirs, rtol=1e-6, atol=1e-9)


def registered():
    """Return the registered student classes, those of optional packages included."""
    for package in ("xgboost", "lightgbm", "catboost"):
        try:
            __import__(f"skdistill.students.{package}")
        except ImportError:
            continue
    return [cls for cls in FITTERS if simple_instance(cls) is not None]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("kind", ["soft", "hard", pytest.param("auto", marks=pytest.mark.slow)])
@pytest.mark.parametrize("cls", registered(), ids=lambda cls: cls.__name__)
def test_registered_students_of_numeric_string_labels(cls, kind, n_classes):
    X, codes, P = problem(n_classes)

    def fitted(names):
        names = names[:n_classes]
        student = simple_instance(cls)
        if kind == "auto" and hasattr(student, "predict_proba"):
            return DistilledClassifier(GaussianNB(), student, random_state=0).fit(X, names[codes])
        y = SoftLabels(P, names) if kind == "soft" else names[codes]
        return SoftLabelClassifier(student).fit(X, y)

    if cls.__module__.startswith("xgboost"):
        with pytest.raises(ValueError, match=r"takes the labels 0, 1.*LabelEncoder"):
            fitted(TEXT)
        return
    by_text, by_letters = fitted(TEXT), fitted(LETTERS)
    predicted = by_text.predict(X)
    assert_array_equal(predicted, TEXT[LETTERS.searchsorted(by_letters.predict(X))])
    assert predicted.dtype == by_text.classes_.dtype
    if hasattr(by_letters, "predict_proba"):
        assert_allclose(by_text.predict_proba(X), by_letters.predict_proba(X), atol=1e-6)
    if hasattr(by_letters, "alpha_"):
        assert by_text.alpha_ == pytest.approx(by_letters.alpha_, abs=1e-4)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "classes", [[False, True], [1.0, 3.0], [-5, 3], ["10", "9"], ["False", "True"]], ids=str
)
@pytest.mark.parametrize("cls", registered(), ids=lambda cls: cls.__name__)
def test_predictions_are_the_users_labels(cls, classes):
    X, _, P = problem(2)
    if cls.__module__.startswith("xgboost") and classes != [False, True]:
        return  # refused: codes only
    model = SoftLabelClassifier(simple_instance(cls)).fit(X, SoftLabels(P, classes))
    predicted = model.predict(X)
    assert_array_equal(model.classes_, classes)
    assert predicted.dtype == model.classes_.dtype
    assert set(predicted.tolist()) == set(classes)
    if hasattr(model, "predict_proba"):
        assert_array_equal(predicted, model.classes_[model.predict_proba(X).argmax(axis=1)])


def test_student_that_changes_its_classes_is_an_error():
    class Stranger(GaussianNB):
        def fit(self, X, y, sample_weight=None):
            super().fit(X, y, sample_weight)
            self.classes_ = np.array(["yes", "no"])
            return self

    X, codes, _ = problem(2)
    model = SoftLabelClassifier(Stranger()).fit(X, LETTERS[codes])
    with pytest.raises(ValueError, match=r"classes_ of Stranger are \['yes', 'no'\].*'a', 'b'"):
        model.predict_proba(X)


def test_scores_of_pairs_of_classes_cannot_be_put_in_order():
    X, codes, _ = problem(4)
    svc = SVC(decision_function_shape="ovo")
    model = SoftLabelClassifier(Backwards(svc)).fit(X, LETTERS[codes])
    with pytest.raises(ValueError, match='decision_function_shape="ovr"'):
        model.decision_function(X)


@pytest.mark.parametrize(
    ("known", "classes", "places"),
    [
        (["9", "10"], ["10", "9"], [1, 0]),
        ([0, 1], [False, True], [0, 1]),
        (["1", "3"], [1, 3], [-1, -1]),
        (np.array([0.7, 0.3], dtype=np.float32), [0.3, 0.7], [1, 0]),
        (np.array(["b", "a"], dtype=object), ["a", "b"], [1, 0]),
        (["b"], ["a", "b"], [1]),
        (["a", "c"], ["a", "b"], [0, -1]),
        (["1", "1.0"], ["1", "1.0"], [0, 1]),
    ],
)
def test_class_places(known, classes, places):
    assert class_positions(np.asarray(known), np.asarray(classes)).tolist() == places


def test_born_again_and_teachers_in_another_order():
    X, codes, _ = problem(3, n_rows=120)
    y = LETTERS[codes]
    for wrap in (BornAgainClassifier, lambda each: DistilledClassifier(each, GaussianNB())):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            plain = wrap(GaussianNB()).fit(X, y)
            other = wrap(Backwards(GaussianNB())).fit(X, y)
        assert_allclose(other.predict_proba(X), plain.predict_proba(X), atol=1e-12)


def test_inspection_and_scorers_in_another_order():
    X, codes, P = problem(2)
    y = LETTERS[codes]
    plain, other = LogisticRegression().fit(X, y), Backwards(LogisticRegression()).fit(X, y)
    assert soft_log_loss_scorer(other, X, y) == pytest.approx(soft_log_loss_scorer(plain, X, y))
    report = distillation_report(other, plain, plain, X, y, n_bootstrap=100)
    assert report.fidelity["agreement"]["distilled"].value == 1
    assert report.quality["log_loss"]["teacher"].value == pytest.approx(
        report.quality["log_loss"]["distilled"].value
    )
    assert bias_variance(other, P, X, y).squared_bias == pytest.approx(
        bias_variance(plain, P, X, y).squared_bias
    )


def test_report_reorders_scores_without_predict_proba():
    X, codes, _ = problem(2)
    y = LETTERS[codes]
    hinge = SGDClassifier(random_state=0)
    other, plain = Backwards(hinge).fit(X, y), hinge.fit(X, y)
    report = distillation_report(other, plain, plain, X, y, n_bootstrap=100)
    auc = report.quality["auc"]
    assert auc["teacher"].value == auc["distilled"].value


def test_cost_and_quality_in_another_order():
    pytest.importorskip("matplotlib").use("agg")
    X, codes, _ = problem(2)
    y = LETTERS[codes]
    models = {"plain": GaussianNB().fit(X, y), "other": Backwards(GaussianNB()).fit(X, y)}
    display = CostQualityDisplay.from_estimator(models, X, y, cost="bytes")
    assert len(np.unique(display.quality)) == 1


def test_reweighted_student_in_another_class_order():
    X, _, P = problem(3)
    fitted = fit_soft_labels(Backwards(GaussianNB()), X, SoftLabels(P, LETTERS[:3]))
    plain = fit_soft_labels(GaussianNB(), X, SoftLabels(P, LETTERS[:3]))
    assert_allclose(fitted.predict_proba(X)[:, ::-1], plain.predict_proba(X), atol=1e-9)

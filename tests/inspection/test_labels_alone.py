"""Where the weights give the teacher no part, nothing is credited to it."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skdistill import DistilledClassifier, DistilledRegressor
from skdistill.datasets import make_gaussian_classes
from skdistill.inspection import compare_students, distillation_report

X, LABELS, P = make_gaussian_classes(900, 4, 2, random_state=0)
VALUES = P[:, 1] + 0.2 * np.random.default_rng(0).normal(size=900)
X_FIT, X_TEST, X_MORE = X[:200], X[200:700], X[700:]
STUDENTS = {
    "tree": DecisionTreeClassifier(random_state=0),
    "tree of numbers": DecisionTreeRegressor(random_state=0),
    "forest": RandomForestClassifier(5, random_state=0),
    "forest of numbers": RandomForestRegressor(5, random_state=0),
    "boosting": HistGradientBoostingClassifier(max_iter=5, learning_rate=1.0, random_state=0),
    "boosting of numbers": HistGradientBoostingRegressor(max_iter=5, learning_rate=1.0),
    "linear": LogisticRegression(C=1e-3),
    "linear of numbers": Ridge(1e3),
    "Pipeline": make_pipeline(StandardScaler(), DecisionTreeClassifier(random_state=0)),
    "Pipeline of numbers": make_pipeline(StandardScaler(), DecisionTreeRegressor(random_state=0)),
    "search": GridSearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": [2, 4]}, cv=2),
}
CREDIT = ("pays", "harms", "Distilling paid", "recovered", "Distilling harmed", "did not help")


def problem(student):
    """Return the teacher, and the values or labels of rows to fit on and to test on."""
    of_classes = is_classifier(student)
    forest = RandomForestClassifier if of_classes else RandomForestRegressor
    y = LABELS if of_classes else VALUES
    return forest(20, min_samples_leaf=5, random_state=0), y[:200], y[200:700]


def compared(student, **given):
    """Return the comparison of one student."""
    teacher, y, y_test = problem(student)
    return compare_students(
        {"it": student}, teacher, X_FIT, y, X_test=X_TEST, y_test=y_test, random_state=0, **given
    )


@pytest.mark.parametrize("unlabeled", [False, True])
@pytest.mark.parametrize("name", STUDENTS)
def test_a_comparison_credits_the_teacher_with_nothing(name, unlabeled):
    more = {"X_unlabeled": X_MORE, "unlabeled_weight": 0} if unlabeled else {}
    found = compared(STUDENTS[name], alpha=0, **more)
    frame, sentence = found.to_frame(), found.sentences[0]
    assert frame.loc["it", "how"] == "labels alone, as chosen"
    assert not any(word in sentence for word in CREDIT)
    assert "its weights are those of the labels alone" in sentence
    assert "share_of_lead" not in frame
    differs = abs(frame.loc["it", "gain"]) > 1e-9
    assert ("settings or shrunk leaves, not from the teacher" in sentence) == differs
    (best,) = [each for each in found.sentences if each.startswith("Best student")]
    assert ("(labels alone, as chosen)" in best) == (found.best() == "it")


@pytest.mark.parametrize("numbers", [False, True])
def test_one_that_uses_unlabelled_rows_is_distilled(numbers):
    """Alpha 0, and the teacher labels the unlabelled rows."""
    student = STUDENTS["tree of numbers" if numbers else "tree"]
    found = compared(student, alpha=0, X_unlabeled=X_MORE, unlabeled_weight=1.0)
    row = found.to_frame().loc["it"]
    assert row["how"] == "distilled" and row["unlabeled_weight"] == 1
    assert "labels alone" not in found.sentences[0].replace("The labels alone will do", "")
    assert "Alpha 0 with an unlabelled weight above 0: labelled rows keep" in " ".join(
        str(found).split()
    )


@pytest.mark.parametrize("weights", [(0.0, 0.2), (0.5, 1.0), (1.0, 0.0)])
@pytest.mark.parametrize("name", ["tree", "tree of numbers"])
def test_weights_set_by_hand_are_those_of_the_estimator(name, weights, tmp_path):
    student = STUDENTS[name]
    alpha, weight = weights
    given = {"alpha": alpha, "unlabeled_weight": weight}
    found = compared(student, X_unlabeled=X_MORE, **given, memory=tmp_path)
    teacher, y, _ = problem(student)
    cls = DistilledClassifier if is_classifier(student) else DistilledRegressor
    alone = cls(teacher, student, **given, random_state=0).fit(X_FIT, y, X_unlabeled=X_MORE)
    np.testing.assert_allclose(found.models["it"].predict(X_TEST), alone.predict(X_TEST))
    row = found.to_frame().loc["it"]
    assert (row["alpha"], row["unlabeled_weight"]) == weights


def test_the_default_that_chose_the_labels_is_named():
    """The forest has no lead over a linear student, which is the truth."""
    found = compared(LogisticRegression())
    assert found.to_frame().loc["it", "alpha"] == 0
    assert "the default chose the labels alone" in found.sentences[0]


WRAPPED = {
    "bare": lambda distilled: distilled,
    "in a Pipeline": lambda distilled: make_pipeline(StandardScaler(), distilled),
    "in a search": lambda distilled: GridSearchCV(distilled, {"alpha": [0]}, cv=2),
    "in a search in a Pipeline": lambda distilled: make_pipeline(
        StandardScaler(), GridSearchCV(distilled, {"alpha": [0]}, cv=2)
    ),
}


@pytest.mark.parametrize("numbers", [False, True])
@pytest.mark.parametrize("wrapped", WRAPPED)
def test_a_report_credits_the_teacher_with_nothing(wrapped, numbers):
    """The student is a full tree, the distilled one a small tree: far better, by its setting."""
    full = STUDENTS["tree of numbers" if numbers else "tree"]
    teacher, y, y_test = problem(full)
    small = clone(full).set_params(max_depth=3)
    cls = DistilledRegressor if numbers else DistilledClassifier
    distilled = WRAPPED[wrapped](cls(teacher, small, alpha=0, random_state=0)).fit(X_FIT, y)
    models = [clone(teacher).fit(X_FIT, y), clone(full).fit(X_FIT, y), distilled]
    report = distillation_report(*models, X_TEST, y_test, random_state=0)
    assert report.gain["mse" if numbers else "log_loss"].low > 0
    said = " ".join([report.summary, *report.verdict])
    assert not any(word in said for word in (*CREDIT, "of the teacher's lead"))
    assert "labels alone" in report.summary
    assert "not from the teacher" in said and report.gap_recovered == {}


def test_a_report_on_a_student_without_weights_is_as_before():
    teacher, y, y_test = problem(STUDENTS["tree"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        small = DistilledClassifier(teacher, DecisionTreeClassifier(max_depth=3), alpha=0)
        small.fit(X_FIT, y)
    models = [clone(teacher).fit(X_FIT, y), clone(STUDENTS["tree"]).fit(X_FIT, y), small.student_]
    report = distillation_report(*models, X_TEST, y_test, random_state=0)
    assert report.verdict[0].startswith("Distilling paid")

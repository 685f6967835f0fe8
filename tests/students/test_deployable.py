"""What `student_` holds works where skdistill does not exist."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
)
from sklearn.linear_model import (
    LogisticRegression,
    LogisticRegressionCV,
    Perceptron,
    Ridge,
    SGDClassifier,
)
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

from skdistill import SoftLabels, fit_soft_labels
from skdistill.datasets import make_gaussian_classes
from skdistill.students._dispatch import OPTIONAL_PACKAGES, _ways

STUDENTS = [
    LogisticRegression(),
    LogisticRegressionCV(Cs=2, cv=2),
    CalibratedClassifierCV(GaussianNB(), cv=2),
    StackingClassifier([("nb", GaussianNB())], cv=2),
    SGDClassifier(),
    Perceptron(),
    GaussianNB(),
    MultinomialNB(),
    ComplementNB(),
    BernoulliNB(),
    DecisionTreeClassifier(),
    ExtraTreeClassifier(),
    RandomForestClassifier(3),
    ExtraTreesClassifier(3),
    HistGradientBoostingClassifier(max_iter=2),
    GradientBoostingClassifier(n_estimators=2),
    Ridge(),
    make_pipeline(MinMaxScaler(), DecisionTreeClassifier()),
]


def test_every_registered_class_of_scikit_learn_is_here():
    here = {type(student) for student in STUDENTS}
    registered = {cls for cls in _ways if cls.__module__.split(".")[0] == "sklearn"}
    assert registered <= here | {Pipeline}
    # These have test files of their own.
    assert set(OPTIONAL_PACKAGES) == {"xgboost", "lightgbm", "catboost", "skorch"}


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_students_unpickle_and_predict_where_skdistill_cannot_be_imported(tmp_path):
    X, y, P = make_gaussian_classes(200, 3, 3, random_state=0)
    X = np.abs(X)
    fitted = [fit_soft_labels(student, X, SoftLabels(P, y=y)) for student in STUDENTS]
    expected = [student.predict(X) for student in fitted]
    with (tmp_path / "students.pickle").open("wb") as file:
        pickle.dump((fitted, X, expected), file)
    code = f"""
import sys
sys.modules["skdistill"] = None  # importing it now fails
import pickle
students, X, expected = pickle.load(open({str(tmp_path / "students.pickle")!r}, "rb"))
for student, answer in zip(students, expected):
    assert (student.predict(X) == answer).all(), student
print(len(students))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == len(STUDENTS)

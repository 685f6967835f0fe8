"""`student_` and the result of `deployable` work where skdistill is not installed."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from contracts.student_cases import registered_students
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill import SoftLabels, fit_soft_labels
from skdistill.datasets import make_gaussian_classes

# Every registered class of scikit-learn, and what learns by expansion, by regression, as a last
# step. Those of the optional packages have test files of their own.
STUDENTS = [
    *registered_students().values(),
    GradientBoostingClassifier(n_estimators=2),
    Ridge(),
    make_pipeline(MinMaxScaler(), DecisionTreeClassifier()),
]


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_students_unpickle_and_predict_without_skdistill(tmp_path):
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
for student, predictions in zip(students, expected):
    assert (student.predict(X) == predictions).all(), student
print(len(students))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == len(STUDENTS)

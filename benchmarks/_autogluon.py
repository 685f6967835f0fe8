"""Students that AutoGluon's `distill` makes of arrays; only this file imports AutoGluon."""

import tempfile
from typing import Any, NamedTuple

import pandas as pd
from autogluon.core.models import AbstractModel
from autogluon.tabular import TabularPredictor

OWN_TEACHERS: dict[Any, dict] = {"GBM": {}, "XT": {}}
# The students of the benchmark, as AutoGluon writes them; on one core, as all others.
STUDENTS = {
    "LightGBM": ("GBM", {"num_boost_round": 50, "num_leaves": 8}),
    "forest": ("RF", {"n_estimators": 40}),
}
ONE_CORE = {"ag_args_fit": {"num_cpus": 1, "num_gpus": 0}}


class GivenTeacher(AbstractModel):
    """A regressor of scikit-learn as a model of AutoGluon."""

    def _fit(self, X, y, **kwargs):
        self.model = self._get_model_params()["make_model"]().fit(X.to_numpy(), y.to_numpy())

    def _predict_proba(self, X, **kwargs):
        return self.model.predict(X.to_numpy())


class Student(NamedTuple):
    """A model of AutoGluon, which predicts arrays."""

    predictor: Any
    name: str

    def predict(self, X):
        """Return its predictions."""
        return self.predictor.predict(pd.DataFrame(X), model=self.name).to_numpy()


def distil(X, y, student_name, folder, make_teacher=None):
    """Return a student, of AutoGluon's own teachers or of the one that `make_teacher` returns.

    The folder must exist as long as the student predicts.
    """
    rows = pd.DataFrame(X).assign(label=y)
    path = tempfile.mkdtemp(dir=folder)
    predictor = TabularPredictor("label", problem_type="regression", path=path, verbosity=0)
    teachers = OWN_TEACHERS
    if make_teacher is not None:
        teachers = {GivenTeacher: {"make_model": make_teacher}}
    predictor.fit(rows, hyperparameters=teachers, num_cpus=1, num_gpus=0)
    kind, parameters = STUDENTS[student_name]
    student, *_ensemble = predictor.distill(
        hyperparameters={kind: parameters | ONE_CORE}, verbosity=0
    )
    return Student(predictor, student)

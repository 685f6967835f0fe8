"""A compiled model predicts what it was compiled from, or it says why not."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from skdistill.inspection import _compiled, compare_students
from skdistill.inspection._compiled import compile_model

pytest.importorskip("skl2onnx")
pytest.importorskip("onnxruntime")
rng = np.random.default_rng(0)
X = rng.normal(size=(300, 4))
CLASS = np.array(["a", "b", "c"])[(X[:, 0] > 0).astype(int) + (X[:, 1] > 1)]
NUMBER = X[:, 0] + rng.normal(size=300)


def booster(package, name):
    cls = getattr(pytest.importorskip(package), name)
    quiet = {"verbose": -1} if package == "lightgbm" else {}
    return cls(n_estimators=5, n_jobs=1, **quiet)


MODELS = {
    "forest": (lambda: RandomForestClassifier(10, random_state=0), CLASS),
    "linear": (LogisticRegression, CLASS),
    "two classes": (LogisticRegression, X[:, 0] > 0),
    "LightGBM": (lambda: booster("lightgbm", "LGBMClassifier"), CLASS),
    "XGBoost": (lambda: booster("xgboost", "XGBClassifier"), (X[:, 0] > 0).astype(int)),
    "forest of numbers": (lambda: RandomForestRegressor(10, random_state=0), NUMBER),
    "ridge": (Ridge, NUMBER),
    "LightGBM of numbers": (lambda: booster("lightgbm", "LGBMRegressor"), NUMBER),
    "XGBoost of numbers": (lambda: booster("xgboost", "XGBRegressor"), NUMBER),
}


@pytest.mark.parametrize("name", MODELS)
def test_predictions_are_those_of_the_model(name):
    make, y = MODELS[name]
    model = make().fit(X, y)
    for each in (model, FrozenEstimator(model)):
        compiled = compile_model(each, X)
        if hasattr(model, "predict_proba"):
            expected = model.predict_proba(X)
            np.testing.assert_allclose(compiled.predict_proba(X), expected, atol=1e-4)
            np.testing.assert_allclose(compiled.predict_proba(X).sum(axis=1), 1)
            assert (compiled.predict(X) == model.predict(X)).mean() > 0.99
        else:
            np.testing.assert_allclose(compiled.predict(X), model.predict(X), atol=1e-3)
        assert compiled.n_bytes > 100


def test_a_comparison_with_compiled_models_is_pickled():
    comparison = compare_students(
        {"linear": LogisticRegression()}, LogisticRegression(), X[:200], CLASS[:200],
        X_test=X[200:], y_test=CLASS[200:], random_state=0,
    )  # fmt: skip
    again = pickle.loads(pickle.dumps(comparison))
    (name,) = [name for name in comparison.models if "ONNX" in name]
    before, after = (each.models[name] for each in (comparison, again))
    np.testing.assert_array_equal(after.predict_proba(X), before.predict_proba(X))
    assert (after.predict(X) == before.predict(X)).all()


def test_columns_of_a_dataframe_with_categories():
    frame = pd.DataFrame(X, columns=list("wxyz")).assign(
        kind=pd.Categorical(rng.choice(["red", "green"], size=300))
    )
    encode = make_column_transformer(
        (OrdinalEncoder(), make_column_selector(dtype_include="category")), remainder="passthrough"
    )
    model = make_pipeline(encode, RandomForestClassifier(10, random_state=0)).fit(frame, CLASS)
    compiled = compile_model(model, frame)
    np.testing.assert_allclose(compiled.predict_proba(frame), model.predict_proba(frame), atol=1e-4)


def test_a_dataframe_of_numbers_behind_no_selection_of_columns():
    frame = pd.DataFrame(X, columns=list("wxyz"))
    model = RandomForestClassifier(10, random_state=0).fit(frame, CLASS)
    compiled = compile_model(model, frame)
    np.testing.assert_allclose(compiled.predict_proba(frame), model.predict_proba(frame), atol=1e-4)


def test_a_conversion_that_predicts_something_else_is_refused(monkeypatch):
    model = LogisticRegression().fit(X, CLASS)
    other = LogisticRegression(C=1e-3).fit(X, CLASS)
    convert = _compiled._convert
    monkeypatch.setattr(_compiled, "_convert", lambda model, *rest: convert(other, *rest))
    with pytest.raises(ValueError, match=r"predicts something else in \d+% of 300 rows"):
        compile_model(model, X)


class Unknown(KNeighborsClassifier):
    """A teacher that no converter knows."""


def test_a_teacher_that_cannot_be_compiled_says_so_in_its_row():
    given = {"X_test": X[150:], "y_test": CLASS[150:], "random_state": 0}
    compared = compare_students(
        {"linear": LogisticRegression()}, Unknown(), X[:150], CLASS[:150], **given
    )
    failure = compared.to_frame().loc["teacher (ONNX)", "failure"]
    assert failure.startswith("It was not compiled.")
    assert any(each.startswith("teacher (ONNX): It was not") for each in compared.sentences)
    assert np.isfinite(compared.to_frame().loc["teacher", "log_loss"])


def test_students_have_costs_as_onnx():
    given = {"X_test": X[150:], "y_test": CLASS[150:], "random_state": 0}
    students = {"linear": LogisticRegression(), "near": Unknown()}
    teacher = RandomForestClassifier(10, random_state=0)
    compared = compare_students(students, teacher, X[:150], CLASS[:150], **given)
    frame = compared.to_frame()
    expected = compile_model(compared.models["linear"], X).n_bytes / 1000
    assert frame.loc["linear", "onnx_kB"] == expected
    costs = ["onnx_kB", "onnx_us_per_row", "onnx_ms_per_1000"]
    assert (frame.loc["linear", costs] > 0).all() and frame.loc["near (labels)", costs].isna().all()
    assert frame.loc["linear", "not_compiled"] == "" != frame.loc["near (labels)", "not_compiled"]
    assert compared.best({"onnx_kB": 1e6}).startswith("linear")
    assert {name.partition(" ")[0] for name in compared.frontier("onnx_kB")} == {"linear"}
    alone = compare_students({"near": Unknown()}, teacher, X[:150], CLASS[:150], **given)
    with pytest.raises(ValueError, match="not compiled to ONNX"):
        alone.best({"onnx_kB": 50})


def frame_of(columns):
    return pd.DataFrame(X, columns=list("wxyz")).assign(**columns)


TEXT = frame_of({"kind": np.where(X[:, 2] > 0, "red", "green")})
BY_COLUMN = make_column_transformer(
    (OneHotEncoder(), make_column_selector(dtype_exclude="number")), remainder="passthrough"
)


def inputs_of(rows):
    """Return rows as the docs say that the file takes them."""
    if isinstance(rows, np.ndarray):
        return {"X": rows.astype(np.float32)}
    return {
        name: rows[[name]].to_numpy().astype(np.float32 if rows[name].dtype.kind == "f" else str)
        for name in rows
    }


@pytest.mark.parametrize("name", ["array", "text and numbers", "LightGBM of text and numbers"])
def test_the_file_that_was_measured_is_written(name, tmp_path):
    import onnxruntime

    rows = X if name == "array" else TEXT
    student = LogisticRegression()
    if name != "array":
        last = booster("lightgbm", "LGBMClassifier") if "LightGBM" in name else student
        student = make_pipeline(BY_COLUMN, last)
    given = {"X_test": rows[150:], "y_test": CLASS[150:], "random_state": 0}
    compared = compare_students({"small": student}, student, rows[:150], CLASS[:150], **given)
    path = tmp_path / "student.onnx"
    for row in ("small", "small (labels)", "teacher", None):
        compared.to_onnx(path, row)
        model = compared.models[compared.best() if row is None else row]
        session = onnxruntime.InferenceSession(path.read_bytes())
        labels, proba = session.run(None, inputs_of(rows))
        np.testing.assert_allclose(proba, model.predict_proba(rows), atol=1e-4)
        assert (labels == model.predict(rows)).mean() > 0.99
        measured = compared.to_frame().loc[compared.best() if row is None else row, "onnx_kB"]
        assert path.stat().st_size == 1000 * measured


def test_why_there_is_no_file_is_said(tmp_path):
    given = {"X_test": X[150:], "y_test": CLASS[150:], "random_state": 0}
    students = {"near": Unknown(), "linear": LogisticRegression()}
    compared = compare_students(students, Unknown(), X[:150], CLASS[:150], **given)
    path = tmp_path / "no.onnx"
    reason = compared.to_frame().loc["near (labels)", "not_compiled"]
    for name in ("near (labels)", "teacher"):
        with pytest.raises(ValueError, match=r"has no ONNX file\. The reason: ") as raised:
            compared.to_onnx(path, name)
        assert reason in str(raised.value) and "'linear'" in str(raised.value)
    with pytest.raises(ValueError, match="It was not compiled"):
        compared.to_onnx(path, "teacher (ONNX)")
    with pytest.raises(ValueError, match=r"There is no model 'other'\. The models are"):
        compared.to_onnx(path, "other")
    assert not path.exists()


def test_students_without_an_onnx_file_say_why():
    given = {"X_test": X[150:], "y_test": CLASS[150:], "random_state": 0}
    students = {"linear": LogisticRegression(), "near": Unknown()}
    found = {}
    for cost in ("onnx_kB", "kB"):
        compared = compare_students(
            students, LogisticRegression(), X[:150], CLASS[:150], **given, budget={cost: 1e6}
        )
        found[cost] = [each for each in compared.sentences if "no ONNX file" in each]
    reason = compared.to_frame().loc["near (labels)", "not_compiled"]
    (sentence,) = found["onnx_kB"]
    assert sentence.startswith("near") and reason in sentence
    assert found["kB"] == []


def test_the_compiled_teacher_has_its_own_cost_only():
    given = {"X_test": X[150:], "y_test": CLASS[150:], "random_state": 0}
    forest = RandomForestClassifier(10, random_state=0)
    compared = compare_students(
        {"linear": LogisticRegression()}, forest, X[:150], CLASS[:150], **given
    )
    frame = compared.to_frame()
    assert frame.loc["teacher (ONNX)", "log_loss"] == frame.loc["teacher", "log_loss"]
    compiled = compared.models["teacher (ONNX)"]
    assert frame.loc["teacher (ONNX)", "kB"] == compiled.n_bytes / 1000

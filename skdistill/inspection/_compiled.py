"""A fitted model compiled to ONNX: the alternative to a smaller student."""

import sys

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.utils import _safe_indexing

from .._utils._rows import count_rows
from .._utils._validation import column_names
from ._cost import BATCH
from ._failures import described

# In float32 a row may cross a threshold of a tree: most rows must agree, not all.
TOLERANCE, MOST = 1e-4, 0.99


class CompiledModel:
    """An ONNX model that predicts as the estimator that it was compiled from."""

    def __init__(self, onnx, fields, classes=None):
        self.onnx, self.session = onnx, _session(onnx)
        self.n_bytes = len(onnx)
        self.fields = fields  # {column: dtype} of a dataframe, None for an array
        if classes is not None:
            self.classes_ = classes
            self.predict_proba = self._predict_proba

    def __getstate__(self):
        """Return the state without the session, which cannot be pickled."""
        return {name: value for name, value in vars(self).items() if name != "session"}

    def __setstate__(self, state):
        """Set the state, with a new session."""
        vars(self).update(state, session=_session(state["onnx"]))

    def predict(self, X):
        """Return labels or numbers."""
        return np.ravel(self.run(self.inputs(X))[0])

    def _predict_proba(self, X):
        proba = np.asarray(self.run(self.inputs(X))[1], dtype=np.float64)
        proba = np.maximum(proba, 0)  # -1e-7 of float32
        return proba / proba.sum(axis=1, keepdims=True)

    def inputs(self, X):
        """Return rows as ONNX takes them: one array, or one for each column of a dataframe."""
        if self.fields is None:
            return {self.session.get_inputs()[0].name: np.asarray(X, dtype=np.float32)}
        return {
            name: np.asarray(X[name]).astype(dtype)[:, None] for name, dtype in self.fields.items()
        }

    def run(self, inputs):
        """Return the outputs for prepared rows."""
        return self.session.run(None, inputs)


def _session(onnx):
    """Return an ONNX file that is ready to run, on one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])


def compile_model(model, X):
    """Return a fitted model as ONNX, checked on the rows; raise if it cannot be converted."""
    if isinstance(model, FrozenEstimator):
        model = model.estimator
    onnx, fields = _convert_columns(model, X)
    compiled = CompiledModel(onnx, fields, getattr(model, "classes_", None))
    _check_same(compiled, model, X)
    return compiled


def compile_or_reason(model, X):
    """Return a model as ONNX and no reason, or None and the reason why it cannot be converted."""
    X = _safe_indexing(X, np.arange(min(count_rows(X), BATCH)))
    try:
        return compile_model(model, X), ""
    except Exception as error:  # converters raise anything for what they do not know
        return None, described(error)


def _fields(X):
    """Return the dtype of each column of a dataframe in ONNX, None for an array."""
    names = column_names(X)
    if names is None:
        return None
    numeric = {name: getattr(X[name].dtype, "kind", "O") in "biuf" for name in names}
    return {name: np.float32 if is_number else str for name, is_number in numeric.items()}


def _convert_columns(model, X):
    """Return the ONNX model, and its columns: None if it takes one array.

    A model that selects columns by name needs one input for each; others need a single one.
    """
    fields = _fields(X)
    try:
        return _convert(model, X, fields), fields
    except Exception:
        if fields is None or str in fields.values():
            raise
    return _convert(model, X, None), None


def _convert(model, X, fields):
    """Return the bytes of the ONNX model."""
    import skl2onnx
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    _register_boosters(skl2onnx.update_registered_converter)
    if fields is None:
        types = [("X", FloatTensorType([None, np.shape(X)[1]]))]
    else:
        kinds = {str: StringTensorType, np.float32: FloatTensorType}
        types = [(name, kinds[dtype]([None, 1])) for name, dtype in fields.items()]
    options = {"zipmap": False} if hasattr(model, "predict_proba") else None
    converted = skl2onnx.to_onnx(
        model, initial_types=types, options=options, target_opset={"": 15, "ai.onnx.ml": 3}
    )
    return converted.SerializeToString()


def _register_boosters(register):
    """Tell skl2onnx how LightGBM and XGBoost are converted, where these are in use."""
    if "lightgbm" in sys.modules:
        from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm

        _register(register, "lightgbm", "LGBM", convert_lightgbm)
    if "xgboost" in sys.modules:
        from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost

        _register(register, "xgboost", "XGB", convert_xgboost)


def _register(register, package, prefix, convert):
    """Register the converter of the classifier and the regressor of a package."""
    from skl2onnx.common import shape_calculator

    options = {"nocl": [True, False], "zipmap": [True, False, "columns"]}
    register(
        getattr(sys.modules[package], f"{prefix}Classifier"), f"{package}Classifier",
        shape_calculator.calculate_linear_classifier_output_shapes, convert, options=options,
    )  # fmt: skip
    register(
        getattr(sys.modules[package], f"{prefix}Regressor"), f"{package}Regressor",
        shape_calculator.calculate_linear_regressor_output_shapes, convert,
    )  # fmt: skip


def _check_same(compiled, model, X):
    """Raise if the compiled model predicts something else."""
    method = "predict_proba" if hasattr(model, "predict_proba") else "predict"
    ours, theirs = (np.asarray(getattr(each, method)(X)) for each in (compiled, model))
    scale = 1.0 if method == "predict_proba" else max(1.0, float(np.abs(theirs).max()))
    off = np.abs(ours - theirs.reshape(ours.shape)).reshape(len(ours), -1).max(axis=1) / scale
    agree = np.mean(off < TOLERANCE)
    if agree < MOST:
        raise ValueError(
            f"converted to ONNX it predicts something else in {1 - agree:.0%} of "
            f"{count_rows(X)} rows, by up to {off.max():.2g}."
        )

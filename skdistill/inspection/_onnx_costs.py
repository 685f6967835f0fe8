"""Cost of the ONNX files of deployed models: bytes, and time per thousand rows."""

from importlib.util import find_spec

from ._compiled import compile_or_reason
from ._cost import deployable
from ._intervals import Estimate
from ._student_costs import compiled_costs

PACKAGES = ("skl2onnx", "onnxruntime")


def check_onnx_packages(what):
    """Raise unless models can be compiled to ONNX and run."""
    absent = [package for package in PACKAGES if find_spec(package) is None]
    if absent:
        raise ImportError(f"{what} needs {' and '.join(absent)}: pip install {' '.join(absent)}")


def onnx_costs(models, X):
    """Return {cost: {model: Estimate}} of ONNX files, and a sentence for each model without one."""
    cost = {"onnx_bytes": {}, "onnx_batch": {}, "onnx_single": {}}
    missing = []
    for name, model in models.items():
        compiled, reason = compile_or_reason(deployable(model), X)
        if compiled is None:
            missing.append(f"The {name} was not converted to ONNX: {reason}")
            continue
        measured = compiled_costs(compiled, X)
        cost["onnx_bytes"][name] = Estimate(compiled.n_bytes)
        cost["onnx_batch"][name] = Estimate(measured["ms_per_1000"])
        cost["onnx_single"][name] = Estimate(measured["us_per_row"])  # of a thousand, one by one
    return {kind: row for kind, row in cost.items() if row}, missing

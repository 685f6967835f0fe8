"""The rows of a comparison: figures, costs and details of each model."""

from ._compiled import compile_or_reason
from ._failures import described
from ._student_comparison import COMPILED, ComparedModel
from ._student_costs import student_costs
from ._student_fits import LABELS, NAMES
from ._student_runs import TEACHER
from ._teacher_part import has_no_teacher


def compared_models(models, predictions, scores):
    """Return the rows of the table: the students, then the teacher and the compiled one."""
    failures = predictions.failures | {
        name: fit.failure for name, fit in models.fits().items() if fit.failure
    }
    rows = []
    for student, fits in models.students.items():
        for how, fit in fits.items():
            row = ComparedModel(NAMES[how].format(student), student, how)
            if row.name in failures:
                rows.append(row.failed(failures[row.name]))
                continue
            details = {
                "alpha": fit.alpha, "unlabeled_weight": fit.unlabeled_weight,
                "tuning": fits[LABELS].tuning, "setting": fit.setting,
            }  # fmt: skip
            rows.append(_measured_or_failed(row, fit, scores, details))
    return [*rows, *_teacher_rows(models.teacher, scores)]


def _measured_or_failed(row, fit, scores, details):
    """Return the row of a fitted student, with the reason if it cannot be measured."""
    try:
        return _measured(row, fit, scores, details)
    except Exception as error:
        return row.failed(described(error))


def _measured(row, fit, scores, details, compiled=None):
    """Return the row of a fitted model with its figures, costs and details.

    `compiled` is the model as ONNX and the reason why there is none, if it was compiled before.
    """
    figures = scores.figures(row.name)
    if row.student:
        figures |= scores.gains(row.student, row.how, teacher_counts=not has_no_teacher(details))
        details |= _on_disagreement(scores, row.name, fit.model)
    worst = scores.worst_segment(row.name)
    if worst is not None:
        details["worst_segment"], figures["worst_segment_score"] = worst
    X = scores.evaluated.X
    compiled, reason = compiled or compile_or_reason(fit.model, X)
    costs = student_costs(fit.model, compiled, X) | {"fit_seconds": fit.seconds}
    details |= {"not_compiled": reason}
    return row.measured(fit.model, figures, costs, details).with_onnx(compiled)


def _on_disagreement(scores, name, student):
    """Return what is certain of disagreement with the teacher, on independent rows of classes."""
    if not (scores.evaluated.is_independent and hasattr(scores.task, "disagreement_bound")):
        return {}
    predictions, teacher = (scores.predictions[each] for each in (name, TEACHER))
    return {
        "max_disagreement": scores.task.disagreement_bound(predictions, teacher),
        "kept_at_1_percent": scores.task.kept_share(student, scores.evaluated.X, teacher),
    }


def _teacher_rows(teacher, scores):
    """Return the row of the teacher, and that of the teacher compiled to ONNX."""
    compiled, reason = compile_or_reason(teacher.model, scores.evaluated.X)
    plain = ComparedModel(TEACHER, "", TEACHER)
    plain = _measured(plain, teacher, scores, {}, (compiled, reason))
    row = ComparedModel(COMPILED, "", COMPILED)
    if compiled is None:
        return [plain, row.failed(f"It was not compiled. {reason}")]
    as_file = {name: value for name, value in plain.costs.items() if name.startswith("onnx_")}
    costs = {name.removeprefix("onnx_"): value for name, value in as_file.items()}
    costs |= as_file | {"file": "ONNX"}
    compiled_row = row.measured(compiled, plain.figures, costs, plain.details)
    return [plain, compiled_row.with_onnx(compiled)]

"""Evaluate teachers, estimate whether distilling will pay, and report its results."""

from ._bias_variance import BiasVariance, bias_variance
from ._cascade_curve import CascadeCurve, cascade_curve
from ._compare_students import compare_students
from ._compare_teachers import TeacherComparison, compare_teachers
from ._displays._alpha_curve import AlphaCurveDisplay
from ._displays._bias_variance import BiasVarianceDisplay
from ._displays._cascade import CascadeDisplay
from ._displays._cost_quality import CostQualityDisplay
from ._displays._regression_reliability import RegressionReliabilityDisplay
from ._displays._reliability import ReliabilityDisplay
from ._displays._student_comparison import StudentComparisonDisplay
from ._displays._teacher_student import TeacherStudentDisplay
from ._distillation_report import DistillationReport
from ._report import distillation_report
from ._student_comparison import StudentComparison

__all__ = [
    "AlphaCurveDisplay",
    "BiasVariance",
    "BiasVarianceDisplay",
    "CascadeCurve",
    "CascadeDisplay",
    "CostQualityDisplay",
    "DistillationReport",
    "RegressionReliabilityDisplay",
    "ReliabilityDisplay",
    "StudentComparison",
    "StudentComparisonDisplay",
    "TeacherComparison",
    "TeacherStudentDisplay",
    "bias_variance",
    "cascade_curve",
    "compare_students",
    "compare_teachers",
    "distillation_report",
]

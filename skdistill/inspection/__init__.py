"""See what a teacher is worth, and what distilling it brought."""

from ._displays._bias_variance import BiasVarianceDisplay
from ._displays._cost_quality import CostQualityDisplay
from ._displays._reliability import ReliabilityDisplay
from ._displays._teacher_student import TeacherStudentDisplay
from ._distillation_report import DistillationReport
from ._report import distillation_report

__all__ = [
    "BiasVarianceDisplay",
    "CostQualityDisplay",
    "DistillationReport",
    "ReliabilityDisplay",
    "TeacherStudentDisplay",
    "distillation_report",
]

"""See what a teacher is worth, and what distilling it brought."""

from ._distillation_report import DistillationReport
from ._report import distillation_report

__all__ = ["DistillationReport", "distillation_report"]

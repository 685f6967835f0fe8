"""Know your teacher: which one to distil, and whether distilling will pay."""

from ._bias_variance import BiasVariance, bias_variance
from ._compare_teachers import TeacherComparison, compare_teachers

__all__ = ["BiasVariance", "TeacherComparison", "bias_variance", "compare_teachers"]

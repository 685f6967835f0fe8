"""Know your teacher: which one to distil, and whether distilling will pay."""

from ._compare_teachers import TeacherComparison, compare_teachers

__all__ = ["TeacherComparison", "compare_teachers"]

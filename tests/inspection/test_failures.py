"""Errors in a comparison are one line, whatever a library raises."""

from skdistill.inspection._failures import LONGEST, described


def test_an_error_is_one_line_of_limited_length():
    assert described(ValueError("first\n   second")) == "ValueError: first second"
    long = described(RuntimeError("array " * 100_000))
    assert long.startswith("RuntimeError: array array") and long.endswith(" …")
    assert len(long) < LONGEST + 30 and "\n" not in long

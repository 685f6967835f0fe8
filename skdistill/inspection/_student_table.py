"""A comparison of students as plain text."""

import textwrap

from ._student_layout import TITLE, tables
from ._tables import text_table

WIDTH = 100  # characters of sentences; tables may be wider


def as_text(comparison):
    """Return the comparison as plain text."""
    lines = [TITLE, *_bullets(comparison.sentences)]
    for table in tables(comparison):
        lines += ["", table.title, text_table(table.header, table.rows)]
        lines += textwrap.wrap(table.note, WIDTH)
    return "\n".join([*lines, "", *textwrap.wrap(" ".join(comparison.notes), WIDTH)])


def _bullets(sentences):
    """Write sentences as a list."""
    return [
        line
        for sentence in sentences
        for line in textwrap.wrap(f"- {sentence}", WIDTH, subsequent_indent="  ")
    ]

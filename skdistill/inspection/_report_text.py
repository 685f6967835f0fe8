"""A report as plain text."""

import textwrap

from ._report_layout import TITLE, provenance, subtitle, tables

WIDTH = 100  # characters


def as_text(report):
    """Return a report as plain text."""
    lines = [TITLE, "", *_wrapped(report.summary), "", *_wrapped(subtitle(report)), ""]
    lines += _bullets(report.verdict)
    for table in tables(report):
        lines += ["", table.title, *_text_rows(table), *_wrapped(table.note)]
    if report.missing:
        lines += ["", "Missing", *_bullets(report.missing)]
    lines.append("")
    for name, text in provenance(report):
        lines += _wrapped(f"{name}: {text}.")
    return "\n".join(lines)


def _text_rows(table):
    """Write a table with its columns aligned."""
    written = [["", *table.heads]] + [
        [label, *(f"{cell.figure} {cell.interval}".rstrip() for cell in cells)]
        for label, cells in table.rows
    ]
    widths = [max(map(len, column)) for column in zip(*written, strict=True)]
    return [
        "  ".join(f"{text:{width}}" for text, width in zip(row, widths, strict=True)).rstrip()
        for row in written
    ]


def _bullets(sentences):
    """Write sentences as a list."""
    return [
        line
        for sentence in sentences
        for line in textwrap.wrap(f"- {sentence}", WIDTH, subsequent_indent="  ")
    ]


def _wrapped(text):
    """Write a paragraph as lines."""
    return textwrap.wrap(text, WIDTH)

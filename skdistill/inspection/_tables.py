"""Small tables, as text for a terminal and as HTML for a notebook."""

from html import escape

_CHOSEN = ' class="chosen"'


def text_table(header, rows):
    """Return aligned columns, the first one to the left and the numbers to the right."""
    columns = list(zip(header, *rows, strict=True))
    widths = [max(len(cell) for cell in column) for column in columns]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if k == 0 else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (header, *rows)
    )


def html_table(header, rows, chosen=None):
    """Return a table element; whatever the cells hold is shown as text.

    The row with the name `chosen` gets the class "chosen".
    """
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in header)
    body = "".join(
        f'<tr{_CHOSEN if first == chosen else ""}><th scope="row">{escape(first)}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in rest)
        + "</tr>"
        for first, *rest in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def html_list(sentences):
    """Return a list element, nothing for no sentences."""
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f"<ul>{items}</ul>" if items else ""


def import_pandas(method):
    """Return pandas; raise if it is not installed."""
    try:
        import pandas
    except ImportError as error:
        raise ImportError(f"{method} needs pandas: pip install pandas") from error
    return pandas

"""The claims' results as text: a table for each, and one page with all of them."""

import base64
import html
import json
from pathlib import Path

import numpy as np

from ._tests import HOLDS

STYLE = """body {font: 16px/1.5 sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem}
table {border-collapse: collapse; display: block; overflow-x: auto; margin: 1rem 0}
th, td {padding: .2rem .7rem; text-align: right; border-bottom: 1px solid #ccc; white-space: nowrap}
th:first-child, td:first-child {text-align: left; white-space: normal; min-width: 12rem}
img {max-width: 100%} .verdict {font-weight: bold}"""


def markdown_of(result):
    """Return what came out for one claim: the verdict, the scores and the tests."""
    lines = [
        f"## Claim {result['number']}: {result['verdict']}",
        "",
        result["claim"] + " *" + result["source"] + "*",
        "",
        f"{result['setup']} {result['n_seeds']} seeds, mean ± standard error.",
        "",
        *_markdown_table(*score_table(result)),
        "",
        *_markdown_table(*test_table(result)),
        "",
    ]
    return "\n".join(lines)


def score_table(result):
    """Return header and rows of the scores; a row lacks those that it was not scored by."""
    names = list(dict.fromkeys(name for row in result["scores"].values() for name in row))
    rows = [
        [row, *(mean_and_error(columns[name]) if name in columns else "" for name in names)]
        for row, columns in result["scores"].items()
    ]
    return ["", *names], rows


def test_table(result):
    """Return header and rows of the tests."""
    rows = [
        [test["prediction"], f"{number(test['difference'])} ± {number(test['error'])}",
         test["verdict"]]
        for test in result["tests"]
    ]  # fmt: skip
    return ["prediction", "difference", "verdict"], rows


def mean_and_error(values):
    """Return mean ± standard error as text."""
    values = np.asarray(values)
    return f"{number(values.mean())} ± {number(values.std(ddof=1) / np.sqrt(len(values)))}"


def number(value):
    """Return a number as text: four decimals, fewer where it is large, two digits where small."""
    size = abs(value)
    if size >= 10:
        return f"{value:.0f}" if size >= 1000 else f"{value:.2f}"
    return f"{value:.1e}" if 0 < size < 0.0005 else f"{value:.4f}"


def summary(folder):
    """Return all claims with their verdicts, and when and with what they were run, in Markdown."""
    results = read_results(folder)
    return "\n".join([*_markdown_table(*summary_table(results)), "", provenance(results)])


def summary_table(results):
    """Return header and rows of all claims with their verdicts."""
    rows = [
        [f"{each['number']}. {each['claim']}", str(each["n_seeds"]), _count(each), each["verdict"]]
        for each in results
    ]
    return ["claim", "seeds", "predictions that hold", "verdict"], rows


def _count(result):
    """Return how many of a claim's predictions hold, as text."""
    verdicts = [test["verdict"] for test in result["tests"]]
    return f"{verdicts.count(HOLDS)} of {len(verdicts)}"


def read_results(folder):
    """Return the written results, in the order of the claims."""
    return [json.loads(path.read_text()) for path in sorted(Path(folder).glob("claim_*.json"))]


def write_page(folder):
    """Write one page of all results in a folder, which stands alone: figures are inside it."""
    results = read_results(folder)
    parts = ["<h1>The paper's claims, run</h1>", f"<p>{html.escape(provenance(results))}</p>"]
    parts.append(_html_table(*summary_table(results)))
    for path, result in zip(sorted(Path(folder).glob("claim_*.json")), results, strict=True):
        picture = base64.b64encode(path.with_suffix(".png").read_bytes()).decode()
        parts += [
            f"<h2>Claim {result['number']}: {result['verdict']}</h2>",
            f"<p>{html.escape(result['claim'])} <em>{html.escape(result['source'])}</em></p>",
            f"<p>{html.escape(result['setup'])} {result['n_seeds']} seeds, mean ± standard error; "
            f"{result['seconds']:.0f} s.</p>",
            _html_table(*score_table(result)),
            _html_table(*test_table(result)),
            f'<img src="data:image/png;base64,{picture}" alt="Figure of claim {result["number"]}">',
        ]
    page = Path(folder) / "report.html"
    page.write_text(
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        'content="width=device-width"><title>The paper\'s claims, run</title>'
        f'<link rel="icon" href="data:,"><style>{STYLE}</style></head><body>'
        + "\n".join(parts)
        + "</body></html>\n"
    )
    print(f"Written to {page}")


def provenance(results):
    """Say when and with what the results were made."""
    dates = sorted({each["date"] for each in results})
    versions = ", ".join(f"{name} {version}" for name, version in results[-1]["versions"].items())
    minutes = sum(each["seconds"] for each in results) / 60
    when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    return f"Run on {when} with {versions}; {minutes:.0f} minutes in all."


def _markdown_table(header, rows):
    """Return the lines of a table in Markdown."""
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return ["| " + " | ".join(cells) + " |" for cells in lines]


def _html_table(header, rows):
    """Return a table in HTML."""
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in header)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

"""The chart of a report: one score with its intervals, size and time, as HTML without a script.

Bars and points are borders, which are printed where backgrounds are not, and scale with the page.
"""

from html import escape
from math import isfinite, isnan

from ._figures import directed, writer
from ._report_layout import MODELS
from ._report_summary import as_onnx, main_score

STYLE = """
.skdistill-report .chart { display: grid; grid-template-columns: auto 1fr auto; gap: .3em .8em; }
.skdistill-report .chart .head { grid-column: 1 / -1; margin-top: .6em; font-weight: 600; }
.skdistill-report .chart .track { position: relative; min-height: 1.2em; border-left: 1px solid; }
.skdistill-report .chart .track i { position: absolute; top: .6em; display: block; }
.skdistill-report .chart .bar {
  border-top: .6em solid; margin-top: -.3em; min-width: 1px; left: 0;
}
.skdistill-report .chart .range { border-top: 2px solid; margin-top: -1px; }
.skdistill-report .chart .point {
  border: .35em solid; border-radius: 50%; margin: -.35em 0 0 -.35em;
}
.skdistill-report .chart .value { text-align: right; font-variant-numeric: tabular-nums; }
"""
MARGIN = 0.1  # of the range of a score, on both sides


def chart(report):
    """Return the chart, empty if no model has a score or a cost."""
    measure = main_score(report)
    parts = [] if measure is None else [_scores(report.quality[measure], measure)]
    prefix = "onnx_" if as_onnx(report.cost) else ""
    kinds = (f"{prefix}bytes", f"{prefix}batch")
    parts += [_bars(report.cost[kind], kind) for kind in kinds if report.cost.get(kind)]
    return f'<div class="chart">\n{"".join(parts)}</div>' if parts else ""


def _scores(row, measure):
    """Return a point for each model, and its interval."""
    known = [end for each in row.values() for end in each if isfinite(end)]
    low, high = min(known), max(known)
    margin = MARGIN * (high - low) or 1.0
    low, high = low - margin, high + margin

    def place(value):
        return 100 * (value - low) / (high - low)

    marks = {}
    for name, each in row.items():
        marks[name] = f'<i class="point" style="left:{place(each.value):.1f}%"></i>'
        if not isnan(each.low):
            width = place(each.high) - place(each.low)
            style = f"left:{place(each.low):.1f}%;width:{width:.1f}%"
            marks[name] = f'<i class="range" style="{style}"></i>{marks[name]}'
    return _group(directed(measure), row, marks, writer("quality", measure))


def _bars(row, kind):
    """Return a bar for each model, from zero."""
    longest = max(each.value for each in row.values()) or 1.0
    marks = {
        name: f'<i class="bar" style="width:{100 * each.value / longest:.1f}%"></i>'
        for name, each in row.items()
    }
    return _group(directed(kind), row, marks, writer("cost", kind))


def _group(head, row, marks, write):
    """Return the lines of one measure below their head."""
    lines = "".join(
        f'<span>{MODELS[name]}</span><span class="track">{marks[name]}</span>'
        f'<span class="value">{escape(write(row[name].value))}</span>\n'
        for name in MODELS
        if name in row
    )
    return f'<span class="head">{escape(head)}</span>\n{lines}'

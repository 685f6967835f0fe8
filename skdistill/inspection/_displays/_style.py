"""Markers and line styles that differ without colour."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)), (0, (8, 3)), (0, (3, 1)))
CURVE = "skdistill-curve"  # gid of curves, which are counted to give each its own style


def pyplot():
    """Return matplotlib's pyplot; raise if it is not installed."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "Displays need matplotlib to plot: pip install skdistill[plot]"
        ) from error
    return plt


def axes(ax, **figure):
    """Return the given axes, or new ones for None."""
    if ax is not None:
        return ax
    return pyplot().subplots(layout="constrained", **figure)[1]


def n_curves(ax):
    """Return the number of curves that displays have drawn into axes."""
    return sum(line.get_gid() == CURVE for line in ax.lines)


def look(k, **chosen):
    """Return the style of the k-th curve, updated by `chosen`; every second marker is hollow."""
    color = chosen.get("color", f"C{k % 10}")
    return {
        "marker": MARKERS[k % len(MARKERS)],
        "linestyle": LINES[k % len(LINES)],
        "color": color,
        "markerfacecolor": "white" if k % 2 else color,
        "gid": CURVE,
    } | chosen

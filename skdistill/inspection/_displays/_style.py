"""Marks and lines that can be told apart without colour."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)), (0, (8, 3)), (0, (3, 1)))
CURVE = "skdistill-curve"  # what curves are marked by, so that the next one can look different


def pyplot():
    """Return matplotlib's pyplot, or say how to get it."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "Displays need matplotlib to plot: pip install skdistill[plot]"
        ) from error
    return plt


def axes(ax, **figure):
    """Return the axes to draw into, new ones where there are none."""
    if ax is not None:
        return ax
    return pyplot().subplots(layout="constrained", **figure)[1]


def n_curves(ax):
    """Return how many curves displays have drawn into axes."""
    return sum(line.get_gid() == CURVE for line in ax.lines)


def look(k, **chosen):
    """Return how the k-th curve looks, but for what is chosen; every second marker is hollow."""
    color = chosen.get("color", f"C{k % 10}")
    return {
        "marker": MARKERS[k % len(MARKERS)],
        "linestyle": LINES[k % len(LINES)],
        "color": color,
        "markerfacecolor": "white" if k % 2 else color,
        "gid": CURVE,
    } | chosen

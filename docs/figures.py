"""Draw the figures of *The statistics in ten minutes*, from the results of the paper's claims.

Run it as ``python docs/figures.py`` after ``make paper``; the pictures are kept in `docs/images`.
"""

import json
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

DOCS = Path(__file__).parent
RESULTS = DOCS.parent / "benchmarks" / "results" / "paper"
CLAIMS = [
    "claim_01_variance",
    "claim_03_distorted",
    "claim_04_bias_variance",
    "claim_05_complexity",
    "claim_06_cross_fitting",
]


def main():
    """Draw each claim as `benchmarks.paper` does, small enough to be kept."""
    sys.path.insert(0, str(DOCS.parent))
    for name in CLAIMS:
        scores = json.loads((RESULTS / f"{name}.json").read_text())["scores"]
        figure = Figure(figsize=(8, 4), layout="constrained")
        import_module(f"benchmarks.paper.{name}").draw(as_arrays(scores), figure)
        path = DOCS / "images" / f"{name}.png"
        figure.savefig(path, dpi=100)
        print(path.relative_to(DOCS.parent))
    draw_not_run(DOCS / "_static" / "not_run.png")


def draw_not_run(path):
    """Draw what stands in the gallery for an example that was not run."""
    figure = Figure(figsize=(4, 2.8))
    figure.text(
        0.5, 0.5, "code only,\nnot run here", ha="center", va="center", size=20, color="0.4"
    )
    figure.savefig(path, dpi=100)


def as_arrays(scores):
    """Return the seeds of each row and score as arrays."""
    return {
        row: {name: np.array(values) for name, values in columns.items()}
        for row, columns in scores.items()
    }


if __name__ == "__main__":
    main()

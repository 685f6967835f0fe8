"""Many rows without labels, noisy labels: what choosing alpha = 1 is worth.

Late flights: 3,000 labelled rows, 3,000 or 30,000 without a label, 50,000 test rows. The teacher is
LightGBM, as it is or smaller, the student a tree of 100 leaves. The tree is fitted by

- default: alpha and unlabeled_weight are chosen;
- labels kept: alpha=0, unlabeled_weight="auto", the default before alpha = 1 was compared;
- by hand: alpha=1, unlabeled_weight=1.

What comes out is the mean test log-loss over draws and teachers, the geometric mean of the ratio
of the default to the others, and won / tied / lost by more than 1 %. Run it as
``python benchmarks/bench_many_unlabeled.py``.
"""

import math
import tempfile
import warnings
from argparse import ArgumentParser
from pathlib import Path
from statistics import fmean, stdev

import numpy as np
from _encode import encode
from _measure import print_table, write_json
from lightgbm import LGBMClassifier
from sklearn.metrics import log_loss
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

from skdistill import DistilledClassifier
from skdistill.datasets import load_flights

RESULTS = Path(__file__).parent / "results" / "bench_many_unlabeled.json"
N_LABELED, N_TEST, FIRST_TEST = 3000, 50_000, 100_000
N_UNLABELED = (3000, 30_000)
MARGIN = 0.01
SEEDS = range(6, 16)  # draws that did not settle the rule
SETTINGS: dict[str, dict] = {
    "default": {},
    "labels kept": {"alpha": 0.0},
    "by hand": {"alpha": 1.0, "unlabeled_weight": 1.0},
}
TEACHERS = (
    LGBMClassifier(n_jobs=1, verbose=-1, random_state=0),
    LGBMClassifier(num_leaves=15, learning_rate=0.05, n_jobs=1, verbose=-1, random_state=0),
)


def losses_of(X, y, n_unlabeled, teacher, seed):
    """Return the test log-loss of each setting for one draw."""
    order = np.random.default_rng(seed).permutation(len(y))
    labeled, unlabeled = order[:N_LABELED], order[N_LABELED:][:n_unlabeled]
    test = order[FIRST_TEST:][:N_TEST]
    student = DecisionTreeClassifier(max_leaf_nodes=100, random_state=seed)
    losses = {}
    with tempfile.TemporaryDirectory() as memory:
        for name, setting in SETTINGS.items():
            model = DistilledClassifier(
                teacher, student, memory=memory, random_state=seed, **setting
            )
            model.fit(X[labeled], y[labeled], X_unlabeled=X[unlabeled])
            losses[name] = log_loss(y[test], model.predict_proba(X[test]))
    return losses


def line_of(n_unlabeled, losses):
    """Return the line of a number of unlabelled rows."""
    line = {"unlabelled rows": n_unlabeled, "fits": len(losses)}
    line |= {name: f"{fmean(each[name] for each in losses):.4f}" for name in SETTINGS}
    for rival in list(SETTINGS)[1:]:
        ratios = [math.log(each["default"] / each[rival]) for each in losses]
        error = stdev(ratios) / math.sqrt(len(ratios))
        won, lost = sum(x < -MARGIN for x in ratios), sum(x > MARGIN for x in ratios)
        line |= {
            f"/ {rival}": f"{math.exp(fmean(ratios)):.4f} ± {error:.4f}",
            f"won/tied/lost, {rival}": f"{won}/{len(ratios) - won - lost}/{lost}",
            f"worst, {rival}": f"{math.exp(max(ratios)):.3f}",
        }
    return line


def main():
    """Run every draw and print the table."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", nargs="*", type=int, default=SEEDS)
    parser.add_argument("--json", type=Path, default=RESULTS, help="where the table is written")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # the choice may be the labels alone
    X, y = load_flights(random_state=0)
    X = encode(X)
    with threadpool_limits(1):
        lines = [
            line_of(
                n_unlabeled,
                [
                    losses_of(X, y, n_unlabeled, teacher, seed)
                    for seed in options.seeds
                    for teacher in TEACHERS
                ],
            )
            for n_unlabeled in N_UNLABELED
        ]
    print_table(lines)
    write_json(options.json, {"seeds": list(options.seeds), "records": lines})


if __name__ == "__main__":
    main()

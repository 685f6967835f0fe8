"""Cost of the pairwise ranking loss over all pairs, against sorting the same scores.

Loss and gradient are measured in turn with `np.argsort` of the scores (what any ranking metric
pays), with the double sum over all pairs in NumPy, and with LibAUC's `PairwiseAUCLoss`, which
holds all pairs of a batch, too; each time in a fresh process with one thread. Only the ratios
are meaningful. LibAUC requires many packages that its losses do not need:
`pip install --no-deps libauc` is enough, with torch installed.
"""

from argparse import ArgumentParser
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from _measure import compare, print_table, write_json
from scipy.special import expit

from skdistill.objectives import (
    pairwise_hessian_diagonal,
    pairwise_hessian_product,
    pairwise_loss,
)

SURROGATES = ("logistic", "exponential", "hinge", "squared_hinge")
SIZES = [10**3, 10**4, 10**5, 10**6, 10**7]
QUICK_SIZES = SIZES[:3]
ROWS_OF_TABLES = 10**6  # of surrogates and spreads
# Pairs are held at once: about 4 GB of temporary arrays at the most.
MOST_ROWS_OF_ALL_PAIRS = 10**4
WARM_UP_ROWS = 500
SLOW = 3.0  # seconds from which once is enough
# How widely scores can spread: cells are laid out in other ways.
SPREADS = {
    "constant": lambda rng, n: np.zeros(n),
    "three values": lambda rng, n: rng.integers(0, 3, size=n).astype(float),
    "normal, sd 1e-8": lambda rng, n: 1e-8 * rng.normal(size=n),
    "normal, sd 1": lambda rng, n: rng.normal(size=n),
    "normal, sd 10": lambda rng, n: 10 * rng.normal(size=n),
    "normal, sd 100": lambda rng, n: 100 * rng.normal(size=n),
    "normal, sd 1000": lambda rng, n: 1000 * rng.normal(size=n),
    "normal at 1e9": lambda rng, n: 1e9 + rng.normal(size=n),
    "one at 1e15": lambda rng, n: np.append(rng.normal(size=n - 1), 1e15),
    "Cauchy": lambda rng, n: rng.standard_cauchy(size=n),
    "uniform over 1e6": lambda rng, n: 1e6 * rng.random(n),
}
# Times an argsort of the same scores: the logistic loss at a spread, and the hinges.
GOALS_OF_SPREADS = {"uniform over 1e6": 8.0}
GOAL_OF_HINGES = 3.0
# Loss and gradient of the logistic surrogate should take at most so many argsorts at so many rows
# (of normal scores), and grow at most so fast; from 10^6 rows on, at most so many vectors beside
# the gradient, however scores spread. Fewer rows are small beside what any call takes.
GOAL_OF_ARGSORT = {10**6: 2.0, 10**7: 1.0}
GOAL_VECTORS = 10
GOAL_EXPONENT = 1.05
RESULTS = Path(__file__).parent / "results" / "bench_pairwise.json"


def main():
    """Measure by size, by surrogate and by spread, print the tables and write them."""
    options = parse_options()
    sizes = QUICK_SIZES if options.quick else SIZES
    n = min(sizes[-1], ROWS_OF_TABLES)
    by_size = [measure_size(size, options.repeats) for size in sizes]
    results = {
        "repeats": options.repeats,
        "scores": "normal, sd 2",
        "rows_of_tables": n,
        "by_size": by_size,
        "growth_exponent": growth_exponents(by_size),
        "by_surrogate": [measure_surrogate(name, n, options.repeats) for name in SURROGATES],
        "by_spread": [measure_spread(name, n, options.repeats) for name in SPREADS],
    }
    show(results)
    write_json(options.json, results)


def parse_options():
    """Return the options of the command line."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5, help="of each measurement (default: 5)")
    parser.add_argument("--quick", action="store_true", help=f"at most {QUICK_SIZES[-1]} rows")
    parser.add_argument("--json", type=Path, default=RESULTS, help="where the results are written")
    return parser.parse_args()


def make_problem(n):
    """Return scores that rank like the probabilities, with some noise, and the probabilities."""
    rng = np.random.default_rng(0)
    scores = 2 * rng.normal(size=n)
    return scores, expit(scores + rng.normal(size=n))


def measure_size(n, repeats):
    """Return what the logistic loss and gradient of n rows cost, and what their rivals cost."""
    print(f"{n} rows", flush=True)
    scores, proba = make_problem(n)
    ways = {
        "argsort": lambda: len(np.argsort(scores)),  # what is returned is pickled
        "linear": lambda: pairwise_loss(scores, proba)[0],
    }
    if n <= MOST_ROWS_OF_ALL_PAIRS:
        ways["all pairs"] = lambda: all_pairs(scores, proba)[0]
        if find_spec("libauc"):
            ways["LibAUC"] = libauc_step(scores, proba)
    measured = compare(ways, repeats, warm_up=warm_up(scores, proba), slow=SLOW)
    linear = measured["linear"]
    record = {"rows": n, "argsort s": measured["argsort"].seconds, "linear s": linear.seconds}
    record["linear/argsort"] = linear.seconds / measured["argsort"].seconds
    record["ns per row"] = 1e9 * linear.seconds / n
    record["extra MB"], record["vectors"] = extra_memory(linear, n)
    for rival in ("all pairs", "LibAUC"):
        seconds = measured[rival].seconds if rival in measured else None
        record[f"{rival} s"] = seconds
        record[f"{rival}/linear"] = seconds and seconds / linear.seconds
    return record


def measure_surrogate(name, n, repeats):
    """Return the ratios to argsort of a surrogate's loss with gradient, and of its Hessian."""
    print(f"{name}, {n} rows", flush=True)
    scores, proba = make_problem(n)
    ways = {
        "argsort": lambda: len(np.argsort(scores)),
        "loss": lambda: pairwise_loss(scores, proba, surrogate=name)[0],
        "diagonal": lambda: len(pairwise_hessian_diagonal(scores, proba, surrogate=name)),
        "product": lambda: len(pairwise_hessian_product(scores, proba, scores, surrogate=name)),
    }
    if name == "hinge":  # whose second derivatives are 0
        del ways["diagonal"], ways["product"]
    measured = compare(ways, repeats, warm_up=warm_up(scores, proba, name), slow=SLOW)
    record = {"surrogate": name}
    for way in ("loss", "diagonal", "product"):
        cost = measured.get(way)
        ratio = cost and cost.seconds / measured["argsort"].seconds
        record[f"{way}/argsort"] = ratio
        record[f"{way} vectors"] = cost and extra_memory(cost, n)[1]
    goal = GOAL_OF_HINGES if "hinge" in name else None
    return record | goal_of("loss/argsort", record, goal)


def measure_spread(name, n, repeats):
    """Return what the logistic loss and gradient cost where scores spread in this way."""
    print(f"{name}, {n} rows", flush=True)
    rng = np.random.default_rng(0)
    scores, proba = SPREADS[name](rng, n), rng.random(n)
    ways = {
        "argsort": lambda: len(np.argsort(scores)),
        "linear": lambda: pairwise_loss(scores, proba)[0],
    }
    measured = compare(ways, repeats, warm_up=warm_up(scores, proba), slow=SLOW)
    linear = measured["linear"]
    megabytes, vectors = extra_memory(linear, n)
    record = {
        "scores": name,
        "linear/argsort": linear.seconds / measured["argsort"].seconds,
        "ns per row": 1e9 * linear.seconds / n,
        "extra MB": megabytes,
        "vectors": vectors,
    }
    return record | goal_of("linear/argsort", record, GOALS_OF_SPREADS.get(name))


def goal_of(figure, record, goal):
    """Return the goal of a figure of a record, and whether it is reached."""
    return {"goal": goal, "reached": goal and record[figure] <= goal}


def warm_up(scores, proba, surrogate="logistic"):
    """Return a function that runs all of it on a few rows, in other ranges, too."""
    s, p = scores[:WARM_UP_ROWS], proba[:WARM_UP_ROWS]

    def run():
        np.argsort(s)
        pairwise_loss(s, p, surrogate=surrogate)
        pairwise_hessian_diagonal(s, p, surrogate=surrogate)
        pairwise_hessian_product(s, p, s, surrogate=surrogate)

    return run


def extra_memory(measurement, n):
    """Return the extra memory beside the gradient, in MB and in vectors of n."""
    megabytes = max(measurement.extra_mb - 8 * n / 2**20, 0)
    return megabytes, megabytes * 2**20 / (8 * n)


def all_pairs(scores, proba):
    """Return loss and gradient by the double sum, as one would write it."""
    margins = scores[:, None] - scores
    weight = proba[:, None] * (1 - proba)
    np.fill_diagonal(weight, 0)
    total = weight.sum()
    loss = (weight * np.logaddexp(0, -margins)).sum() / total
    slope = weight * -expit(-margins)
    return loss, (slope.sum(axis=1) - slope.sum(axis=0)) / total


def libauc_step(scores, proba):
    """Return a function that takes LibAUC's loss and gradient; it knows hard labels only."""
    import torch
    from libauc.losses import PairwiseAUCLoss

    torch.set_num_threads(1)
    labels = torch.tensor(proba > np.random.default_rng(0).random(len(proba)))
    criterion = PairwiseAUCLoss(surr_loss="logistic")

    def step():
        tensor = torch.tensor(scores, requires_grad=True)
        loss = criterion(tensor, labels)
        loss.backward()
        return loss.item()

    return step


def growth_exponents(by_size):
    """Return b of the least-squares fit, seconds = a · rows^b, over all sizes and the larger."""
    exponents = {}
    for first in sorted({0, max(len(by_size) - 3, 0)}):
        rows = [each["rows"] for each in by_size[first:]]
        seconds = [each["linear s"] for each in by_size[first:]]
        exponent = float(np.polyfit(np.log(rows), np.log(seconds), 1)[0])
        exponents[f"{rows[0]} to {rows[-1]} rows"] = exponent
    return exponents


def missed_goals(results):
    """Return a line for each goal that is missed."""
    missed = []
    for record in results["by_size"]:
        goal = GOAL_OF_ARGSORT.get(record["rows"])
        if goal is not None and record["linear/argsort"] > goal:
            missed.append(f"{record['rows']} rows take more than {goal} argsorts")
    for record in [*results["by_surrogate"], *results["by_spread"]]:
        if record["reached"] is False:
            name = record.get("surrogate", record.get("scores"))
            missed.append(f"{name}: more than {record['goal']} argsorts")
    large = [each for each in results["by_size"] if each["rows"] >= ROWS_OF_TABLES]
    if results["rows_of_tables"] >= ROWS_OF_TABLES:
        large += results["by_spread"]
    for record in large:
        if record["vectors"] > GOAL_VECTORS:
            name = record.get("scores", record.get("rows"))
            missed.append(f"{name}: more than {GOAL_VECTORS} vectors")
    for rows, exponent in results["growth_exponent"].items():
        if exponent > GOAL_EXPONENT:
            missed.append(f"from {rows} time grows by an exponent above {GOAL_EXPONENT}")
    return missed


def show(results):
    """Print the tables."""
    n = results["rows_of_tables"]
    print(
        "\nLogistic loss and gradient. linear: pairwise_loss; all pairs: the double sum in NumPy;\n"
        "LibAUC: PairwiseAUCLoss and backward, on hard labels. s: processor time; extra MB and\n"
        f"vectors (of 8 bytes per row): peak memory beside the gradient. Medians of "
        f"{results['repeats']}.\n"
    )
    print_table(results["by_size"])
    for rows, exponent in results["growth_exponent"].items():
        print(f"Time grows with rows to the power of {exponent:.3f}, {rows}.")
    print(f"\nLoss and gradient, Hessian diagonal and Hessian-vector product, {n} rows.\n")
    print_table(results["by_surrogate"])
    print(f"\nLogistic loss and gradient of scores of every kind, {n} rows.\n")
    print_table(results["by_spread"])
    print("\nMissed goals:", "; ".join(missed_goals(results)) or "none")


if __name__ == "__main__":
    main()

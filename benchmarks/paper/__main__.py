"""Run the claims, print each table with its verdict, and write the report page."""

import json
import pkgutil
import platform
import time
import warnings
from argparse import ArgumentParser
from datetime import date
from importlib import import_module
from pathlib import Path

import numpy as np
import scipy
import sklearn
from joblib import Parallel, delayed
from matplotlib.figure import Figure
from threadpoolctl import threadpool_limits

import skdistill

from . import __path__ as folder
from ._report import markdown_of, summary, write_page
from ._tests import verdict_of

RESULTS = Path(__file__).parent.parent / "results" / "paper"
# The claims' sizes were settled on seeds from 0 on: the report is made with others.
FIRST_SEED = 1000


def main():
    """Run the claims chosen on the command line."""
    options = parse_options()
    options.out.mkdir(parents=True, exist_ok=True)
    for name in claims():
        if options.only is None or number_of(name) in options.only:
            run_claim(name, options)
    write_page(options.out)
    print(summary(options.out))


def parse_options():
    """Return the options of the command line."""
    parser = ArgumentParser(prog="python -m benchmarks.paper", description=__doc__)
    add = parser.add_argument
    add("--only", type=int, nargs="+", metavar="N", help="numbers of claims (default: all)")
    add("--seeds", type=int, help="at least 2 (default: each claim's own number)")
    add("--jobs", type=int, default=2, help="processes (default: 2)")
    add("--out", type=Path, default=RESULTS, help="folder of the results")
    return parser.parse_args()


def claims():
    """Return the names of the claims' modules, in order."""
    found = (module.name for module in pkgutil.iter_modules(folder))
    return sorted(name for name in found if name.startswith("claim_"))


def number_of(name):
    """Return the number in a module's name."""
    return int(name.split("_")[1])


def run_claim(name, options):
    """Score a claim over its seeds, test it, draw it; print and write the results."""
    claim = import_module(f".{name}", __package__)
    start = time.perf_counter()
    seeds = Parallel(n_jobs=options.jobs)(
        delayed(score_seed)(name, FIRST_SEED + k) for k in range(options.seeds or claim.SEEDS)
    )
    seconds = time.perf_counter() - start
    scores = columns_of(seeds)
    tests = claim.tests(scores)
    result = {
        "number": number_of(name),
        "claim": " ".join(claim.CLAIM.split()),
        "source": claim.SOURCE,
        "setup": " ".join(claim.SETUP.split()),
        "date": date.today().isoformat(),
        "versions": versions(),
        "n_seeds": len(seeds),
        "seconds": round(seconds, 1),
        "verdict": verdict_of(tests),
        "tests": [test._asdict() for test in tests],
        "scores": scores,
    }
    path = options.out / f"{name}.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    figure = Figure(figsize=(8, 4), layout="constrained")
    claim.draw({row: as_arrays(columns) for row, columns in scores.items()}, figure)
    figure.savefig(path.with_suffix(".png"), dpi=110)
    print(markdown_of(result), flush=True)


def score_seed(name, seed):
    """Return a claim's scores for one seed, on one thread."""
    claim = import_module(f"{__package__}.{name}")
    with threadpool_limits(1), warnings.catch_warnings():
        # Small samples lack classes in a fold, and few iterations are chosen on purpose.
        warnings.simplefilter("ignore")
        return claim.score(seed)


def columns_of(seeds):
    """Return for each row and score its value at every seed."""
    return {
        row: {name: [float(seed[row][name]) for seed in seeds] for name in columns}
        for row, columns in seeds[0].items()
    }


def as_arrays(columns):
    """Return lists as arrays, for drawing."""
    return {name: np.array(values) for name, values in columns.items()}


def versions():
    """Return the versions that results depend on."""
    libraries = {each.__name__: each.__version__ for each in (np, scipy, sklearn, skdistill)}
    return {"python": platform.python_version(), **libraries}


if __name__ == "__main__":
    main()

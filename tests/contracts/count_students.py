"""Print how many cases of the contract for students end how, by meta-estimator.

`PYTHONPATH=tests python -m contracts.count_students` counts the cover of `make test`; with
``--every``, every case: hours of one core, or minutes of many.
"""

import sys

from contracts.student_cases import cases_of, pairs, pairwise_cover
from contracts.student_contract import run, table
from joblib import Parallel, delayed


def main():
    every = "--every" in sys.argv
    cases = [case for pair in pairs() for case in cases_of(*pair)]
    cases = cases if every else pairwise_cover(pairs())
    ends = Parallel(n_jobs=-1 if every else None)(delayed(run)(case) for case in cases)
    outcomes = dict(zip(cases, ends, strict=True))
    print(table(outcomes))
    for case, outcome in outcomes.items():
        if outcome.kind == "fault":
            print(f"FAULT  {case.name}: {outcome.detail}")


if __name__ == "__main__":
    main()

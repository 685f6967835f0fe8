"""Cost of fitting soft labels by expansion, against ordinary fitting on the same rows.

The expansion has one row per sample and class. It is the reference that the students' own
fitters are compared with. Only the ratios are meaningful: both sides are measured
in turn on the same machine, each time in a fresh process with one thread.
"""

from argparse import ArgumentParser
from pathlib import Path

import numpy as np
from _measure import compare, print_table, write_json
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

from skdistill import SoftLabels
from skdistill.datasets import make_gaussian_classes
from skdistill.students import fit_by_expansion

STUDENTS = (
    LogisticRegression(max_iter=100),
    DecisionTreeClassifier(max_depth=10),
    GaussianNB(),
    RandomForestClassifier(n_estimators=10, max_depth=10, n_jobs=1),
)
N_CLASSES = (10, 50, 100)
N_FEATURES = 20
# Close enough together that even 10 classes are soft: the likeliest has about 0.7 on average.
CLASS_SEP = 0.5
WARM_UP_ROWS = 200
RESULTS = Path(__file__).parent / "results" / "bench_expansion.json"


def main():
    """Measure every student for every number of classes, print the table and write it."""
    options = parse_options()
    records = []
    for n_classes in N_CLASSES:
        X, y, p_star = make_gaussian_classes(
            options.n_samples, N_FEATURES, n_classes, class_sep=CLASS_SEP, random_state=0
        )
        top = p_star.max(axis=1).mean()
        print(f"{n_classes} classes: mean probability of the likeliest is {top:.2f}", flush=True)
        soft_labels = SoftLabels(p_star, y=y)
        records += [compare_fits(each, X, y, soft_labels, options.repeats) for each in STUDENTS]
    exponents = {name: growth_exponent(records, name) for name in names_of(STUDENTS)}
    show(records, exponents)
    write_json(
        options.json,
        {
            "n_samples": options.n_samples,
            "n_features": N_FEATURES,
            "class_sep": CLASS_SEP,
            "repeats": options.repeats,
            "students": [repr(student) for student in STUDENTS],
            "records": records,
            "growth_exponent_of_time_ratio": exponents,
        },
    )


def parse_options():
    """Return the options of the command line."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-samples", type=int, default=5000, help="rows (default: 5000)")
    parser.add_argument("--repeats", type=int, default=3, help="of each measurement (default: 3)")
    parser.add_argument("--json", type=Path, default=RESULTS, help="where the results are written")
    return parser.parse_args()


def compare_fits(student, X, y, soft_labels, repeats):
    """Return one line of the table: a student's expansion over its ordinary fit."""

    def fit_ordinary(rows=slice(None)):
        return iterations(clone(student).fit(X[rows], y[rows]))

    def fit_expansion(rows=slice(None)):
        return iterations(fit_by_expansion(clone(student), X[rows], soft_labels.take(rows)))

    def warm_up():
        fit_ordinary(slice(WARM_UP_ROWS))
        fit_expansion(slice(WARM_UP_ROWS))

    cost = compare({"ordinary": fit_ordinary, "expansion": fit_expansion}, repeats, warm_up=warm_up)
    ordinary, expansion = cost["ordinary"], cost["expansion"]
    return {
        "student": type(student).__name__,
        "classes": len(soft_labels.classes),
        "time ratio": expansion.seconds / ordinary.seconds,
        "ordinary MB": ordinary.extra_mb,
        "expansion MB": expansion.extra_mb,
        "memory ratio": expansion.extra_mb / ordinary.extra_mb,
        # What the repeated rows of X alone must take: the memory figures can be checked by it.
        "expanded X MB": soft_labels.count_expanded_rows() * X.shape[1] * X.itemsize / 2**20,
        "ordinary n_iter": ordinary.returned,
        "expansion n_iter": expansion.returned,
    }


def iterations(fitted):
    """Return how many iterations a solver made, None for a student without one."""
    return int(np.max(fitted.n_iter_)) if hasattr(fitted, "n_iter_") else None


def growth_exponent(records, name):
    """Return b of the least-squares fit: time ratio = a · (number of classes)^b."""
    of_student = [each for each in records if each["student"] == name]
    n_classes = [each["classes"] for each in of_student]
    ratios = [each["time ratio"] for each in of_student]
    return float(np.polyfit(np.log(n_classes), np.log(ratios), 1)[0])


def names_of(students):
    """Return the class name of each student."""
    return [type(student).__name__ for student in students]


def show(records, exponents):
    """Print the table, students together, and the growth of the time ratio."""
    print("\nExpansion over ordinary fitting. MB: extra peak memory.\n")
    print_table(sorted(records, key=lambda each: list(exponents).index(each["student"])))
    print("\nThe time ratio grows with the number of classes to the power of")
    for name, exponent in exponents.items():
        print(f"  {exponent:.2f}  {name}")


if __name__ == "__main__":
    main()

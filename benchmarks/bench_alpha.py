"""The gain of each refinement of alpha="auto": test log-loss over the best of five fixed alphas.

The best fixed alpha is chosen on the test rows, which is impossible in practice. It is compared
with no teacher, with the teacher alone, with the weight of the best mixture of a student of the
labels and one of the teacher on held-out rows (two fits per fold), with that weight tried as alpha
beside 0 and 1 (a third fit per fold), and with the same for nested folds, where the teachers of a
fold have not seen the labels that it holds out (with five folds ten more teachers). The package
nests, and uses 0 if the gain is at most one standard error. Problems, teacher and students are
those of bench_variants.py; each seed draws new rows.
"""

import json
import tempfile
import warnings
from functools import partial
from pathlib import Path
from time import perf_counter

import bench_variants
import numpy as np
from _measure import FORK, options_of_draws, print_table, write_json
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from skdistill import DistilledClassifier, SoftLabels, fit_soft_labels

PROBLEMS = ("breast cancer", "digits", "digits, 20 % flipped", "late flights", "destinations")
STUDENTS = ("logistic", "tree", "forest")
FIXED = (0.0, 0.25, 0.5, 0.75, 1.0)
WEIGHTS = np.linspace(0, 1, 101)
FOLDS = StratifiedKFold(5)
ORACLE = "best of five alphas, on test rows"
# Fits of student and teacher, with five folds.
FITS = {
    ORACLE: (5, 5),
    "alpha 0": (1, 0),
    "alpha 1": (1, 5),
    "best mixture": (11, 5),
    "best mixture, tried": (16, 5),
    "nested: best mixture": (11, 15),
    "nested: best mixture, tried": (16, 15),
    'alpha="auto"': (16, 15),
}
RESULTS = Path(__file__).parent / "results" / "bench_alpha.json"


def main():
    """Run every problem and seed, print the tables and write the results."""
    options = parse_options()
    if options.show:
        return report(json.loads(options.json.read_text())["records"])
    known = bench_variants.problems(bench_variants.MLBENCH)
    runs = [(name, seed) for seed in range(options.seeds) for name in options.problems]
    records: list = []
    with FORK.Pool(options.processes) as pool:
        for of_run, seconds in pool.imap_unordered(partial(run, known), runs):
            print(f"\n{of_run[0]['problem']}, a seed: {seconds:.0f} s", flush=True)
            records += of_run
            write_json(options.json, {"records": records})
    return report(records)


def parse_options():
    """Return the options of the command line."""
    parser = options_of_draws(__doc__, RESULTS, seeds=2)
    parser.add_argument(
        "--problems", nargs="*", default=PROBLEMS, help="names as in bench_variants.py"
    )
    return parser.parse_args()


def run(known, name_and_seed):
    """Return the test log-loss of every student under every way to choose alpha, and the time."""
    with tempfile.TemporaryDirectory() as memory:
        return measure(known, *name_and_seed, memory)


def measure(known, name, seed, memory):
    """Return the test log-loss of every student under every way to choose alpha."""
    warnings.simplefilter("ignore")  # nets' epochs are chosen; "auto" may choose 0
    start = perf_counter()
    split = bench_variants.draw(known[name], seed)
    teacher = bench_variants.make_teacher(known[name], split)
    teacher = bench_variants.with_seed(teacher, seed)
    everybody = out_of_fold(teacher, split.X, split.y, split.classes)
    folds = list(FOLDS.split(split.X, split.y))
    shared = [everybody.take(train) for train, _ in folds]
    nested = [
        out_of_fold(teacher, split.X.iloc[train], split.y[train], split.classes)
        for train, _ in folds
    ]
    records = []
    for student_name in STUDENTS:
        student = bench_variants.make_students(split)[student_name]
        student = bench_variants.with_seed(student, seed)

        def test_loss(alpha, student=student):
            fitted = fit_soft_labels(student, split.X, everybody.mix_with_labels(alpha))
            return log_loss(split.y_test, fitted.predict_proba(split.X_test))

        mixture, tried = choose(student, split, folds, shared)
        nested_mixture, nested_tried = choose(student, split, folds, nested)
        model = DistilledClassifier(
            teacher, student, cv=FOLDS, classes=split.classes, memory=memory
        ).fit(split.X, split.y)
        fixed = {alpha: test_loss(alpha) for alpha in FIXED}
        best = min(fixed, key=fixed.__getitem__)
        chosen = dict(
            zip(
                FITS,
                (best, 0.0, 1.0, mixture, tried, nested_mixture, nested_tried, model.alpha_),
                strict=True,
            )
        )
        for way, alpha in chosen.items():
            loss = fixed[alpha] if alpha in fixed else test_loss(alpha)
            records.append(
                {"problem": name, "seed": seed, "student": student_name, "way": way,
                 "alpha": alpha, "loss": loss, "excess": loss / fixed[best] - 1}
            )  # fmt: skip
    return records, perf_counter() - start


def out_of_fold(teacher, X, y, classes):
    """Return the teacher's soft labels, each from a teacher that did not see the row."""
    return SoftLabels(cross_val_predict(teacher, X, y, cv=FOLDS, method="predict_proba"),
                      classes, y=y)  # fmt: skip


def choose(student, split, folds, soft_labels):
    """Return the weight of the best mixture, and the best of 0, 1 and that weight as alpha."""

    def held_out(alpha):
        """Return the probability of the true label of each held-out row."""
        p_true = []
        for (train, test), labels in zip(folds, soft_labels, strict=True):
            fitted = fit_soft_labels(student, split.X.iloc[train], labels.mix_with_labels(alpha))
            proba = fitted.predict_proba(split.X.iloc[test])
            columns = np.searchsorted(split.classes, split.y[test])
            p_true.append(proba[np.arange(len(test)), columns])
        return np.concatenate(p_true)

    def loss(p):
        return -np.mean(np.log(np.maximum(p, np.finfo(float).eps)))

    by_labels, by_teacher = held_out(0.0), held_out(1.0)
    losses = [loss((1 - weight) * by_labels + weight * by_teacher) for weight in WEIGHTS]
    mixture = float(WEIGHTS[np.argmin(losses)])
    tried = {0.0: losses[0], 1.0: losses[-1]}
    if mixture not in tried:
        tried[mixture] = loss(held_out(mixture))
    return mixture, min(tried, key=tried.__getitem__)


# The tables.


def report(records):
    """Print the excess of every pair, then the mean over all of them."""
    pairs = sorted({(each["problem"], each["student"]) for each in records})
    lines = []
    for problem, student in pairs:
        line: dict = {"problem": problem, "student": student}
        for way in FITS:
            ours = [each for each in records if (each["problem"], each["student"], each["way"])
                    == (problem, student, way)]  # fmt: skip
            mean = np.mean([each["loss" if way == ORACLE else "excess"] for each in ours])
            line[way] = f"{mean:.3f}" if way == ORACLE else f"{mean:+.1%}"
        lines.append(line)
    print()
    print_table(lines)
    print(f"\nLog-loss of the first, {ORACLE}; the others: mean excess over it.\n")
    print_table([summary(way, records, pairs) for way in FITS])
    print(
        "\nexcess: of all pairs, mean ± standard error over pairs (each a mean over seeds). Fits "
        "of student and teacher for 5 folds."
    )


def summary(way, records, pairs):
    """Return what all pairs say of one way to choose alpha."""
    of_pairs = [
        np.mean(
            [
                each["excess"]
                for each in records
                if (each["problem"], each["student"], each["way"]) == (*pair, way)
            ]
        )
        for pair in pairs
    ]
    error = np.std(of_pairs, ddof=1) / np.sqrt(len(of_pairs)) if len(of_pairs) > 1 else np.nan
    students, teachers = FITS[way]
    return {
        "alpha by": way,
        "mean excess": f"{np.mean(of_pairs):+.2%} ± {error:.2%}",
        "median": f"{np.median(of_pairs):+.2%}",
        "worst pair": f"{max(of_pairs):+.1%}",
        "student fits": students,
        "teacher fits": teachers,
    }


if __name__ == "__main__":
    main()

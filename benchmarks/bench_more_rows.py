"""The effect of sampled rows on a student: augmenters on synthetic problems and real images.

Synthetic problems: 500 rows of three classes, a forest of 50 trees as teacher, a tree of 30 leaves
as student, the squared error to the exact probabilities of 4000 rows; the features are independent,
the best case for sampling from marginals. Digits: 500 rows, a tree of 50 leaves, log-loss and
accuracy on the other rows. Each augmenter against none on the same draw, over several draws.
"""

import json
import warnings
from pathlib import Path

import numpy as np
from _measure import FORK, options_of_draws, print_table, write_json
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledClassifier
from skdistill.augmentation import MarginalAugmenter, MungeAugmenter
from skdistill.datasets import make_hidden_classes

AUGMENTERS = {
    repr(each): each
    for each in (
        None,
        MungeAugmenter(1),
        MungeAugmenter(4),
        MungeAugmenter(16),
        MungeAugmenter(4, swap_probability=0.25),
        MarginalAugmenter(4, resample_probability=0.2),
        MarginalAugmenter(4),
    )
}
TEACHER = RandomForestClassifier(50, min_samples_leaf=3)
RESULTS = Path(__file__).parent / "results" / "bench_more_rows.json"


def main():
    """Measure every draw, print the tables and write the results."""
    options = options_of_draws(__doc__, RESULTS, seeds=10).parse_args()
    if options.show:
        return report(json.loads(options.json.read_text())["records"])
    problems = ("5 features", "15 features", "digits")
    runs = [(problem, seed) for problem in problems for seed in range(options.seeds)]
    with FORK.Pool(options.processes) as pool:
        records = [each for of_run in pool.imap(run, runs) for each in of_run]
    write_json(options.json, {"records": records})
    return report(records)


def run(problem_and_seed):
    """Return the losses of one draw with every augmenter."""
    warnings.simplefilter("ignore", RuntimeWarning)
    problem, seed = problem_and_seed
    measure = on_digits if problem == "digits" else on_synthetic_problem
    return [
        {"problem": problem, "seed": seed, "augmenter": name, **measure(problem, seed, augmenter)}
        for name, augmenter in AUGMENTERS.items()
    ]


def distilled(leaves, seed, augmenter):
    """Return a tree distilled with alpha 1, with or without sampled rows, at their full weight."""
    student = DecisionTreeClassifier(max_leaf_nodes=leaves, min_samples_leaf=5)
    model = DistilledClassifier(TEACHER, student, alpha=1.0, random_state=seed)
    return (
        model if augmenter is None else model.set_params(augmenter=augmenter, unlabeled_weight=1.0)
    )


def on_synthetic_problem(problem, seed, augmenter):
    """Return the squared error to the exact probabilities."""
    n_features = int(problem.split()[0])
    X, y, p_star = make_hidden_classes(4500, n_features, 3, class_sep=4, random_state=seed)
    model = distilled(30, seed, augmenter).fit(X[:500], y[:500])
    error = ((model.predict_proba(X[500:]) - p_star[500:]) ** 2).sum(axis=1)
    return {"squared error": error.mean()}


def on_digits(problem, seed, augmenter):
    """Return the log-loss and the accuracy on the other rows."""
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, train_size=500, stratify=y, random_state=seed)
    proba = distilled(50, seed, augmenter).fit(X, y).predict_proba(X_test)
    return {
        "log-loss": log_loss(y_test, proba),
        "accuracy": accuracy_score(y_test, proba.argmax(axis=1)),
    }


# The tables.


def report(records):
    """Print each augmenter against none."""
    for problem in dict.fromkeys(each["problem"] for each in records):
        ours = [each for each in records if each["problem"] == problem]
        scores = [name for name in ours[0] if name not in ("problem", "seed", "augmenter")]
        print(f"\n{problem}")
        print_table([line(name, scores, ours) for name in AUGMENTERS])
    print(
        "\nFor none: the mean itself. Else the difference to none, mean ± standard error over the "
        "draws, and in how many of them it was better."
    )


def line(name, scores, records):
    """Return the mean scores of one augmenter over all draws."""
    shown = {"augmenter": name}
    for score in scores:
        none = values(records, "None", score)
        if name == "None":
            shown[score] = f"{none.mean():.4f}"
            continue
        change = values(records, name, score) - none
        error = change.std(ddof=1) / np.sqrt(len(change))
        better = np.count_nonzero(change > 0 if score == "accuracy" else change < 0)
        shown[score] = f"{change.mean():+.4f} ± {error:.4f}, {better} of {len(change)}"
    return shown


def values(records, name, score):
    """Return a score of each draw, in their order."""
    return np.array([each[score] for each in records if each["augmenter"] == name])


if __name__ == "__main__":
    main()

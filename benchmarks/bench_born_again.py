"""The effect of nested folds in BornAgainClassifier, and of the number of generations.

Generation g + 1 is fitted on out-of-fold predictions of generation g. Three schemes are compared:
one set of folds for all generations (the label of a held-out row leaks through the soft labels of
its neighbours), a chain of generations per fold (used by the package), and fully nested folds (K^g
fits). The table has the log-loss of each, out of fold where it is defined, and on 4000 test rows
against their exact probabilities, over ten draws of 600 rows.
"""

import json
import warnings
from functools import partial
from pathlib import Path

import numpy as np
from _measure import FORK, options_of_draws, print_table, write_json
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import StratifiedKFold
from sklearn.tree import DecisionTreeClassifier

from skdistill import BornAgainClassifier, SoftLabels, fit_soft_labels
from skdistill.datasets import make_hidden_classes
from skdistill.metrics import soft_log_loss

N_GENERATIONS = 3
N_TRAIN = 600
FOLDS = StratifiedKFold(5)
ESTIMATORS = {
    "tree, min_samples_leaf=5": DecisionTreeClassifier(min_samples_leaf=5, random_state=0),
    "tree, pure leaves": DecisionTreeClassifier(random_state=0),
    "tree, max_depth=4": DecisionTreeClassifier(max_depth=4, random_state=0),
    "10 extremely random trees": ExtraTreesClassifier(10, random_state=0),
}
RESULTS = Path(__file__).parent / "results" / "bench_born_again.json"


def main():
    """Measure every draw, print the table and write the results."""
    options = options_of_draws(__doc__, RESULTS, seeds=10).parse_args()
    if options.show:
        return report(json.loads(options.json.read_text())["records"])
    runs = [(name, seed) for name in ESTIMATORS for seed in range(options.seeds)]
    with FORK.Pool(options.processes) as pool:
        records = [each for of_run in pool.imap(run, runs) for each in of_run]
    write_json(options.json, {"records": records})
    return report(records)


def run(name_and_seed):
    """Return the losses of every scheme, by generation, for one draw."""
    warnings.simplefilter("ignore")  # of generations without an improvement
    name, seed = name_and_seed
    estimator = ESTIMATORS[name]
    X, y, p_star = make_hidden_classes(N_TRAIN + 4000, 5, 3, random_state=seed)
    train, test = np.split(np.arange(len(y)), [N_TRAIN])

    def on_test(targets):
        fitted = fit_soft_labels(estimator, X[train], targets)
        return soft_log_loss(p_star[test], fitted.predict_proba(X[test]))

    one_set = one_set_of_folds(estimator, X[train], y[train])
    schemes = {
        "one set of folds, out of fold": [loss for _, loss in one_set],
        "one set of folds, test": [on_test(targets) for targets, _ in one_set],
        "a chain per fold, out of fold": chain_losses(estimator, X[train], y[train]),
        "a chain per fold, test": [
            soft_log_loss(p_star[test], each.predict_proba(X[test]))
            for each in generations(estimator, X[train], y[train])
        ],
        "fully nested, test": [
            on_test(fully_nested(estimator, X[train], y[train], generation))
            for generation in range(N_GENERATIONS + 1)
        ],
    }
    return [
        {"estimator": name, "seed": seed, "scheme": scheme, "generation": generation, "loss": loss}
        for scheme, losses in schemes.items()
        for generation, loss in enumerate(losses)
    ]


# The three schemes.


def one_set_of_folds(estimator, X, y):
    """Return the targets of each generation, and its log-loss out of the same folds."""
    targets, results = SoftLabels.from_labels(y, np.unique(y)), []
    for _ in range(N_GENERATIONS + 1):
        proba = out_of_fold(estimator, X, y, targets.take)
        results.append((targets, soft_log_loss(y, proba)))
        targets = SoftLabels(proba)
    return results


def fully_nested(estimator, X, y, generation):
    """Return the targets of a generation if all previous ones are fitted on its rows alone."""
    if generation == 0:
        return SoftLabels.from_labels(y, np.arange(3))
    nested = partial(fully_nested, estimator, generation=generation - 1)
    return SoftLabels(out_of_fold(estimator, X, y, lambda rows: nested(X[rows], y[rows])))


def out_of_fold(estimator, X, y, targets_of):
    """Return the probabilities of rows by estimators fitted on targets of the other rows."""
    proba = np.zeros((len(y), 3))
    for train, test in FOLDS.split(X, y):
        fitted = fit_soft_labels(estimator, X[train], targets_of(train))
        proba[test] = fitted.predict_proba(X[test])
    return proba


def chain_losses(estimator, X, y):
    """Return the out-of-fold log-loss of each generation of BornAgainClassifier."""
    scores = BornAgainClassifier(estimator, n_generations=N_GENERATIONS, cv=FOLDS).fit(X, y)
    return [each["log_loss"] for each in scores.generation_scores_]


def generations(estimator, X, y):
    """Yield the student of each generation that BornAgainClassifier keeps."""
    for n_generations in range(N_GENERATIONS + 1):
        if n_generations == 0:
            yield fit_soft_labels(estimator, X, SoftLabels.from_labels(y, np.arange(3)))
            continue
        model = BornAgainClassifier(estimator, n_generations=n_generations, cv=FOLDS).fit(X, y)
        if model.n_generations_ < n_generations:
            return
        yield model


# The table.


def report(records):
    """Print mean and standard error over draws of each scheme, by generation."""
    lines: dict = {}
    for each in records:
        by_generation = lines.setdefault((each["estimator"], each["scheme"]), {})
        by_generation.setdefault(each["generation"], []).append(each["loss"])
    print()
    print_table(
        [
            {"estimator": estimator, "log-loss": scheme}
            | {f"generation {g}": shown(losses.get(g, [])) for g in range(N_GENERATIONS + 1)}
            for (estimator, scheme), losses in lines.items()
        ]
    )
    print(
        "\nMean ± standard error over the draws in which a generation was fitted (their number in "
        "brackets: the package stops where the loss out of fold no longer falls)."
    )


def shown(losses):
    """Return mean, standard error and number of draws as text."""
    if len(losses) < 2:
        return "" if not losses else f"{losses[0]:.2f} (1)"
    error = np.std(losses, ddof=1) / np.sqrt(len(losses))
    return f"{np.mean(losses):.2f} ± {error:.2f} ({len(losses)})"


if __name__ == "__main__":
    main()

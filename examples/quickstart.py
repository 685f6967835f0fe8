"""Distil a large teacher into two small students on handwritten digits.

One training row in four has a label. The teacher, a soft vote of a forest and a support vector
machine, is fitted to the labelled rows. The students are a small decision tree and a logistic
regression. Each is trained

- on the 300 labelled rows: on their true labels, and distilled;
- on these and the 900 rows without a label: on hard labels (the true one, or the teacher's first
  choice where there is none), and distilled.

Digits have clean labels, so the errors of the teacher contradict correct labels: with alpha 1,
the teacher alone, distilling may lose. The default chooses alpha from the training rows. Wins and
losses are counted over all splits, seeds 0, 1, 2, ...

Run it with ``python examples/quickstart.py``; it needs scikit-learn, matplotlib and skdistill.
"""

import argparse
import tempfile
import warnings
from collections import defaultdict

import numpy as np
from _report import draw, measure, print_table, print_tally, print_teacher_scores
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.ensemble import ExtraTreesClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledClassifier

teacher = VotingClassifier(
    [
        ("forest", ExtraTreesClassifier(n_estimators=50, random_state=0)),
        ("svm", CalibratedClassifierCV(SVC(C=10), ensemble=False, cv=3)),
    ],
    voting="soft",
)
students = {
    "tree": DecisionTreeClassifier(max_leaf_nodes=50, random_state=0),
    "logistic": LogisticRegression(C=10, max_iter=1000),
}
DISTILLED = {"auto": "distilled", 1.0: "alpha 1"}


def split(X, y, seed):
    """Return 300 rows with labels, 900 whose labels are hidden, and 597 test rows."""
    X_train, X_rest, y_train, y_rest = train_test_split(
        X, y, train_size=300, stratify=y, random_state=seed
    )
    X_unlabeled, X_test, _, y_test = train_test_split(
        X_rest, y_rest, train_size=900, stratify=y_rest, random_state=seed
    )
    return X_train, y_train, X_unlabeled, X_test, y_test


def distil(student, alpha, memory, X, y, X_unlabeled=None):
    """Return a distilled student.

    The vote is under-confident: the temperature "auto" corrects that. All students of a split use
    the same cached teacher predictions.
    """
    model = DistilledClassifier(
        teacher, student, alpha=alpha, teacher_temperature="auto", memory=memory
    )
    return model.fit(X, y, X_unlabeled=X_unlabeled)


def run_split(X, y, seed, memory):
    """Return the test scores of each model on one split."""
    X_train, y_train, X_unlabeled, X_test, y_test = split(X, y, seed)
    fitted_teacher = clone(teacher).fit(X_train, y_train)
    models = {("teacher", "forest + svm"): fitted_teacher}
    X_all = np.vstack([X_train, X_unlabeled])
    y_all = np.concatenate([y_train, fitted_teacher.predict(X_unlabeled)])
    for name, student in students.items():
        models[name, "true labels"] = clone(student).fit(X_train, y_train)
        models[name, "hard labels + 900 rows"] = clone(student).fit(X_all, y_all)
        for alpha in ("auto", 1.0):
            shown = DISTILLED[alpha]
            more = distil(student, alpha, memory, X_train, y_train, X_unlabeled)
            same = distil(student, alpha, memory, X_train, y_train)
            # student_ is what would be deployed: a plain scikit-learn object.
            models[name, shown] = same.student_
            models[name, f"{shown} + 900 rows"] = more.student_
    if seed == 0:
        print_teacher_scores(same)

    teacher_proba = fitted_teacher.predict_proba(X_test)
    return {name: measure(model, X_test, y_test, teacher_proba) for name, model in models.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--splits", type=int, default=10, help="train/test splits (at least 2)")
    parser.add_argument("--picture", default="output/quickstart.png", help="where to draw")
    arguments = parser.parse_args()

    X, y = load_digits(return_X_y=True)
    X /= 16  # pixels in [0, 1]
    results = defaultdict(list)
    warnings.filterwarnings("ignore", message="alpha=.auto. chose 0")  # shown in the table
    with tempfile.TemporaryDirectory() as memory:
        for seed in range(arguments.splits):
            for name, scores in run_split(X, y, seed, memory).items():
                results[name].append(scores)

    print_table(results)
    columns = ["accuracy", "log-loss"]
    more = [f"{shown} + 900 rows" for shown in DISTILLED.values()]
    print_tally(results, columns, [*DISTILLED.values(), *more], baseline="true labels")
    print_tally(results, columns, more, baseline="hard labels + 900 rows")
    draw(
        results,
        columns,
        arguments.picture,
        title="Digits, 300 labelled rows",
        baseline="true labels",
        log_scale=["log-loss"],
    )


if __name__ == "__main__":
    main()

"""Distil a large teacher into two small students on handwritten digits.

One training row in four has a label. The teacher, a forest and a support vector machine that
vote, learns from the labelled rows. The students are a small decision tree and a logistic
regression: each is trained on the true labels, then on the teacher's soft labels for the same
rows, then on those and on soft labels for the rows that have no true label.

Digits have clean labels, so a teacher that errs contradicts labels that were right: expect
distilling on the same rows to lose some of the comparisons. They are printed as they come.

Run it with ``python examples/quickstart.py``; it needs scikit-learn, matplotlib and skdistill.
"""

import argparse
from collections import defaultdict

from _report import LABELS, draw, measure, print_table, print_tally
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.ensemble import ExtraTreesClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledClassifier

N_LABELED, N_UNLABELED = 300, 900  # the other 597 rows are for testing

teacher = VotingClassifier(
    [
        ("forest", ExtraTreesClassifier(n_estimators=100, random_state=0)),
        ("svm", CalibratedClassifierCV(SVC(C=10), ensemble=False)),
    ],
    voting="soft",
)
students = {
    "tree": DecisionTreeClassifier(max_leaf_nodes=50, random_state=0),
    "logistic": LogisticRegression(C=10, max_iter=1000),
}


def split(X, y, seed):
    """Return rows with labels, rows whose labels are hidden, and test rows."""
    X_train, X_rest, y_train, y_rest = train_test_split(
        X, y, train_size=N_LABELED, stratify=y, random_state=seed
    )
    X_unlabeled, X_test, _, y_test = train_test_split(
        X_rest, y_rest, train_size=N_UNLABELED, stratify=y_rest, random_state=seed
    )
    return X_train, y_train, X_unlabeled, X_test, y_test


def distil(student, alpha, X, y, X_unlabeled=None):
    """Return a distilled student.

    A forest is less sure of itself than it should be: the temperature "auto" corrects that.
    """
    model = DistilledClassifier(teacher, student, alpha=alpha, teacher_temperature="auto")
    return model.fit(X, y, X_unlabeled=X_unlabeled)


def run_split(X, y, seed):
    """Yield the name and the test scores of each model on one split."""
    X_train, y_train, X_unlabeled, X_test, y_test = split(X, y, seed)
    fitted_teacher = clone(teacher).fit(X_train, y_train)
    teacher_proba = fitted_teacher.predict_proba(X_test)
    yield ("teacher", "forest + svm"), measure(fitted_teacher, X_test, y_test, teacher_proba)

    for name, student in students.items():
        variants = {
            LABELS: clone(student).fit(X_train, y_train),
            "alpha 0.5": distil(student, 0.5, X_train, y_train).student_,
            "alpha 1": distil(student, 1.0, X_train, y_train).student_,
            f"alpha 1 + {N_UNLABELED} rows": distil(
                student, 1.0, X_train, y_train, X_unlabeled
            ).student_,
        }
        for variant, model in variants.items():
            yield (name, variant), measure(model, X_test, y_test, teacher_proba)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--splits", type=int, default=10, help="train/test splits (seeds 0, 1, …)")
    parser.add_argument("--picture", default="output/quickstart.png", help="where to draw")
    arguments = parser.parse_args()

    X, y = load_digits(return_X_y=True)
    X /= 16  # pixels in [0, 1]
    results = defaultdict(list)
    for seed in range(arguments.splits):
        for name, scores in run_split(X, y, seed):
            results[name].append(scores)

    print_table(results)
    print_tally(results, ["accuracy", "log-loss"])
    draw(
        results,
        ["accuracy", "log-loss"],
        arguments.picture,
        title=f"Digits: {N_LABELED} labelled rows, {arguments.splits} splits (large: their mean)",
        log_scale=["log-loss"],
    )


if __name__ == "__main__":
    main()

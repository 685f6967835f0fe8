"""Distil for new persons: groups in the folds, and intervals over persons.

Sensors measure sixty persons thirty times each, during four activities. Every person moves in a
different manner, so that rows of one person are similar. A forest is distilled into a small tree,
for new persons. Three results show why folds and intervals must be over persons, not over rows:

- the teacher's accuracy out of fold, with folds of rows, with folds of persons, and on new
  persons;
- the gain from distilling on new persons, with an interval over rows and one over persons;
- for each activity, the mean prediction and the observed rate.

Run it with ``python examples/persons.py``; it needs scikit-learn and skdistill.
"""

import argparse

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledClassifier
from skdistill.inspection import distillation_report

ACTIVITIES = np.array(["sitting", "stairs", "standing", "walking"])
FREQUENCY = np.array([0.4, 0.1, 0.2, 0.3])

teacher = RandomForestClassifier(60, min_samples_leaf=3, random_state=0)
student = DecisionTreeClassifier(max_depth=6, random_state=0)


def draw_persons(n_persons, n_rows, rng):
    """Return measurements in random order, their activities and their persons."""
    centre = np.random.default_rng(1).normal(size=(4, 8))
    manner = rng.normal(size=(n_persons, 4, 8))
    person = rng.permutation(np.repeat(np.arange(n_persons), n_rows))
    activity = rng.choice(4, size=len(person), p=FREQUENCY)
    noise = 0.5 * rng.normal(size=(len(person), 8))
    X = centre[activity] + 1.2 * manner[person, activity] + noise
    return X, ACTIVITIES[activity], person


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--persons", type=int, default=60, help="a third of them are new")
    arguments = parser.parse_args()
    X, y, person = draw_persons(arguments.persons, 30, np.random.default_rng(0))
    in_train = person < arguments.persons * 2 // 3
    X_train, y_train, groups = X[in_train], y[in_train], person[in_train]
    X_test, y_test, new_persons = X[~in_train], y[~in_train], person[~in_train]

    by_rows = DistilledClassifier(teacher, student, alpha=1.0, random_state=0)
    by_rows.fit(X_train, y_train)
    # Five folds of whole persons; the standard error behind alpha="auto" is over persons, too.
    distilled = DistilledClassifier(teacher, student, random_state=0)
    distilled.fit(X_train, y_train, groups=groups)
    fitted_teacher = clone(teacher).fit(X_train, y_train)
    print("accuracy of the teacher")
    print(f"  folds of rows      {by_rows.teacher_scores_['raw']['accuracy']:.3f}")
    print(f"  folds of persons   {distilled.teacher_scores_['raw']['accuracy']:.3f}")
    print(f"  new persons        {fitted_teacher.score(X_test, y_test):.3f}")

    print(f"\nwhat distilling gains on new persons (alpha {distilled.alpha_:.2f})")
    models = fitted_teacher, clone(student).fit(X_train, y_train), distilled
    for name, of_rows in (("rows", None), ("persons", new_persons)):
        report = distillation_report(*models, X_test, y_test, groups=of_rows, random_state=0)
        gains = (
            f"{measure} {gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"
            for measure, gain in report.gain.items()
        )
        print(f"  over {name:8} {'  '.join(gains)}")

    print(f"\n{'':10}  {'mean prediction':>15}  {'observed rate':>13}")
    proba = distilled.predict_proba(X_test)
    for column, activity in enumerate(distilled.classes_):
        print(
            f"{activity:10}  {proba[:, column].mean():15.3f}  {(y_test == activity).mean():13.3f}"
        )


if __name__ == "__main__":
    main()

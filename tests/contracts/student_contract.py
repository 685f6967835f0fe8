"""The contract for students: each case ends as right, or as refused before anything is fitted.

"Fails alone" is what scikit-learn cannot fit to such rows and plain labels either.
"""

import re
import traceback
import warnings
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path

import numpy as np
from contracts.student_definitions import (
    fits_by_hand,
    inner_estimators,
    mean_accuracies,
    splits_copies,
    takes_weights,
    targets_of,
)
from sklearn.base import clone, is_regressor
from sklearn.pipeline import Pipeline

import skdistill
from skdistill import DistilledClassifier, SoftLabels, fit_soft_labels

PACKAGE = Path(skdistill.__file__).parent
# Some message must say what to do: one of these words begins the remedy.
REMEDY = re.compile(
    r"\b([Uu]se|[Ss]et|[Gg]ive|[Tt]ake|[Ww]rap|[Ll]et|does the same job|calibrate)\b"
)
# Predictions are compared on unseen rows, too.
X_UNSEEN = np.random.default_rng(1).uniform(0, 3, size=(40, 2))
TOLERANCE = 1e-6
# Solvers and float32 of the boosters end within so much of each other.
TOLERANCES = {
    "CatBoostClassifier": 1e-5,
    "LGBMClassifier": 1e-5,
    "LinearDiscriminantAnalysis": 1e-3,  # by hand its weights are rounded
    "LogisticRegression": 1e-3,
    "QuadraticDiscriminantAnalysis": 1e-3,  # by hand its weights are rounded
    "XGBClassifier": 1e-5,
}


# A looser check than equal predictions, and why. Bootstraps, bagging and mini-batches of the
# expansion need none: with the same seed they draw the same.
MEAN_ACCURACY = {
    "Perceptron": (
        0.15,
        "without a margin its last steps decide, and another order is another end",
    ),
    "SGDClassifier": (0.05, "chunks of rows in another order are other steps"),
}


# Why a student of scikit-learn may be refused as it is.
NO_WEIGHTS = "its fit takes no sample_weight"
SPLITS = "it splits the rows that it is fitted on"
COLUMNS_OF_TARGET = "it takes no target of so many columns"
REASONS = (NO_WEIGHTS, SPLITS, COLUMNS_OF_TARGET)


@dataclass(frozen=True)
class Outcome:
    """How a case ended."""

    kind: str  # "right", "refused", "fails alone" or "fault"
    detail: str = ""


def run(case):
    """Return how a case ends."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        student, problem = case.make(), case.problem
        model = DistilledClassifier(
            case.teacher(), student, alpha=1.0, teacher_temperature=1.0, cv=2
        )
        with counted_fits(model.teacher, student) as fits:
            try:
                model.fit(problem.X, problem.y, problem.weight)
            except Exception as error:
                return outcome_of_error(error, student, problem, fits[0])
        return outcome_of_fit(model, student, problem)


def reason_to_refuse(case):
    """Return why a student cannot learn from probabilities, by what scikit-learn itself shows.

    None where nothing stands against it.
    """
    student, problem = case.make(), case.problem
    needs_weights = case.weighted or not is_regressor(student)
    if needs_weights and not takes_weights(student):
        return NO_WEIGHTS
    if not is_regressor(student):
        return SPLITS if splits_copies(student) else None
    return None if fits_by_hand(student, problem) else COLUMNS_OF_TARGET


def outcome_of_error(error, student, problem, n_fits):
    """Return whether an error is a refusal that helps, or what scikit-learn says too."""
    if isinstance(error, (TypeError, ValueError)) and is_ours(error):
        classes = [type(each).__name__ for each in estimators_of(student)]
        if not any(name in str(error) for name in classes):
            return Outcome("fault", f"refused without a name: {error}")
        if not REMEDY.search(str(error)):
            return Outcome("fault", f"refused without a remedy: {error}")
        if n_fits == 0:
            return Outcome("refused", str(error))
    if fails_alone(student, problem) or (not is_ours(error) and fails_by_hand(student, problem)):
        return Outcome("fails alone", str(error))
    late = f"refused after {n_fits} fits" if is_ours(error) else type(error).__name__
    return Outcome("fault", f"{late}: {error}")


def outcome_of_fit(model, student, problem):
    """Return whether a fitted model predicts as a student that was fitted by hand."""
    if type(model.student_) is not type(student):
        return Outcome("fault", f"student_ is a {type(model.student_).__name__}")
    last = student[-1] if isinstance(student, Pipeline) else student
    if type(last).__name__ in MEAN_ACCURACY:
        return outcome_of_descent(student, last, problem)
    expected = fits_by_hand(student, problem)
    if not expected and fails_alone(student, problem):
        return Outcome("fails alone", "its class weights, or its predictions")
    if not expected:
        return Outcome("fault", "it is fitted, where no weights arrive or copies are split")
    try:
        differences = [difference(model, each, problem) for each in expected]
    except Exception as error:  # whatever a library raises
        if fails_alone(student, problem):
            return Outcome("fails alone", f"its predictions: {error}")
        return Outcome("fault", f"it does not predict: {type(error).__name__}: {error}")
    if None in differences:
        return Outcome("right")
    return Outcome("fault", f"it differs: {differences[0]}")


def outcome_of_descent(student, last, problem):
    """Return whether a student learns as well as by hand, in the mean over seeds."""
    X = problem.X
    if student is not last:
        X = clone(student[:-1]).fit(X, problem.y).transform(X)
    soft_labels = SoftLabels(problem.proba, problem.classes, sample_weight=problem.weight)

    def fit(student):
        return fit_soft_labels(student, X, soft_labels)

    ours, by_hand, error = mean_accuracies(last, X, problem, fit)
    tolerance, _ = MEAN_ACCURACY[type(last).__name__]
    if ours >= by_hand - max(tolerance, 3 * error):
        return Outcome("right")
    return Outcome("fault", f"its mean accuracy is {ours:.3g}, and by hand {by_hand:.3g}")


def difference(model, expected, problem):
    """Return in what a model's predictions differ from those of a fit by hand; None in nothing."""
    X = np.vstack([problem.X, X_UNSEEN])
    names = {type(each).__name__ for each in estimators_of(model.student)}
    names |= {type(getattr(model.student_, "final_estimator_", None)).__name__}  # a default, too
    atol = max([TOLERANCE, *(TOLERANCES[name] for name in names & TOLERANCES.keys())])
    order = np.argsort(getattr(expected, "classes_", problem.classes))
    scores = None
    for method in ("decision_function", "predict_proba"):
        if not hasattr(expected, method):
            continue
        if not hasattr(model, method):
            return f"it has no {method}"
        scores = np.asarray(getattr(expected, method)(X))
        flip = scores.ndim == 1 and order[0] == 1  # the second class is the first of the sorted
        scores = (-scores if flip else scores) if scores.ndim == 1 else scores[:, order]
        found = getattr(model, method)(X)
        if found.shape != scores.shape:
            return f"{method} has the shape {found.shape}, not {scores.shape}"
        gap = np.abs(found - scores).max()
        if not gap <= atol * max(1, np.abs(scores).max()):
            return f"{method} by {gap:.3g}"
    if not hasattr(expected, "predict"):
        return None
    same = model.predict(X) == np.ravel(expected.predict(X))
    if scores is not None:  # either of two equals may be predicted
        ranked = np.sort(np.column_stack([-scores, scores]) if scores.ndim == 1 else scores)
        same |= ranked[:, -1] - ranked[:, -2] <= 2 * atol
    return None if same.all() else f"{np.count_nonzero(~same)} of {len(X)} labels"


def is_ours(error):
    """Return whether an error was raised by skdistill, and not by what it called."""
    last = traceback.extract_tb(error.__traceback__)[-1].filename
    return PACKAGE in Path(last).parents


def fails_alone(student, problem):
    """Return whether scikit-learn cannot fit a student to such rows and plain labels either."""
    targets = targets_of(problem) if is_regressor(student) else [problem.y]
    for target in targets:
        try:
            fitted = clone(student).fit(problem.X, target)
            for method in ("predict", "predict_proba", "decision_function"):
                if hasattr(fitted, method):
                    getattr(fitted, method)(problem.X)
        except Exception:  # whatever a library raises
            continue
        return False
    return True


def fails_by_hand(student, problem):
    """Return whether scikit-learn cannot fit a student, for which all holds, to the copies."""
    if splits_copies(student) or not takes_weights(student):
        return False
    return not fits_by_hand(student, problem)


def estimators_of(student):
    """Return a student and all that is inside it."""
    inside = [each for inner in inner_estimators(student) for each in estimators_of(inner)]
    return [student, *inside]


@contextmanager
def counted_fits(*estimators):
    """Count how often estimators of these classes, and of those inside, are fitted."""
    count = [0]
    classes = {type(each) for one in estimators for each in estimators_of(one)}
    owners = {
        (next(base for base in cls.__mro__ if name in vars(base)), name)
        for cls in classes
        for name in ("fit", "partial_fit")
        if hasattr(cls, name)
    }
    originals = {owner: vars(owner[0])[owner[1]] for owner in owners}

    def counting(method):
        @wraps(method)
        def counted(*args, **kwargs):
            count[0] += 1
            return method(*args, **kwargs)

        return counted

    try:
        for (cls, name), method in originals.items():
            if not hasattr(method, "__get__") or not callable(method):
                continue  # offered by a condition only
            setattr(cls, name, counting(method))
        yield count
    finally:
        for (cls, name), method in originals.items():
            setattr(cls, name, method)


def table(outcomes):
    """Return the counts by meta-estimator as text: cases, right, refused, failing alone, faults."""
    kinds = ("right", "refused", "fails alone", "fault")
    counts = {}
    for case, outcome in outcomes.items():
        where = " of ".join(maker.name for maker in case.around) or "alone"
        counts.setdefault(where, Counter()).update([outcome.kind])
    total = sum(counts.values(), Counter())
    lines = [f"{'':58}{'cases':>8}" + "".join(f"{kind:>13}" for kind in kinds)]
    for where, each in [*sorted(counts.items()), ("all", total)]:
        numbers = "".join(f"{each[kind]:13}" for kind in kinds)
        lines.append(f"{where:58}{sum(each.values()):8}{numbers}")
    return "\n".join(lines)

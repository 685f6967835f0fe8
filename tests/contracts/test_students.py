"""Each student, alone and in each meta-estimator, is correct or rejected before any fit.

`make test` runs a cover of all pairs of student, meta-estimator and settings of the data; every
combination is marked slow.
"""

from functools import cache
from itertools import product

import numpy as np
import pytest
from contracts.sklearn_estimators import leaves, meta_estimators
from contracts.student_cases import (
    Case,
    TrueProbaTeacher,
    cases_of,
    deeper_pairs,
    package_of,
    pairs,
    pairwise_cover,
    students,
)
from contracts.student_contract import (
    REASONS,
    counted_fits,
    reason_to_refuse,
    run,
    table,
)
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdistill.students._capabilities import DataSummary
from skdistill.students._registry import FITTERS, check_student

AROUND = ["alone", *(meta.name for meta in meta_estimators())]


def outermost(around):
    return around[0].name if around else "alone"


@cache
def cover():
    """Return the cases of `make test` by what stands around the student."""
    by_name = {name: [] for name in AROUND}
    for case in pairwise_cover(pairs()):
        by_name[outermost(case.around)].append(case)
    return by_name


def check(cases):
    """Print how cases end, and fail with those that end in another way than they should."""
    outcomes = {case: run(case) for case in cases}
    print(table(outcomes))
    faults = [
        f"{case.name}: {outcome.detail}"
        for case, outcome in outcomes.items()
        if outcome.kind == "fault"
    ]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("around", AROUND)
def test_a_pairwise_cover_is_right_or_refused(around):
    check(cover()[around])


@pytest.mark.slow
@pytest.mark.parametrize("around", AROUND)
def test_every_case_is_right_or_refused(around):
    check([case for pair in pairs() if outermost(pair[1]) == around for case in cases_of(*pair)])


@pytest.mark.slow
@pytest.mark.parametrize("around", AROUND[1:])
def test_meta_estimators_in_each_other_are_right_or_refused(around):
    check(pairwise_cover([pair for pair in deeper_pairs() if outermost(pair[1]) == around]))


def test_every_listed_reason_for_refusing_students_occurs():
    """A student counts if it is refused in some case, as it is: not inside another estimator."""
    reasons = {}
    for student in students():
        if student.cls.__module__.startswith("sklearn."):
            for case in filter(is_refused, alone(student)):
                reasons.setdefault(student.name, set()).add(reason_to_refuse(case))
    for why in REASONS:
        names = sorted(name for name, each in reasons.items() if why in each)
        print(f"{len(names)} are refused in some case because {why}: {', '.join(names)}")
    print(f"{len(reasons)} students of scikit-learn in all")
    assert set().union(*reasons.values()) == set(REASONS), reasons


def alone(student):
    """Return cases of two and three classes, with and without weights."""
    data = product((False, True), (2, 3))
    return [Case(student, (), "text", weighted, "none", n_classes) for weighted, n_classes in data]


def is_refused(case):
    """Return whether a student is refused before anything is fitted."""
    try:
        check_student(case.make(), DataSummary(case.n_classes, len(case.problem.X), case.weighted))
    except (TypeError, ValueError):
        return True
    return False


def test_every_registered_student_is_a_case():
    everyone = {maker.cls for maker in [*students(), *meta_estimators()]}
    own_files = {cls for cls in FITTERS if package_of(cls) in ("interpret", "skorch", "skdistill")}
    assert set(FITTERS) <= everyone | own_files
    packages = {"xgboost", "lightgbm", "catboost", "interpret", "skorch"}
    assert set(FITTERS.optional_packages) == packages


def test_the_cover_shows_every_two_settings():
    cases = [case for some in cover().values() for case in some]
    assert {(case.student, case.around) for case in cases} == set(pairs())
    everything = [case for pair in pairs() for case in cases_of(*pair)]
    for field in ("labels", "weighted", "class_weight", "n_classes"):

        def settings(cases, field=field):
            return {(outermost(case.around), getattr(case, field)) for case in cases}

        assert settings(cases) == settings(everything)


def test_fits_are_counted_inside_too():
    inner, X, y = LogisticRegression(), np.arange(4.0)[:, None], [0, 1, 0, 1]
    with counted_fits(TrueProbaTeacher((0, 1)), make_pipeline(StandardScaler(), inner)) as count:
        make_pipeline(StandardScaler(), inner).fit(X, y)
        KNeighborsClassifier(1).fit(X, y)
        TrueProbaTeacher((0, 1)).fit(X, y)
    inner.fit(X, y)
    assert count[0] == 5  # the Pipeline, its two steps (the scaler by partial_fit), the teacher


def test_leaves_and_meta_estimators_are_all_of_scikit_learn():
    names = {maker.cls.__name__ for maker in [*leaves("classifier"), *leaves("regressor")]}
    assert {"LogisticRegression", "SVC", "Ridge", "HistGradientBoostingRegressor"} <= names
    assert {"Pipeline", "GridSearchCV", "RFE", "RegressorChain"} < set(AROUND)

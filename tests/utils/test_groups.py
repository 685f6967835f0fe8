"""All functions that take groups use the same rules for folds, errors and intervals."""

from inspect import Parameter, isclass, signature

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegressionCV, Ridge
from sklearn.metrics import get_scorer
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    StratifiedGroupKFold,
    StratifiedKFold,
    cross_val_predict,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import skdistill
from skdistill import (
    BornAgainClassifier,
    DistilledBipartiteRanker,
    DistilledClassifier,
    DistilledMulticlassRetriever,
    DistilledRegressor,
    SoftLabels,
    fit_soft_labels,
    inspection,
)
from skdistill._base._alpha_selection import standard_error
from skdistill._utils._groups import MIN_GROUPS_FOR_INTERVAL, group_codes, make_folds
from skdistill.datasets import make_gaussian_classes
from skdistill.inspection import (
    bias_variance,
    compare_students,
    compare_teachers,
    distillation_report,
)

pytestmark = pytest.mark.filterwarnings(
    'ignore:alpha="auto" chose 0', "ignore:Self-distillation did not help"
)
TREE = DecisionTreeClassifier(max_depth=3, random_state=0)


class Counted(GaussianNB):
    """A teacher, or a student, that counts the fits of all like it."""

    n_fits = 0

    def fit(self, X, y, sample_weight=None):
        type(self).n_fits += 1
        return super().fit(X, y, sample_weight)


class CountedNumbers(Ridge):
    """The same for a continuous target; it counts with the others."""

    def fit(self, X, y, sample_weight=None):
        Counted.n_fits += 1
        return super().fit(X, y, sample_weight)


@pytest.fixture(scope="module")
def problem():
    X, y, p_star = make_gaussian_classes(120, n_features=3, n_classes=2, random_state=0)
    return X, y, p_star, np.arange(120) // 6  # twenty groups of six rows


# Everything that takes groups, each as a function of (X, y, groups, cv); None: it makes no folds.
CALLS = {
    "DistilledClassifier": lambda X, y, groups, cv: DistilledClassifier(
        Counted(), TREE, alpha=1.0, teacher_temperature=1.0, cv=cv
    ).fit(X, y, groups=groups),
    'DistilledClassifier(alpha="auto")': lambda X, y, groups, cv: DistilledClassifier(
        Counted(), TREE, cv=cv
    ).fit(X, y, groups=groups),
    "DistilledBipartiteRanker": lambda X, y, groups, cv: DistilledBipartiteRanker(
        Counted(), cv=cv
    ).fit(X, y, groups=groups),
    "DistilledMulticlassRetriever": lambda X, y, groups, cv: DistilledMulticlassRetriever(
        Counted(), k=1, cv=cv
    ).fit(X, y, groups=groups),
    "DistilledRegressor": lambda X, y, groups, cv: DistilledRegressor(
        CountedNumbers(), Ridge(), alpha=1.0, cv=cv
    ).fit(X, y, groups=groups),
    "BornAgainClassifier": lambda X, y, groups, cv: BornAgainClassifier(
        Counted(), n_generations=1, cv=cv
    ).fit(X, y, groups=groups),
    "compare_teachers": lambda X, y, groups, cv: compare_teachers(
        {"bayes": Counted()}, X, y, cv=cv, groups=groups
    ),
    "compare_students": lambda X, y, groups, cv: compare_students(
        {"tree": TREE}, Counted(), X, y, cv=cv, groups=groups, random_state=0
    ),
    "distillation_report": lambda X, y, groups, cv: distillation_report(
        *[GaussianNB().fit(X, y)] * 3, X, y, groups=groups, n_bootstrap=100
    ),
    "bias_variance": lambda X, y, groups, cv: bias_variance(
        GaussianNB().fit(X, y), FrozenEstimator(GaussianNB().fit(X, y)), X, y, groups=groups
    ),
}
WITHOUT_FOLDS = ("distillation_report", "bias_variance")
WITH_FOLDS = [name for name in CALLS if name not in WITHOUT_FOLDS]


def public_things():
    """Yield (name, class or function) of what is public in skdistill and skdistill.inspection."""
    for module in (skdistill, inspection):
        yield from ((name, getattr(module, name)) for name in module.__all__)


def takes_groups(thing):
    """Return whether a function has groups, or an estimator hands them to its splitter."""
    if isclass(thing):
        named = "cv" in signature(thing).parameters and hasattr(thing, "fit")
        kinds = {each.kind for each in signature(thing.fit).parameters.values()} if named else ()
        return Parameter.VAR_KEYWORD in kinds
    return "groups" in signature(thing).parameters


def test_all_that_takes_groups_is_under_test():
    found = {name for name, thing in public_things() if callable(thing) and takes_groups(thing)}
    assert found == {name.partition("(")[0] for name in CALLS}


def bad_groups(n_rows):
    """Return groups that are refused, and what the error says of them."""
    pd = pytest.importorskip("pandas")
    groups = np.arange(n_rows) // 6
    missing = r"groups must not be missing; 1 of \d+ entries are .*the first in row 7"
    as_object = groups.astype(object)
    return {
        "NaN": (np.where(np.arange(n_rows) == 7, np.nan, groups), missing),
        "None": ([None if row == 7 else "a" for row in range(n_rows)], missing),
        "pandas.NA": (pd.Series(as_object).mask(np.arange(n_rows) == 7).astype("Int64"), missing),
        "NaT": (pd.date_range("2020", periods=n_rows).where(np.arange(n_rows) != 7), missing),
        "category": (pd.Series(groups).where(np.arange(n_rows) != 7).astype("category"), missing),
        "masked": (np.ma.masked_array(groups, mask=np.arange(n_rows) == 7), missing),
        "two columns": (np.column_stack([groups, groups]), "one entry per row"),
        "too few": (groups[:-1], "one entry per row|inconsistent numbers of samples"),
    }


@pytest.mark.parametrize("kind", bad_groups(8))
@pytest.mark.parametrize("name", CALLS)
def test_bad_groups_are_refused_by_name_before_any_fit(problem, name, kind):
    X, y, _, _ = problem
    groups, message = bad_groups(len(y))[kind]
    Counted.n_fits = 0
    with pytest.raises(ValueError, match=message):
        CALLS[name](X, y, groups, 3)
    assert Counted.n_fits == 0


@pytest.mark.parametrize(
    "settings", [{"alpha": 0}, {"cv": "in-sample", "alpha": 0.5}, {"given": 1}]
)
@pytest.mark.filterwarnings("ignore:groups is ignored")
def test_groups_that_make_no_folds_are_looked_at_too(problem, settings):
    X, y, p_star, groups = problem
    given = {"teacher_proba": p_star} if settings.get("given") else {}
    params = {name: value for name, value in settings.items() if name != "given"}
    for cls in (DistilledClassifier, DistilledBipartiteRanker):
        model = cls(Counted(), **{"alpha": 1.0} | params)
        model.fit(X, y, groups=groups, **given)
        with pytest.raises(ValueError, match="groups must not be missing; 120 of 120"):
            model.fit(X, y, groups=np.full(len(y), np.nan), **given)


@pytest.mark.parametrize("name", WITH_FOLDS)
def test_fewer_groups_than_folds_are_refused_before_any_fit(problem, name):
    X, y, _, _ = problem
    Counted.n_fits = 0
    for cv in (5, StratifiedGroupKFold(5), GroupKFold(5)):
        with pytest.raises(ValueError, match=r"5 folds, and groups has 4 groups.*at most 4 folds"):
            CALLS[name](X, y, np.arange(len(y)) // 30, cv)
    with pytest.raises(ValueError, match=r"groups has 1 group:.*or no groups"):
        CALLS[name](X, y, np.zeros(len(y)), 3)
    assert Counted.n_fits == 0


@pytest.mark.parametrize("name", WITH_FOLDS)
def test_folds_that_part_groups_are_refused_before_any_fit(problem, name):
    X, y, _, groups = problem
    Counted.n_fits = 0
    for cv in (StratifiedKFold(3), list(KFold(3, shuffle=True, random_state=0).split(X))):
        with pytest.raises(ValueError, match=r"Fold 1 of 3 has \d+ groups on both sides, such as"):
            CALLS[name](X, y, groups, cv)
    assert Counted.n_fits == 0


@pytest.mark.parametrize("name", CALLS)
def test_groups_of_one_row_and_of_any_names_are_fine(problem, name):
    X, y, _, groups = problem
    alone = np.where(np.arange(len(y)) % 6 == 0, -groups - 1, groups)
    CALLS[name](X, y, alone, 3)
    CALLS[name](X, y, np.arange(len(y)), 3)
    CALLS[name](X, y, [("1" if each == 0 else int(each)) for each in groups], 3)


@pytest.mark.parametrize("cv", [3, None])
def test_integer_cv_means_stratified_group_folds_everywhere(problem, cv):
    X, y, _, groups = problem
    splitter = StratifiedGroupKFold(cv or 5)
    for name in ("DistilledClassifier", "DistilledBipartiteRanker", "DistilledMulticlassRetriever"):
        by_number = CALLS[name](X, y, groups, cv)
        by_splitter = CALLS[name](X, y, groups, splitter)
        assert by_number.teacher_scores_ == by_splitter.teacher_scores_
        proba = cross_val_predict(
            GaussianNB(), X, y, cv=splitter, groups=groups, method="predict_proba"
        )
        log_loss = -np.log(proba[np.arange(len(y)), y]).mean()
        assert by_number.teacher_scores_["raw"]["log_loss"] == pytest.approx(log_loss)
        ungrouped = CALLS[name](X, y, None, cv)
        assert ungrouped.teacher_scores_ != by_number.teacher_scores_
    born = [CALLS["BornAgainClassifier"](X, y, groups, each) for each in (cv, splitter)]
    assert born[0].generation_scores_ == born[1].generation_scores_
    compared = [CALLS["compare_teachers"](X, y, groups, each) for each in (cv, splitter)]
    ours, theirs = (each.to_frame()["brier"].tolist() for each in compared)
    assert ours == theirs


def test_label_sets_have_whole_groups_too(problem):
    X, y, _, groups = problem
    Y = np.column_stack([y, 1 - y, np.arange(len(y)) % 2])
    teacher = DecisionTreeClassifier(max_depth=2, random_state=0)
    scores = [
        DistilledMulticlassRetriever(teacher, k=1, cv=cv).fit(X, Y, groups=groups).teacher_scores_
        for cv in (3, GroupKFold(3))
    ]
    assert scores[0] == scores[1]


def test_folds_without_rows_to_test_are_refused():
    groups = np.r_[np.zeros(6), np.ones(2), [2, 2]].astype(int)
    X = groups[:, None]
    for y in ([0, 1] * 5, [0, 0, 0, 1, 1, 1, 2, 2, 2, 2]):
        try:
            folds = make_folds(3, X, np.array(y), {"groups": groups})
        except ValueError as error:
            assert "tests no row" in str(error)
        else:
            assert all(len(test) for _, test in folds)
    empty = [(np.arange(10), []), (np.arange(6), np.arange(6, 10))]
    with pytest.raises(ValueError, match="Fold 1 of 2 tests no row"):
        make_folds(empty, X, np.zeros(10), {"groups": groups})


def test_numbers_and_text_that_look_alike_are_two_groups():
    codes = group_codes([1, "1", 1, "1", 2.0], 5)
    assert len(set(codes.tolist())) == 3
    assert codes.tolist() == [0, 1, 0, 1, 2]
    assert group_codes(np.array(["b", "a", "b"]), 3).tolist() == [1, 0, 1]


# Standard errors.


@pytest.mark.parametrize("n_times", [1, 3])
def test_grouped_standard_error_ignores_repeated_rows(n_times):
    rng = np.random.default_rng(0)
    values, weights = rng.normal(size=50), rng.uniform(0, 2, size=50)
    expected = standard_error(values, weights)
    rows = np.repeat(np.arange(50), n_times)
    assert standard_error(values[rows], weights[rows], unit=rows) == pytest.approx(expected)
    if n_times > 1:
        assert standard_error(values[rows], weights[rows]) < 0.7 * expected


def test_the_standard_error_over_groups_is_cluster_robust():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 12, size=80)
    values, weights = rng.normal(size=80), rng.uniform(0, 2, size=80)
    mean = np.average(values, weights=weights)
    sums = [(weights * (values - mean))[groups == group].sum() for group in range(12)]
    expected = np.sqrt(12 / 11 * np.square(sums).sum()) / weights.sum()
    assert standard_error(values, weights, unit=groups) == pytest.approx(expected)


def repeated(problem, n_times):
    """Return rows, labels, probabilities, groups and folds of a problem with rows repeated."""
    X, y, p_star, _ = problem
    rows = np.repeat(np.arange(len(y)), n_times)
    folds = [
        (np.flatnonzero(np.isin(rows, train)), np.flatnonzero(np.isin(rows, test)))
        for train, test in StratifiedKFold(4).split(X, y)
    ]
    return X[rows], y[rows], p_star[rows], rows, folds


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("cls", [DistilledClassifier, DistilledBipartiteRanker])
def test_repeated_rows_hold_no_more_information_for_alpha(problem, cls, given):
    def noise(n_times, with_groups):
        X, y, p_star, groups, folds = repeated(problem, n_times)
        student = GaussianNB() if cls is DistilledClassifier else None
        model = cls(GaussianNB(), student, alpha="auto", cv=folds)
        params = {"teacher_proba": p_star} if given else {}
        if with_groups:
            params["groups"] = groups
        return model.fit(X, y, **params).alpha_curve_.candidates[1].standard_error

    original = noise(1, False)
    assert noise(1, True) == pytest.approx(original)
    if cls is DistilledClassifier:
        assert noise(4, True) == pytest.approx(original)
        assert noise(4, False) == pytest.approx(original / 2, rel=0.02)


def fitted_models(problem):
    X, y, p_star, _ = problem
    distilled = fit_soft_labels(TREE, X[:60], SoftLabels(p_star[:60]))
    return GaussianNB().fit(X[:60], y[:60]), clone(TREE).fit(X[:60], y[:60]), distilled


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_times", [1, 3])
def test_grouped_report_intervals_ignore_repeated_rows(problem, n_times, weighted):
    X, y, _, _ = problem
    weight = np.random.default_rng(0).integers(0, 3, size=60).astype(float) if weighted else None
    models = fitted_models(problem)
    known = {"n_bootstrap": 200, "random_state": 0}
    expected = distillation_report(*models, X[60:], y[60:], sample_weight=weight, **known)
    rows = np.repeat(np.arange(60, 120), n_times)
    weight = None if weight is None else weight[rows - 60]
    found = distillation_report(
        *models, X[rows], y[rows], groups=rows, sample_weight=weight, **known
    )
    for part in ("quality", "gain", "gap_recovered", "fidelity"):
        ours, theirs = (flat(getattr(each, part)) for each in (found, expected))
        np.testing.assert_allclose(ours, theirs, atol=1e-12)
    assert found.n_groups == expected.n_rows
    assert f"of {expected.n_rows} groups" in str(found)


def flat(figures):
    """Return all numbers in a dict of estimates, or of dicts of them."""
    if isinstance(figures, dict):
        return np.concatenate([flat(each) for each in figures.values()])
    return np.array(figures)


def test_intervals_of_a_report_are_a_bootstrap_of_groups(problem):
    X, y, _, _ = problem
    teacher, student, distilled = fitted_models(problem)
    groups = np.arange(60) // 5
    gain = (distilled.predict(X[60:]) == y[60:]) - (student.predict(X[60:]) == y[60:]) * 1.0
    rng = np.random.default_rng(0)
    of_group = gain.reshape(12, 5).mean(axis=1)
    means = [of_group[rng.integers(0, 12, 12)].mean() for _ in range(4000)]
    report = distillation_report(
        teacher, student, distilled, X[60:], y[60:], groups=groups, n_bootstrap=4000, random_state=0
    )
    expected = np.quantile(means, [0.025, 0.975])
    np.testing.assert_allclose(report.gain["accuracy"][1:], expected, atol=0.017)


def test_too_few_groups_give_no_intervals_and_a_note(problem):
    X, y, _, _ = problem
    models = fitted_models(problem)
    enough = np.arange(60) % MIN_GROUPS_FOR_INTERVAL
    report = distillation_report(*models, X[60:], y[60:], groups=enough, n_bootstrap=100)
    assert np.isfinite(report.gain["log_loss"].low)
    weight = np.where(enough == 0, 0.0, 1.0)  # a group of weight 0 is none
    report = distillation_report(
        *models, X[60:], y[60:], groups=enough, sample_weight=weight, n_bootstrap=100
    )
    assert report.n_groups == MIN_GROUPS_FOR_INTERVAL - 1
    assert np.isnan(report.gain["log_loss"].low) and np.isfinite(report.gain["log_loss"].value)
    assert "Too few groups" in report.verdict[0]
    assert "of 9 groups: no intervals, which need at least 10" in report.missing[0]
    assert "No intervals: they need at least 10 groups" in str(report)
    assert "in brackets" not in str(report).lower()


def test_bias_variance_is_that_of_the_rows_that_are_repeated(problem):
    def terms(n_times, with_groups):
        X, y, p_star, groups, _ = repeated(problem, n_times)
        teacher = p_star**2 / (p_star**2).sum(axis=1, keepdims=True)
        student = GaussianNB().fit(*problem[:2])
        groups = groups if with_groups else None
        return bias_variance(student, teacher, X, y, groups=groups, n_samples=100)

    original = terms(1, False)
    for found in (terms(1, True), terms(4, True)):
        assert found.squared_bias == pytest.approx(original.squared_bias)
        assert found.squared_bias_se == pytest.approx(original.squared_bias_se)
    assert terms(4, False).squared_bias_se < 0.8 * original.squared_bias_se
    with pytest.raises(ValueError, match="groups must have at least 2"):
        CALLS["bias_variance"](*problem[:2], np.zeros(120), None)


def test_grouped_comparison_errors_ignore_repeated_rows(problem):
    def frame(n_times, with_groups):
        X, y, _, groups, folds = repeated(problem, n_times)
        groups = groups if with_groups else None
        teachers = {"bayes": GaussianNB(), "tree": TREE}
        compared = compare_teachers(teachers, X, y, cv=folds, groups=groups)
        return compared.to_frame().filter(regex="_se$").to_numpy()

    for found in (frame(1, True), frame(4, True)):
        np.testing.assert_allclose(found, frame(1, False), atol=1e-9)


# Groups inside a search, by metadata routing.


MODELS = {
    "classifier": DistilledClassifier(GaussianNB(), TREE, alpha=1.0, teacher_temperature=1.0),
    "auto": DistilledClassifier(GaussianNB(), TREE),
    "ranker": DistilledBipartiteRanker(GaussianNB()),
    "retriever": DistilledMulticlassRetriever(GaussianNB(), k=1),
    "born again": BornAgainClassifier(TREE, n_generations=1),
}


@pytest.mark.parametrize("cv", [3, None, "list"])
@pytest.mark.parametrize("name", MODELS)
def test_numbers_and_lists_of_folds_request_groups(problem, name, cv):
    X, y, _, groups = problem
    if cv == "list":
        cv = list(GroupKFold(3).split(X, y, groups))
    model = clone(MODELS[name]).set_params(cv=cv)
    expected = clone(model).fit(X, y, groups=groups)
    with config_context(enable_metadata_routing=True):
        assert model.get_metadata_routing().consumes("fit", ["groups"]) == {"groups"}
        found = clone(model).fit(X, y, groups=groups)
        clone(model).fit(X, y)
    method = "predict_proba" if hasattr(found, "predict_proba") else "decision_function"
    np.testing.assert_array_equal(getattr(found, method)(X), getattr(expected, method)(X))


@pytest.mark.parametrize("name", MODELS)
def test_groups_reach_the_search_and_its_inner_integer_cv(problem, name):
    X, y, _, groups = problem
    model = make_pipeline(StandardScaler(), clone(MODELS[name]).set_params(cv=3))
    step = model.steps[-1][0]
    outer = GroupKFold(3)
    expected = []
    for train, test in outer.split(X, y, groups):
        by_hand = clone(model).fit(X[train], y[train], **{f"{step}__groups": groups[train]})
        expected.append(by_hand.score(X[test], y[test]))
    with config_context(enable_metadata_routing=True):
        search = GridSearchCV(clone(model), {}, cv=outer).fit(X, y, groups=groups)
    found = [search.cv_results_[f"split{fold}_test_score"][0] for fold in range(3)]
    assert found == expected


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of defaults of LogisticRegressionCV
@pytest.mark.parametrize("alias", [True, "person"])
def test_groups_reach_the_folds_that_a_student_makes(problem, alias):
    X, y, p_star, groups = problem
    with config_context(enable_metadata_routing=True):
        folds = GroupKFold(3).set_split_request(groups=alias)
        scorer = get_scorer("neg_log_loss").set_score_request(sample_weight=True)
        student = LogisticRegressionCV(cv=folds, Cs=[0.01, 1.0], scoring=scorer)
        name = "groups" if alias is True else alias
        found = fit_soft_labels(student, X, SoftLabels(p_star), **{name: groups})
        given = clone(student).set_params(cv=list(GroupKFold(3).split(X, y, groups)))
        expected = fit_soft_labels(given, X, SoftLabels(p_star))
        np.testing.assert_array_equal(found.coef_, expected.coef_)
        assert found.cv is not given.cv and isinstance(found.cv, GroupKFold)
        own = DistilledClassifier(GaussianNB(), student, alpha=1.0, teacher_temperature=1.0, cv=3)
        own.fit(X, y, **{"groups": groups, name: groups})


def test_other_group_splitters_take_part(problem):
    X, y, _, groups = problem
    scores = DistilledClassifier(
        GaussianNB(), TREE, alpha=1.0, teacher_temperature=1.0, cv=LeaveOneGroupOut()
    ).fit(X, y, groups=groups)
    assert scores.teacher_scores_["raw"]["log_loss"] > 0

"""The classifier fits its student to cross-fitted, softened and mixed targets as defined."""

import pickle
import re
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import (
    GroupKFold,
    PredefinedSplit,
    RepeatedStratifiedKFold,
    StratifiedKFold,
    cross_val_predict,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skdistill import (
    DistilledBipartiteRanker,
    DistilledClassifier,
    DistilledMulticlassRetriever,
    DistilledRegressor,
    SoftLabelClassifier,
    SoftLabels,
    fit_soft_labels,
)
from skdistill.datasets import make_gaussian_classes
from skdistill.metrics import brier_loss, expected_calibration_error

FOREST = RandomForestClassifier(10, random_state=0)
TREE = DecisionTreeClassifier(max_depth=3, random_state=0)
REGRESSION_TREE = DecisionTreeRegressor(max_depth=3, random_state=0)
LOGISTIC = LogisticRegression(max_iter=1000, tol=1e-8)
X, Y, P = make_gaussian_classes(150, 3, 3, random_state=0)


class CountingNB(GaussianNB):
    """A teacher that counts how often any of its kind is fitted."""

    n_fits = 0

    def fit(self, X, y, sample_weight=None):
        CountingNB.n_fits += 1
        return super().fit(X, y, sample_weight)


def fit_student(proba, X, y, student, **labels):
    """Return a student fitted by hand to given probabilities."""
    return fit_soft_labels(student, X, SoftLabels(proba, np.unique(y), y=y, **labels))


@pytest.mark.parametrize("cv", [5, None, StratifiedKFold(3, shuffle=True, random_state=0)])
def test_cross_fitted_labels_are_those_of_cross_val_predict(labelled, cv):
    X, y = labelled
    proba = cross_val_predict(FOREST, X, y, cv=cv, method="predict_proba")
    model = DistilledClassifier(FOREST, LOGISTIC, cv=cv, alpha=1.0, teacher_temperature=1.0).fit(
        X, y
    )
    by_hand = fit_student(proba, X, y, LOGISTIC)
    assert_allclose(model.predict_proba(X), by_hand.predict_proba(X), atol=1e-12)
    assert_array_equal(model.predict(X), by_hand.predict(X))
    assert_array_equal(model.classes_, np.unique(y))
    scores = model.teacher_scores_["raw"]
    assert scores["log_loss"] == pytest.approx(log_loss(y, proba))
    assert scores["brier"] == pytest.approx(brier_loss(y, proba))
    assert scores["ece"] == pytest.approx(expected_calibration_error(y, proba))
    top = np.unique(y)[proba.argmax(axis=1)]
    assert scores["accuracy"] == pytest.approx(accuracy_score(y, top))


def test_a_row_that_several_folds_test_gets_their_mean(iris):
    X, y = iris
    cv = RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0)
    total = np.zeros((len(y), 3))
    for train, test in cv.split(X, y):
        total[test] += clone(FOREST).fit(X[train], y[train]).predict_proba(X[test]) / 2
    model = DistilledClassifier(FOREST, LOGISTIC, cv=cv, alpha=1.0, teacher_temperature=1.0).fit(
        X, y
    )
    assert_allclose(
        model.student_.coef_, fit_student(total, X, y, LOGISTIC).coef_, rtol=1e-6, atol=1e-8
    )


def test_in_sample_labels_come_from_one_teacher_on_all_rows(iris):
    X, y = iris
    model = DistilledClassifier(
        FOREST, TREE, cv="in-sample", alpha=1.0, teacher_temperature=1.0
    ).fit(X, y)
    by_hand = fit_student(clone(FOREST).fit(X, y).predict_proba(X), X, y, TREE)
    assert_array_equal(model.predict_proba(X), by_hand.predict_proba(X))


def test_a_frozen_teacher_is_used_as_it_is(iris):
    X, y = iris
    fitted = clone(FOREST).fit(X[::2], y[::2])
    model = DistilledClassifier(
        FrozenEstimator(fitted), TREE, alpha=1.0, teacher_temperature=1.0
    ).fit(X, y)
    by_hand = fit_student(fitted.predict_proba(X), X, y, TREE)
    assert_array_equal(model.predict_proba(X), by_hand.predict_proba(X))


def test_a_frozen_api_needs_nothing_but_predict_proba(iris):
    class ExternalAPI:
        def predict_proba(self, X):
            return np.column_stack([X[:, 0] < 5.5, X[:, 0] >= 5.5, 0 * X[:, 0]]).astype(float)

    X, y = iris
    model = DistilledClassifier(
        FrozenEstimator(ExternalAPI()), TREE, alpha=1.0, teacher_temperature=1.0
    ).fit(X, y)
    assert_array_equal(model.predict(X), (X[:, 0] >= 5.5).astype(int))
    assert_array_equal(model.predict_proba(X)[:, 2], 0)  # padded, not dropped


def test_alpha_zero_is_ordinary_training_and_fits_no_teacher(labelled):
    X, y = labelled
    CountingNB.n_fits = 0
    model = DistilledClassifier(CountingNB(), LOGISTIC, alpha=0).fit(X, y)
    assert CountingNB.n_fits == 0
    assert_array_equal(model.student_.coef_, clone(LOGISTIC).fit(X, y).coef_)
    assert model.teacher_scores_ is None
    assert model.teacher_temperature_ == 1.0


def test_alpha_zero_trains_students_that_take_no_weights(iris):
    X, y = iris
    model = DistilledClassifier(GaussianNB(), KNeighborsClassifier(), alpha=0).fit(X, y)
    assert_array_equal(model.predict(X), KNeighborsClassifier().fit(X, y).predict(X))


def test_one_hot_probabilities_are_ordinary_training(labelled):
    X, y = labelled
    one_hot = (y[:, None] == np.unique(y)).astype(float)
    model = DistilledClassifier(student=LOGISTIC, alpha=1.0, teacher_temperature=1.0).fit(
        X, y, teacher_proba=one_hot
    )
    assert_array_equal(model.student_.coef_, clone(LOGISTIC).fit(X, y).coef_)


def test_the_teacher_is_fitted_once_per_fold(iris):
    X, y = iris
    for cv, expected in [(4, 4), ("in-sample", 1)]:
        CountingNB.n_fits = 0
        DistilledClassifier(CountingNB(), TREE, cv=cv, alpha=1.0, teacher_temperature=1.0).fit(X, y)
        assert CountingNB.n_fits == expected


def test_alpha_mixes_the_targets(gaussian):
    X, y, p_star = gaussian
    mixed = 0.3 * p_star + 0.7 * np.eye(3)[y]
    model = DistilledClassifier(student=LOGISTIC, alpha=0.3, teacher_temperature=1.0).fit(
        X, y, teacher_proba=p_star
    )
    by_hand = SoftLabelClassifier(LOGISTIC).fit(X, mixed)
    assert_allclose(model.student_.coef_, by_hand.student_.coef_, rtol=1e-5)


def test_top_k_of_all_classes_changes_nothing(gaussian):
    X, y, p_star = gaussian
    plain = DistilledClassifier(student=LOGISTIC, alpha=0.5, teacher_temperature=1.0).fit(
        X, y, teacher_proba=p_star
    )
    top = clone(plain).set_params(top_k=3).fit(X, y, teacher_proba=p_star)
    assert_array_equal(plain.student_.coef_, top.student_.coef_)
    one = clone(plain).set_params(top_k=1).fit(X, y, teacher_proba=p_star)
    hard = np.eye(3)[p_star.argmax(axis=1)]
    by_hand = clone(plain).fit(X, y, teacher_proba=hard)
    assert_allclose(one.student_.coef_, by_hand.student_.coef_, rtol=1e-6)


def test_temperature_tempers_the_teacher_only(gaussian):
    X, y, p_star = gaussian
    tempered = p_star ** (1 / 2) / (p_star ** (1 / 2)).sum(axis=1, keepdims=True)
    model = DistilledClassifier(student=LOGISTIC, teacher_temperature=2, alpha=0.5)
    model.fit(X, y, teacher_proba=p_star)
    by_hand = DistilledClassifier(student=LOGISTIC, alpha=0.5, teacher_temperature=1.0).fit(
        X, y, teacher_proba=tempered
    )
    assert_allclose(model.student_.coef_, by_hand.student_.coef_, rtol=1e-6)
    assert model.teacher_temperature_ == 2


def test_automatic_temperature_lowers_the_out_of_fold_log_loss(gaussian):
    X, y, _ = gaussian
    model = DistilledClassifier(FOREST, TREE, teacher_temperature="auto", alpha=1.0).fit(X, y)
    before, after = model.teacher_scores_["raw"], model.teacher_scores_["tempered"]
    assert model.teacher_temperature_ != 1
    assert after["log_loss"] < before["log_loss"]
    assert after["accuracy"] == before["accuracy"]


def test_groups_keep_their_rows_on_one_side(iris):
    X, y = iris
    groups = np.arange(len(y)) % 10
    proba = cross_val_predict(FOREST, X, y, cv=GroupKFold(5), groups=groups, method="predict_proba")
    model = DistilledClassifier(
        FOREST, LOGISTIC, cv=GroupKFold(5), alpha=1.0, teacher_temperature=1.0
    ).fit(X, y, groups=groups)
    assert model.teacher_scores_["raw"]["log_loss"] == pytest.approx(log_loss(y, proba))
    with pytest.raises(ValueError, match="groups"):
        DistilledClassifier(
            FOREST, LOGISTIC, cv=GroupKFold(5), alpha=1.0, teacher_temperature=1.0
        ).fit(X, y)


def test_a_class_that_a_fold_never_saw_keeps_its_label(iris):
    X, y = iris
    folds = np.where(y == 2, 0, np.arange(len(y)) % 2)  # fold 0 holds every row of class 2
    model = DistilledClassifier(
        GaussianNB(), LOGISTIC, cv=PredefinedSplit(folds), alpha=1.0, teacher_temperature=1.0
    )
    with pytest.warns(UserWarning, match=r"fold 1 of 2 never saw the classes \[2\]; 50 rows"):
        model.fit(X, y)
    proba = np.zeros((len(y), 3))
    proba[y == 2, 2] = 1
    for fold, columns in [(0, [0, 1]), (1, [0, 1, 2])]:
        test = (folds == fold) & (y != 2)
        teacher = GaussianNB().fit(X[folds != fold], y[folds != fold])
        proba[np.ix_(test, columns)] = teacher.predict_proba(X[test])
    by_hand = fit_student(proba, X, y, LOGISTIC)
    assert_allclose(model.student_.coef_, by_hand.coef_, atol=1e-4)  # to the solver's tolerance
    seen = y != 2  # rows that no teacher could know are not counted
    expected = log_loss(y[seen], proba[seen], labels=[0, 1, 2])
    assert model.teacher_scores_["raw"]["log_loss"] == pytest.approx(expected)


def test_unlabelled_rows_are_predicted_by_a_refit(gaussian):
    X, y, _ = gaussian
    X, y, more = X[:100], y[:100], X[100:]
    folds = list(StratifiedKFold(5).split(X, y))
    proba = cross_val_predict(GaussianNB(), X, y, cv=folds, method="predict_proba")
    of_more = GaussianNB().fit(X, y).predict_proba(more)
    model = DistilledClassifier(
        GaussianNB(), LOGISTIC, alpha=0.4, unlabeled_weight=0.3, teacher_temperature=1.0
    )
    model.fit(X, y, X_unlabeled=more)
    both = (
        SoftLabels(proba, y=y)
        .mix_with_labels(0.4)
        .append(SoftLabels(of_more, sample_weight=[0.3] * 50))
    )
    by_hand = fit_soft_labels(LOGISTIC, np.vstack([X, more]), both)
    assert_allclose(model.student_.coef_, by_hand.coef_, rtol=1e-6)


def test_a_frozen_teacher_labels_the_unlabelled_rows(gaussian):
    X, y, _ = gaussian
    fitted = GaussianNB().fit(X[:50], y[:50])
    model = DistilledClassifier(
        FrozenEstimator(fitted), LOGISTIC, alpha=1.0, teacher_temperature=1.0
    )
    alone = clone(model).fit(X[:100], y[:100], X_unlabeled=X[100:])
    by_hand = fit_student(fitted.predict_proba(X), X, y, LOGISTIC)
    assert_allclose(alone.student_.coef_, by_hand.coef_, rtol=1e-6)
    given = clone(model).fit(
        X[:100], y[:100], X_unlabeled=X[100:], teacher_proba=fitted.predict_proba(X[:100])
    )
    assert_allclose(given.student_.coef_, by_hand.coef_, rtol=1e-6)


@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csc_matrix])
def test_sparse_rows_and_sparse_unlabelled_rows(gaussian, container):
    X, y, _ = gaussian
    model = DistilledClassifier(FOREST, LOGISTIC, alpha=1.0, teacher_temperature=1.0)
    on_dense = clone(model).fit(X[:100], y[:100], X_unlabeled=X[100:])
    on_sparse = clone(model).fit(container(X[:100]), y[:100], X_unlabeled=container(X[100:]))
    assert_allclose(
        on_sparse.predict_proba(container(X)), on_dense.predict_proba(X), rtol=1e-5, atol=1e-7
    )


def test_sample_weights_reach_teacher_student_and_scores(gaussian):
    X, y, _ = gaussian
    weight = np.random.default_rng(0).integers(1, 4, size=len(y)).astype(float)
    proba = np.zeros((len(y), 3))
    for train, test in StratifiedKFold(5).split(X, y):
        teacher = GaussianNB().fit(X[train], y[train], sample_weight=weight[train])
        proba[test] = teacher.predict_proba(X[test])
    model = DistilledClassifier(GaussianNB(), LOGISTIC, alpha=1.0, teacher_temperature=1.0).fit(
        X, y, sample_weight=weight
    )
    by_hand = fit_student(proba, X, y, LOGISTIC, sample_weight=weight)
    assert_allclose(model.student_.coef_, by_hand.coef_, rtol=1e-6)
    expected = log_loss(y, proba, sample_weight=weight)
    assert model.teacher_scores_["raw"]["log_loss"] == pytest.approx(expected)


def test_teacher_without_weights_is_fitted_unweighted_and_warns(gaussian):
    X, y, _ = gaussian
    weight = np.arange(len(y)) % 3 + 1.0
    teacher = KNeighborsClassifier()
    model = DistilledClassifier(teacher, LOGISTIC, alpha=1.0, teacher_temperature=1.0)
    with pytest.warns(UserWarning, match="KNeighborsClassifier takes no sample_weight"):
        model.fit(X, y, sample_weight=weight)
    proba = cross_val_predict(teacher, X, y, method="predict_proba")
    by_hand = fit_student(proba, X, y, LOGISTIC, sample_weight=weight)
    assert_allclose(model.student_.coef_, by_hand.coef_, rtol=1e-6)


@pytest.mark.parametrize(
    "teacher",
    [
        make_pipeline(StandardScaler(), KNeighborsClassifier()),
        VotingClassifier([("nb", GaussianNB()), ("tree", TREE)], voting="soft"),
        HistGradientBoostingClassifier(max_iter=5),
    ],
)
def test_teachers_of_many_kinds(iris, teacher):
    X, y = iris
    model = DistilledClassifier(teacher, LOGISTIC, alpha=1.0, teacher_temperature=1.0).fit(X, y)
    proba = cross_val_predict(teacher, X, y, method="predict_proba")
    assert model.teacher_scores_["raw"]["log_loss"] == pytest.approx(log_loss(y, proba))


def test_classes_that_y_does_not_show(gaussian):
    X, y, p_star = gaussian
    few = y != 2
    model = DistilledClassifier(
        student=GaussianNB(), classes=[0, 1, 2], alpha=1.0, teacher_temperature=1.0
    )
    model.fit(X[few], y[few], teacher_proba=p_star[few])
    assert_array_equal(model.classes_, [0, 1, 2])
    assert model.predict_proba(X).shape == (len(y), 3)
    with pytest.raises(ValueError, match=r"3 columns but there are 2 classes"):
        DistilledClassifier(student=GaussianNB(), alpha=1.0, teacher_temperature=1.0).fit(
            X[few], y[few], teacher_proba=p_star[few]
        )


def test_columns_of_given_probabilities_follow_classes_or_names(gaussian):
    pd = pytest.importorskip("pandas")
    X, y, p_star = gaussian
    names = np.array(["a", "b", "c"])
    plain = DistilledClassifier(student=GaussianNB(), alpha=1.0, teacher_temperature=1.0).fit(
        X, names[y], teacher_proba=p_star
    )
    order = [2, 0, 1]
    by_order = DistilledClassifier(
        student=GaussianNB(), classes=names[order], alpha=1.0, teacher_temperature=1.0
    )
    by_order.fit(X, names[y], teacher_proba=p_star[:, order])
    frame = pd.DataFrame(p_star[:, order], columns=names[order])
    by_name = DistilledClassifier(student=GaussianNB(), alpha=1.0, teacher_temperature=1.0).fit(
        X, names[y], teacher_proba=frame
    )
    assert_allclose(by_order.predict_proba(X), plain.predict_proba(X))
    assert_allclose(by_name.predict_proba(X), plain.predict_proba(X))
    more = frame.assign(d=0.0)
    with pytest.raises(ValueError, match=r"no class for \['d'\].*or list every class in classes"):
        clone(by_name).fit(X, names[y], teacher_proba=more)
    wider = DistilledClassifier(
        student=GaussianNB(), classes=[*names, "d"], alpha=1.0, teacher_temperature=1.0
    ).fit(X, names[y], teacher_proba=more)
    assert_array_equal(wider.classes_, ["a", "b", "c", "d"])
    assert_array_equal(wider.predict_proba(X)[:, 3], 0)


def test_scores_of_a_student_that_lacks_a_class_are_padded(gaussian):
    X, y, p_star = gaussian
    two = np.column_stack([p_star[:, 0], 1 - p_star[:, 0], 0 * p_star[:, 0]])
    model = DistilledClassifier(
        student=LOGISTIC, classes=[0, 1, 2], alpha=1.0, teacher_temperature=1.0
    )
    model.fit(X, np.minimum(y, 1), teacher_proba=two)
    scores = model.decision_function(X)
    assert scores.shape == (len(y), 3)
    assert_array_equal(scores.argmax(axis=1), model.predict(X))
    assert_array_equal(model.predict_proba(X)[:, 2], 0)


def test_the_student_predicts_and_only_with_what_it_has(iris):
    X, y = iris
    for student, present, absent in [
        (RidgeClassifier(), ["decision_function"], ["predict_proba"]),
        (TREE, ["predict_proba"], ["decision_function"]),
        (Ridge(), ["predict_proba"], ["decision_function"]),
    ]:
        model = DistilledClassifier(GaussianNB(), student, alpha=1.0, teacher_temperature=1.0)
        for state in [model, clone(model).fit(X, y)]:
            assert hasattr(state, "predict")
            assert all(hasattr(state, method) for method in present)
            assert not any(hasattr(state, method) for method in absent)


def test_the_fitted_object_holds_no_teacher(iris):
    X, y = iris
    big = ExtraTreesClassifier(200, random_state=0)
    fitted = DistilledClassifier(big, TREE, alpha=1.0, teacher_temperature=1.0).fit(X, y)
    by_labels = DistilledClassifier(big, TREE, alpha=0).fit(X, y)
    assert len(pickle.dumps(fitted)) < len(pickle.dumps(by_labels)) + 5000
    assert not hasattr(fitted, "teacher_")


def test_the_random_state_seeds_only_what_is_open(iris):
    X, y = iris
    open_forest = RandomForestClassifier(5)
    model = DistilledClassifier(
        open_forest, DecisionTreeClassifier(), random_state=0, alpha=1.0, teacher_temperature=1.0
    )
    first, again = clone(model).fit(X, y), clone(model).fit(X, y)
    assert_array_equal(first.predict_proba(X), again.predict_proba(X))
    assert first.teacher_scores_ == again.teacher_scores_
    assert isinstance(first.student_.random_state, int)
    assert open_forest.random_state is None
    own = DistilledClassifier(student=TREE, random_state=1, alpha=1.0, teacher_temperature=1.0).fit(
        X, y
    )
    assert own.student_.random_state == TREE.random_state
    nested = make_pipeline(StandardScaler(), DecisionTreeClassifier())
    deep = DistilledClassifier(
        GaussianNB(), nested, random_state=0, alpha=1.0, teacher_temperature=1.0
    ).fit(X, y)
    assert isinstance(deep.student_[-1].random_state, int)
    splitter = StratifiedKFold(3, shuffle=True)
    DistilledClassifier(
        GaussianNB(), TREE, cv=splitter, random_state=0, alpha=1.0, teacher_temperature=1.0
    ).fit(X, y)
    assert splitter.random_state is None


def test_processes_change_nothing(iris):
    X, y = iris
    model = DistilledClassifier(FOREST, LOGISTIC, alpha=1.0, teacher_temperature=1.0)
    alone, many = clone(model).fit(X, y), clone(model).set_params(n_jobs=2).fit(X, y)
    assert_array_equal(alone.student_.coef_, many.student_.coef_)


def test_verbose_reports_fold_and_duration(iris, capsys):
    X, y = iris
    DistilledClassifier(
        GaussianNB(), TREE, cv=3, verbose=2, alpha=1.0, teacher_temperature=1.0
    ).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert re.fullmatch(r"\[teacher\] fold 2 of 3: fitted on 100 rows in \d+\.\d s", lines[1])
    DistilledClassifier(GaussianNB(), TREE, cv=3, alpha=1.0, teacher_temperature=1.0).fit(X, y)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("model", "weights"),
    [
        (DistilledClassifier(GaussianNB(), TREE, cv=3), r"alpha [\d.]+, .* leaf_shrinkage \d+, .*"),
        (DistilledClassifier(GaussianNB(), TREE, alpha=0.5), r"alpha 0.5, unlabeled_weight 0, .*"),
        (
            DistilledRegressor(REGRESSION_TREE, REGRESSION_TREE, cv=3),
            "alpha .*, leaf_shrinkage .*",
        ),
        (DistilledBipartiteRanker(GaussianNB(), alpha=0.5), "alpha 0.5, .*"),
        (DistilledMulticlassRetriever(GaussianNB(), k=1), "teacher_temperature 1"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_verbose_prints_a_line_for_each_fit(model, weights, iris, capsys):
    X, y = iris
    if isinstance(model, DistilledBipartiteRanker):
        X, y = X[:100], y[:100]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = clone(model).set_params(verbose=1).fit(X, y)
    (line,) = capsys.readouterr().out.splitlines()
    name = type(model).__name__
    assert re.fullmatch(rf"\[{name}\] {weights}; fitted in \d+\.\d s", line)
    if hasattr(model, "alpha_"):
        assert f"alpha {model.alpha_:.3g}," in line


def test_a_fit_that_fails_leaves_the_last_one_whole(iris):
    X, y = iris
    model = DistilledClassifier(GaussianNB(), TREE, alpha=1.0, teacher_temperature=1.0).fit(X, y)
    before = model.predict_proba(X)
    with pytest.raises(ValueError, match="row 0"):
        model.fit(X[:, :2], y, teacher_proba=np.full((150, 3), 0.5))
    assert_array_equal(model.predict_proba(X), before)
    assert model.n_features_in_ == 4


def test_missing_values_pass_where_both_take_them():
    X, y = make_classification(120, random_state=0)
    X[::7, 3] = np.nan
    both = DistilledClassifier(
        HistGradientBoostingClassifier(max_iter=5), TREE, alpha=1.0, teacher_temperature=1.0
    ).fit(X, y)
    assert both.predict(X).shape == (120,)
    with pytest.raises(ValueError, match="NaN"):
        DistilledClassifier(GaussianNB(), TREE, alpha=1.0, teacher_temperature=1.0).fit(X, y)
    clean = np.nan_to_num(X)
    with pytest.raises(ValueError, match="NaN"):
        DistilledClassifier(GaussianNB(), TREE, alpha=1.0, teacher_temperature=1.0).fit(
            clean, y
        ).predict(X)


def test_text_goes_through(iris):
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = ["red apple", "green apple", "fast car", "slow car"] * 10
    y = ["fruit", "fruit", "vehicle", "vehicle"] * 10
    teacher = make_pipeline(TfidfVectorizer(), LogisticRegression())
    student = make_pipeline(TfidfVectorizer(), DecisionTreeClassifier(max_depth=2))
    model = DistilledClassifier(teacher, student, alpha=1.0, teacher_temperature=1.0).fit(texts, y)
    assert list(model.predict(["apple", "car"])) == ["fruit", "vehicle"]


def test_folds_may_hold_lists_masks_and_rows_twice():
    halves = [(list(range(75)), list(range(75, 150))), (list(range(75, 150)), list(range(75)))]
    order = np.random.default_rng(0).permutation(150)
    rows, labels = X[order], Y[order]
    plain = DistilledClassifier(
        GaussianNB(), TREE, cv=halves, alpha=1.0, teacher_temperature=1.0
    ).fit(rows, labels)
    masks = [(np.isin(np.arange(150), a), np.isin(np.arange(150), b)) for a, b in halves]
    twice = [(a, [*b, b[0]]) for a, b in halves]
    for cv in (masks, twice):
        other = DistilledClassifier(
            GaussianNB(), TREE, cv=cv, alpha=1.0, teacher_temperature=1.0
        ).fit(rows, labels)
        assert_allclose(other.predict_proba(rows), plain.predict_proba(rows), atol=1e-12)


def test_folds_that_leave_out_whole_classes_warn():
    with (
        pytest.warns(UserWarning, match="never saw"),
        pytest.raises(ValueError, match="leave out whole classes"),
    ):
        DistilledClassifier(
            GaussianNB(), TREE, cv=PredefinedSplit(Y), alpha=1.0, teacher_temperature=1.0
        ).fit(X, Y)


def test_student_fitted_on_nan_predicts_with_nan():
    from sklearn.impute import SimpleImputer

    holes = X.copy()
    holes[::5, 1] = np.nan
    teacher = make_pipeline(SimpleImputer(), GaussianNB())
    model = DistilledClassifier(teacher, TREE, alpha=1.0, teacher_temperature=1.0).fit(holes, Y)
    assert model.predict(holes).shape == (150,)


def test_parameters_are_checked_before_any_teacher_is_fitted():
    class Never(GaussianNB):
        def fit(self, X, y, sample_weight=None):
            raise AssertionError("fitted")

    with pytest.raises(ValueError, match="top_k must be"):
        DistilledClassifier(Never(), top_k=0, alpha=1.0, teacher_temperature=1.0).fit(X, Y)


def test_given_probabilities_of_one_class_only():
    one = np.tile([1.0, 0, 0], (150, 1))
    with pytest.raises(ValueError, match="only 1 class to learn"):
        DistilledClassifier(student=GaussianNB(), alpha=1.0, teacher_temperature=1.0).fit(
            X, Y, teacher_proba=one
        )


def test_auto_temperature_of_given_proba_is_independent_of_cv():
    m = DistilledClassifier(
        student=GaussianNB(), teacher_temperature="auto", cv="in-sample", alpha=1.0
    )
    assert m.fit(X, Y, teacher_proba=P).teacher_temperature_ == pytest.approx(1, abs=0.5)


def test_single_class_error_precedes_teacher_fits():
    class Never(GaussianNB):
        def fit(self, X, y, sample_weight=None):
            raise AssertionError("fitted")

    with pytest.raises(ValueError, match="only 1 class"):
        DistilledClassifier(Never(), alpha=1.0, teacher_temperature=1.0).fit(
            X, np.zeros(150, dtype=int)
        )


def test_folds_that_test_what_they_train_on_are_refused():
    every = np.arange(150)
    with pytest.raises(ValueError, match=r"Fold 1 of 1 tests 150 rows that it trains on"):
        DistilledClassifier(
            GaussianNB(), TREE, cv=[(every, every)], alpha=1.0, teacher_temperature=1.0
        ).fit(X, Y)


def test_the_teachers_accuracy_is_weighted():
    weight = np.where(Y == 0, 9.0, 1.0)
    model = DistilledClassifier(student=GaussianNB(), alpha=1.0, teacher_temperature=1.0)
    model.fit(X, Y, sample_weight=weight, teacher_proba=P)
    expected = np.average(P.argmax(axis=1) == Y, weights=weight)
    assert model.teacher_scores_["raw"]["accuracy"] == pytest.approx(expected)


def test_with_given_probabilities_the_teacher_is_not_looked_at():
    from sklearn.svm import LinearSVC

    DistilledClassifier(LinearSVC(), GaussianNB(), alpha=1.0, teacher_temperature=1.0).fit(
        X, Y, teacher_proba=P
    )


def test_a_row_that_some_fold_teacher_could_know_is_counted():
    y = np.arange(150) % 2
    y[:2] = 2
    rest = np.arange(2, 150)
    folds = [
        (rest, np.arange(2)),
        (np.r_[0, rest], np.array([1])),
        (np.r_[1, rest], np.array([0])),
        (np.r_[0:76], np.r_[76:150]),
        (np.r_[0, 1, 76:150], np.r_[2:76]),
    ]
    with pytest.warns(UserWarning, match="never saw"):
        model = DistilledClassifier(
            GaussianNB(), GaussianNB(), cv=folds, alpha=1.0, teacher_temperature=1.0
        ).fit(X, y)
    n_right = model.teacher_scores_["raw"]["accuracy"] * 150
    assert n_right == pytest.approx(round(n_right))


def test_weights_reach_the_last_step_of_a_pipeline_as_teacher():
    weight = np.arange(150) % 2 + 1.0
    student = GaussianNB()
    found = DistilledClassifier(
        make_pipeline(GaussianNB()), student, alpha=1.0, teacher_temperature=1.0
    )
    expected = DistilledClassifier(GaussianNB(), student, alpha=1.0, teacher_temperature=1.0).fit(
        X, Y, weight
    )
    assert found.fit(X, Y, weight).teacher_scores_ == expected.teacher_scores_

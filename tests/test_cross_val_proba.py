"""Out-of-fold probabilities of a teacher equal those of `cross_val_predict` and of an estimator."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, RepeatedKFold, StratifiedKFold, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

import skdistill.teachers
from skdistill import DistilledClassifier
from skdistill.datasets import make_gaussian_classes
from skdistill.teachers import cross_val_proba

X, Y, _ = make_gaussian_classes(200, 4, 3, random_state=0)
WEIGHT = np.random.default_rng(0).uniform(0.5, 2, size=200)
GROUPS = np.arange(200) // 4
FOREST = ExtraTreesClassifier(10, min_samples_leaf=3, random_state=0)


@pytest.mark.parametrize("cv", [None, 3, StratifiedKFold(4, shuffle=True, random_state=0)], ids=str)
@pytest.mark.parametrize("teacher", [FOREST, make_pipeline(StandardScaler(), LogisticRegression())])
def test_it_equals_cross_val_predict(teacher, cv):
    expected = cross_val_predict(teacher, X, Y, cv=cv, method="predict_proba")
    assert_allclose(cross_val_proba(teacher, X, Y, cv=cv), expected, rtol=1e-12)


def test_groups_and_weights_equal_cross_val_predict():
    options = {"cv": GroupKFold(5), "groups": GROUPS}
    expected = cross_val_predict(
        FOREST, X, Y, method="predict_proba", params={"sample_weight": WEIGHT}, **options
    )
    assert_array_equal(cross_val_proba(FOREST, X, Y, sample_weight=WEIGHT, **options), expected)


def test_repeated_folds_are_averaged():
    cv = RepeatedKFold(n_splits=3, n_repeats=2, random_state=0)
    parts = [
        cross_val_predict(
            FOREST, X, Y, cv=list(cv.split(X))[start : start + 3], method="predict_proba"
        )
        for start in (0, 3)
    ]
    assert_allclose(cross_val_proba(FOREST, X, Y, cv=cv), np.mean(parts, axis=0), rtol=1e-12)


def test_a_fitted_teacher_is_cloned_and_not_changed():
    fitted = RandomForestClassifier(10, random_state=0).fit(X, Y)
    before = fitted.predict_proba(X)
    proba = cross_val_proba(fitted, X, Y)
    assert_array_equal(fitted.predict_proba(X), before)
    assert (before.argmax(axis=1) == Y).mean() > 0.97 > (proba.argmax(axis=1) == Y).mean()
    assert_array_equal(proba, cross_val_proba(clone(fitted), X, Y))


@pytest.mark.parametrize("alpha", [0.5, 1.0])
def test_given_to_an_estimator_they_make_its_default_student(alpha):
    model = DistilledClassifier(FOREST, alpha=alpha, teacher_temperature=1.0, random_state=0)
    computed = clone(model).fit(X, Y)
    proba = cross_val_proba(FOREST, X, Y)
    assert_array_equal(model.fit(X, Y, teacher_proba=proba).student_.coef_, computed.student_.coef_)


def test_recipe_for_a_fitted_teacher_uses_both_predictions():
    new = X + 0.1
    fitted = clone(FOREST).fit(X, Y)
    proba = cross_val_proba(fitted, X, Y)
    model = DistilledClassifier(FrozenEstimator(fitted), alpha=1.0, teacher_temperature=1.0)
    model.fit(X, Y, teacher_proba=proba, X_unlabeled=new)
    both = np.vstack([X, new]), np.vstack([proba, fitted.predict_proba(new)])
    expected = skdistill.SoftLabelClassifier().fit(*both)
    assert_allclose(model.predict_proba(X), expected.predict_proba(X), rtol=1e-10)


def test_seeds_text_labels_and_declared_classes():
    labels = np.array(["a", "b", "c"])[Y]
    first = cross_val_proba(
        ExtraTreesClassifier(5), X, labels, classes=["d", "c", "b", "a"], random_state=1
    )
    again = cross_val_proba(
        ExtraTreesClassifier(5), X, labels, classes=["d", "c", "b", "a"], random_state=1
    )
    assert first.shape == (200, 4)
    assert_array_equal(first, again)
    assert_array_equal(first[:, 3], 0)  # "d"


def test_a_class_in_one_fold_only_keeps_its_label():
    y = np.where(np.arange(200) < 2, 3, Y)
    folds = [(np.arange(100, 200), np.arange(100)), (np.arange(100), np.arange(100, 200))]
    with pytest.warns(UserWarning, match=r"fold 1 of 2 never saw the classes \[3\]; 2 rows"):
        proba = cross_val_proba(FOREST, X, y, cv=folds)
    assert_array_equal(proba[:2], np.eye(4)[[3, 3]])


class Counting(ExtraTreesClassifier):
    n_fits = 0

    def fit(self, X, y, sample_weight=None):
        type(self).n_fits += 1
        return super().fit(X, y, sample_weight)


def test_the_cache_is_shared_with_estimators(tmp_path):
    teacher = Counting(5, random_state=0)
    first = cross_val_proba(teacher, X, Y, memory=tmp_path)
    assert Counting.n_fits == 5
    assert_array_equal(cross_val_proba(teacher, X, Y, memory=tmp_path), first)
    DistilledClassifier(teacher, alpha=0.5, teacher_temperature=1.0, memory=tmp_path).fit(X, Y)
    assert Counting.n_fits == 5


def test_bad_input_is_refused_before_any_fit():
    def fails(error, match, teacher=FOREST, X=X, y=Y, **options):
        with pytest.raises(error, match=match):
            cross_val_proba(teacher, X, y, **options)

    fails(TypeError, "has none. Wrap it", teacher=LinearSVC())
    fails(TypeError, "FrozenEstimator cannot be fitted", teacher=FrozenEstimator(FOREST))
    fails(ValueError, "cv='in-sample'", cv="in-sample")
    fails(ValueError, "inconsistent numbers of samples", y=Y[:10])
    fails(ValueError, "only 1 class", y=np.zeros(200))
    fails(ValueError, "must cover every row", cv=[(np.arange(100), np.arange(100, 200))])
    fails(ValueError, "shape", groups=GROUPS[:, None])
    fails(ValueError, "negative", sample_weight=-WEIGHT)
    with pytest.warns(UserWarning, match="takes no sample_weight: it is fitted without"):
        cross_val_proba(KNeighborsClassifier(), X, Y, sample_weight=WEIGHT)


def test_dask_collections_are_refused():
    array = pytest.importorskip("dask.array")
    with pytest.raises(TypeError, match="cross_val_proba takes rows in memory only"):
        cross_val_proba(FOREST, array.from_array(X), Y)

"""XGBoost teachers, which need the labels 0, 1, ..., work with any labels and folds."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, StratifiedKFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledBipartiteRanker, DistilledClassifier
from skdistill._utils._class_codes import takes_codes, with_codes
from skdistill.datasets import make_gaussian_classes
from skdistill.inspection import bias_variance, compare_teachers

xgboost = pytest.importorskip("xgboost")
XGBClassifier, XGBRFClassifier = xgboost.XGBClassifier, xgboost.XGBRFClassifier

TEXT = np.array(["walking", "sitting", "standing", "lying"])  # not in the order of their codes


def xgb(**params):
    return XGBClassifier(**{"n_estimators": 3, "max_depth": 2, "n_jobs": 1, **params})


TEACHERS = {
    "alone": xgb(),
    "random forest": XGBRFClassifier(n_estimators=3, n_jobs=1),
    "pipeline": make_pipeline(StandardScaler(), xgb()),
    "calibrated": CalibratedClassifierCV(xgb(), cv=2),
    "search": GridSearchCV(xgb(), {"max_depth": [2]}, cv=2),
    "bagging": BaggingClassifier(xgb(), n_estimators=2, random_state=0),
    "voting": VotingClassifier([("xgb", xgb()), ("nb", GaussianNB())], voting="soft"),
    "stacking": StackingClassifier([("xgb", xgb())], final_estimator=GaussianNB(), cv=2),
    "one against the rest": OneVsRestClassifier(xgb()),
}


def problem(n_classes=3, n_rows=120):
    X, codes, _ = make_gaussian_classes(n_rows, 4, n_classes, class_sep=2.0, random_state=0)
    return X, codes


def distilled(teacher, **params):
    student = DecisionTreeClassifier(max_depth=3, random_state=0)
    return DistilledClassifier(teacher, student, **{"alpha": 1.0, "cv": 3, **params})


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("name", TEACHERS)
def test_a_teacher_of_text_is_the_teacher_of_its_codes(name, n_classes):
    X, codes = problem(n_classes)
    text = TEXT[codes]
    by_text = distilled(TEACHERS[name]).fit(X, text)
    sorted_codes = np.unique(text, return_inverse=True)[1]
    by_codes = distilled(TEACHERS[name]).fit(X, sorted_codes)
    assert_array_equal(by_text.predict_proba(X), by_codes.predict_proba(X))
    assert by_text.teacher_scores_ == by_codes.teacher_scores_
    assert by_text.score(X, text) > 0.8


@pytest.mark.parametrize("lacking", [0, 1, 2])
@pytest.mark.parametrize("name", ["alone", "pipeline"])
def test_a_fold_without_a_class_names_it_and_goes_on(name, lacking):
    X, codes = problem()
    text = TEXT[codes]
    groups = np.where(codes == lacking, 0, np.arange(len(codes)) % 5 + 1)
    model = distilled(TEACHERS[name], cv=GroupKFold(3))
    with pytest.warns(UserWarning, match=rf"fold \d of 3 never saw the classes \['{TEXT[lacking]}"):
        model.fit(X, text, groups=groups)
    with pytest.warns(UserWarning, match="never saw the classes"):
        tree = distilled(GaussianNB(), cv=GroupKFold(3)).fit(X, text, groups=groups)
    assert (model.predict(X) == tree.predict(X)).mean() > 0.8
    assert (model.predict(X[codes == lacking]) == TEXT[lacking]).mean() > 0.8


def test_a_fold_of_one_class_only():
    X, codes = problem(2, n_rows=40)
    order = np.argsort(codes, kind="stable")
    half = np.bincount(codes).min()
    keep = order[np.r_[:half, len(order) - half : len(order)]]
    folds = [(np.arange(half), half + np.arange(half)), (half + np.arange(half), np.arange(half))]
    with pytest.warns(UserWarning, match="never saw"), pytest.raises(ValueError, match="whole"):
        distilled(xgb(), cv=folds).fit(X[keep], TEXT[codes[keep]])


@pytest.mark.parametrize("labels", [TEXT, np.array([7, 3, 5, 1])], ids=["text", "numbers"])
def test_alpha_is_chosen_as_for_codes(labels):
    X, codes = problem()
    y = labels[codes]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        own = distilled(xgb(), alpha="auto").fit(X, y)
        of_codes = distilled(xgb(), alpha="auto").fit(X, np.unique(y, return_inverse=True)[1])
    assert own.alpha_ == of_codes.alpha_
    assert_array_equal(own.predict_proba(X), of_codes.predict_proba(X))


def test_cached_predictions_and_teachers_use_class_codes(tmp_path):
    X, codes = problem()
    settings = {"memory": tmp_path, "cv": KFold(3)}
    for more in (X[:5], X[:7]):  # the second fit uses the cached teachers
        kept = distilled(xgb(), **settings).fit(X, TEXT[codes], X_unlabeled=more)
        fresh = distilled(xgb(), cv=KFold(3)).fit(X, TEXT[codes], X_unlabeled=more)
        assert_array_equal(kept.predict_proba(X), fresh.predict_proba(X))


def test_in_sample_frozen_and_binary_rankers():
    X, codes = problem(2)
    text = TEXT[codes]
    assert distilled(xgb(), cv="in-sample").fit(X, text).score(X, text) > 0.9
    frozen = FrozenEstimator(xgb().fit(X, codes))
    with pytest.raises(ValueError, match="classes of the frozen teacher are not those of y"):
        distilled(frozen).fit(X, text)
    assert distilled(frozen).fit(X, codes == 1).score(X, codes == 1) > 0.9  # 0 and 1 are bools
    assert DistilledBipartiteRanker(xgb(), alpha=1.0).fit(X, text).score(X, text) > 0.9


def test_inspection_of_teachers_of_text():
    X, codes = problem()
    y = TEXT[codes]
    comparison = compare_teachers({"xgb": xgb(), "nb": GaussianNB()}, X, y, cv=3)
    by_codes = compare_teachers({"xgb": xgb()}, X, np.unique(y, return_inverse=True)[1], cv=3)
    of_text, of_codes = (each.to_frame() for each in (comparison, by_codes))
    assert of_text["log_loss"]["xgb"] == of_codes["log_loss"]["xgb"]
    student = GaussianNB().fit(X, y)
    found = bias_variance(student, xgb(), X, y, X_train=X, y_train=y, n_repeats=2, random_state=0)
    assert found.teacher_brier < 0.5


def test_teachers_among_partitions():
    da = pytest.importorskip("dask.array")
    X, codes = problem()
    text = TEXT[codes]
    parts = {"chunks": 40}
    model = DistilledClassifier(xgb(), GaussianNB(), alpha=1.0, teacher_temperature=1.0, cv=3)
    model.fit(da.from_array(X, chunks=(40, 4)), da.from_array(text, **parts))
    assert (np.asarray(model.predict(X)) == text).mean() > 0.8


def test_evaluation_sets_are_encoded_too():
    X, codes = problem()
    text = TEXT[codes]
    with config_context(enable_metadata_routing=True):
        teacher = xgb(early_stopping_rounds=2).set_fit_request(eval_set=True, verbose=True)
        model = distilled(teacher, cv=StratifiedKFold(3))
        model.fit(X, text, eval_set=[(X, text)], verbose=False)
        assert model.score(X, text) > 0.8
    with pytest.raises(ValueError, match=r"eval_set holds the labels \['lying'\]"):
        with_codes(xgb(), text, {"eval_set": [(X[:1], ["lying"])]})


def test_teachers_that_take_codes():
    class EncodesItself(XGBClassifier):
        def fit(self, X, y, **params):
            self.names_, codes = np.unique(y, return_inverse=True)
            return super().fit(X, codes, **params)

    class KeepsFit(XGBClassifier):
        pass

    own_way = {"bagging", "voting", "stacking", "one against the rest"}
    assert {name for name, each in TEACHERS.items() if not takes_codes(each)} == own_way
    assert takes_codes(KeepsFit())
    for other in (EncodesItself(), GaussianNB(), FrozenEstimator(xgb()), xgboost.XGBRegressor()):
        assert not takes_codes(other)


@pytest.mark.parametrize("name", TEACHERS)
def test_teachers_take_codes_if_and_only_if_they_refuse_text(name):
    X, codes = problem()
    teacher = clone(TEACHERS[name])
    if takes_codes(teacher):
        with pytest.raises(ValueError, match=r"Invalid classes inferred|fits failed"):
            teacher.fit(X, TEXT[codes])
    else:
        assert set(teacher.fit(X, TEXT[codes]).predict(X)) <= set(TEXT)


def test_columns_of_a_teacher_of_one_class():
    X, codes = problem(3)
    ones = codes == 1
    folds = [
        (np.flatnonzero(ones), np.flatnonzero(~ones)),
        (np.flatnonzero(~ones), np.flatnonzero(ones)),
        (np.arange(60), np.arange(60, 120)),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = distilled(xgb(), cv=folds).fit(X, TEXT[codes])
    assert_allclose(model.predict_proba(X).sum(axis=1), 1)

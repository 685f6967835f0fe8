"""The retriever fits each objective to its targets, and returns the best labels first."""

import pickle
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_multilabel_classification
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import top_k_accuracy_score
from sklearn.model_selection import GridSearchCV, KFold, RepeatedKFold, cross_val_predict
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdistill import DistilledMulticlassRetriever, SoftLabels
from skdistill import _multiclass_retriever as module
from skdistill._targets._retrieval_targets import RetrievalTargets
from skdistill._teachers import _predict as teacher_module
from skdistill._utils._probabilities import best_columns
from skdistill.datasets import make_gaussian_classes
from skdistill.metrics import precision_at_k, retrieval_scorer
from skdistill.students.retrieval import fit_retriever

OBJECTIVES = ["double_distillation", "label_weighted", "cross_entropy"]
TIGHT = {"tol": 1e-8, "max_iter": 5000}


@pytest.fixture
def rows():
    """Rows of six labels, with what a teacher says of them."""
    return make_gaussian_classes(180, 4, 6, random_state=0)


@pytest.fixture
def sets():
    """Rows with several labels each, some with none."""
    X, Y = make_multilabel_classification(150, 5, n_classes=4, random_state=0)
    return StandardScaler().fit_transform(X), Y


# One label per row


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_student_is_fitted_on_out_of_fold_predictions(rows, objective):
    X, y, _ = rows
    teacher, folds = GaussianNB(), KFold(3, shuffle=True, random_state=0)
    model = DistilledMulticlassRetriever(teacher, objective=objective, cv=folds, k=2, **TIGHT)
    found = model.fit(X, y).decision_function(X)
    p = cross_val_predict(teacher, X, y, cv=folds, method="predict_proba")
    targets = RetrievalTargets.of(SoftLabels(p, y=y), objective)
    expected = fit_retriever(LogisticRegression(**TIGHT), X, targets).decision_function(X)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_alpha_0_is_ordinary_training_whatever_the_objective(rows, objective):
    X, y, _ = rows

    class Silent(GaussianNB):
        def fit(self, X, y, sample_weight=None):
            raise AssertionError("the teacher was used")

    model = DistilledMulticlassRetriever(Silent(), objective=objective, alpha=0, k=2, **TIGHT)
    plain = LogisticRegression(**TIGHT).fit(X, y)
    found = model.fit(X, y).decision_function(X)
    centred = found - found.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(centred, plain.decision_function(X), atol=1e-4)
    assert model.teacher_scores_ is None


def test_teacher_predictions_are_truncated_to_top_k(rows, monkeypatch):
    X, y, _ = rows
    largest = []
    class_proba = teacher_module._class_proba
    monkeypatch.setattr(teacher_module, "BLOCK", 60)  # ten rows of six labels
    monkeypatch.setattr(
        teacher_module,
        "_class_proba",
        lambda teacher, X, *rest: (largest.append(len(X)), class_proba(teacher, X, *rest))[1],
    )
    folds = KFold(3)
    model = DistilledMulticlassRetriever(GaussianNB(), top_k=2, k=2, cv=folds, **TIGHT).fit(X, y)
    assert max(largest) == 10 and sum(largest) == len(X)
    whole = cross_val_predict(GaussianNB(), X, y, cv=folds, method="predict_proba")
    expected = DistilledMulticlassRetriever(top_k=None, k=2, **TIGHT).fit(
        X, y, teacher_proba=SoftLabels(whole).truncate_top_k(2).proba
    )
    np.testing.assert_allclose(model.decision_function(X), expected.decision_function(X), atol=1e-6)


def test_cutting_to_every_label_changes_nothing(rows):
    X, y, _ = rows
    few, many, every = (
        DistilledMulticlassRetriever(GaussianNB(), top_k=top_k, k=2).fit(X, y).decision_function(X)
        for top_k in (6, 100, None)
    )
    np.testing.assert_array_equal(few, many)
    np.testing.assert_array_equal(few, every)


def test_top_k_keeps_the_true_label_and_applies_temperature(rows):
    X, y, p = rows
    mixed = SoftLabels(p, y=y).temper(2.0).truncate_top_k(2).mix_with_labels(0.5).proba
    model = DistilledMulticlassRetriever(k=2, alpha=0.5, top_k=2, teacher_temperature=2.0, **TIGHT)
    found = model.fit(X, y, teacher_proba=p).decision_function(X)
    plain = DistilledMulticlassRetriever(k=2, top_k=None, **TIGHT).fit(X, y, teacher_proba=mixed)
    np.testing.assert_allclose(found, plain.decision_function(X), atol=1e-5)


def test_unseen_classes_keep_labels_in_sparse_predictions():
    X = np.arange(40.0)[:, None]
    y = np.repeat([0, 1, 2, 3], 10)
    order = np.random.default_rng(0).permutation(40)
    X, y = X[order], y[order]
    y[:1] = 7
    model = DistilledMulticlassRetriever(GaussianNB(), cv=KFold(4), top_k=2, k=2)
    with pytest.warns(UserWarning, match=r"never saw the classes \[7\]; 1 rows keep"):
        model.fit(X, y)
    assert model.classes_.tolist() == [0, 1, 2, 3, 7]


def test_given_probabilities_frozen_teachers_and_more_rows(rows):
    X, y, p = rows
    given = DistilledMulticlassRetriever(k=2).fit(X, y, teacher_proba=p)
    named = pd.DataFrame(p[:, ::-1], columns=list(range(6))[::-1])
    again = DistilledMulticlassRetriever(k=2).fit(X, y, teacher_proba=named)
    np.testing.assert_array_equal(given.decision_function(X), again.decision_function(X))
    frozen = FrozenEstimator(GaussianNB().fit(X, y))
    by_frozen = DistilledMulticlassRetriever(frozen, k=2).fit(X[:90], y[:90], X_unlabeled=X[90:])
    by_hand = DistilledMulticlassRetriever(k=2, top_k=None).fit(
        X, y, teacher_proba=frozen.predict_proba(X)
    )
    np.testing.assert_allclose(
        by_frozen.decision_function(X), by_hand.decision_function(X), atol=1e-8
    )


def test_labels_that_a_frozen_teacher_lacks_warn(rows):
    X, y, _ = rows
    frozen = FrozenEstimator(GaussianNB().fit(X[y < 5], y[y < 5]))
    with pytest.warns(UserWarning, match=r"frozen teacher never saw the classes \[5\]; .* rows"):
        model = DistilledMulticlassRetriever(frozen, k=2).fit(X, y)
    proba = np.column_stack([frozen.predict_proba(X), np.zeros(len(X))])
    proba[y == 5] = np.eye(6)[5]
    by_hand = DistilledMulticlassRetriever(k=2).fit(X, y, teacher_proba=proba)
    np.testing.assert_allclose(model.decision_function(X), by_hand.decision_function(X), atol=1e-8)


def test_truncated_predictions_of_teachers_are_averaged():
    X, y, _ = make_gaussian_classes(180, 4, 6, random_state=0)
    labelled, more = slice(0, 90), slice(90, None)
    folds = RepeatedKFold(n_splits=3, n_repeats=2, random_state=0)
    cut = np.zeros((90, 6))

    def top(p):
        kept = np.where(p >= np.sort(p, axis=1)[:, -3:-2], p, 0)
        return kept / kept.sum(axis=1, keepdims=True)

    for train, test in folds.split(X[labelled]):
        teacher = GaussianNB().fit(X[labelled][train], y[labelled][train])
        cut[test] += top(teacher.predict_proba(X[labelled][test])) / 2
    found = DistilledMulticlassRetriever(GaussianNB(), cv=folds, top_k=3, k=2, **TIGHT).fit(
        X[labelled], y[labelled], X_unlabeled=X[more]
    )
    refit = GaussianNB().fit(X[labelled], y[labelled])
    p = np.vstack(
        [top(cut), top(refit.predict_proba(X[more]))]
    )  # the mean of cut rows is cut once more
    expected = DistilledMulticlassRetriever(k=2, **TIGHT).fit(X, y, teacher_proba=p)
    np.testing.assert_allclose(found.decision_function(X), expected.decision_function(X), atol=1e-6)


# What is retrieved


def test_retrieve_gives_the_best_labels_first(rows, monkeypatch):
    X, y, _ = rows
    labels = np.array(list("fedcba"))[y]
    model = DistilledMulticlassRetriever(GaussianNB(), k=3).fit(X, labels)
    scores = model.decision_function(X)
    order = np.argsort(-scores, axis=1, kind="stable")
    for k in (1, 2, 6, None):
        found, of_found = model.retrieve(X, k)
        best = order[:, : k or 3]
        np.testing.assert_array_equal(found, model.classes_[best])
        np.testing.assert_array_equal(of_found, np.take_along_axis(scores, best, axis=1))
    whole = model.retrieve(X, 2)
    monkeypatch.setattr(module, "BLOCK", 6 * 7)
    for one, other in zip(whole, model.retrieve(X, 2), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(model.predict(X), model.classes_[scores.argmax(axis=1)])
    assert model.score(X, labels) == top_k_accuracy_score(
        labels, scores, k=3, labels=model.classes_
    )


def test_equal_scores_keep_the_order_of_the_labels():
    scores = np.array([[1.0, 1.0, 0.0, 3.0, 1.0, 3.0, 0.0, -1.0, -2.0, -3.0] * 3])
    best = best_columns(scores, 15)[0]
    for value in (3.0, 1.0):
        equal = best[scores[0, best] == value]
        np.testing.assert_array_equal(equal, np.sort(equal))


def test_the_score_weighs_rows(rows):
    X, y, _ = rows
    model = DistilledMulticlassRetriever(GaussianNB(), k=1).fit(X, y)
    weight = np.random.default_rng(0).uniform(size=len(y))
    right = np.average(model.predict(X) == y, weights=weight)
    assert model.score(X, y, sample_weight=weight) == pytest.approx(right)


def test_two_labels(rows):
    X, y, _ = rows
    X, y = X[y < 2], y[y < 2]
    model = DistilledMulticlassRetriever(GaussianNB(), k=1, objective="cross_entropy").fit(X, y)
    score = model.decision_function(X)
    labels, scores = model.retrieve(X, 2)
    assert score.shape == (len(X),)
    np.testing.assert_array_equal(labels[:, 0], (score > 0).astype(int))
    np.testing.assert_allclose(scores[:, 0] - scores[:, 1], np.abs(score))
    np.testing.assert_allclose(model.predict_proba(X), model.student_.predict_proba(X), atol=1e-12)


def test_probabilities_only_where_scores_give_them(rows):
    X, y, _ = rows
    model = DistilledMulticlassRetriever(GaussianNB(), objective="cross_entropy", k=2).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X), softmax(model.decision_function(X), axis=1))
    model.set_params(objective="label_weighted")
    assert hasattr(model, "predict_proba")  # it is what was fitted that counts
    model.fit(X, y).set_params(objective="cross_entropy")
    assert not hasattr(model, "predict_proba")
    for objective in OBJECTIVES[:2]:
        other = DistilledMulticlassRetriever(objective=objective)
        assert not hasattr(other, "predict_proba")
        with pytest.raises(AttributeError, match="has no attribute 'predict_proba'"):
            other.predict_proba(X)


def test_fewer_labels_than_k_warns_and_larger_request_raises(rows):
    X, y, _ = rows
    with pytest.warns(UserWarning, match="k=10, but there are 6 labels"):
        model = DistilledMulticlassRetriever(GaussianNB()).fit(X, y)
    assert model.retrieve(X)[0].shape == (180, 6)
    with pytest.raises(ValueError, match="k must be at most the number of labels, 6; got k=7"):
        model.retrieve(X, 7)
    with pytest.raises(ValueError, match="got k=0"):
        model.retrieve(X, 0)


def test_it_plugs_into_pipelines_and_searches(rows):
    X, y, _ = rows
    model = make_pipeline(StandardScaler(), DistilledMulticlassRetriever(GaussianNB(), k=2))
    grid = {"distilledmulticlassretriever__objective": OBJECTIVES}
    search = GridSearchCV(model, grid, cv=2, scoring=retrieval_scorer(precision_at_k, k=1))
    search.fit(X, y)
    assert 0.3 < search.best_score_ <= 1


def test_rank_fits_a_projection_deployed_with_the_student(rows):
    X, y, _ = rows
    model = DistilledMulticlassRetriever(GaussianNB(), rank=2, k=2, random_state=0).fit(X, y)
    assert [type(step).__name__ for step in model.student_] == [
        "TruncatedSVD",
        "LogisticRegression",
    ]
    np.testing.assert_array_equal(model.student_.decision_function(X), model.decision_function(X))
    assert model.n_iter_ == model.student_[-1].n_iter_


def test_rank_keeps_the_names_of_the_features(rows):
    X, y, _ = rows
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = DistilledMulticlassRetriever(GaussianNB(), rank=2, k=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(frame, y).retrieve(frame)
    assert model.student_.feature_names_in_.tolist() == list("abcd")


@pytest.mark.parametrize("rank", [None, 2])
def test_the_student_scores_where_skdistill_is_not_installed(rows, rank, tmp_path):
    X, y, _ = rows
    model = DistilledMulticlassRetriever(GaussianNB(), rank=rank, k=2, random_state=0).fit(X, y)
    (tmp_path / "student").write_bytes(pickle.dumps(model.student_))
    np.save(tmp_path / "X.npy", X)
    code = (
        "import sys, pickle, numpy as np\n"
        "sys.modules['skdistill'] = None\n"
        "student = pickle.load(open('student', 'rb'))\n"
        "np.save('scores.npy', student.decision_function(np.load('X.npy')))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
    np.testing.assert_array_equal(np.load(tmp_path / "scores.npy"), model.decision_function(X))


# Several labels per row


def test_multilabel_teacher_predicts_each_label_separately(sets):
    X, Y = sets
    filled = Y.any(axis=1)
    X, Y = X[filled], Y[filled]
    folds = KFold(3)
    forest = ExtraTreesClassifier(20, random_state=0)
    model = DistilledMulticlassRetriever(forest, cv=folds, k=2, **TIGHT).fit(X, Y)
    proba = cross_val_predict(forest, X, Y, cv=folds, method="predict_proba")
    p = np.column_stack([each[:, 1] for each in proba])
    given = DistilledMulticlassRetriever(k=2, **TIGHT).fit(X, Y, teacher_proba=p)
    np.testing.assert_allclose(model.decision_function(X), given.decision_function(X), atol=1e-6)
    assert model.teacher_scores_["raw"]["brier"] == pytest.approx(((p - Y) ** 2).sum(1).mean())
    assert model.predict(X).sum(axis=1).tolist() == [2] * len(X)
    assert model.decision_function(X).shape == Y.shape


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_form_of_the_indicator_does_not_matter(sets, objective):
    X, Y = sets
    filled = Y.any(axis=1)
    X, Y = X[filled], Y[filled]
    model = DistilledMulticlassRetriever(
        OneVsRestClassifier(LogisticRegression()), objective=objective, k=2, cv=3
    )
    dense = model.fit(X, Y).decision_function(X)
    of_sparse = clone(model).fit(X, sparse.csr_array(Y))
    np.testing.assert_allclose(of_sparse.decision_function(X), dense, atol=1e-8)
    assert sparse.issparse(of_sparse.predict(X))
    assert not hasattr(of_sparse, "predict_proba")


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_columns_keep_the_order_in_which_they_came(sets, objective):
    X, Y = sets
    filled = Y.any(axis=1)
    X, Y = X[filled], Y[filled]
    teacher = OneVsRestClassifier(LogisticRegression())
    plain = DistilledMulticlassRetriever(teacher, objective=objective, k=2, cv=3).fit(X, Y)
    names = ["d", "a", "c", "b"]
    framed = pd.DataFrame(Y, columns=names)
    for model, own in (
        (clone(plain).fit(X, framed), framed),
        (clone(plain).set_params(classes=names).fit(X, Y), Y),
    ):
        assert model.classes_.tolist() == names
        np.testing.assert_array_equal(model.decision_function(X), plain.decision_function(X))
        np.testing.assert_array_equal(model.predict(X), plain.predict(X))
        found = model.retrieve(X)[0]
        np.testing.assert_array_equal(found, np.array(names)[plain.retrieve(X)[0]])
        assert model.score(X, own) == plain.score(X, Y)
        scorer = retrieval_scorer(precision_at_k, k=2)
        assert scorer(model, X, own) == scorer(plain, X, Y)
        assert model.score(X, framed[sorted(names)]) == plain.score(X, Y)
    frozen = FrozenEstimator(clone(teacher).fit(X, Y))
    p = frozen.predict_proba(X)
    by_frozen = clone(plain).set_params(teacher=frozen).fit(X, framed)
    for given in (p, pd.DataFrame(p, columns=names)[sorted(names)]):
        by_given = clone(plain).fit(X, framed, teacher_proba=given)
        np.testing.assert_array_equal(by_given.decision_function(X), by_frozen.decision_function(X))
        assert by_given.teacher_scores_ == by_frozen.teacher_scores_
    with pytest.raises(ValueError, match=r"columns of y, \['d', 'a', 'c', 'b'\], are not classes"):
        clone(plain).set_params(classes=sorted(names)).fit(X, framed)
    with pytest.raises(ValueError, match="no column for \\['a'\\], no class for \\['x'\\]"):
        clone(plain).fit(X, framed, teacher_proba=pd.DataFrame(p, columns=["d", "x", "c", "b"]))


@pytest.mark.filterwarnings("ignore:Number of classes in training fold")
def test_labels_that_a_fold_never_saw_stay_with_their_rows(sets):
    X, Y = sets
    filled = Y.any(axis=1)
    X, Y = X[filled], np.column_stack([Y[filled], np.zeros(filled.sum(), dtype=int)])
    Y[0, 4] = 1  # a label of one row
    forest, folds = ExtraTreesClassifier(20, random_state=0), KFold(3)
    model = DistilledMulticlassRetriever(forest, k=2, cv=folds, **TIGHT)
    with pytest.warns(UserWarning, match=r"fold 1 of 3 never saw the classes \[4\]; 1 rows keep"):
        model.fit(X, Y)
    proba = cross_val_predict(forest, X, Y, cv=folds, method="predict_proba")
    p = np.column_stack([each[:, 1] for each in proba])
    assert p[0, 4] == 0
    p[0, 4] = 1
    given = clone(model).fit(X, Y, teacher_proba=p)
    np.testing.assert_allclose(model.decision_function(X), given.decision_function(X), atol=1e-5)


def test_the_default_teacher_takes_a_sparse_indicator(sets):
    X, Y = sets
    filled = Y.any(axis=1)
    X, Y = X[filled], Y[filled]
    model = DistilledMulticlassRetriever(k=2, random_state=0)
    dense = model.fit(X, Y).decision_function(X)
    of_sparse = clone(model).fit(X, sparse.csr_array(Y)).decision_function(X)
    np.testing.assert_array_equal(of_sparse, dense)
    nullable = clone(model).fit(X, pd.DataFrame(Y).astype("Int64")).decision_function(X)
    np.testing.assert_array_equal(nullable, dense)


def test_steps_before_the_last_see_a_dense_indicator(sets):
    X, Y = sets
    filled = Y.any(axis=1)
    X, Y = X[filled], Y[filled]
    student = make_pipeline(SelectKBest(chi_of_sets, k=3), LogisticRegression())
    model = DistilledMulticlassRetriever(student=student, k=2)
    assert model.fit(X, Y, teacher_proba=Y).student_[-1].coef_.shape == (4, 3)


def chi_of_sets(X, Y):
    assert isinstance(Y, np.ndarray) and Y.shape == (len(X), 4)
    return np.arange(X.shape[1])


def test_alpha_0_learns_the_label_sets_themselves(sets):
    X, Y = sets
    filled = Y.any(axis=1)
    X, Y = X[filled], Y[filled]
    first = DistilledMulticlassRetriever(alpha=0, k=2, **TIGHT).fit(X, Y)
    second = DistilledMulticlassRetriever(k=2, **TIGHT).fit(X, Y, teacher_proba=Y)
    np.testing.assert_allclose(first.decision_function(X), second.decision_function(X), atol=1e-8)


def test_empty_rows_are_counted_in_a_warning(sets):
    X, Y = sets
    n_empty = int((~Y.any(axis=1)).sum())
    assert n_empty > 3
    p = np.full(Y.shape, 0.3)
    model = DistilledMulticlassRetriever(k=2)
    with pytest.warns(
        UserWarning, match=f"{n_empty} of the 150 rows of y have no label: they are fit"
    ):
        model.fit(X, Y, teacher_proba=p)
    weighted = clone(model).set_params(objective="label_weighted", **TIGHT)
    with pytest.warns(UserWarning, match=f"{n_empty} of the 150 rows .* are ignored"):
        weighted.fit(X, Y, teacher_proba=p)
    with pytest.warns(UserWarning, match="have no label; the mean leaves them out"):
        weighted.score(X, Y)


def test_more_rows_without_label_sets(sets):
    X, Y = sets
    filled = Y.any(axis=1)
    X, Y = X[filled], Y[filled]
    frozen = FrozenEstimator(OneVsRestClassifier(GaussianNB()).fit(X, Y))
    part = DistilledMulticlassRetriever(frozen, k=2, **TIGHT).fit(
        X[:50], Y[:50], X_unlabeled=X[50:]
    )
    whole = DistilledMulticlassRetriever(frozen, k=2, **TIGHT).fit(X, Y)
    np.testing.assert_allclose(part.decision_function(X), whole.decision_function(X), atol=1e-6)


def test_weights_count_rows_with_several_labels_too(sets):
    X, Y = sets
    filled = Y.any(axis=1)
    X, Y = X[filled], Y[filled]
    p = np.random.default_rng(0).uniform(size=Y.shape)
    weight = np.random.default_rng(1).integers(0, 3, size=len(X))
    twice = np.repeat(np.arange(len(X)), weight)
    model = DistilledMulticlassRetriever(k=2, **TIGHT)
    weighed = model.fit(X, Y, sample_weight=weight, teacher_proba=p).decision_function(X)
    repeated = clone(model).fit(X[twice], Y[twice], teacher_proba=p[twice]).decision_function(X)
    np.testing.assert_allclose(weighed, repeated, atol=1e-6)


# Bad input


class WrongMarginals(ClassifierMixin, BaseEstimator):
    """A teacher whose output has some fault."""

    def __init__(self, output=None):
        self.output = output

    def fit(self, X, y):
        return self

    def predict_proba(self, X):
        return np.full((len(X), self.output[0]), self.output[1])


def test_bad_input_raises_clear_errors(rows, sets):
    X, y, p = rows

    def fails(error, match, *, X=X, y=y, fit=None, **parameters):
        with pytest.raises(error, match=match):
            DistilledMulticlassRetriever(**{"k": 2, **parameters}).fit(X, y, **(fit or {}))

    fails(ValueError, "objective must be one of .*; got 'double'", objective="double")
    fails(ValueError, "top_k must be None .*; got top_k=0", top_k=0)
    fails(ValueError, "k must be an integer above 0; got k=0", k=0)
    fails(ValueError, "got k=2.5", k=2.5)
    fails(ValueError, "got rank=0", rank=0)
    fails(ValueError, r"rank=4 and X of shape \(180, 4\)", rank=4, teacher=WrongMarginals())
    fails(ValueError, r"rank=3 and X of shape \(2, 4\)", X=X[:2], y=[0, 1], rank=3)
    fails(ValueError, "C must be a finite number above 0, or np.inf; got C=0", C=0)
    fails(ValueError, "got max_iter=0", max_iter=0)
    fails(ValueError, "with student=", student=LogisticRegression(), rank=3)
    fails(TypeError, "cannot be fitted to rank labels", student=GaussianNB())
    fails(
        ValueError,
        "have none. Use",
        objective="label_weighted",
        teacher=FrozenEstimator(GaussianNB().fit(X, y)),
        fit={"X_unlabeled": X},
    )
    five = p[:, :5] / p[:, :5].sum(axis=1, keepdims=True)
    fails(ValueError, "proba has 5 columns but there are 6", fit={"teacher_proba": five})
    fails(ValueError, "only 1 class", y=np.zeros(len(X)))

    X, Y = sets
    multilabel_rows = {"X": X, "y": Y}
    fails(
        ValueError,
        "temperature",
        **multilabel_rows,
        teacher_temperature=2.0,
        fit={"teacher_proba": Y},
    )
    fails(
        ValueError,
        r"row 0 \(1.5\)",
        **multilabel_rows,
        teacher=WrongMarginals((4, 1.5)),
    )
    fails(
        ValueError,
        r"4 labels of y; got shape \(30, 3\)",
        **multilabel_rows,
        teacher=WrongMarginals((3, 0.5)),
    )
    fails(
        ValueError,
        r"shape of the indicator y, \(150, 4\); got shape \(150, 3\)",
        **multilabel_rows,
        fit={"teacher_proba": Y[:, :3]},
    )
    fails(ValueError, "4 columns, and classes lists 3", **multilabel_rows, classes=[0, 1, 2])
    with pytest.warns(UserWarning, match="150 of the 150 rows"):
        fails(ValueError, "None of the 150 rows", X=X, y=np.zeros_like(Y), alpha=0)


def test_a_fit_that_fails_leaves_the_model_as_it_was(rows):
    X, y, _ = rows
    model = DistilledMulticlassRetriever(GaussianNB(), k=2).fit(X, y)
    before = model.retrieve(X)
    with pytest.raises(ValueError):
        model.set_params(top_k=0).fit(X, y)
    np.testing.assert_array_equal(model.retrieve(X)[0], before[0])

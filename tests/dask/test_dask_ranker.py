"""The ranker over any partitions has the coefficients of the in-memory ranker."""

import warnings

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from partitioned import in_partitions, make_problem
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import PredefinedSplit

from skdistill import DistilledBipartiteRanker
from skdistill._dask import _pairs
from skdistill.objectives._logistic_blocks import Moments
from skdistill.students.ranking import linear


@pytest.mark.parametrize("surrogate", ["logistic", "exponential"])
@pytest.mark.parametrize("n_partitions", [1, 2, 7])
def test_coefficients_are_those_in_memory(surrogate, n_partitions):
    X, p, y = make_problem()
    options = {"surrogate": surrogate, "tol": 1e-11, "C": 0.1}
    ours = DistilledBipartiteRanker(**options)
    dX, dy, dp = in_partitions(n_partitions, X, y, p)
    ours.fit(dX, dy, teacher_proba=dp)
    theirs = DistilledBipartiteRanker(**options).fit(X, y, teacher_proba=p)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=1e-10)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=0, atol=1e-10)
    assert ours.n_features_in_ == 5
    assert type(ours.student_) is LogisticRegression


@pytest.mark.parametrize("surrogate", ["logistic", "exponential"])
def test_many_rows_draw_the_sample_that_they_draw_in_memory(surrogate, monkeypatch):
    monkeypatch.setattr(linear, "SAMPLE_SIZE", 200)  # the curvature of 1000 rows comes from 200
    X, _, y = make_problem()
    in_memory = DistilledBipartiteRanker(surrogate=surrogate, alpha=0).fit(X, y)
    for n_partitions in (1, 4):
        dX, dy = in_partitions(n_partitions, X, y)
        ours = DistilledBipartiteRanker(surrogate=surrogate, alpha=0).fit(dX, dy)
        # Far from converged: step by step the same.
        np.testing.assert_allclose(ours.coef_, in_memory.coef_, rtol=0, atol=1e-10)
        assert ours.n_iter_ == in_memory.n_iter_ > 0


def test_curvature_uses_all_partitions_if_the_sample_fails(monkeypatch):
    X, p, y = make_problem(300)
    monkeypatch.setattr(_pairs.PairsObjective, "sample", lambda objective: Misleading())

    class Misleading:
        has_binned_scores = False

        def loss_and_gradient(self, w):
            return 0.0, np.zeros_like(w)

        def curvature(self, w):
            return (lambda v: 1e-3 * v), np.ones(len(w))

    dX, dy, dp = in_partitions(2, X, y, p)
    ours = DistilledBipartiteRanker(tol=1e-8).fit(dX, dy, teacher_proba=dp)
    theirs = DistilledBipartiteRanker(tol=1e-8).fit(X, y, teacher_proba=p)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=1e-6)


def test_weights_and_alpha_count_as_in_memory():
    X, p, y = make_problem()
    w = np.random.default_rng(1).integers(0, 3, size=len(X)).astype(float)
    options = {"alpha": 0.4, "teacher_temperature": 2.0, "tol": 1e-11}
    dX, dy, dp, dw = in_partitions(3, X, y, p, w)
    ours = DistilledBipartiteRanker(**options).fit(dX, dy, dw, teacher_proba=dp)
    theirs = DistilledBipartiteRanker(**options).fit(X, y, w, teacher_proba=p)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=1e-10)
    for which, scores in theirs.teacher_scores_.items():
        assert ours.teacher_scores_[which] == pytest.approx(scores, abs=1e-12)


def test_teachers_are_fitted_on_the_other_folds_partitions():
    X, _, y = make_problem(600)
    teacher = ExtraTreesClassifier(5, max_depth=4, random_state=0)
    dX, dy = in_partitions(6, X, y)
    ours = DistilledBipartiteRanker(teacher, cv=3, tol=1e-11).fit(dX, dy)
    folds = PredefinedSplit(np.arange(600) // 100 % 3)
    theirs = DistilledBipartiteRanker(teacher, cv=folds, tol=1e-11).fit(X, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=1e-10)
    assert ours.teacher_scores_["raw"] == pytest.approx(theirs.teacher_scores_["raw"], abs=1e-12)


def test_a_frozen_teacher_and_no_teacher_at_all():
    X, _, y = make_problem(600)
    dX, dy = in_partitions(3, X, y)
    frozen = FrozenEstimator(ExtraTreesClassifier(5, max_depth=4, random_state=0).fit(X, y))
    for options in ({"teacher": frozen}, {"alpha": 0}):
        ours = DistilledBipartiteRanker(**options, tol=1e-11).fit(dX, dy)
        theirs = DistilledBipartiteRanker(**options, tol=1e-11).fit(X, y)
        np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=1e-10)
        assert (ours.teacher_scores_ is None) == (theirs.teacher_scores_ is None)


def test_scores_and_labels_are_lazy_and_those_in_memory():
    X, p, y = make_problem(300)
    dX, dy, dp = in_partitions(3, X, y, p)
    ranker = DistilledBipartiteRanker().fit(dX, dy, teacher_proba=dp)
    scores, labels = ranker.decision_function(dX), ranker.predict(dX)
    assert dask.is_dask_collection(scores) and dask.is_dask_collection(labels)
    assert scores.chunks == labels.chunks == ((100, 100, 100),)
    np.testing.assert_array_equal(scores.compute(), ranker.decision_function(X))
    np.testing.assert_array_equal(labels.compute(), ranker.predict(X))
    assert ranker.score(dX, dy) == ranker.score(X, y)


def test_dataframes_of_unknown_sizes_with_empty_partitions():
    X, p, y = make_problem(300)
    frame = pd.DataFrame(X, columns=list("abcde")).assign(p=p, label=np.array(["no", "yes"])[y])
    ours = dd.from_pandas(frame, npartitions=6)
    ours = ours[(ours.a > -1) & (ours.index >= 50)]  # the first partition has no rows
    kept = frame[(frame.a > -1) & (frame.index >= 50)]
    features = list("abcde")
    model = DistilledBipartiteRanker(tol=1e-11)
    model.fit(ours[features], ours["label"], teacher_proba=ours["p"])
    theirs = DistilledBipartiteRanker(tol=1e-11)
    theirs.fit(kept[features], kept["label"], teacher_proba=kept["p"])
    np.testing.assert_allclose(model.coef_, theirs.coef_, rtol=0, atol=1e-10)
    assert list(model.student_.feature_names_in_) == list(model.feature_names_in_) == features
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = model.decision_function(ours[features]).compute()
        np.testing.assert_allclose(scores, model.decision_function(kept[features]), atol=1e-12)
    mine = model.score(ours[features], ours["label"])
    assert mine == pytest.approx(model.score(kept[features], kept["label"]), abs=1e-12)


def test_scores_that_spread_too_far_only_shorten_the_step():
    X, p, y = make_problem(300)
    scale = np.array([1e4, 1, 1, 1, 1])
    dX, dy, dp = in_partitions(3, X * scale, y, p)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        ranker = DistilledBipartiteRanker(C=np.inf).fit(dX, dy, teacher_proba=dp)
    assert ranker.score(X * scale, y) > 0.7


def test_a_row_that_is_not_finite_is_found():
    X, p, y = make_problem(300)
    X[250, 2] = np.nan
    dX, dy, dp = in_partitions(3, X, y, p)
    with pytest.raises(ValueError, match="X contains NaN"):
        DistilledBipartiteRanker().fit(dX, dy, teacher_proba=dp)


def test_sparse_partitions_rank_as_dense_ones():
    from scipy import sparse

    X, p, y = make_problem(300)
    X[X < 0] = 0
    dX, dy, dp = in_partitions(3, X, y, p)
    as_csr = dX.map_blocks(sparse.csr_array, meta=sparse.csr_array((0, 0)))
    dense = DistilledBipartiteRanker(tol=1e-11).fit(dX, dy, teacher_proba=dp)
    ours = DistilledBipartiteRanker(tol=1e-11).fit(as_csr, dy, teacher_proba=dp)
    np.testing.assert_allclose(ours.coef_, dense.coef_, rtol=0, atol=1e-10)


def test_columns_in_several_chunks_are_joined():
    X, p, y = make_problem(300)
    _, dy, dp = in_partitions(3, X, y, p)
    dX = da.from_array(X, chunks=(100, 2))
    ours = DistilledBipartiteRanker(tol=1e-11).fit(dX, dy, teacher_proba=dp)
    theirs = DistilledBipartiteRanker(tol=1e-11).fit(X, y, teacher_proba=p)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=1e-10)


@pytest.mark.parametrize("surrogate", ["logistic", "exponential"])
def test_scores_that_go_astray_have_an_infinite_loss(surrogate):
    X, p, _ = make_problem(200)
    dX, dp = in_partitions(2, X, np.column_stack([1 - p, p]))
    targets = [_pairs.PairTargets(each[:, 1], None) for each in (p_of(dp, 0), p_of(dp, 1))]
    blocks = [[rows, own] for rows, own in zip(dX.to_delayed().ravel(), targets, strict=True)]
    sums = [_pairs.Sums.of((X[:100], targets[0])), _pairs.Sums.of((X[100:], targets[1]))]
    objective = _pairs.PairsObjective(blocks, sums, surrogate, 0.0, n_features=5)
    loss, gradient = objective.loss_and_gradient(np.full(5, 1e200))
    assert loss == np.inf and np.isnan(gradient).all()


def p_of(dp, k):
    return dp.blocks[k].compute()


def test_rows_that_start_at_any_byte_have_the_same_gradient():
    """As pieces of a message over a network do; NumPy would multiply them in another order."""
    X, p, _ = make_problem()
    buffer = np.zeros(X.nbytes + 1, dtype=np.uint8)
    shifted = buffer[1:].view(np.float64).reshape(X.shape)
    shifted[...] = X
    assert X.flags.aligned and not shifted.flags.aligned
    targets, w = _pairs.PairTargets(p, None), np.linspace(-1, 1, X.shape[1])
    expansions = _pairs._partial_sums_of((X, targets), w, Moments).expansions()
    got, expected = (_pairs._gradient((rows, targets), w, expansions) for rows in (shifted, X))
    np.testing.assert_array_equal(got, expected)

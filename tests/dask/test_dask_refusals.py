"""Options that partitions do not support raise an error with a remedy, before any fit."""

import warnings

import dask
import dask.array as da
import dask.bag
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from partitioned import in_partitions, make_problem
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import KFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier

import skdistill
from skdistill import (
    BornAgainClassifier,
    CascadeClassifier,
    DistilledBipartiteRanker,
    DistilledClassifier,
    DistilledMulticlassRetriever,
    DistilledRegressor,
    SoftLabelClassifier,
)
from skdistill.augmentation import MungeAugmenter


class UnusedTeacher(ExtraTreesClassifier):
    def fit(self, *args, **kwargs):
        raise AssertionError("the teacher was fitted")


@pytest.fixture
def collections():
    X, p, y = make_problem(100)
    return in_partitions(4, X, y, np.column_stack([1 - p, p]))


@pytest.mark.parametrize("estimator_class", [DistilledClassifier, DistilledBipartiteRanker])
@pytest.mark.parametrize(
    ("option", "name"),
    [
        ({"alpha": "auto"}, 'alpha="auto"'),
        ({"teacher_temperature": "auto"}, 'teacher_temperature="auto"'),
        ({"augmenter": MungeAugmenter()}, "augmenter"),
        ({"memory": "folder"}, "memory"),
        ({"n_jobs": 2}, "n_jobs=2"),
        ({"verbose": 1}, "verbose=1"),
        ({"cv": KFold(3)}, "cv=KFold"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_parameters(estimator_class, option, name, collections):
    dX, dy, _ = collections
    student = GaussianNB() if estimator_class is DistilledClassifier else None
    model = estimator_class(UnusedTeacher(), student, **{"alpha": 1.0, **option})
    with pytest.raises(ValueError, match=name):
        model.fit(dX, dy)
    assert not hasattr(model, "student_")


def test_rows_without_labels_and_parameters_of_fit(collections):
    dX, dy, _ = collections
    model = DistilledClassifier(UnusedTeacher(), GaussianNB(), alpha=1.0, teacher_temperature=1.0)
    with pytest.raises(ValueError, match="X_unlabeled for Dask"):
        model.fit(dX, dy, X_unlabeled=dX)
    with pytest.raises(ValueError, match="fit parameter groups"):
        model.fit(dX, dy, groups=dy)


@pytest.mark.parametrize(
    ("student", "message"),
    [
        (None, r"SGDClassifier\(loss=\"log_loss\"\), GaussianNB"),
        (LogisticRegression(), "no partial_fit that takes sample_weight"),
        (Ridge(), "no partial_fit"),
    ],
)
def test_students_without_partial_fit(student, message, collections):
    dX, dy, _ = collections
    with pytest.raises(TypeError, match=message):
        DistilledClassifier(UnusedTeacher(), student, alpha=1.0, teacher_temperature=1.0).fit(
            dX, dy
        )


def test_weights_for_a_student_that_divides_by_their_sum(collections):
    dX, dy, _ = collections
    student = MLPClassifier(max_iter=2)
    model = DistilledClassifier(UnusedTeacher(), student, alpha=1.0, teacher_temperature=1.0, cv=2)
    with pytest.raises(ValueError, match="MLPClassifier divides weights by their sum"):
        model.fit(dX, dy, sample_weight=da.ones(100, chunks=25))
    model.set_params(alpha=0).fit(dX, dy)


@pytest.mark.parametrize("option", [{"average": True}, {"early_stopping": True}])
def test_students_that_judge_themselves_by_copies(option, collections):
    dX, dy, _ = collections
    with pytest.raises(ValueError, match=next(iter(option))):
        DistilledClassifier(
            UnusedTeacher(), SGDClassifier(**option), alpha=1.0, teacher_temperature=1.0
        ).fit(dX, dy)


def test_rankers_that_need_all_rows(collections):
    dX, dy, _ = collections
    for surrogate in ("hinge", "squared_hinge"):
        with pytest.raises(ValueError, match=f"surrogate='{surrogate}' needs the scores"):
            DistilledBipartiteRanker(UnusedTeacher(), surrogate=surrogate).fit(dX, dy)
    with pytest.raises(TypeError, match="only the linear scorer"):
        DistilledBipartiteRanker(UnusedTeacher(), Ridge()).fit(dX, dy)
    with pytest.raises(ValueError, match="class_weight"):
        student = LogisticRegression(class_weight="balanced")
        DistilledBipartiteRanker(UnusedTeacher(), student).fit(dX, dy)
    with pytest.raises(ValueError, match="L2 penalty or none"):
        student = LogisticRegression(solver="liblinear")
        DistilledBipartiteRanker(UnusedTeacher(), student).fit(dX, dy)


def test_collections_that_do_not_fit_together(collections):
    dX, dy, dP = collections
    model = DistilledClassifier(UnusedTeacher(), GaussianNB(), alpha=1.0, teacher_temperature=1.0)
    with pytest.raises(ValueError, match=r"y must have the partitions of X: X has 4 .* y has 2"):
        model.fit(dX, dy.rechunk(50))
    with pytest.raises(ValueError, match=r"y has 4 partitions of \[30, 30, 30, 10\]"):
        model.fit(dX, dy.rechunk(30))
    with pytest.raises(ValueError, match="teacher_proba must have the partitions"):
        model.fit(dX, dy, teacher_proba=dP.rechunk((20, -1)))
    with pytest.raises(ValueError, match="sample_weight must have the partitions"):
        model.fit(dX, dy, dy[:50])


def test_partitions_of_unknown_sizes_are_compared_as_they_come():
    frame = pd.DataFrame({"a": np.arange(20.0), "label": np.tile([0, 1], 10)})
    whole = dd.from_pandas(frame, npartitions=2)
    fewer = whole[whole.a != 15]
    with pytest.raises(ValueError, match="Partition 1 has 9 rows in X and 10 in y"):
        DistilledClassifier(student=GaussianNB(), alpha=0).fit(fewer[["a"]], whole["label"])


@pytest.mark.parametrize("whose", ["X", "y", "sample_weight", "teacher_proba"])
@pytest.mark.parametrize("lost", [[3], [1, 2]], ids=["the last partition", "two in the middle"])
def test_partitions_that_did_not_arrive(whose, lost):
    """A partition is empty only if nothing of it is there; sizes are not known beforehand."""
    X, p, y = make_problem(100)
    frame = pd.DataFrame(X, columns=list("abcde")).assign(
        y=y, sample_weight=1.0, number=np.repeat(np.arange(4), 25), **{"0": 1 - p, "1": p}
    )
    rows = dd.from_pandas(frame, npartitions=4)
    arrived = rows[~rows.number.isin(lost)]
    columns = {"X": list("abcde"), "teacher_proba": ["0", "1"]}
    given = {
        name: (arrived if name == whose else rows)[columns.get(name, name)]
        for name in ("X", "y", "sample_weight", "teacher_proba")
    }
    model = DistilledClassifier(
        student=GaussianNB(), alpha=1.0, teacher_temperature=1.0, classes=[0, 1]
    )
    with pytest.raises(ValueError, match=rf"Partition {lost} has (25|0) rows in X and (0|25)"):
        model.fit(**given)
    assert not hasattr(model, "student_")


def test_no_teacher_is_fitted_to_rows_that_lack_labels():
    X, _, y = make_problem(100)
    frame = pd.DataFrame(X, columns=list("abcde")).assign(y=y)
    rows = dd.from_pandas(frame, npartitions=4)
    model = DistilledClassifier(
        UnusedTeacher(), GaussianNB(), alpha=1.0, teacher_temperature=1.0, cv=2
    )
    with pytest.raises(ValueError, match=r"Partition \d has 25 rows in X and \d+ in y"):
        model.fit(rows[list("abcde")], rows[rows.a > 0].y)


def test_labels_of_other_kinds(collections):
    dX, dy, _ = collections
    model = DistilledClassifier(
        UnusedTeacher(), GaussianNB(), alpha=1.0, teacher_temperature=1.0, cv=2
    )
    with pytest.raises(ValueError, match="y is None"):
        model.fit(dX, None)
    with pytest.raises(ValueError, match=r"y must have shape \(n_samples,\).*2 in the second"):
        model.fit(dX, da.stack([dy, 1 - dy], axis=1))
    with pytest.raises(ValueError, match=r"sample_weight must have shape \(n_samples,\)"):
        model.fit(dX, dy, sample_weight=dy[:, None])
    text = dy.astype(str).to_delayed()[0]
    mixed = [da.from_delayed(text, (25,), str), dy[25:]]
    mixed = [each for part in mixed for each in part.to_delayed().ravel()]
    y = dd.from_delayed(
        [dask.delayed(pd.Series)(each) for each in mixed], meta=pd.Series([1]), verify_meta=False
    )
    X = dd.from_dask_array(dX)
    with pytest.raises(
        TypeError, match=r"Labels must be of one kind; .* hold text, such as '[01]'"
    ):
        model.fit(X, y)


def test_labels_as_one_column_are_labels(collections):
    dX, dy, _ = collections
    frame = dd.from_dask_array(da.concatenate([dX, dy[:, None]], axis=1), columns=list("abcdey"))
    X, y = frame[list("abcde")], frame.y
    for model in (
        DistilledClassifier(student=GaussianNB(), alpha=0),
        DistilledBipartiteRanker(alpha=0),
    ):
        expected = model.fit(dX, dy).score(dX, dy)
        for rows, column in ((dX, dy[:, None]), (X, y.to_frame()), (X, frame[["y"]])):
            assert model.fit(rows, column).score(rows, column) == expected


# Estimators whose rows are in memory, and what their `fit` takes.
IN_MEMORY = [
    BornAgainClassifier(DecisionTreeClassifier()),
    CascadeClassifier(UnusedTeacher()),
    DistilledMulticlassRetriever(UnusedTeacher(), k=1),
    DistilledRegressor(UnusedTeacher()),
    SoftLabelClassifier(GaussianNB()),
]


def test_every_estimator_fits_or_refuses_dask_collections():
    learns = {"DistilledBipartiteRanker", "DistilledClassifier"}
    ours = {name for name in skdistill.__all__ if hasattr(getattr(skdistill, name), "fit")}
    assert ours == learns | {type(each).__name__ for each in IN_MEMORY}


@pytest.mark.parametrize("estimator", IN_MEMORY, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("form", ["array", "dataframe"])
def test_estimators_in_memory_load_no_collection(estimator, form, collections):
    def refuse(block):
        raise AssertionError("rows were loaded")

    def far(each):
        each = each.map_blocks(refuse, meta=each._meta)
        return each if form == "array" else dd.from_dask_array(each)

    X, y, P = (each.compute() for each in collections)
    estimator = clone(estimator)
    labels = P if isinstance(estimator, SoftLabelClassifier) else y
    given = {"X": X, "y": labels, "sample_weight": np.ones(100)}
    if isinstance(estimator, DistilledMulticlassRetriever):
        given |= {"teacher_proba": P, "X_unlabeled": X}
    if isinstance(estimator, DistilledRegressor):
        given |= {"teacher_pred": y, "X_unlabeled": X, "unlabeled_pred": y}
    for name, value in given.items():
        chunks = (25, *value.shape[1:])
        with pytest.raises(TypeError, match=rf"{type(estimator).__name__} .*{name}\.compute\(\)"):
            estimator.fit(**{**given, name: far(da.from_array(value, chunks=chunks))})
    estimator = clone(estimator)
    if isinstance(estimator, CascadeClassifier | DistilledMulticlassRetriever | DistilledRegressor):
        estimator.set_params(teacher=None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # nothing is gained here
        estimator.fit(X, labels)
    far_X = far(collections[0])
    for name in ("predict", "predict_proba", "decision_function", "retrieve"):
        if not hasattr(estimator, name):
            continue
        try:
            expansion = getattr(estimator, name)(far_X)
        except TypeError as error:
            assert f"{type(estimator).__name__} takes rows in memory only" in str(error)
        else:
            assert dask.is_dask_collection(expansion)  # lazy: nothing is loaded


def test_one_class_in_a_partition_at_all_and_one_partition(collections):
    _, dy, _ = collections
    order = np.argsort(dy.compute(), kind="stable")  # the first partition holds one class
    X, y, P = (each.compute()[order] for each in collections)
    parts = [da.from_array(each, chunks=(25, *each.shape[1:])) for each in (X, y, P)]
    model = DistilledClassifier(student=GaussianNB(), alpha=0).fit(*parts[:2])
    np.testing.assert_allclose(model.student_.theta_, model.fit(X, y).student_.theta_, rtol=1e-10)
    whole = [each.rechunk(-1) for each in collections]
    with pytest.raises(ValueError, match=r"cv=None means 5 folds.*X has 1 with rows"):
        DistilledClassifier(UnusedTeacher(), GaussianNB(), alpha=1.0, teacher_temperature=1.0).fit(
            *whole[:2]
        )
    model = DistilledClassifier(student=GaussianNB(), alpha=1.0, teacher_temperature=1.0)
    model.fit(*whole[:2], teacher_proba=whole[2])
    expected = clone(model).fit(X, y, teacher_proba=P).student_.theta_
    np.testing.assert_allclose(model.student_.theta_, expected, rtol=1e-10)


def test_strings_of_several_kinds_in_different_partitions():
    X, _, y = make_problem(100)
    words = pd.Series(np.array(["no", "yes"])[y])
    kinds = ["object", "string[python]", "string[pyarrow]", "str"]
    pytest.importorskip("pyarrow")
    parts = [words[25 * k : 25 * (k + 1)].astype(kind) for k, kind in enumerate(kinds)]
    text = dd.from_delayed([dask.delayed(each) for each in parts], verify_meta=False)
    rows = dd.from_pandas(pd.DataFrame(X), npartitions=4)
    model = DistilledClassifier(student=GaussianNB(), alpha=0)
    expected = clone(model).fit(X, words.to_numpy()).predict(X)
    np.testing.assert_array_equal(model.fit(rows, text).predict(rows).compute(), expected)
    assert model.score(rows, text) == (expected == words).mean()
    parts[2] = parts[2].where(parts[2].index != 60)
    lacking = dd.from_delayed([dask.delayed(each) for each in parts], verify_meta=False)
    with pytest.raises((TypeError, ValueError), match=r"(?i)nan|NA|kind"):
        DistilledClassifier(
            UnusedTeacher(), GaussianNB(), alpha=1.0, teacher_temperature=1.0, cv=2
        ).fit(rows, lacking)


def test_columns_in_several_chunks_of_unknown_sizes():
    X, _, y = make_problem(100)
    frame = dd.from_pandas(pd.DataFrame(X, columns=list("abcde")).assign(y=y), npartitions=4)
    unknown = frame[list("abcde")].to_dask_array()
    model = DistilledClassifier(student=GaussianNB(), alpha=0)
    expected = clone(model).fit(X, y).student_.theta_
    halves = [unknown[:, :2], unknown[:, 2:]]
    for rows in (unknown, da.concatenate(halves, axis=1, allow_unknown_chunksizes=True)):
        model.fit(rows, frame.y.to_dask_array())
        np.testing.assert_allclose(model.student_.theta_, expected, rtol=1e-10)


def test_what_is_no_collection(collections):
    dX, dy, _ = collections
    model = DistilledClassifier(UnusedTeacher(), GaussianNB(), alpha=1.0, teacher_temperature=1.0)
    with pytest.raises(TypeError, match=r"y must be a Dask array or dataframe.*ndarray"):
        model.fit(dX, dy.compute())
    with pytest.raises(TypeError, match=r"X must be a Dask array or dataframe.*ndarray"):
        model.fit(dX.compute(), dy)
    with pytest.raises(TypeError, match=r"X must be a Dask array or dataframe.*Bag"):
        model.fit(dask.bag.from_sequence([1, 2], npartitions=2), dy)
    with pytest.raises(ValueError, match="X must have shape"):
        model.fit(dX[:, 0], dy)


def test_folds_need_partitions(collections):
    dX, dy, _ = collections
    model = DistilledClassifier(UnusedTeacher(), GaussianNB(), alpha=1.0, teacher_temperature=1.0)
    with pytest.raises(ValueError, match=r"cv=None means 5 folds of whole partitions.* X has 4"):
        model.fit(dX, dy)
    with pytest.raises(ValueError, match="cv=1 means 1 folds"):
        model.set_params(cv=1).fit(dX, dy)


def test_labels_and_probabilities(collections):
    dX, dy, dP = collections
    one_class = da.zeros_like(dy)
    with pytest.raises(ValueError, match="only 1 class"):
        DistilledClassifier(student=GaussianNB(), alpha=0).fit(dX, one_class)
    with pytest.raises(ValueError, match="only 1 class to rank"):
        DistilledBipartiteRanker(alpha=0).fit(dX, one_class)
    with pytest.raises(ValueError, match="No pair of rows carries weight"):
        sure = da.from_array(np.tile([1.0, 0.0], (100, 1)), chunks=(25, -1))
        DistilledBipartiteRanker().fit(dX, dy, teacher_proba=sure)
    with pytest.raises(ValueError, match="must sum to 1"):
        DistilledClassifier(student=GaussianNB(), alpha=1.0, teacher_temperature=1.0).fit(
            dX, dy, teacher_proba=dP * 2
        )
    with pytest.raises(ValueError, match=r"zero|No row"):
        nothing = da.zeros(100, chunks=25)
        DistilledClassifier(student=GaussianNB(), alpha=1.0, teacher_temperature=1.0).fit(
            dX, dy, nothing, teacher_proba=dP
        )
    with pytest.raises(ValueError, match="all of its 4 partitions are empty"):
        DistilledClassifier(student=GaussianNB(), alpha=0).fit(
            dX.map_blocks(lambda rows: rows[:0]), dy.map_blocks(lambda rows: rows[:0])
        )


def test_other_features_than_were_fitted(collections):
    dX, dy, dP = collections
    model = DistilledClassifier(student=GaussianNB(), alpha=1.0, teacher_temperature=1.0).fit(
        dX, dy, teacher_proba=dP
    )
    with pytest.raises(ValueError, match=r"4 features.*expecting 5"):
        model.predict_proba(dX[:, :4])

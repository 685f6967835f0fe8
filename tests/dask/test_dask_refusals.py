"""What partitions cannot have is refused by its name, with a remedy, before anybody is asked."""

import dask.array as da
import dask.bag
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from partitioned import in_partitions, make_problem
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import KFold
from sklearn.naive_bayes import GaussianNB

from skdistill import DistilledBipartiteRanker, DistilledClassifier
from skdistill.augmentation import MungeAugmenter


class NeverAsked(ExtraTreesClassifier):
    def fit(self, *args, **kwargs):
        raise AssertionError("the teacher was asked")


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
    model = estimator_class(NeverAsked(), student, **{"alpha": 1.0, **option})
    with pytest.raises(ValueError, match=name):
        model.fit(dX, dy)
    assert not hasattr(model, "student_")


def test_rows_without_labels_and_parameters_of_fit(collections):
    dX, dy, _ = collections
    model = DistilledClassifier(NeverAsked(), GaussianNB(), alpha=1.0)
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
        DistilledClassifier(NeverAsked(), student, alpha=1.0).fit(dX, dy)


@pytest.mark.parametrize("option", [{"average": True}, {"early_stopping": True}])
def test_students_that_judge_themselves_by_copies(option, collections):
    dX, dy, _ = collections
    with pytest.raises(ValueError, match=next(iter(option))):
        DistilledClassifier(NeverAsked(), SGDClassifier(**option), alpha=1.0).fit(dX, dy)


def test_rankers_that_need_all_rows(collections):
    dX, dy, _ = collections
    for surrogate in ("hinge", "squared_hinge"):
        with pytest.raises(ValueError, match=f"surrogate='{surrogate}' needs the scores"):
            DistilledBipartiteRanker(NeverAsked(), surrogate=surrogate).fit(dX, dy)
    with pytest.raises(TypeError, match="only the linear scorer"):
        DistilledBipartiteRanker(NeverAsked(), Ridge()).fit(dX, dy)
    with pytest.raises(ValueError, match="class_weight"):
        student = LogisticRegression(class_weight="balanced")
        DistilledBipartiteRanker(NeverAsked(), student).fit(dX, dy)
    with pytest.raises(ValueError, match="L2 penalty or none"):
        student = LogisticRegression(solver="liblinear")
        DistilledBipartiteRanker(NeverAsked(), student).fit(dX, dy)


def test_collections_that_do_not_fit_together(collections):
    dX, dy, dP = collections
    model = DistilledClassifier(NeverAsked(), GaussianNB(), alpha=1.0)
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


def test_what_is_no_collection(collections):
    dX, dy, _ = collections
    model = DistilledClassifier(NeverAsked(), GaussianNB(), alpha=1.0)
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
    model = DistilledClassifier(NeverAsked(), GaussianNB(), alpha=1.0)
    with pytest.raises(ValueError, match=r"cv=5 asks for 5 folds of whole partitions.* X has 4"):
        model.fit(dX, dy)
    with pytest.raises(ValueError, match="cv=1 asks for 1 folds"):
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
        DistilledClassifier(student=GaussianNB(), alpha=1.0).fit(dX, dy, teacher_proba=dP * 2)
    with pytest.raises(ValueError, match=r"zero|No row"):
        nothing = da.zeros(100, chunks=25)
        DistilledClassifier(student=GaussianNB(), alpha=1.0).fit(dX, dy, nothing, teacher_proba=dP)
    with pytest.raises(ValueError, match="all of its 4 partitions are empty"):
        DistilledClassifier(student=GaussianNB(), alpha=0).fit(
            dX.map_blocks(lambda rows: rows[:0]), dy.map_blocks(lambda rows: rows[:0])
        )


def test_other_features_than_were_fitted(collections):
    dX, dy, dP = collections
    model = DistilledClassifier(student=GaussianNB(), alpha=1.0).fit(dX, dy, teacher_proba=dP)
    with pytest.raises(ValueError, match=r"4 features.*expecting 5"):
        model.predict_proba(dX[:, :4])

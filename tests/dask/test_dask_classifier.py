"""Classifiers distilled over partitions equal in-memory ones where one pass is sufficient."""

import weakref

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from partitioned import in_partitions, make_problem
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import PredefinedSplit
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skdistill import DistilledClassifier, SoftLabels
from skdistill._dask import _partitions
from skdistill._dask._partitions import header_of
from skdistill.datasets import make_gaussian_classes
from skdistill.metrics import soft_log_loss
from skdistill.students._chunks import fit_one_pass
from skdistill.students._soft_descent import fit_one_epoch

NAMES = np.array(["early", "late"])


def make_frame(n=600, seed=0):
    """Return a dataframe of rows of two classes, and the names of its features."""
    X, _, y = make_problem(n, seed)
    frame = pd.DataFrame(X, columns=list("abcde"))
    frame["label"] = NAMES[y]
    return frame, list("abcde")


@pytest.mark.parametrize("student", [BernoulliNB(), MultinomialNB(), ComplementNB(), GaussianNB()])
def test_naive_bayes_on_partitions_equals_in_memory_fit(student):
    X, P, y = problem_of_three_classes()
    dX, dP, dy = in_partitions(4, X, P, y)
    ours = DistilledClassifier(student=student, alpha=1.0, teacher_temperature=1.0).fit(
        dX, dy, teacher_proba=dP
    )
    theirs = DistilledClassifier(student=student, alpha=1.0, teacher_temperature=1.0).fit(
        X, y, teacher_proba=P
    )
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-7)
    assert ours.teacher_scores_["raw"] == pytest.approx(theirs.teacher_scores_["raw"], abs=1e-12)


def test_sparse_partitions_fit_as_dense_ones():
    X, _, y = problem_of_three_classes()
    dX, dy = in_partitions(4, X, y)
    as_csr = dX.map_blocks(sparse.csr_array, meta=sparse.csr_array((0, 0)))
    teacher = ExtraTreesClassifier(5)
    model = DistilledClassifier(
        teacher, MultinomialNB(), cv=2, random_state=0, alpha=1.0, teacher_temperature=1.0
    )
    of_sparse = model.fit(as_csr, dy).predict_proba(as_csr).compute()
    np.testing.assert_allclose(of_sparse, model.fit(dX, dy).predict_proba(X), rtol=0, atol=1e-12)


def problem_of_three_classes():
    X, y, p = make_gaussian_classes(n_samples=300, n_features=3, n_classes=3, random_state=0)
    return np.abs(X), p, y


@pytest.mark.parametrize("loss", ["log_loss", "modified_huber"])
def test_a_student_of_one_partition_is_fed_as_it_is_by_hand(loss):
    X, P, y = problem_of_three_classes()
    dX, dP, dy = in_partitions(1, X, P, y)
    student = SGDClassifier(loss=loss, max_iter=3, tol=None, random_state=0)
    ours = (
        DistilledClassifier(student=student, alpha=1.0, teacher_temperature=1.0)
        .fit(dX, dy, teacher_proba=dP)
        .student_
    )

    soft_labels = SoftLabels(P)
    rng = np.random.RandomState(0)
    copies = 3 if loss == "modified_huber" else 1
    by_hand = SGDClassifier(loss=loss, alpha=student.alpha / copies, random_state=0)
    for _ in range(3):
        rng.permutation(1)
        (seed,) = rng.randint(2**31 - 1, size=1)
        order = np.random.RandomState(seed).permutation(300)
        if copies == 1:
            fit_one_epoch(by_hand, X[order], soft_labels.take(order), np.ones(3))
        else:
            fit_one_pass(by_hand, X, soft_labels, order, 300, {})
    np.testing.assert_array_equal(ours.coef_, by_hand.coef_)
    assert ours.n_iter_ == 3
    assert ours.alpha == student.alpha  # its own again


def test_passes_end_when_they_improve_nothing():
    X, p, y = make_problem(1500)
    P = np.column_stack([1 - p, p])
    dX, dP, dy = in_partitions(3, X, P, y)
    student = SGDClassifier(loss="log_loss", alpha=0.01, max_iter=200, random_state=0)
    ours = DistilledClassifier(student=student, alpha=1.0, teacher_temperature=1.0).fit(
        dX, dy, teacher_proba=dP
    )
    assert 5 <= ours.student_.n_iter_ < 200
    in_memory = DistilledClassifier(student=student, alpha=1.0, teacher_temperature=1.0).fit(
        X, y, teacher_proba=P
    )
    loss, loss_in_memory = (soft_log_loss(P, each.predict_proba(X)) for each in (ours, in_memory))
    assert loss == pytest.approx(loss_in_memory, abs=0.01)


def test_class_weights_count_probability_over_all_partitions():
    X, P, y = problem_of_three_classes()
    dX, dP, dy = in_partitions(3, X, P, y)
    mass = P.sum(axis=0)
    given = dict(enumerate(mass.sum() / (3 * mass)))
    models = [
        DistilledClassifier(
            student=SGDClassifier(max_iter=2, tol=None, class_weight=weight, random_state=0),
            alpha=1.0,
            teacher_temperature=1.0,
        ).fit(dX, dy, teacher_proba=dP)
        for weight in ("balanced", given)
    ]
    np.testing.assert_allclose(models[0].student_.coef_, models[1].student_.coef_, rtol=1e-10)
    assert models[0].student_.class_weight == "balanced"


def test_dataframes_of_unknown_sizes_with_empty_partitions():
    frame, features = make_frame()
    ours = dd.from_pandas(frame, npartitions=6)
    ours = ours[(ours.a > -1) & (ours.index >= 100)]  # the first partition has no rows
    kept = frame[(frame.a > -1) & (frame.index >= 100)]
    teacher = ExtraTreesClassifier(5, max_depth=4, random_state=0)
    model = DistilledClassifier(teacher, GaussianNB(), cv=5, alpha=0.5, teacher_temperature=1.0)
    model.fit(ours[features], ours["label"])
    folds = PredefinedSplit(kept.index.to_numpy() // 100)
    theirs = DistilledClassifier(
        teacher, GaussianNB(), cv=folds, alpha=0.5, teacher_temperature=1.0
    )
    theirs.fit(kept[features], kept["label"])
    np.testing.assert_allclose(model.student_.theta_, theirs.student_.theta_, rtol=1e-10)
    assert list(model.classes_) == ["early", "late"]
    assert list(model.feature_names_in_) == list(model.student_.feature_names_in_) == features

    proba, labels = model.predict_proba(ours[features]), model.predict(ours[features])
    assert isinstance(proba, da.Array) and np.isnan(proba.shape[0]) and proba.shape[1] == 2
    np.testing.assert_array_equal(proba.compute(), model.predict_proba(kept[features]))
    np.testing.assert_array_equal(labels.compute(), model.predict(kept[features]))


def test_dataframes_without_a_header_show_a_partition(monkeypatch):
    frame, features = make_frame(60)
    rows = dd.from_pandas(frame[features], npartitions=3)
    expected = rows._meta
    assert header_of(rows) is expected
    monkeypatch.setattr(_partitions, "HEADER", "_gone")
    pd.testing.assert_frame_equal(header_of(rows), expected)


def test_a_directory_of_parquet_files(tmp_path):
    frame, features = make_frame()
    for k in range(10):  # Dask would read the labels of several files as one partition
        frame[60 * k : 60 * (k + 1)].to_parquet(tmp_path / f"rows-{k}.parquet")
    ours = dd.read_parquet(tmp_path)
    assert len(ours["label"].to_delayed()) < 10
    model = DistilledClassifier(student=GaussianNB(), alpha=0)
    model.fit(ours[features], ours["label"])
    theirs = DistilledClassifier(student=GaussianNB(), alpha=0).fit(frame[features], frame["label"])
    np.testing.assert_allclose(model.student_.theta_, theirs.student_.theta_, rtol=1e-10)
    few = DistilledClassifier(student=GaussianNB(), alpha=0).fit(ours[["a"]], ours["label"])
    assert len(few.predict(ours[["a"]]).compute()) == 600


def test_predictions_are_lazy_until_computed():
    X, P, y = problem_of_three_classes()
    model = DistilledClassifier(student=GaussianNB(), alpha=1.0, teacher_temperature=1.0).fit(
        X, y, teacher_proba=P
    )
    seen = []

    def look(block):
        seen.append(len(block))
        return block

    dX = da.from_array(X, chunks=(100, -1)).map_blocks(look, meta=np.empty((0, 0)))
    proba = model.predict_proba(dX)
    assert proba.chunks == ((100, 100, 100), (3,)) and seen == []
    np.testing.assert_array_equal(proba[:100].compute(), model.predict_proba(X[:100]))
    assert seen == [100]  # the other partitions are not even loaded


def test_accuracy_is_that_in_memory():
    frame, features = make_frame()
    frame["weight"] = np.random.default_rng(0).integers(0, 3, size=len(frame)).astype(float)
    ours = dd.from_pandas(frame, npartitions=6)
    ours = ours[(ours.a > -1) & (ours.index >= 100)]  # the first partition has no rows
    kept = frame[(frame.a > -1) & (frame.index >= 100)]
    model = DistilledClassifier(student=GaussianNB(), alpha=0).fit(frame[features], frame["label"])
    for weight in ([], ["weight"]):
        mine = model.score(ours[features], ours["label"], *(ours[name] for name in weight))
        theirs = model.score(kept[features], kept["label"], *(kept[name] for name in weight))
        assert mine == pytest.approx(theirs, abs=1e-12)


def test_decision_function_shapes_equal_those_in_memory():
    X, P, y = problem_of_three_classes()
    for columns in (2, 3):
        few, p = P[:, :columns] / P[:, :columns].sum(axis=1, keepdims=True), y < columns
        student = SGDClassifier(random_state=0, max_iter=5, tol=None)
        model = DistilledClassifier(student=student, alpha=1.0, teacher_temperature=1.0)
        model.fit(X[p], y[p], teacher_proba=few[p])
        (dX,) = in_partitions(3, X)
        scores = model.decision_function(dX)
        assert scores.shape == model.decision_function(X).shape
        np.testing.assert_array_equal(scores.compute(), model.decision_function(X))


def test_the_few_most_probable_classes_and_temperature():
    X, P, y = problem_of_three_classes()
    dX, dP, dy = in_partitions(3, X, P, y)
    options = {"student": GaussianNB(), "top_k": 2, "teacher_temperature": 0.5, "alpha": 0.7}
    ours = DistilledClassifier(**options).fit(dX, dy, teacher_proba=dP)
    theirs = DistilledClassifier(**options).fit(X, y, teacher_proba=P)
    np.testing.assert_allclose(ours.student_.theta_, theirs.student_.theta_, rtol=1e-10)
    for which, scores in theirs.teacher_scores_.items():
        assert ours.teacher_scores_[which] == pytest.approx(scores, abs=1e-12)


def test_weights_reach_teacher_student_and_scores():
    X, _, y = problem_of_three_classes()
    w = np.random.default_rng(0).integers(0, 3, size=300).astype(float)
    dX, dy, dw = in_partitions(3, X, y, w)
    teacher = ExtraTreesClassifier(5, max_depth=4, random_state=0)
    ours = DistilledClassifier(teacher, GaussianNB(), cv=3, alpha=1.0, teacher_temperature=1.0).fit(
        dX, dy, dw
    )
    folds = PredefinedSplit(np.arange(300) // 100)
    theirs = DistilledClassifier(
        teacher, GaussianNB(), cv=folds, alpha=1.0, teacher_temperature=1.0
    ).fit(X, y, w)
    np.testing.assert_allclose(ours.student_.theta_, theirs.student_.theta_, rtol=1e-10)
    assert ours.teacher_scores_["raw"] == pytest.approx(theirs.teacher_scores_["raw"], abs=1e-12)


def test_frozen_and_in_sample_teachers():
    X, _, y = problem_of_three_classes()
    dX, dy = in_partitions(3, X, y)
    teacher = ExtraTreesClassifier(5, max_depth=4, random_state=0)
    for options in (
        {"teacher": FrozenEstimator(teacher.fit(X, y))},
        {"teacher": teacher, "cv": "in-sample"},
    ):
        options |= {"student": GaussianNB(), "alpha": 1.0, "teacher_temperature": 1.0}
        ours = DistilledClassifier(**options).fit(dX, dy)
        theirs = DistilledClassifier(**options).fit(X, y)
        np.testing.assert_allclose(ours.student_.theta_, theirs.student_.theta_, rtol=1e-10)


def test_class_unseen_by_the_fold_teacher_keeps_its_labels():
    X, _, y = problem_of_three_classes()
    order = np.argsort(y, kind="stable")
    dX, dy = in_partitions(3, X[order], y[order])
    teacher = ExtraTreesClassifier(5, max_depth=4, random_state=0)
    folds = PredefinedSplit(np.arange(300) // 100)
    with pytest.warns(UserWarning, match="fold 3 of 3 never saw the class of 99 rows") as caught:
        ours = DistilledClassifier(
            teacher, GaussianNB(), cv=3, alpha=1.0, teacher_temperature=1.0
        ).fit(dX, dy)
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="never saw"):
        theirs = DistilledClassifier(
            teacher, GaussianNB(), cv=folds, alpha=1.0, teacher_temperature=1.0
        )
        theirs.fit(X[order], y[order])
    np.testing.assert_allclose(ours.student_.theta_, theirs.student_.theta_, rtol=1e-10)
    assert ours.teacher_scores_["raw"] == pytest.approx(theirs.teacher_scores_["raw"], abs=1e-12)


def test_seeds_reach_teacher_and_student():
    X, _, y = problem_of_three_classes()
    dX, dy = in_partitions(3, X, y)
    student = SGDClassifier(loss="log_loss", max_iter=3, tol=None)
    coefs = [
        DistilledClassifier(
            ExtraTreesClassifier(5),
            student,
            cv=3,
            random_state=seed,
            alpha=1.0,
            teacher_temperature=1.0,
        )
        .fit(dX, dy)
        .student_.coef_
        for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(coefs[0], coefs[1])
    assert (coefs[0] != coefs[2]).any()


def test_net_is_fitted_on_partitions():
    torch = pytest.importorskip("torch")
    from skdistill.nets import SoftLabelNet

    X, P, y = problem_of_three_classes()
    X = X.astype(np.float32)
    dX, dP, dy = in_partitions(3, X, P, y)
    net = SoftLabelNet(
        torch.nn.Linear, module__in_features=3, module__out_features=3,
        max_epochs=4, lr=0.05, random_state=0,
    )  # fmt: skip
    model = DistilledClassifier(student=net, alpha=1.0, teacher_temperature=1.0).fit(
        dX, dy, teacher_proba=dP
    )
    assert len(model.student_.history_) == 4  # each pass over all partitions is an epoch
    assert model.student_.max_epochs == 4
    proba = model.predict_proba(dX)
    np.testing.assert_allclose(proba.compute(), model.predict_proba(X), atol=1e-6)
    losses = [each["train_loss"] for each in model.student_.history_]
    assert losses == sorted(losses, reverse=True)


def test_what_is_given_to_a_task_stays_as_it_was():
    X, _, y = problem_of_three_classes()
    dX, dy = in_partitions(2, X, y)
    teacher = ExtraTreesClassifier(5, random_state=0)
    student = GaussianNB()
    DistilledClassifier(teacher, student, cv=2, alpha=1.0, teacher_temperature=1.0).fit(dX, dy)
    assert not hasattr(teacher, "classes_") and not hasattr(student, "classes_")


def test_the_threaded_scheduler_holds_few_partitions_at_a_time():
    """Partitions count themselves as they are made and let go."""
    present, most = [], []

    def make(block_info=None):
        start = block_info[None]["array-location"][0][0]
        block = np.random.default_rng(start).random((50, 3))
        present.append(start)
        most.append(len(present))
        weakref.finalize(block, present.remove, start)
        return block

    dX = da.map_blocks(make, chunks=((50,) * 40, (3,)), dtype=float, meta=np.empty((0, 0)))
    dy = da.from_array(np.arange(2000) % 2, chunks=50)
    dP = da.from_array(np.tile([[0.3, 0.7]], (2000, 1)), chunks=(50, -1))
    with dask.config.set(scheduler="threads", num_workers=2):
        DistilledClassifier(student=GaussianNB(), alpha=1.0, teacher_temperature=1.0).fit(
            dX, dy, teacher_proba=dP
        )
    assert len(most) >= 40 and max(most) <= 8


def test_partition_of_zero_weight_has_no_effect():
    X, P, y = problem_of_three_classes()
    weight = np.where(np.arange(300) < 75, 0.0, 1.0)
    dX, dP, dy, dw = in_partitions(4, X, P, y, weight)
    model = DistilledClassifier(student=MultinomialNB(), alpha=1.0, teacher_temperature=1.0)
    model.fit(dX, dy, teacher_proba=dP, sample_weight=dw)
    rest = DistilledClassifier(student=MultinomialNB(), alpha=1.0, teacher_temperature=1.0)
    rest.fit(X[75:], y[75:], teacher_proba=P[75:])
    np.testing.assert_allclose(model.predict_proba(X), rest.predict_proba(X), atol=1e-12)


def test_weights_unsupported_by_the_teacher_warn():
    X, _, y = problem_of_three_classes()
    dX, dy, dw = in_partitions(4, X, y, np.ones(300))
    teacher = KNeighborsClassifier()
    model = DistilledClassifier(teacher, MultinomialNB(), cv=2, alpha=1.0, teacher_temperature=1.0)
    with pytest.warns(UserWarning, match="KNeighborsClassifier takes no sample_weight") as caught:
        model.fit(dX, dy, sample_weight=dw)
    assert caught[0].filename == __file__
    expected = clone(model).fit(dX, dy).predict_proba(X)
    np.testing.assert_array_equal(model.predict_proba(X), expected)


def by_dtype():
    """Return a teacher that selects the columns of categories by their dtype."""
    columns = make_column_selector(dtype_include="category")
    return make_pipeline(make_column_transformer((OneHotEncoder(), columns)), BernoulliNB())


class OfCodes(GaussianNB):
    """A student that takes categories by their codes, as boosters do."""

    def fit(self, X, y, sample_weight=None):
        return super().fit(self.codes(X), y, sample_weight)

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        return super().partial_fit(self.codes(X), y, classes, sample_weight)

    @staticmethod
    def codes(X):
        return X.assign(kind=X["kind"].cat.codes).to_numpy(dtype=float)


KINDS = ["calm", "mild", "rough", "wild"]


def partitions_of_other_categories():
    """Return partitions whose categories differ, and all of their rows with the same ones."""
    frame, features = make_frame()
    frame["kind"] = pd.cut(frame["a"], [-9, -1, 0, 1, 9], labels=KINDS).astype(str)
    parts = [frame[start : start + 100] for start in range(0, 600, 100)]
    orders = [KINDS, KINDS[::-1], KINDS[1:] + KINDS[:1]] * 2
    parts = [
        part.assign(kind=pd.Categorical(part["kind"], categories=order))
        for part, order in zip(parts, orders, strict=True)
    ]
    parts[1] = parts[1][parts[1]["kind"] != "wild"]
    parts[1]["kind"] = parts[1]["kind"].cat.remove_unused_categories()
    whole = pd.concat([part.astype({"kind": str}) for part in parts])
    whole["kind"] = pd.Categorical(whole["kind"], categories=KINDS)
    return parts, whole, [*features, "kind"]


def in_frame(parts, meta=None):
    """Return a Dask dataframe of these partitions, whatever their dtypes."""
    meta = parts[0].iloc[:0] if meta is None else meta
    return dd.from_map(lambda k: parts[k], range(len(parts)), meta=meta)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("way", ["cross-fitted", "in-sample", "frozen"])
def test_partitions_whose_categories_differ(way, known):
    parts, whole, features = partitions_of_other_categories()
    meta = parts[0].iloc[:0]
    if not known:
        unknown = meta["kind"].cat.set_categories(["__UNKNOWN_CATEGORIES__"])
        meta = meta.assign(kind=unknown)
    frame = in_frame(parts, meta)
    assert frame["kind"].cat.known is known
    teacher = by_dtype()
    if way == "frozen":
        teacher = FrozenEstimator(teacher.fit(whole[features], whole["label"]))
    folds = PredefinedSplit(np.repeat(np.arange(6) % 3, [len(part) for part in parts]))
    of_partitions, in_memory = (3, folds) if way != "in-sample" else (way, way)
    model = DistilledClassifier(teacher, OfCodes(), alpha=0.5, teacher_temperature=1.0)
    ours = clone(model).set_params(cv=of_partitions).fit(frame[features], frame["label"])
    theirs = clone(model).set_params(cv=in_memory).fit(whole[features], whole["label"])
    assert ours.teacher_scores_["raw"] == pytest.approx(theirs.teacher_scores_["raw"])
    np.testing.assert_allclose(ours.student_.theta_, theirs.student_.theta_, rtol=1e-9)


def test_partitions_whose_dtypes_differ_are_an_error():
    parts, _, features = partitions_of_other_categories()
    for column, dtype, said in [("kind", str, "category"), ("a", str, "float64")]:
        others = [*parts[:3], *(part.astype({column: dtype}) for part in parts[3:])]
        frame = in_frame(others, parts[0].iloc[:0])
        match = rf"Column '{column}' of another .* has dtype (str|string|object), expected {said}"
        with pytest.raises(ValueError, match=match):
            DistilledClassifier(by_dtype(), OfCodes(), alpha=0.5, teacher_temperature=1.0).fit(
                frame[features], frame["label"]
            )


def test_contradictory_category_orders_are_an_error():
    parts, _, features = partitions_of_other_categories()
    parts = [part.assign(kind=part["kind"].cat.as_ordered()) for part in parts]
    frame = in_frame(parts)
    with pytest.raises(ValueError, match=r"Column 'kind' of another.*contradict each other"):
        DistilledClassifier(by_dtype(), OfCodes(), alpha=0.5, teacher_temperature=1.0).fit(
            frame[features], frame["label"]
        )

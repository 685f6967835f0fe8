"""The kilobytes of a model are those of the file that `docs/shipping.md` recommends."""

import pickle
import re
import sys

import numpy as np
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import BaggingClassifier, ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledClassifier, deployable
from skdistill.datasets import make_gaussian_classes
from skdistill.inspection import compare_students
from skdistill.inspection._shipped import shipped_file

X, y, _ = make_gaussian_classes(600, 4, 2, random_state=0)
TREE = DecisionTreeClassifier(max_leaf_nodes=8, random_state=0)


class Unwritable(ClassifierMixin, BaseEstimator):
    """A model that no file holds."""

    def __init__(self):
        self.numbers = (number for number in range(3))


class Picklable(TREE.__class__):
    """A model that skops cannot write."""

    def __getstate__(self):
        if "skops" in sys.modules and sys._getframe(1).f_globals["__name__"].startswith("skops"):
            raise RecursionError
        return super().__getstate__()


def test_the_file_is_that_of_skops(tmp_path):
    skops = pytest.importorskip("skops.io")
    model = make_pipeline(StandardScaler(), TREE).fit(X, y)
    skops.dump(model, tmp_path / "model.skops")
    size = (tmp_path / "model.skops").stat().st_size
    assert shipped_file(model).kilobytes == pytest.approx(size / 1000, rel=0.02)
    assert shipped_file(model).format == "skops"


def test_addresses_in_files_of_skops_count_the_same(monkeypatch):
    """If this fails, skops writes addresses in another way: equal models differ by a few bytes."""
    io = pytest.importorskip("skops.io")
    model, dumps = TREE.fit(X, y), io.dumps
    size = shipped_file(model).kilobytes
    addresses = set(re.findall(rb'"__id__": (\d{13,})', dumps(model)))
    assert len(addresses) > 20

    def with_short_addresses(model):
        return re.sub(rb"\d{13,}", lambda match: match[0][:12], dumps(model))

    monkeypatch.setattr(io, "dumps", with_short_addresses)
    assert shipped_file(model).kilobytes == size


def test_a_pickle_where_skops_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "skops", None)
    model = TREE.fit(X, y)
    assert shipped_file(model) == (len(pickle.dumps(model, protocol=5)) / 1000, "pickle")


def test_a_pickle_where_skops_fails():
    pytest.importorskip("skops.io")
    assert shipped_file(Picklable().fit(X, y)).format == "pickle"


def test_no_file_of_what_cannot_be_written():
    file = shipped_file(Unwritable())
    assert np.isnan(file.kilobytes) and file.format == ""


FORESTS = {
    "forest": RandomForestClassifier(3, max_leaf_nodes=4, random_state=0),
    "extra-trees": ExtraTreesClassifier(3, max_leaf_nodes=4, random_state=0),
    "bagging": BaggingClassifier(TREE, 3, random_state=0),
    "in a Pipeline": make_pipeline(
        StandardScaler(), RandomForestClassifier(3, max_leaf_nodes=4, random_state=0)
    ),
}


def sklearn_version():
    return tuple(map(int, sklearn.__version__.split(".")[:2]))


def arrays_of_rows(model, n_rows):
    """Return the names of attributes with an entry for each training row."""
    last = model[-1] if hasattr(model, "steps") else model
    return [name for name, each in vars(last).items() if np.shape(each)[:1] == (n_rows,)]


@pytest.mark.parametrize("name", FORESTS)
def test_what_is_shipped_has_no_weights_of_training_rows(name):
    weight = np.random.default_rng(0).uniform(1, 2, size=300)
    student = DistilledClassifier(LogisticRegression(), FORESTS[name], alpha=1.0)
    student.fit(X[:300], y[:300], **({} if "Pipeline" in name else {"sample_weight": weight}))
    shipped = deployable(student)
    assert type(shipped) is type(student.student_)
    np.testing.assert_array_equal(shipped.predict_proba(X), student.student_.predict_proba(X))
    assert not arrays_of_rows(shipped, 300) and not arrays_of_rows(shipped, 600)
    last = student.student_[-1] if hasattr(student.student_, "steps") else student.student_
    assert all(len(rows) for rows in last.estimators_samples_ or [[1]])  # the student keeps them


def test_relied_upon_weights_of_forests():
    """If this fails, forests keep the weights of their training rows elsewhere, or not at all."""
    if sklearn_version() < (1, 9):
        pytest.skip("forests keep no weights")
    weight = np.ones(len(y))
    assert FORESTS["forest"].fit(X, y, weight)._sample_weight is weight
    assert "_sample_weight" in vars(FORESTS["bagging"].fit(X, y, weight))


def test_compared_models_have_no_weights_of_training_rows():
    given = {"X_unlabeled": X[200:400], "X_test": X[400:], "y_test": y[400:], "random_state": 0}
    compared = compare_students(
        {"forest": FORESTS["forest"]}, FORESTS["extra-trees"], X[:200], y[:200], **given
    )
    for name in ("forest", "forest (labels)", "forest (pseudo-labels)", "teacher"):
        model = compared.models[name]
        assert not {n for k in (200, 400) for n in arrays_of_rows(model, k)}, name
    frame = compared.to_frame()
    assert frame.loc["forest", "kB"] == pytest.approx(
        shipped_file(compared.models["forest"]).kilobytes, rel=0.02
    )
    assert frame["file"].tolist()[:4] == ["skops"] * 4 or "skops" not in sys.modules

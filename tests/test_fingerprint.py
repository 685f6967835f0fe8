"""Fingerprints: equal for equal contents however they are held, different for different ones."""

import subprocess
import sys
from collections import OrderedDict
from copy import deepcopy
from functools import partial

import numpy as np
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import make_column_selector
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.gaussian_process.kernels import RBF
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skdistill._fingerprint import BLOCK, fingerprint, written_unfitted

NUMBERS = np.random.default_rng(0).normal(size=(40, 6))


def same(first, second):
    return fingerprint(first) == fingerprint(second)


def same_teacher(first, second):
    return fingerprint(written_unfitted(first)) == fingerprint(written_unfitted(second))


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def mapped(array, folder):
    np.save(folder / "rows.npy", array)
    return np.load(folder / "rows.npy", mmap_mode="r")


def test_an_array_counts_by_its_numbers_not_by_how_it_lies_in_memory(tmp_path):
    wider = np.zeros((80, 7))
    wider[::2, 1:] = NUMBERS
    alike = [
        np.asfortranarray(NUMBERS),
        read_only(NUMBERS),
        NUMBERS.astype(">f8"),
        wider[::2, 1:],
        mapped(NUMBERS, tmp_path),
    ]
    assert isinstance(alike[-1], np.memmap)
    for array in alike:
        assert same(NUMBERS, array)


def test_a_large_array_in_blocks():
    large = np.arange(2 * BLOCK // 8 + 5).reshape(-1, 1)
    other = large.copy()
    other[-1] += 1
    assert same(large, np.asfortranarray(large))
    assert not same(large, other)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (NUMBERS, NUMBERS + 1e-15),
        (NUMBERS, NUMBERS.T),
        (NUMBERS, NUMBERS.reshape(20, 12)),
        (NUMBERS, NUMBERS.view(np.int64)),
        (NUMBERS, NUMBERS.tolist()),
        (NUMBERS, sparse.csr_array(NUMBERS)),
        (np.zeros((0, 3)), np.zeros((0, 4))),
        (np.array(1), np.array([1])),
        (np.array([1], "M8[s]"), np.array([1], "M8[D]")),
        (np.datetime64(1, "s"), 1),
        (np.array(["1", "2"], object), np.array([1, 2], object)),
        (np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 2], mask=[0, 0])),
        (np.array([(1, 2.0)], "i4,f8"), np.array([(1, 3.0)], "i4,f8")),
        (1, True),
        (1, 1.0),
        (1, "1"),
        (None, "None"),
        ("a", b"a"),
        ([1, [2]], [[1], 2]),
        ([1, 2], (1, 2)),
        (["a, b"], ["a", "b"]),
        ({"a": 1}, {"a": 2}),
        ({1, 2}, {1, 3}),
        (np.log, np.exp),
        (partial(min, 1), partial(min, 2)),
        (partial(min, 1), partial(max, 1)),
        (OrderedDict(a=1, b=2), OrderedDict(b=2, a=1)),
        (np.random.RandomState(0), np.random.RandomState(1)),
        (RBF(1.0), RBF(2.0)),
        (make_column_selector("a"), make_column_selector("b")),
        (slice(1), slice(2)),
    ],
)
def test_different_values(first, second):
    assert same(first, deepcopy(first))
    assert not same(first, second)


def test_numbers_and_texts_of_numpy_are_those_of_python():
    assert same([np.float64(0.1), np.int32(3), np.bool_(True), np.str_("a")], [0.1, 3, True, "a"])


@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
def test_sparse_rows_in_any_format(form):
    rows = sparse.random_array((20, 8), density=0.3, random_state=0, format="csr")
    shuffled = rows.copy()
    for start, stop in zip(rows.indptr, rows.indptr[1:], strict=False):
        shuffled.indices[start:stop] = rows.indices[start:stop][::-1]
        shuffled.data[start:stop] = rows.data[start:stop][::-1]
    shuffled.has_sorted_indices = False
    order = shuffled.indices.copy()
    wide = rows.copy()
    wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
    for alike in (rows.asformat(form), shuffled, wide, sparse.csr_matrix(rows)):
        assert same(rows, alike)
    assert (shuffled.indices == order).all()  # it was only looked at
    other = rows.copy()
    other.data[3] += 1
    assert not same(rows, other.asformat(form))
    other = rows.copy()
    other.data[3] = 0  # for some teachers a stored zero is something else than a missing value
    emptier = other.copy()
    emptier.eliminate_zeros()
    assert not same(other, emptier)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_dataframes_count_by_names_dtypes_and_values(library):
    library = pytest.importorskip(library)
    columns = {"a": [1.0, 2.0, 3.0], "b": ["x", "y", None], "c": [1, 2, 3]}
    frame = library.DataFrame(columns)
    assert same(frame, library.DataFrame(deepcopy(columns)))
    assert not same(frame, library.DataFrame({**columns, "a": [1.0, 2.0, 4.0]}))
    assert not same(frame, library.DataFrame({**columns, "b": ["x", "z", None]}))
    assert not same(frame, library.DataFrame({**columns, "c": [1.0, 2.0, 3.0]}))
    assert not same(frame, library.DataFrame({"A": columns["a"], **dict([*columns.items()][1:])}))
    assert not same(frame, frame[["b", "a", "c"]])


def test_dataframes_of_pandas_however_their_columns_are_grouped():
    pd = pytest.importorskip("pandas")
    together = pd.DataFrame(NUMBERS, columns=list("abcdef"))
    one_by_one = pd.DataFrame({name: together[name].to_numpy().copy() for name in together})
    assert same(together, one_by_one)
    assert same(together.iloc[3:9], one_by_one.iloc[3:9].copy())
    assert not same(together, together.set_index(together.index + 1))
    few, more = (
        pd.DataFrame({"a": pd.Categorical(["x", "y"], categories=categories)})
        for categories in (["x", "y"], ["y", "x"])
    )
    assert same(few, few.copy())
    assert not same(few, more)
    missing = pd.DataFrame({"a": pd.array([1.5, None], dtype="Float64")})
    assert same(missing, missing.copy())
    dates = pd.DataFrame({"a": pd.to_datetime(["2020-01-01"]).tz_localize("UTC")})
    assert same(dates, dates.copy())
    assert not same(dates, dates + pd.Timedelta("1ns"))


def test_nulls_of_polars_are_no_numbers():
    pl = pytest.importorskip("polars")
    nan, null = (pl.DataFrame({"a": [1.0, value]}) for value in (float("nan"), None))
    assert not same(nan, null)
    assert same(null, null.clone())


def test_an_estimator_counts_by_class_and_parameters():
    forest = RandomForestClassifier(7, random_state=0)
    assert same_teacher(forest, clone(forest))
    assert same_teacher(forest, clone(forest).fit(NUMBERS, NUMBERS[:, 0] > 0))
    assert same_teacher(forest, clone(forest).set_params(n_jobs=2, verbose=3))
    with config_context(enable_metadata_routing=True):
        assert same_teacher(forest, clone(forest).set_fit_request(sample_weight=True))
    assert not same_teacher(forest, clone(forest).set_params(n_estimators=8))
    assert not same_teacher(forest, clone(forest).set_params(random_state=1))
    assert not same_teacher(GaussianNB(), LogisticRegression())


def test_estimators_inside_estimators():
    def ensemble(C=1.0, n_jobs=None, alpha=0.1):
        steps = make_pipeline(StandardScaler(), LogisticRegression(C=C))
        net = MLPClassifier((5,), alpha=alpha, verbose=bool(n_jobs))
        return VotingClassifier([("a", steps), ("b", net)], voting="soft", n_jobs=n_jobs)

    assert same_teacher(ensemble(), ensemble(n_jobs=2))
    assert not same_teacher(ensemble(), ensemble(C=2.0))
    assert not same_teacher(ensemble(), ensemble(alpha=0.2))


def test_a_frozen_step_counts_by_what_it_has_learnt():
    def teacher(shift):
        scaler = StandardScaler().fit(NUMBERS + shift)
        return make_pipeline(FrozenEstimator(scaler), LogisticRegression())

    assert same_teacher(teacher(0), teacher(0))
    assert not same_teacher(teacher(0), teacher(1))
    assert not same_teacher(teacher(0), make_pipeline(StandardScaler(), LogisticRegression()))


def test_what_a_step_hands_on_as_a_dataframe_is_something_else():
    plain, framed = (make_pipeline(StandardScaler(), GaussianNB()) for _ in range(2))
    framed[0].set_output(transform="pandas")
    assert not same_teacher(plain, framed)


def doubled(X):
    return X * 2


def test_code_of_ones_own_counts_by_itself():
    def scaled(factor):
        return FunctionTransformer(lambda X: X * factor)

    def edited(body):
        names = {}
        exec(f"class Teacher:\n    def fit(self, X, y): {body}", {"__name__": "mine"}, names)
        return names["Teacher"]()

    functions = [
        FunctionTransformer(doubled),
        FunctionTransformer(lambda X: X * 2),
        FunctionTransformer(lambda X: X * 3),
        FunctionTransformer(lambda X: X + 2),
        scaled(4),
        scaled(5),
    ]
    digests = [fingerprint(written_unfitted(each)) for each in functions]
    assert len(set(digests)) == len(functions)
    assert digests == [fingerprint(written_unfitted(clone(each))) for each in functions]
    assert same(edited("return 1"), edited("return 1"))
    assert not same(edited("return 1"), edited("return 2"))


def test_counting_calls_in_a_class_does_not_change_it():
    class Counted(GaussianNB):
        n_fits = 0

        def fit(self, X, y):
            type(self).n_fits += 1
            return super().fit(X, y)

    before = fingerprint(written_unfitted(Counted()))
    Counted().fit(NUMBERS, NUMBERS[:, 0] > 0)
    assert (Counted.n_fits, fingerprint(written_unfitted(Counted()))) == (1, before)


def test_nets_and_tensors_count_by_their_state():
    torch = pytest.importorskip("torch")
    net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    other = deepcopy(net)
    assert same(net, other)
    with torch.no_grad():
        other[0].bias[1] += 1
    assert not same(net, other)
    half = torch.tensor([1.0], dtype=torch.bfloat16)
    assert not same(half, half.view(torch.int16))
    assert not same(half, half.float())


def test_the_same_in_another_process_whatever_its_hash_seed():
    source = (
        "[{'a', 'b', 'c', 1, None}, {'x': np.arange(3)}, np.array(['a', 'b'], object), "
        "lambda X: X in {'a', 'b', 'c'}]"
    )
    code = (
        "import numpy as np\n"
        "from skdistill._fingerprint import fingerprint\n"
        f"print(fingerprint({source}))\n"
    )
    environment = {"PYTHONHASHSEED": "12", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    here = eval(source, {"np": np, "__name__": "__main__"})
    assert done.stdout.strip() == fingerprint(here)


def test_a_module_counts_by_its_name():
    assert same(np, np)
    assert not same(np, np.random) and not same(np, sparse)

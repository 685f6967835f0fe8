"""Cache keys are equal for equal contents in any container, and differ otherwise."""

import dis
import importlib
import subprocess
import sys
from collections import OrderedDict
from copy import deepcopy
from functools import cached_property, lru_cache, partial, partialmethod, wraps

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
from sklearn.utils.metaestimators import available_if

from skdistill._teachers._cache_key import BLOCK, canonical_form_unfitted, fingerprint

NUMBERS = np.random.default_rng(0).normal(size=(40, 6))


def same(first, second):
    return fingerprint(first) == fingerprint(second)


def same_teacher(first, second):
    return fingerprint(canonical_form_unfitted(first)) == fingerprint(
        canonical_form_unfitted(second)
    )


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def mapped(array, folder):
    np.save(folder / "rows.npy", array)
    return np.load(folder / "rows.npy", mmap_mode="r")


def test_array_key_depends_on_values_not_on_memory_layout(tmp_path):
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
    digests = [fingerprint(canonical_form_unfitted(each)) for each in functions]
    assert len(set(digests)) == len(functions)
    assert digests == [fingerprint(canonical_form_unfitted(clone(each))) for each in functions]
    assert same(edited("return 1"), edited("return 1"))
    assert not same(edited("return 1"), edited("return 2"))


# Code before its change; `1` is what changes. The teacher is a class, or a function of a step.
TEACHERS = {
    "a method": "class T:\n    def fit(self, X, y): return 1",
    "a class attribute": "class T:\n    depth = 1",
    "a list of a class": "class T:\n    columns = ['a', 1]",
    "an array of a class": "class T:\n    columns = np.array([1, 2])",
    "an estimator of a class": "class T:\n    inner = LogisticRegression(C=1)",
    "an inherited attribute": "class A:\n    depth = 1\nclass T(A): pass",
    "an inherited method": "class A:\n    def fit(self): return 1\nclass T(A): pass",
    "a static method": "class T:\n    @staticmethod\n    def fit(X): return 1",
    "a class method": "class T:\n    @classmethod\n    def fit(cls): return 1",
    "a property": "class T:\n    @property\n    def depth(self): return 1",
    "its setter": (
        "class T:\n    @property\n    def d(self): return 0\n"
        "    @d.setter\n    def d(self, value): self.e = 1"
    ),
    "a cached property": "class T:\n    @cached_property\n    def depth(self): return 1",
    "a method if available": (
        "class T:\n    @available_if(lambda self: True)\n    def predict_proba(self, X): return 1"
    ),
    "whether it is available": (
        "class T:\n    @available_if(lambda self: self.depth == 1)\n    def predict(self, X): pass"
    ),
    "a method under lru_cache": "class T:\n    @lru_cache\n    def fit(self): return 1",
    "a static method under lru_cache": (
        "class T:\n    @staticmethod\n    @lru_cache\n    def fit(X): return 1"
    ),
    "a partial method": (
        "class T:\n    def _fit(self, depth): return depth\n    fit = partialmethod(_fit, 1)"
    ),
    "a partial function": "class T:\n    fit = staticmethod(partial(max, 1))",
    "a decorated method": (
        "def logged(f):\n    @wraps(f)\n    def g(*args): return f(*args)\n    return g\n"
        "class T:\n    @logged\n    def fit(self): return 1"
    ),
    "the decorator": (
        "def logged(f):\n    @wraps(f)\n    def g(*args): return f(*args) + 1\n    return g\n"
        "class T:\n    @logged\n    def fit(self): return 0"
    ),
    "a decorator that is a class": (
        "class Logged:\n    def __init__(self, f): self.f = f\n"
        "    def __get__(self, owner, kind): return partial(self.f, owner)\n"
        "class T:\n    @Logged\n    def fit(self): return 1"
    ),
    "one of two lambdas": "class T:\n    a = lambda self: 1\n    b = lambda self: 2",
    "an inner function": "class T:\n    def fit(self):\n        return (lambda X: X + 1)",
    "an inner class": "class T:\n    class Inner:\n        depth = 1",
    "a default": "class T:\n    def fit(self, X, depth=1): return X",
    "a keyword's default": "class T:\n    def fit(self, X, *, depth=1): return X",
    "a helper": "def helper(X): return 1\nclass T:\n    def fit(self, X): return helper(X)",
    "a helper of a helper": (
        "def inner(X): return 1\ndef helper(X): return inner(X)\n"
        "class T:\n    def fit(self, X): return helper(X)"
    ),
    "a helper under lru_cache": (
        "@lru_cache\ndef helper(X): return 1\nclass T:\n    def fit(self, X): return helper(X)"
    ),
    "a partial of a helper": (
        "def helper(X, c): return c - 1\nhalf = partial(helper, 2)\n"
        "class T:\n    def fit(self, X): return half(X)"
    ),
    "what a partial of a helper has": (
        "def helper(X, c): return c\nhalf = partial(helper, 1)\n"
        "class T:\n    def fit(self, X): return half(X)"
    ),
    "helpers that call each other": (
        "def even(n): return n == 0 or odd(n - 1)\ndef odd(n): return n > 1 and even(n - 1)\n"
        "class T:\n    def fit(self, X): return even(4)"
    ),
    "a helper class": (
        "class Helper:\n    depth = 1\nclass T:\n    def fit(self, X): return Helper().depth"
    ),
    "a constant": "DEPTH = 1\nclass T:\n    def fit(self, X): return X[:DEPTH]",
    "a tuple": "NAMES = ('a', 1)\nclass T:\n    def fit(self, X): return X[NAMES]",
    "a constant of a comprehension": (
        "DEPTH = 1\nclass T:\n    def fit(self, X): return [x + DEPTH for x in X]"
    ),
    "a function": "def T(X): return 1",
    "a function under lru_cache": "@lru_cache\ndef T(X): return 1",
    "a function's helper": "def helper(X): return 1\ndef T(X): return helper(X)",
    "what a partial function calls": "def f(X, c): return c - 1\nT = partial(f, 2)",
    "a function that calls itself": "def T(n): return T(n - 1) if n > 1 else n",
    "a closure's function": (
        "def make(f):\n    def g(X): return f(X)\n    return g\ndef f(X): return 1\nT = make(f)"
    ),
    "a closure that calls itself": (
        "def make():\n    def g(n): return g(n - 1) if n > 1 else n\n    return g\nT = make()"
    ),
}


def executed(source):
    """Return `T` after running code that belongs to no package."""
    names = {
        "__name__": "mine", "np": np, "LogisticRegression": LogisticRegression,
        "available_if": available_if, "lru_cache": lru_cache, "partial": partial,
        "partialmethod": partialmethod, "cached_property": cached_property, "wraps": wraps,
    }  # fmt: skip
    exec(source, names)
    return names["T"]


@pytest.mark.parametrize("source", TEACHERS.values(), ids=TEACHERS)
def test_code_that_changes_is_something_else(source):
    for wrapped in (lambda code: code, lambda code: {"step": [code]}):
        first, again = wrapped(executed(source)), wrapped(executed(source))
        assert same(first, again)
        assert not same(first, wrapped(executed(source.replace("1", "7"))))


READING_GLOBALS = ["a constant", "a helper", "a constant of a comprehension"]


@pytest.mark.parametrize("operation", ["LOAD_GLOBAL", "LOAD_ATTR", "STORE_ATTR", "STORE_GLOBAL"])
@pytest.mark.parametrize(
    "source", [TEACHERS[name] for name in READING_GLOBALS], ids=READING_GLOBALS
)
def test_byte_code_of_another_python(source, operation, monkeypatch):
    monkeypatch.delitem(dis.opmap, operation)
    known = dis.get_instructions
    monkeypatch.setattr(
        dis, "get_instructions", lambda code: [e for e in known(code) if e.opname != operation]
    )
    assert same(executed(source), executed(source))
    assert not same(executed(source), executed(source.replace("1", "7")))


def test_code_of_a_module_of_ones_own(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    digests = set()
    for number in (1, 1, 2):
        sys.modules.pop("helpers_of_mine", None)
        (tmp_path / "helpers_of_mine.py").write_text(f"def scale(X): return X * {number}" + "\n")
        importlib.invalidate_caches()
        sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
        try:
            module = importlib.import_module("helpers_of_mine")
        finally:
            sys.dont_write_bytecode = before
        names = {"__name__": "mine", "helpers_of_mine": module}
        exec("def T(X): return helpers_of_mine.scale(X)", names)
        digests.add(fingerprint(names["T"]))
    assert len(digests) == 2


def test_what_code_cannot_be_pickled_with_counts_by_its_type():
    source = (
        "import threading\nLOCK = threading.Lock()\n"
        "class T:\n    lock = threading.Lock()\n    depth = 1\n"
        "    def fit(self):\n        with LOCK: return self.depth"
    )
    assert same(executed(source), executed(source))
    assert not same(executed(source), executed(source.replace("1", "7")))


def test_what_a_class_draws_from_counts_by_its_type():
    source = "class T:\n    rng = np.random.default_rng(1)\n    other = np.random.RandomState(1)"
    teacher = executed(source)
    before = fingerprint(teacher)
    teacher.rng.random()
    teacher.other.rand()
    assert fingerprint(teacher) == before


def test_counters_of_a_module_do_not_change_code():
    source = "N = 1\ndef T(X):\n    global N\n    N += 1\n    return X"
    assert same(executed(source), executed(source.replace("N = 1", "N = 7")))


def test_counting_calls_in_a_class_does_not_change_it():
    class Counted(GaussianNB):
        n_fits = 0

        def fit(self, X, y):
            type(self).n_fits += 1
            return super().fit(X, y)

    before = fingerprint(canonical_form_unfitted(Counted()))
    Counted().fit(NUMBERS, NUMBERS[:, 0] > 0)
    assert (Counted.n_fits, fingerprint(canonical_form_unfitted(Counted()))) == (1, before)


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
        "from skdistill._teachers._cache_key import fingerprint\n"
        f"print(fingerprint({source}))\n"
    )
    environment = {"PYTHONHASHSEED": "12", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    here = eval(source, {"np": np, "__name__": "__main__"})
    assert done.stdout.strip() == fingerprint(here)


def test_code_key_is_independent_of_process_and_hash_seed():
    source = (
        "from functools import lru_cache\n"
        "from sklearn.naive_bayes import GaussianNB\n"
        "KINDS = ('a', 'b')\n"
        "def even(n): return n == 0 or odd(n - 1)\n"
        "def odd(n): return n in {'a', 'b', 'c'} and even(n - 1)\n"
        "@lru_cache\n"
        "def helper(n): return even(n), odd(n), KINDS\n"
        "class T(GaussianNB):\n"
        "    kinds = {'a', 'b', 'c'}\n"
        "    def fit(self, X, y): return helper(4) in {'a', 'b', 'c'}\n"
        "    @property\n"
        "    def depth(self): return self.kinds\n"
    )
    code = (
        f"{source}\nfrom skdistill._teachers._cache_key import fingerprint\nprint(fingerprint(T))"
    )
    digests = set()
    for seed in ("12", "34"):
        environment = {"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)}
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        digests.add(done.stdout.strip())
    names = {"__name__": "__main__"}
    exec(source, names)
    assert digests == {fingerprint(names["T"])}


def test_a_module_counts_by_its_name():
    assert same(np, np)
    assert not same(np, np.random) and not same(np, sparse)

"""Stacked containers keep their dtypes and merge categories, or raise an error."""

from datetime import date, datetime, timedelta
from itertools import product

import numpy as np
import pytest
from scipy import sparse
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill import (
    DistilledBipartiteRanker,
    DistilledClassifier,
    DistilledMulticlassRetriever,
)
from skdistill._utils._concatenate import align_rows, stack_rows


def columns_of_pandas():
    """Return a column of each dtype of pandas, some with missing values, some all missing."""
    pd = pytest.importorskip("pandas")
    day = datetime(2020, 1, 1)

    def category(values, *categories, ordered=False, dtype=None):
        index = pd.Index(categories, dtype=dtype)
        return pd.Series(pd.Categorical(values, categories=index, ordered=ordered))

    plain = {
        "int64": [1, 0],
        "uint64": [1, 2**63 + 5],
        "float64": [1.0, 0.0],
        "float32": [0.1, 1],
        "bool": [True, False],
        "object": ["a", "b"],
        "str": ["a", "b"],
        "string": ["a", None],
        "Int64": [1, None],
        "Float64": [0.5, None],
        "boolean": [True, None],
        "datetime64[ns]": [day, day],
        "datetime64[s]": [day, None],
        "datetime64[ns, UTC]": [day, day],
        "timedelta64[ns]": [timedelta(1)] * 2,
        "complex128": [1j, 0],
        "Sparse[float64]": [0.0, 1.0],
    }
    return {
        **{dtype: pd.Series(values, dtype=dtype) for dtype, values in plain.items()},
        "int8": pd.Series([1, 0], dtype="int8"),
        "fractions": pd.Series([0.1, 0.5]),
        "beyond 2^53": pd.Series([2**53 + 1, 0]),
        "NaN": pd.Series([1.0, np.nan]),
        "all NaN": pd.Series([np.nan, np.nan]),
        "all None": pd.Series([None, None], dtype=object),
        "objects that are numbers": pd.Series([1, None], dtype=object),
        "objects that are dates": pd.Series([date(2020, 1, 1)] * 2, dtype=object),
        "period": pd.Series(pd.period_range("2020", periods=2, freq="D")),
        "interval": pd.Series(pd.interval_range(0, 2)),
        "a b": category(["a", "b"], "a", "b"),
        "b c a": category(["a", "c"], "b", "c", "a"),
        "z of objects": category(["z", None], "z", dtype=object),
        "categories that are numbers": category([1, 2], 1, 2),
        "categories that are floats": category([1.0, 2.5], 1.0, 2.5),
        "no categories": category([None, None]),
        "a < b": category(["a", "b"], "a", "b", ordered=True),
        "b < a": category(["a", "b"], "b", "a", ordered=True),
        "a < m < b": category(["m", "b"], "a", "m", "b", ordered=True),
    }


def columns_of_polars():
    """Return a column of each dtype of polars."""
    pl = pytest.importorskip("polars")
    day = datetime(2020, 1, 1)
    plain = {
        "Int64": [1, 0],
        "UInt64": np.array([1, 2**63 + 5], dtype=np.uint64),
        "Int8": [1, None],
        "Float64": [1.0, 0.0],
        "Float32": [0.1, 1],
        "Boolean": [True, None],
        "String": ["a", None],
        "Categorical": ["a", "b"],
        "Null": [None, None],
        "Date": [day.date()] * 2,
        "Datetime": [day] * 2,
        "Duration": [timedelta(1)] * 2,
        "Time": [day.time()] * 2,
        "Binary": [b"a", b"b"],
        "List": [[1], [2]],
    }
    return {
        **{dtype: pl.Series(values).cast(getattr(pl, dtype)) for dtype, values in plain.items()
           if dtype != "List"},
        "List": pl.Series(plain["List"]),
        "fractions": pl.Series([0.1, 0.5]),
        "NaN": pl.Series([1.0, float("nan")]),
        "Datetime[ns]": pl.Series([day] * 2).cast(pl.Datetime("ns")),
        "Datetime[UTC]": pl.Series([day] * 2).dt.replace_time_zone("UTC"),
        "a b": pl.Series(["a", "b"], dtype=pl.Enum(["a", "b"])),
        "b a": pl.Series(["a", "b"], dtype=pl.Enum(["b", "a"])),
        "a m b": pl.Series(["m", "b"], dtype=pl.Enum(["a", "m", "b"])),
    }  # fmt: skip


COLUMNS = {"pandas": columns_of_pandas, "polars": columns_of_polars}


def values_of(column):
    """Return values of which missing ones are equal to each other."""
    if hasattr(column, "isna"):
        column = column.astype(object).where(column.notna(), None)
    return [None if value != value else value for value in column.to_list()]


def has_categories(dtype):
    return hasattr(getattr(dtype, "categories", None), "to_list")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("library", COLUMNS)
def test_each_dtype_pair_is_stacked_as_in_X_or_refused(library):
    frames = pytest.importorskip(library)
    columns = COLUMNS[library]()
    stacked = set()
    for (one, ours), (other, theirs) in product(columns.items(), columns.items()):
        X, more = frames.DataFrame({"c": ours}), frames.DataFrame({"c": theirs})
        try:
            new = stack_rows(X, more)["c"]
        except ValueError as error:
            assert one != other
            said = str(error)
            assert said.startswith("Column 'c' of X_unlabeled has dtype "), said
            for dtype in (ours.dtype, theirs.dtype):
                assert has_categories(dtype) or str(dtype) in said
            continue
        stacked.add((one, other))
        if (one, "2^53" in other or other == "uint64") == ("Sparse[float64]", True):
            continue  # pandas rounds these later, when they are no longer sparse
        assert values_of(new) == values_of(ours) + values_of(theirs), (one, other)
        if has_categories(ours.dtype):
            known = new.dtype.categories.to_list()
            assert [c for c in known if c in ours.dtype.categories.to_list()] == (
                ours.dtype.categories.to_list()
            )
        else:
            assert new.dtype == ours.dtype
        dtypes = [each["c"].dtype for each in align_rows(X, more)]
        assert dtypes == [new.dtype, new.dtype]
        if has_categories(new.dtype):
            assert all(dtype.categories.to_list() == known for dtype in dtypes)
    assert {(name, name) for name in columns} <= stacked
    expected = EXPECTED[library]
    assert {pair: pair in stacked for pair in expected} == expected


# What is safe, and what is not: each pair (of X, of X_unlabeled) by hand.
EXPECTED = {
    "pandas": {
        ("float64", "int64"): True,
        ("float64", "beyond 2^53"): False,
        ("int64", "float64"): True,
        ("int64", "fractions"): False,
        ("int64", "NaN"): False,
        ("int64", "uint64"): False,
        ("int8", "int64"): True,
        ("float64", "float32"): True,
        ("float32", "fractions"): False,
        ("Int64", "NaN"): True,
        ("NaN", "Int64"): True,
        ("int64", "Int64"): False,
        ("bool", "int64"): True,
        ("int64", "bool"): True,
        ("bool", "boolean"): False,
        ("object", "string"): True,
        ("str", "object"): True,
        ("object", "objects that are numbers"): False,
        ("object", "int64"): False,
        ("int64", "object"): False,
        ("object", "all NaN"): True,
        ("int64", "all NaN"): False,
        ("all NaN", "object"): False,
        ("all None", "object"): True,
        ("datetime64[ns]", "datetime64[s]"): True,
        ("datetime64[ns]", "datetime64[ns, UTC]"): False,
        ("datetime64[ns]", "objects that are dates"): False,
        ("a b", "b c a"): True,
        ("b c a", "a b"): True,
        ("a b", "z of objects"): True,
        ("a b", "object"): False,
        ("object", "a b"): False,
        ("a b", "all NaN"): True,
        ("a b", "no categories"): True,
        ("no categories", "a b"): True,
        ("a b", "categories that are numbers"): False,
        ("categories that are numbers", "categories that are floats"): False,
        ("categories that are floats", "categories that are numbers"): True,
        ("a b", "a < b"): False,
        ("a < b", "b < a"): False,
        ("a < b", "a < m < b"): True,
        ("a < m < b", "a < b"): True,
    },
    "polars": {
        ("Float64", "Int64"): True,
        ("Int64", "fractions"): False,
        ("Int64", "Int8"): True,
        ("String", "Null"): True,
        ("String", "Categorical"): False,
        ("Categorical", "String"): False,
        ("String", "Int64"): False,
        ("Datetime", "Datetime[ns]"): True,
        ("Datetime", "Datetime[UTC]"): False,
        ("Datetime", "Date"): False,
        ("a b", "b a"): False,
        ("a b", "a m b"): True,
        ("a m b", "a b"): True,
    },
}


def test_undetermined_category_order_is_an_error():
    pd = pytest.importorskip("pandas")
    X, more = (
        pd.DataFrame({"size": pd.Categorical(list("sl"), categories=names, ordered=True)})
        for names in (["s", "m", "l"], ["s", "M", "l"])
    )
    with pytest.raises(ValueError, match=r"order of \['m'\] and \['M'\] is not defined"):
        stack_rows(X, more)
    with pytest.raises(ValueError, match=r"'size'.*ordered category.*contradict each other"):
        stack_rows(X, more.assign(size=more["size"].cat.set_categories(["l", "s"])))


def test_columns_go_by_position_where_two_have_one_name():
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame({"a": [1.0, 2.0], "b": pd.Categorical(["u", "v"])})
    X.columns = ["a", "a"]
    more = pd.DataFrame({"a": [1, 2], "b": pd.Categorical(["w", "v"])})
    more.columns = ["a", "a"]
    new = stack_rows(X, more)
    assert new.iloc[:, 0].tolist() == [1.0, 2.0, 1.0, 2.0]
    assert new.iloc[:, 1].tolist() == ["u", "v", "w", "v"]
    assert new.dtypes.astype(str).tolist() == ["float64", "category"]


def test_the_dataframes_given_stay_as_they_were():
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame({"a": [1.0], "b": pd.Categorical(["u"])})
    more = pd.DataFrame({"a": [1], "b": pd.Categorical(["w"])})
    before = X.dtypes.tolist(), more.dtypes.tolist(), X.copy(), more.copy()
    stack_rows(X, more)
    assert (X.dtypes.tolist(), more.dtypes.tolist()) == before[:2]
    assert X.equals(before[2]) and more.equals(before[3])


NUMBERS = np.array([[1.0, 2.0], [0.0, 4.0]])
OBJECTS = np.array([["u", 1.0], ["v", None]], dtype=object)


@pytest.mark.parametrize(
    ("X", "more", "kind", "dtype"),
    [
        (NUMBERS, NUMBERS.astype(np.int8), np.ndarray, "float64"),
        (NUMBERS.astype(np.int8), NUMBERS + 0.5, np.ndarray, "float64"),
        (NUMBERS, NUMBERS.astype(object), np.ndarray, "float64"),
        (NUMBERS, NUMBERS.tolist(), np.ndarray, "float64"),
        (NUMBERS, sparse.csr_array(NUMBERS), np.ndarray, "float64"),
        (OBJECTS, OBJECTS, np.ndarray, "object"),
        (OBJECTS, OBJECTS[:, [0, 0]][:, :1].repeat(2, 1)[:0], np.ndarray, "object"),
        (OBJECTS[:, 1:], NUMBERS[:, 1:], np.ndarray, "object"),
        (OBJECTS[:, :1].astype(str), np.array([["longer"]]), np.ndarray, "<U6"),
        (NUMBERS.tolist(), NUMBERS, list, None),
        (["a text"], np.array(["another"]), list, None),
        (["a text"], ["another"], list, None),
        (sparse.csr_array(NUMBERS), NUMBERS, sparse.csr_array, "float64"),
        (sparse.csc_array(NUMBERS), sparse.coo_array(NUMBERS), sparse.csr_array, "float64"),
        (sparse.csr_matrix(NUMBERS), sparse.csr_matrix(NUMBERS), sparse.csr_matrix, "float64"),
    ],
)
def test_arrays_and_lists(X, more, kind, dtype):
    new = stack_rows(X, more)
    assert type(new) is kind
    dense = [each.toarray() if sparse.issparse(each) else each for each in (new, X, more)]
    assert np.array(dense[0], object).tolist() == [
        row for each in dense[1:] for row in np.array(each, object).tolist()
    ]
    if dtype is not None:
        assert new.dtype == dtype


@pytest.mark.parametrize(
    ("X", "more", "match"),
    [
        (NUMBERS, NUMBERS.astype(str), "dtype <U32, expected float64 as in X: it holds text"),
        (NUMBERS.astype(str), NUMBERS, "dtype float64, expected <U32 as in X: it holds numbers"),
        (NUMBERS, OBJECTS, "dtype object, expected float64 .* text in column 0"),
        (OBJECTS, NUMBERS, "dtype float64, expected object .* numbers in column 0, expected text"),
        (
            OBJECTS,
            OBJECTS[:, ::-1],
            "dtype object, .*: it holds numbers in column 0, expected",
        ),
        (sparse.csr_array(NUMBERS), NUMBERS.astype(str), "dtype <U32, expected float64"),
    ],
)
def test_arrays_of_other_kinds_are_an_error(X, more, match):
    with pytest.raises(ValueError, match="X_unlabeled has " + match):
        stack_rows(X, more)


LARGE = [[2**53 + 1], [2**63 - 1]]
FORMS = [np.asarray, sparse.csr_array]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("other_form", FORMS)
@pytest.mark.parametrize(
    ("dtype", "other"),
    [("int64", np.array([[0.5]])), ("uint64", np.array([[0.5]])), ("uint64", np.array([[-1]]))],
)
def test_integers_that_floats_would_round_are_an_error(dtype, other, form, other_form):
    large, other = form(np.array(LARGE, dtype)), other_form(other)
    for X, more, name in ((large, other, "X"), (other, large, "X_unlabeled")):
        with pytest.raises(ValueError, match=f"^{name} holds .*change 2 .*is {2**53 + 1}. Give"):
            stack_rows(X, more)
    both = stack_rows(large, large)
    assert (both.toarray() if sparse.issparse(both) else both).tolist() == LARGE * 2


def test_integers_among_objects_that_floats_would_round():
    objects = np.array([*LARGE, [None]], dtype=object)
    with pytest.raises(ValueError, match="X_unlabeled holds integers of dtype object"):
        stack_rows(NUMBERS[:, :1], objects)
    assert stack_rows(objects, objects)[:2].tolist() == LARGE
    exact = np.array([[-(2**63)], [2**60]])
    assert stack_rows(NUMBERS[:, :1], exact)[2:].tolist() == exact.tolist()


# What an estimator does with it.


class UnusedTeacher(DecisionTreeClassifier):
    def fit(self, X, y):
        raise AssertionError("a teacher is fitted")


def flowers(frames, n=120, colours="rgb", seed=0):
    """Return rows whose class is that of a colour, but for some."""
    rng = np.random.default_rng(seed)
    colour = rng.choice(list(colours), n)
    size = rng.normal(size=n)
    y = np.where(rng.random(n) < 0.1, 0, (colour == "r").astype(int))
    return {"colour": colour, "size": size}, y


def by_dtype():
    """Return a student that selects columns by dtype."""
    steps = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_include="category")),
        (StandardScaler(), make_column_selector(dtype_include="number")),
    )
    return make_pipeline(steps, LogisticRegression())


ESTIMATORS = [
    DistilledClassifier(by_dtype(), by_dtype()),
    DistilledClassifier(by_dtype(), by_dtype(), alpha=1.0, teacher_temperature=1.0),
    DistilledBipartiteRanker(by_dtype(), by_dtype()),
    DistilledMulticlassRetriever(by_dtype(), by_dtype(), k=1),
]
IDS = ["auto", "classifier", "ranker", "retriever"]


@pytest.mark.filterwarnings("ignore:alpha=")
@pytest.mark.parametrize("model", ESTIMATORS, ids=IDS)
def test_a_student_that_selects_by_dtype_keeps_its_categories(model):
    pd = pytest.importorskip("pandas")
    columns, y = flowers(pd)
    more, _ = flowers(pd, 60, "xrb", seed=1)
    X, X_unlabeled = (pd.DataFrame(each) for each in (columns, more))
    united = pd.CategoricalDtype(["r", "g", "b", "x"])
    known = pd.CategoricalDtype(["r", "g", "b"])
    other = pd.CategoricalDtype(["x", "b", "r"])
    by_hand = model.fit(
        X.astype({"colour": united}), y, X_unlabeled=X_unlabeled.astype({"colour": united})
    )
    expected = by_hand.decision_function(X.astype({"colour": united}))
    X, X_unlabeled = X.astype({"colour": known}), X_unlabeled.astype({"colour": other})
    model.fit(X, y, X_unlabeled=X_unlabeled)
    np.testing.assert_allclose(model.decision_function(X), expected, rtol=1e-9)
    assert list(X["colour"].cat.categories) == ["r", "g", "b"]


class Sampler:
    """An augmenter whose rows have other categories, in another order."""

    def __init__(self, dtype):
        self.dtype = dtype

    def sample(self, X, random_state):
        return X.sample(30, random_state=random_state).astype({"colour": self.dtype})


@pytest.mark.parametrize("with_more", [False, True])
def test_categories_of_the_rows_of_an_augmenter_are_united_too(with_more):
    pd = pytest.importorskip("pandas")
    columns, y = flowers(pd)
    X = pd.DataFrame(columns).astype({"colour": pd.CategoricalDtype(["r", "g", "b"])})
    more = X[:20].astype({"colour": pd.CategoricalDtype(["q", "b", "g", "r"])})
    given = {"X_unlabeled": more} if with_more else {}
    model = DistilledClassifier(
        by_dtype(), by_dtype(), alpha=1.0, teacher_temperature=1.0, random_state=0
    )
    model.set_params(augmenter=Sampler(pd.CategoricalDtype(["b", "z", "r", "g"])))
    model.fit(X, y, **given)
    encoder = model.student_[0].named_transformers_["onehotencoder"]
    assert encoder.categories_[0].tolist() == ["b", "g", "r"]
    expected = by_dtype().fit(X, y).predict_proba(X)
    assert abs(model.predict_proba(X) - expected).max() < 0.2


def test_boosters_with_new_categories_in_unlabelled_rows():
    pd = pytest.importorskip("pandas")
    lightgbm = pytest.importorskip("lightgbm")
    xgboost = pytest.importorskip("xgboost")
    columns, y = flowers(pd, 300)
    X = pd.DataFrame(columns).astype({"colour": pd.CategoricalDtype(["r", "g", "b"])})
    more = X[:100].astype({"colour": pd.CategoricalDtype(["z", "b", "r", "g"])})
    for booster in (
        lightgbm.LGBMClassifier(n_estimators=20, verbose=-1, random_state=0, n_jobs=1),
        xgboost.XGBClassifier(n_estimators=20, enable_categorical=True, n_jobs=1),
    ):
        model = DistilledClassifier(booster, booster, alpha=1.0, teacher_temperature=1.0).fit(
            X, y, X_unlabeled=more
        )
        same = DistilledClassifier(booster, booster, alpha=1.0, teacher_temperature=1.0).fit(
            X, y, X_unlabeled=X[:100]
        )
        np.testing.assert_allclose(model.predict_proba(X), same.predict_proba(X), atol=0.02)


def test_unlabelled_rows_of_weight_zero_are_ignored():
    pd = pytest.importorskip("pandas")
    columns, y = flowers(pd)
    X = pd.DataFrame(columns).astype({"colour": "category"})
    model = DistilledClassifier(by_dtype(), by_dtype(), alpha=0.0)
    expected = model.fit(X, y).predict_proba(X)
    model.set_params(unlabeled_weight=0.0).fit(
        X, y, X_unlabeled=X[:9].assign(colour=pd.Categorical(["z"] * 9))
    )
    assert (model.predict_proba(X) == expected).all()


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_another_dtype_is_refused_before_a_teacher_is_fitted(library, frozen):
    frames = pytest.importorskip(library)
    columns, y = flowers(frames)
    X = frames.DataFrame(columns)
    more = frames.DataFrame({**columns, "size": columns["size"].astype(str)})
    teacher = UnusedTeacher()
    if frozen:
        teacher = FrozenEstimator(LogisticRegression().fit(np.zeros((2, 2)), [0, 1]))
    text = "String" if library == "polars" else "str|object"
    number = "Float64" if library == "polars" else "float64"
    for estimator in (DistilledClassifier, DistilledBipartiteRanker, DistilledMulticlassRetriever):
        match = f"Column 'size' of X_unlabeled has dtype ({text}), expected {number} as in X"
        with pytest.raises(ValueError, match=match):
            estimator(teacher, alpha=1.0).fit(X, y, X_unlabeled=more)


def test_polars_rows_without_labels_of_another_dtype():
    pl = pytest.importorskip("polars")
    columns, y = flowers(pl)
    X = pl.DataFrame({"size": columns["size"], "n": np.arange(120.0)})
    more = X[:30].with_columns(pl.col("n").cast(pl.Int64))
    model = DistilledClassifier(
        LogisticRegression(), LogisticRegression(), alpha=1.0, teacher_temperature=1.0
    )
    expected = model.fit(X, y, X_unlabeled=X[:30]).predict_proba(X)
    assert (model.fit(X, y, X_unlabeled=more).predict_proba(X) == expected).all()


def test_dataframes_of_two_libraries_are_an_error():
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    columns, y = flowers(pd)
    X = pd.DataFrame(columns)
    for ours, theirs in ((X, pl.DataFrame(columns)), (pl.DataFrame(columns), X)):
        with pytest.raises(ValueError, match=r"X_unlabeled is a dataframe of p.*, X one of p"):
            DistilledClassifier(UnusedTeacher(), alpha=1.0, teacher_temperature=1.0).fit(
                ours, y, X_unlabeled=theirs
            )

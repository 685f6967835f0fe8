"""Two tables in CONTRIBUTING list what is imported of other packages, and what is private there."""

import ast
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.ensemble import BaggingRegressor
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
)
from sklearn.naive_bayes import BernoulliNB, GaussianNB, MultinomialNB
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import TargetEncoder

import skdistill
from skdistill import SoftLabels, fit_soft_labels
from skdistill.datasets import make_gaussian_classes
from skdistill.students._capabilities import SEARCH
from skdistill.students.ranking import fit_ranker

PACKAGE = Path(skdistill.__file__).parent
TESTS = Path(__file__).parent
TREES = {
    str(path.relative_to(PACKAGE)): ast.parse(path.read_text())
    for path in sorted(PACKAGE.rglob("*.py"))
}
CONTRIBUTING = (TESTS.parent / "CONTRIBUTING.md").read_text()
EVERYWHERE = {"numpy", "scipy", "sklearn"}


def table(header):
    """Return the cells of each row of a table in CONTRIBUTING."""
    lines = CONTRIBUTING[CONTRIBUTING.index(header) :].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def quoted(cell):
    return re.findall(r"`([^`]+)`", cell)


IMPORTS = table("| files and folders | at module level |")
PLACES = table("| files | package | what is used |")


def imports_of(node, *, inside=False):
    """Yield (package, whether it is inside a function) of each import of another package."""
    for child in ast.iter_child_nodes(node):
        modules = []
        if isinstance(child, ast.Import):
            modules = [alias.name for alias in child.names]
        elif isinstance(child, ast.ImportFrom) and not child.level:
            modules = [child.module]
        for package in {module.partition(".")[0] for module in modules}:
            if package not in sys.stdlib_module_names:
                yield package, inside
        is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from imports_of(child, inside=inside or is_function)


def allowed_imports(path):
    """Return the packages that a file may import at module level, and those inside functions."""
    rows = [
        row
        for row in IMPORTS
        if any(
            path == name or (name[-1] == "/" and path.startswith(name)) for name in quoted(row[0])
        )
    ]
    outside = EVERYWHERE.union(*(quoted(row[1]) for row in rows))
    return outside, outside.union(*(quoted(row[2]) for row in rows))


@pytest.mark.parametrize("path", TREES)
def test_files_import_the_packages_of_the_table_only(path):
    for package, inside in imports_of(TREES[path]):
        where = "inside a function" if inside else "at module level"
        assert package in allowed_imports(path)[inside], f"{path} imports {package} {where}"


def test_each_row_of_imports_is_needed():
    for files, *cells in IMPORTS:
        for name in quoted(files):
            trees = [tree for path, tree in TREES.items() if path.startswith(name)]
            found = {each for tree in trees for each in imports_of(tree)}
            for inside, cell in zip((False, True), cells, strict=True):
                assert {(package, inside) for package in quoted(cell)} <= found, name


def names_defined(tree):
    """Yield the names that a file defines: functions, classes, variables, keywords, attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            if ast.unparse(node.value) == "self":
                yield node.attr
        elif isinstance(node, ast.keyword):
            yield node.arg


OWN_NAMES = {name for tree in TREES.values() for name in names_defined(tree)}
OF_NAMEDTUPLES = {"_asdict", "_fields", "_replace"}
# Variables that hold objects of this package, by the convention of the code.
OWN_OBJECTS = {"self", "cls", "callback", "estimator", "net", "new", "targets"}
CLASSES_OF_USERS = {"base", "cls"}  # their namespaces are public
FORMATS = {"dump_model", "get_metadata", "model_to_string", "save_config"}
STATE = {"__base__", "__getstate__", "__setstate__"}
CODE = re.compile(r"co_\w+|__(code|closure|globals|defaults|kwdefaults|wrapped)__|get_instructions")
TEXT_METHODS = ("endswith", "removeprefix", "removesuffix", "startswith")


def is_private(name):
    return re.fullmatch(r"_[A-Za-z]\w+", name) and name not in OWN_NAMES | OF_NAMEDTUPLES


def without_text(tree):
    """Yield the nodes of a file, except texts that are built or compared."""
    for child in ast.iter_child_nodes(tree):
        method = child.func if isinstance(child, ast.Call) else None
        if isinstance(child, ast.JoinedStr) or getattr(method, "attr", None) in TEXT_METHODS:
            continue
        yield child
        yield from without_text(child)


def foreign_state(tree):
    """Yield what a file uses of other packages' private state, as the table writes it."""
    for node in without_text(tree):
        if isinstance(node, ast.Attribute):
            base, stored = ast.unparse(node.value), isinstance(node.ctx, ast.Store)
            if is_private(node.attr) or node.attr in FORMATS | STATE:
                yield f"`{node.attr}`"
            if node.attr == "dask":
                yield "`dask`"
            if CODE.fullmatch(node.attr):
                yield "byte code"
            if node.attr == "__class__" and stored:
                yield "`__class__`"
            if node.attr == "__dict__" and base not in OWN_OBJECTS:
                yield "`vars`"
            if re.fullmatch(r"[a-z]\w*_", node.attr) and stored and base not in OWN_OBJECTS:
                yield "fitted attributes"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if is_private(node.value):
                yield f"`{node.value}`"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            argument = ast.unparse(node.args[0])
            if node.func.id == "vars" and argument not in CLASSES_OF_USERS | {"self"}:
                yield "`vars`"
            if node.func.id == "setattr" and argument not in OWN_OBJECTS:
                yield "fitted attributes"
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [*node.module.split("."), *(alias.name for alias in node.names)]
            public = {"__future__", "_safe_indexing"}
            yield from (f"`{name}`" for name in names if name[0] == "_" and name not in public)


@pytest.mark.parametrize("path", TREES)
def test_private_state_is_used_where_the_table_says(path):
    cells = [row[2] for row in PLACES if path in quoted(row[0])]
    for name in foreign_state(TREES[path]):
        assert any(name in cell for cell in cells), (
            f"{path} uses {name}, which is not listed for it under 'Private state of other "
            "packages' in CONTRIBUTING. Use a public name, or add it, with a canary and a fallback."
        )


@pytest.mark.parametrize("row", PLACES, ids=lambda row: f"{row[0]} {row[1]}".replace("`", ""))
def test_each_listed_place_has_files_and_a_canary(row):
    files, package, used, canary, fallback = row
    sources = [(PACKAGE / path).read_text() for path in quoted(files)]
    assert sources and package and fallback
    for name in quoted(used):
        assert any(re.search(rf"\b{name}\b", source) for source in sources), name
    file, test = quoted(canary)
    (path,) = [path for path in TESTS.rglob("*.py") if f"/{path}".endswith(f"/{file}")]
    assert f"def {test}(" in path.read_text(), canary


def test_the_search_finds_what_it_should():
    code = """
from sklearn._loss import HalfMultinomialLoss
student._secret, student.coef_ = getattr(student, "_hidden"), tree.__getstate__()
net.__class__ = Other
vars(student).update(f.__code__)
"""
    assert set(foreign_state(ast.parse(code))) == {
        *("`_loss`", "`_secret`", "fitted attributes", "`_hidden`", "`__getstate__`"),
        *("`__class__`", "`vars`", "byte code"),
    }


X, Y, P = make_gaussian_classes(60, 3, 3, random_state=0)
TWO = P[:, :2] / P[:, :2].sum(axis=1, keepdims=True)


def shape_of(value):
    return [np.shape(each) for each in value] if isinstance(value, list) else np.shape(value)


@pytest.mark.parametrize(
    "student",
    [
        *(LogisticRegression(), GaussianNB(), MultinomialNB(), BernoulliNB()),
        SGDClassifier(loss="log_loss", random_state=0),
        *(LinearDiscriminantAnalysis(solver=solver) for solver in ("svd", "lsqr", "eigen")),
        QuadraticDiscriminantAnalysis(reg_param=0.1, store_covariance=True),
        Pipeline([("encode", TargetEncoder(cv=3)), ("last", LogisticRegression())]),
    ],
    ids=repr,
)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_fitted_attributes_set_by_hand_are_those_of_fit(student, n_classes):
    """If this fails, scikit-learn sets other attributes in `fit`: set these as well."""
    if n_classes == 2 and isinstance(student, Pipeline):
        pytest.skip("an encoder of two classes is one of numbers, and nothing is set by hand")
    rows = np.round(np.abs(X))
    proba = TWO if n_classes == 2 else P
    fitted = fit_soft_labels(student, rows, SoftLabels(proba))
    theirs = clone(student).fit(rows, Y % n_classes)
    pairs = [(fitted, theirs)]
    if n_classes == 2 and isinstance(student, LogisticRegression):
        pairs += [(fit_ranker(student, rows, SoftLabels(proba)), theirs)]
    if isinstance(student, Pipeline):
        pairs = zip(fitted, theirs, strict=True)
    for ours, plain in pairs:
        public = {name for name in vars(plain) if name.endswith("_")}
        assert public <= vars(ours).keys()
        for name in public:
            assert shape_of(getattr(ours, name)) == shape_of(getattr(plain, name)), name


def test_searches_share_a_base_class():
    """If this fails, `SEARCH` needs another way to find the searches of scikit-learn."""
    assert SEARCH.__name__ == "BaseSearchCV"
    searches = (GridSearchCV, RandomizedSearchCV, HalvingGridSearchCV, HalvingRandomSearchCV)
    assert all(issubclass(each, SEARCH) for each in searches)
    assert not issubclass(BaggingRegressor, SEARCH)

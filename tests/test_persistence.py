"""Students and estimators are stored and loaded without a pickle, in every file format.

The table is KINDS × WAYS. Unsupported cases are entries of EXCEPTIONS with the reason: they are
run, too, and fail once a release of the other library supports them.
"""

import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import sklearn
from contracts.augmenters import AUGMENTERS, make_augmenter, path_of
from contracts.student_cases import registered_students
from scipy.special import softmax
from sklearn.base import is_regressor
from sklearn.ensemble import (
    GradientBoostingClassifier,
)
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import (
    LogisticRegression,
    Ridge,
    SGDClassifier,
)
from sklearn.model_selection import KFold
from sklearn.naive_bayes import BernoulliNB, GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.extmath import softmax as softmax_of_sklearn

import skdistill
from skdistill import (
    BornAgainClassifier,
    CascadeClassifier,
    DistilledBipartiteRanker,
    DistilledClassifier,
    DistilledMulticlassRetriever,
    DistilledRegressor,
    SoftLabelClassifier,
    SoftLabels,
    fit_soft_labels,
)
from skdistill.datasets import make_gaussian_classes
from skdistill.students import logit_regressor

sio = pytest.importorskip("skops.io")

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of the converters
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*is fitted to soft labels by expansion.*:UserWarning"),
]

# ONNX computes in float32, whose spacing below 1 is 6e-8; sums over trees and features add to it.
FLOAT32 = 2e-6
N_FEATURES = 4


def xgboost_student():
    return pytest.importorskip("xgboost").XGBClassifier(n_estimators=5, n_jobs=1)


def lightgbm_student():
    return pytest.importorskip("lightgbm").LGBMClassifier(n_estimators=5, n_jobs=1, verbose=-1)


def catboost_student():
    package = pytest.importorskip("catboost")
    return package.CatBoostClassifier(iterations=5, silent=True, allow_writing_files=False)


def net_student(n_classes):
    torch = pytest.importorskip("torch")
    nets = pytest.importorskip("skdistill.nets")
    return nets.SoftLabelNet(
        torch.nn.Linear,
        module__in_features=N_FEATURES,
        module__out_features=n_classes,
        max_epochs=3,
        random_state=0,
        verbose=0,
    )


# Every registered class of scikit-learn enters by itself.
OF_SKLEARN = {
    **registered_students(),
    "BernoulliNB": BernoulliNB(binarize=1.0),  # no feature is 0
    "SGDClassifier of log-loss": SGDClassifier(loss="log_loss", random_state=0),
    "GradientBoostingClassifier": GradientBoostingClassifier(n_estimators=5),
    "MLPClassifier": MLPClassifier(10, max_iter=20, random_state=0),
    "Ridge": Ridge(),
    "DecisionTreeRegressor": DecisionTreeRegressor(max_depth=6, random_state=0),
    "deep tree": DecisionTreeClassifier(max_depth=6, random_state=0),
    "logit regressor": logit_regressor(Ridge()),
    "Pipeline of LogisticRegression": make_pipeline(StandardScaler(), LogisticRegression()),
    "Pipeline of a tree": make_pipeline(StandardScaler(), DecisionTreeClassifier(max_depth=6)),
}
BOOSTERS = {
    "xgboost": xgboost_student,
    "lightgbm": lightgbm_student,
    "catboost": catboost_student,
}
KINDS = [*OF_SKLEARN, *BOOSTERS, "net", "ranker", "retriever", "retriever of low rank"]


def rows(n_classes):
    """Return non-negative rows, exact in float32, with labels, probabilities and weights."""
    X, y, P = make_gaussian_classes(300, N_FEATURES, n_classes, random_state=0)
    return np.abs(X).astype(np.float32), y, P, np.random.default_rng(0).uniform(0.5, 2, len(y))


@cache
def fitted(kind, n_classes):
    """Return what `student_` holds, fitted to weighted soft labels with names for classes."""
    X, y, P, weight = rows(n_classes)
    names = np.array(["ant", "bee", "cow"][:n_classes])
    if kind == "ranker":
        model = DistilledBipartiteRanker(GaussianNB(), random_state=0)
        return model.fit(X, names[np.minimum(y, 1)], weight).student_
    if kind.startswith("retriever"):
        rank = 2 if "low rank" in kind else None
        model = DistilledMulticlassRetriever(GaussianNB(), k=2, rank=rank, random_state=0)
        return model.fit(X, names[y], weight).student_
    # A booster's file and a net's weights know no names.
    classes = np.arange(n_classes) if kind in ("xgboost", "net") else names
    student = net_student(n_classes) if kind == "net" else OF_SKLEARN.get(kind)
    student = BOOSTERS[kind]() if student is None else student
    return fit_soft_labels(student, X, SoftLabels(P, classes, sample_weight=weight))


def predictions(student, X):
    """Return the probabilities of a student if it has them, else its predictions."""
    for method in ("predict_proba", "decision_function", "predict"):
        if hasattr(student, method):
            return getattr(student, method)(X)
    raise AssertionError(student)


def assert_same(found, expected, atol):
    np.testing.assert_allclose(np.squeeze(found), np.squeeze(expected), rtol=0, atol=atol)


# The ways: each stores a student, loads it again and compares what both say about rows.


def by_skops(student, X, tmp_path):
    """Load with the types named that skops does not know by itself: none of them is ours."""
    file = sio.dumps(student)
    untrusted = sio.get_untrusted_types(data=file)
    assert not [name for name in untrusted if "skdistill" in name]
    again = sio.loads(file, trusted=untrusted)
    assert_same(predictions(again, X), predictions(student, X), atol=0)
    assert (np.ravel(again.predict(X)) == np.ravel(student.predict(X))).all()
    assert vars(again).keys() == vars(student).keys()


def by_onnx(student, X, tmp_path):
    """Compare probabilities, or scores, of an ONNX file run by onnxruntime; labels, too."""
    outputs = run_onnx(as_onnx(student, X, tmp_path), X)
    if not hasattr(student, "classes_") or hasattr(student, "module_"):  # regressors and nets
        found = softmax(outputs[0], axis=1) if hasattr(student, "module_") else outputs[0]
        assert_same(found, predictions(student, X), FLOAT32)
        return
    labels, scores = outputs
    same = np.ravel(labels) == np.ravel(student.predict(X))
    if hasattr(student, "predict_proba"):
        if isinstance(scores, list):  # of CatBoost: a dict for each row
            scores = [[row[label] for label in student.classes_] for row in scores]
        expected = student.predict_proba(X)
        assert_same(scores, expected, FLOAT32)
        # Where float32 cannot tell two classes apart either one may come first.
        top_two = np.sort(expected, axis=1)[:, -2:]
        same |= top_two[:, 1] - top_two[:, 0] < FLOAT32
    assert same.all()


def as_onnx(student, X, tmp_path):
    """Return the bytes of an ONNX model, by the exporter that each library calls its own."""
    package = type(student).__module__.split(".")[0]
    path = tmp_path / "student.onnx"
    if package == "catboost":
        student.save_model(path, format="onnx")
        return path.read_bytes()
    if package in ("skorch", "skdistill"):
        torch = pytest.importorskip("torch")
        torch.onnx.export(
            student.module_.eval(),
            (torch.zeros(2, X.shape[1]),),
            str(path),
            input_names=["rows"],
            dynamic_axes={"rows": {0: "n_samples"}},
            dynamo=False,
        )
        return path.read_bytes()
    if package in ("xgboost", "lightgbm"):
        onnxmltools = pytest.importorskip("onnxmltools")
        from onnxmltools.convert.common.data_types import FloatTensorType

        convert = getattr(onnxmltools, f"convert_{package}")
        further = {"zipmap": False} if package == "lightgbm" else {}
        types = [("rows", FloatTensorType([None, X.shape[1]]))]
        return convert(student, initial_types=types, **further).SerializeToString()
    skl2onnx = pytest.importorskip("skl2onnx")
    options = {"zipmap": False} if hasattr(student, "predict_proba") else None
    return skl2onnx.to_onnx(student, X[:1], options=options).SerializeToString()


def run_onnx(model, X):
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: X})


def by_own_format(student, X, tmp_path):
    """Compare what the library loads from its own file, which no pickle is part of."""
    package = type(student).__module__.split(".")[0]
    if package == "xgboost":
        student.save_model(tmp_path / "student.ubj")
        again = type(student)()
        again.load_model(tmp_path / "student.ubj")
        assert_same(again.predict_proba(X), student.predict_proba(X), atol=0)
    elif package == "lightgbm":
        student.booster_.save_model(tmp_path / "student.txt")
        again = pytest.importorskip("lightgbm").Booster(model_file=tmp_path / "student.txt")
        proba = student.predict_proba(X)
        expected = proba[:, 1] if proba.shape[1] == 2 else proba
        assert_same(again.predict(X), expected, atol=1e-15)
    elif package == "catboost":
        student.save_model(tmp_path / "student.cbm")
        again = type(student)().load_model(tmp_path / "student.cbm")
        assert_same(again.predict_proba(X), student.predict_proba(X), atol=0)
        assert (again.predict(X) == student.predict(X)).all()
        assert (again.classes_ == student.classes_).all()
    else:
        torch = pytest.importorskip("torch")
        safetensors = pytest.importorskip("safetensors.torch")
        module = student.module_.eval()
        safetensors.save_file(module.state_dict(), tmp_path / "student.safetensors")
        again = torch.nn.Linear(module.in_features, module.out_features)
        again.load_state_dict(safetensors.load_file(tmp_path / "student.safetensors"))
        exported = torch.export.export(module, (torch.zeros(len(X), X.shape[1]),))
        torch.export.save(exported, tmp_path / "student.pt2")
        program = torch.export.load(tmp_path / "student.pt2").module()
        for each in (again, program):
            logits = each(torch.as_tensor(X)).detach().numpy()
            assert_same(softmax(logits, axis=1), student.predict_proba(X), FLOAT32)


WAYS = {"skops": by_skops, "onnx": by_onnx, "own format": by_own_format}

# (kind, way), or (kind, way, n_classes): why not, and what is shipped in its place.
EXCEPTIONS = {
    ("net", "skops"): "a SoftLabelNet is a class of ours around a module: ship the module",
    ("logit regressor", "skops"): "its two functions are ours: ship `regressor_`, see below",
    ("LinearDiscriminantAnalysis", "onnx", 2): (
        "skl2onnx takes the softmax of ±score, whose probabilities are those of twice the score"
    ),
    ("logit regressor", "onnx"): "skl2onnx has no TransformedTargetRegressor: ship `regressor_`",
}
HAVE_OWN_FORMAT = [*BOOSTERS, "net"]


def hist_gradient_boosting_converts():
    """Return whether protobuf takes a boolean for an int, as skl2onnx writes one."""
    try:
        import google.protobuf
    except ImportError:
        return True
    return int(google.protobuf.__version__.split(".")[0]) < 7


if not hist_gradient_boosting_converts():
    EXCEPTIONS["HistGradientBoostingClassifier", "onnx"] = (
        "skl2onnx 1.20 writes what protobuf 7 refuses"
    )


def cell(kind, way, n_classes):
    reason = EXCEPTIONS.get((kind, way)) or EXCEPTIONS.get((kind, way, n_classes))
    marks = [pytest.mark.xfail(reason=reason)] if reason else []
    return pytest.param(kind, WAYS[way], n_classes, id=f"{kind}-{way}-{n_classes}", marks=marks)


TABLE = [
    cell(kind, way, n_classes)
    for kind in KINDS
    for way in WAYS
    for n_classes in (2, 3)
    if way != "own format" or kind in HAVE_OWN_FORMAT
    if not (kind == "ranker" and n_classes == 3)  # it ranks two classes
]


@pytest.mark.parametrize(("kind", "way", "n_classes"), TABLE)
def test_a_student_comes_back_as_it_was(kind, way, n_classes, tmp_path):
    X, *_ = rows(n_classes)
    way(fitted(kind, n_classes), X, tmp_path)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_logit_regressor_ships_as_the_regressor_inside(n_classes, tmp_path):
    X, *_ = rows(n_classes)
    student = fitted("logit regressor", n_classes)
    by_skops(student.regressor_, X, tmp_path)
    by_onnx(student.regressor_, X, tmp_path)
    logits = np.asarray(student.regressor_.predict(X))
    if n_classes == 2:
        logits = np.column_stack([np.zeros(len(X)), np.ravel(logits)])
    proba = softmax_of_sklearn(logits)
    assert_same(proba[:, 1] if n_classes == 2 else proba, student.predict(X), FLOAT32)


@pytest.mark.parametrize("kind", ["ranker", "retriever", "retriever of low rank"])
def test_scores_of_rankers_and_retrievers_survive_onnx(kind):
    n_classes = 2 if kind == "ranker" else 3
    X, *_ = rows(n_classes)
    student = fitted(kind, n_classes)
    skl2onnx = pytest.importorskip("skl2onnx")
    options = {"zipmap": False, "raw_scores": True}
    last = student[-1] if kind.endswith("rank") else student
    model = skl2onnx.to_onnx(student, X[:1], options={id(last): options}).SerializeToString()
    scores = run_onnx(model, X)[1]
    expected = student.decision_function(X)
    if kind == "ranker":  # one column per class
        scores = scores[:, 1]
    np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


def test_skops_students_predict_without_skdistill(tmp_path):
    kinds = [k for k in OF_SKLEARN if (k, "skops") not in EXCEPTIONS and k != "MLPClassifier"]
    X, *_ = rows(3)
    for kind in kinds:
        sio.dump(fitted(kind, 3), tmp_path / f"{kind}.skops")
        np.save(tmp_path / f"{kind}.npy", predictions(fitted(kind, 3), X))
    np.save(tmp_path / "X.npy", X)
    code = """
import sys
sys.modules["skdistill"] = None  # importing it now fails
from pathlib import Path
import numpy as np
import skops.io as sio
folder = Path(sys.argv[1])
X, files = np.load(folder / "X.npy"), sorted(folder.glob("*.skops"))
for file in files:
    student = sio.load(file, trusted=sio.get_untrusted_types(file=file))
    names = ("predict_proba", "decision_function", "predict")
    method = next(name for name in names if hasattr(student, name))
    assert (getattr(student, method)(X) == np.load(file.with_suffix(".npy"))).all(), file
print(len(files))
"""
    command = [sys.executable, "-W", "ignore", "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) == len(kinds)


# Types of skdistill that skops must trust: files that users have written name these paths.
OURS = {
    DistilledClassifier: "skdistill._distilled_classifier.DistilledClassifier",
    DistilledRegressor: "skdistill._distilled_regressor.DistilledRegressor",
    SoftLabelClassifier: "skdistill._soft_label_classifier.SoftLabelClassifier",
    BornAgainClassifier: "skdistill._born_again.BornAgainClassifier",
    CascadeClassifier: "skdistill._cascade_classifier.CascadeClassifier",
    DistilledBipartiteRanker: "skdistill._bipartite_ranker.DistilledBipartiteRanker",
    DistilledMulticlassRetriever: "skdistill._multiclass_retriever.DistilledMulticlassRetriever",
}
SHIPPING = (Path(skdistill.__file__).parents[1] / "docs" / "shipping.md").read_text()
# Of cascades only.
CALIBRATION = {"skdistill._cascade._calibration.Calibration"}
# Of fits that choose weights only.
CURVE = {f"skdistill._base._alpha_selection.{name}" for name in ("AlphaCurve", "Candidate")}
TREE = DecisionTreeClassifier(max_depth=3)


def in_frame(X):
    return pytest.importorskip("pandas").DataFrame(X, columns=list("abcd"))


ESTIMATORS = {
    "classifier": DistilledClassifier(
        GaussianNB(), random_state=0, alpha=1.0, teacher_temperature=1.0
    ),
    "classifier of a tree": DistilledClassifier(
        GaussianNB(), TREE, random_state=0, alpha=1.0, teacher_temperature=1.0
    ),
    "alpha and temperature by data": DistilledClassifier(
        GaussianNB(), alpha="auto", teacher_temperature="auto", random_state=0
    ),
    "splitter, classes, top_k": DistilledClassifier(
        GaussianNB(),
        cv=KFold(3),
        classes=["ant", "bee", "cow", "dog"],
        top_k=2,
        random_state=0,
        alpha=1.0,
        teacher_temperature=1.0,
    ),
    "frozen": DistilledClassifier(
        FrozenEstimator(GaussianNB().fit(rows(3)[0], np.array(["ant", "bee", "cow"])[rows(3)[1]])),
        alpha=1.0,
        teacher_temperature=1.0,
    ),
    "regressor": DistilledClassifier(
        GaussianNB(), Ridge(), random_state=0, alpha=1.0, teacher_temperature=1.0
    ),
    "regressor of numbers": DistilledRegressor(Ridge(), DecisionTreeRegressor(max_depth=3)),
    "soft labels": SoftLabelClassifier(classes=["ant", "bee", "cow"]),
    "born again": BornAgainClassifier(TREE, n_generations=2, random_state=0),
    "cascade": CascadeClassifier(GaussianNB(), TREE, max_disagreement=0.3, random_state=0),
    "cascade by class": CascadeClassifier(
        GaussianNB(), max_disagreement=0.3, within="prediction", random_state=0
    ),
    "ranker": DistilledBipartiteRanker(GaussianNB(), random_state=0),
    "ranker, alpha by data": DistilledBipartiteRanker(GaussianNB(), alpha="auto", random_state=0),
    "retriever": DistilledMulticlassRetriever(GaussianNB(), k=2, random_state=0),
    "retriever of low rank": DistilledMulticlassRetriever(
        GaussianNB(), k=2, rank=2, random_state=0
    ),
}


def with_augmenter(name):
    return DistilledClassifier(
        GaussianNB(),
        augmenter=make_augmenter(name),
        random_state=np.random.RandomState(0),
        alpha=1.0,
        teacher_temperature=1.0,
    )


@pytest.mark.parametrize(
    ("name", "rows_as"),
    [(name, np.asarray) for name in [*ESTIMATORS, *AUGMENTERS]]
    + [(name, in_frame) for name in ("classifier", "born again", "ranker", "retriever")],
)
def test_a_fitted_estimator_comes_back_with_all_its_attributes(name, rows_as):
    model = with_augmenter(name) if name in AUGMENTERS else sklearn.base.clone(ESTIMATORS[name])
    X, y, P, _ = rows(3)
    X, y = rows_as(X), y if is_regressor(model) else np.array(["ant", "bee", "cow"])[y]
    if isinstance(model, DistilledBipartiteRanker):
        y = y == "ant"
    model.fit(X, P if name == "soft labels" else y)
    file = sio.dumps(model)
    untrusted = sio.get_untrusted_types(data=file)
    ours = {OURS[type(model)]} | (CURVE if getattr(model, "alpha_curve_", None) else set())
    ours |= CALIBRATION if isinstance(model, CascadeClassifier) else set()
    # docs/shipping.md names this path: it is public (test_documents.py).
    ours |= {path_of(model.augmenter)} if name in AUGMENTERS else set()
    assert {each for each in untrusted if "skdistill" in each} == ours
    assert {each for each in ours if f"`{each}`" not in SHIPPING} == set()
    again = sio.loads(file, trusted=untrusted)
    assert_same_state(again, model)
    for method in ("predict", "predict_proba", "decision_function"):
        if hasattr(model, method):
            np.testing.assert_array_equal(getattr(again, method)(X), getattr(model, method)(X))
    if isinstance(model, DistilledMulticlassRetriever):
        for found, expected in zip(again.retrieve(X, 2), model.retrieve(X, 2), strict=True):
            np.testing.assert_array_equal(found, expected)


def test_every_public_estimator_is_stored():
    public = [getattr(skdistill, name) for name in skdistill.__all__]
    estimators = {each for each in public if hasattr(each, "fit")}
    assert {type(model) for model in ESTIMATORS.values()} == set(OURS) == estimators


def assert_same_state(found, expected):
    """Compare values, and whatever they hold, one by one."""
    assert type(found) is type(expected)
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        found, expected = list(found.values()), list(expected.values())
    if isinstance(expected, list | tuple):
        for one, other in zip(found, expected, strict=True):
            assert_same_state(one, other)
    elif isinstance(expected, np.ndarray):
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
    elif isinstance(expected, sklearn.base.BaseEstimator):
        assert_same_state(vars(found), vars(expected))
    elif isinstance(expected, str | int | float | None):
        assert found == expected


# scikit-learn 1.7 writes the class's name into the requests, newer ones refer to the estimator.
@pytest.mark.xfail(
    not isinstance(LogisticRegression().get_metadata_routing().owner, str),
    raises=RecursionError,
    reason="skops 0.16 cannot write an estimator that refers to itself",
)
def test_an_estimator_that_requests_metadata_is_stored():
    with sklearn.config_context(enable_metadata_routing=True):
        sio.dumps(LogisticRegression().set_fit_request(sample_weight=True))


def test_frame_fitted_students_use_column_positions_in_onnx(tmp_path):
    X, _, P, _ = rows(3)
    frame = in_frame(X)
    for student in (LogisticRegression(), *[make() for make in BOOSTERS.values()]):
        fitted_student = fit_soft_labels(student, frame, SoftLabels(P))
        if type(student).__name__ == "XGBClassifier":
            # onnxmltools takes the names f0, f1, ... only: it refuses others, it does not guess.
            with pytest.raises(RuntimeError, match="Unable to interpret"):
                as_onnx(fitted_student, X, tmp_path)
            fitted_student.get_booster().feature_names = [f"f{k}" for k in range(N_FEATURES)]
            expected = fit_soft_labels(student, X, SoftLabels(P)).predict_proba(X)
        else:
            expected = fitted_student.predict_proba(frame)
        scores = run_onnx(as_onnx(fitted_student, X, tmp_path), X)[1]
        if isinstance(scores, list):
            scores = [[row[label] for label in fitted_student.classes_] for row in scores]
        assert_same(scores, expected, FLOAT32)


def test_onnx_float32_rounds_timestamps_unless_shifted(tmp_path):
    start = 1.7e9  # seconds since 1970: float32 knows them to 128 s
    X, _, P = make_gaussian_classes(300, N_FEATURES, 3, random_state=0)
    X[:, 0] = np.round(start + 30 * X[:, 0])
    for shift, same in ((0, False), (start, True)):
        since = X - [shift, 0, 0, 0]
        student = fit_soft_labels(lightgbm_student(), since, SoftLabels(P))
        rows_in_onnx = since.astype(np.float32)
        scores = run_onnx(as_onnx(student, rows_in_onnx, tmp_path), rows_in_onnx)[1]
        off = np.abs(scores - student.predict_proba(since)).max(axis=1) > FLOAT32
        assert off.any() != same

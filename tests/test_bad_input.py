"""Bad input raises an error that restates it and names the remedy; nothing is half-fitted."""

import warnings

import numpy as np
import pytest
from sklearn.base import is_classifier
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, ShuffleSplit
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

import skdistill
from skdistill import DistilledBipartiteRanker, DistilledClassifier, SoftLabelClassifier
from skdistill.datasets import load_flights

X = np.random.default_rng(0).normal(size=(60, 3))
Y = np.arange(60) % 3
P = np.full((60, 3), 1 / 3)
NAMES = np.array(["a", "b", "c"])


def fails(error, match, *, y=Y, X=X, fit=None, **parameters):
    pair = {"teacher": GaussianNB(), "student": DecisionTreeClassifier(), "alpha": 1.0}
    parameters = {**pair, **parameters}
    model = DistilledClassifier(**parameters)
    with pytest.raises(error, match=match):
        model.fit(X, y, **(fit or {}))
    assert not [name for name in vars(model) if name.endswith("_")]


@pytest.mark.parametrize("alpha", [-0.1, 1.1, np.nan, "half", None, True])
def test_alpha_outside_its_range(alpha):
    fails(ValueError, r"alpha must be a number in \[0, 1\]", alpha=alpha)


@pytest.mark.parametrize("temperature", [0, -1, np.inf, np.nan, "hot", None])
def test_temperature_that_is_none(temperature):
    fails(ValueError, "teacher_temperature must be", teacher_temperature=temperature)


@pytest.mark.parametrize("top_k", [0, -1, 1.5, "all", True])
def test_top_k_that_is_none(top_k):
    fails(ValueError, "top_k must be", top_k=top_k)


def test_automatic_temperature_in_sample():
    model = DistilledClassifier(GaussianNB(), alpha=1.0, cv="in-sample").fit(X, Y)
    assert model.teacher_temperature_ == 1  # the lowest would always be the best
    model.set_params(teacher=FrozenEstimator(GaussianNB().fit(X, Y)))  # cv does not matter
    assert model.fit(X, Y).teacher_temperature_ != 1


def test_another_word_for_cv():
    fails(ValueError, r"cv='insample'", cv="insample")


def test_a_teacher_without_probabilities():
    fails(TypeError, r"LinearSVC\(\) has none.*CalibratedClassifierCV", teacher=LinearSVC())
    fails(TypeError, r"teacher=GaussianNB\(\)", teacher=GaussianNB)


def test_a_hard_vote_as_teacher():
    vote = VotingClassifier([("a", GaussianNB()), ("b", DecisionTreeClassifier())])
    fails(TypeError, r'has none\. Set voting="soft"', teacher=vote)


@pytest.mark.parametrize("estimator", [DistilledClassifier, DistilledBipartiteRanker])
@pytest.mark.parametrize("missing", [None, np.nan, float("nan")], ids=["None", "NaN", "float"])
@pytest.mark.parametrize("names", [[0, 1], ["no", "yes"], [False, True]], ids=str)
def test_rows_without_a_label_are_to_be_given_apart(estimator, missing, names):
    y = np.array(names, dtype=object)[Y // 2]
    y[::4] = missing
    with pytest.raises((ValueError, TypeError), match="X_unlabeled"):
        estimator(GaussianNB()).fit(X, y)


CLASSIFIERS = [
    name
    for name in skdistill.__all__
    if hasattr(each := getattr(skdistill, name), "fit") and is_classifier(each())
]


@pytest.mark.parametrize("mark", [-1, np.nan, None], ids=str)
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_every_classifier_names_the_remedy_for_marked_rows(name, mark):
    """Some take no X_unlabeled, and then say which estimator does."""
    y = np.array([mark if k % 4 == 0 else k % 2 for k in range(60)])
    model = getattr(skdistill, name)()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model.fit(X, y)
            found = [str(warning.message) for warning in caught]
        except ValueError as error:
            found = [str(error)]
    assert any("[known]" in message and "X_unlabeled" in message for message in found)


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_minus_one_beside_codes_may_mark_no_label(n_classes):
    y = np.where(np.arange(60) % 4, np.arange(60) % n_classes, -1)
    model = DistilledClassifier(GaussianNB(), GaussianNB(), alpha=1.0)
    with pytest.warns(UserWarning, match=r"y holds -1 beside .* X_unlabeled=X\[~known\]"):
        model.fit(X, y)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="y holds -1")
        model.set_params(classes=np.unique(y)).fit(X, y)  # it is a class


@pytest.mark.parametrize("classes", [[-1, 1], [-2, -1, 0], [-1, 1, 2], [0, 1, 2]], ids=str)
def test_other_labels_of_minus_one_are_classes(classes):
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="y holds -1")
        DistilledClassifier(GaussianNB(), GaussianNB(), alpha=1.0).fit(
            X, np.array(classes)[np.arange(60) % len(classes)]
        )


def test_a_frozen_teacher_that_is_not_fitted():
    fails(NotFittedError, "Fit it before you freeze it", teacher=FrozenEstimator(GaussianNB()))


def test_a_frozen_teacher_of_other_classes():
    frozen = FrozenEstimator(GaussianNB().fit(X, NAMES[Y]))
    theirs, ours = r"\['a', 'b', 'c'\]", r"\[0, 1, 2\]"
    fails(ValueError, f"has {theirs}, y has {ours}; it lacks {ours}", teacher=frozen)
    more = FrozenEstimator(GaussianNB().fit(X, Y))
    fails(ValueError, "list them all in classes", teacher=more, y=Y % 2)
    DistilledClassifier(more, classes=[0, 1, 2], alpha=1.0, teacher_temperature=1.0).fit(X, Y % 2)


class WrongColumns(GaussianNB):
    def predict_proba(self, X):
        return np.full((len(X), 2), 0.5)


class NaNProba(GaussianNB):
    def predict_proba(self, X):
        return np.full((len(X), 3), np.nan)


def test_a_teacher_whose_columns_are_not_the_classes():
    fails(ValueError, "2 columns and its classes are", teacher=WrongColumns())


def test_teacher_that_predicts_nan():
    fails(ValueError, r"NaNProba.predict_proba\(X\) holds NaN", teacher=NaNProba())


@pytest.mark.parametrize(
    ("proba", "match"),
    [
        (
            np.where(np.eye(60, 3) > 0, np.nan, P),
            "NaN in some columns of 3 rows",
        ),
        (np.tile([1.5, -0.5, 0], (60, 1)), "60 negative entries"),
        (np.full((60, 3), 0.3), r"off by 0.1\)"),
        (P[:, :2] * 1.5, "2 columns but there are 3 classes"),
        (P[:50], "50 rows but y has 60"),
        (P[:, 0], r"got shape \(60,\)"),
    ],
)
def test_probabilities_that_are_none(proba, match):
    fails(ValueError, match, fit={"teacher_proba": proba})
    fails(ValueError, match, fit={"teacher_proba": proba}, alpha=0)


def test_a_column_of_given_probabilities_that_is_no_class():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(P, columns=["a", "b", "other"])
    match = r"no column for \['c'\], no class for \['other'\]"
    fails(ValueError, match, y=NAMES[Y], fit={"teacher_proba": frame})
    fails(ValueError, r"y holds \['c'\]", y=NAMES[Y], classes=["a", "b"])


def test_a_student_that_learns_from_neither_weights_nor_numbers():
    fails(TypeError, "takes no sample_weight.*KNeighborsRegressor", student=KNeighborsClassifier())


def test_a_student_that_does_not_predict():
    fails(TypeError, r"StandardScaler\(\) does not", student=StandardScaler())


def test_labels_of_several_kinds():
    mixed = np.array(["a", 1, "b"], dtype=object)[Y]
    fails(TypeError, "y holds int and str", y=mixed)


def test_a_single_class():
    fails(ValueError, r"only 1 class to learn: \[0\]", y=np.zeros(60, dtype=int))
    one = np.tile([1.0, 0], (60, 1))
    with pytest.raises(ValueError, match=r"only 1 class to learn: \['no'\]"):
        SoftLabelClassifier(classes=["no", "yes"]).fit(X, one)


def test_folds_that_do_not_cover_the_rows():
    splitter = ShuffleSplit(2, test_size=0.25, random_state=0)
    fails(ValueError, r"must cover every row; \d+ of 60 rows are in none", cv=splitter)


def test_lengths_that_differ():
    fails(ValueError, "inconsistent numbers of samples", y=Y[:50])
    fails(ValueError, "inconsistent numbers of samples", fit={"sample_weight": np.ones(50)})
    with pytest.raises(ValueError, match="X has 50 rows but there are soft labels for 60"):
        SoftLabelClassifier().fit(X[:50], P)


def test_weights_that_are_all_zero():
    nothing = {"sample_weight": np.zeros(60)}
    fails(ValueError, "Every one of the 60 rows has weight zero", fit=nothing)
    given = {**nothing, "teacher_proba": P}
    fails(ValueError, "Every one of the 60 rows has weight zero", fit=given)


def test_negative_weights_are_refused():
    fails(ValueError, "must not be negative", fit={"sample_weight": np.r_[-1, np.ones(59)]})


def test_unlabelled_rows_that_do_not_fit():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=list("xyz"))
    fails(ValueError, r"shape \(2,\), expected \(3,\)", fit={"X_unlabeled": X[:, :2]})
    fails(ValueError, "has none", X=frame, fit={"X_unlabeled": X})
    routing = r"enable_metadata_routing=True\), set_fit_request.*transform_input"
    fails(ValueError, routing, fit={"X_unlabeled": frame})
    fails(ValueError, routing, fit={"X_unlabeled": X[:, :2]})
    other = frame.rename(columns={"z": "w"})
    fails(ValueError, r"lacks \['z'\] and adds \['w'\]", X=frame, fit={"X_unlabeled": other})
    fails(ValueError, "reorders them", X=frame, fit={"X_unlabeled": frame[list("zyx")]})


def test_unlabelled_rows_need_a_teacher():
    both = {"X_unlabeled": X, "teacher_proba": P}
    fails(ValueError, "X_unlabeled needs a teacher to label its rows", fit=both)


def test_unexpected_fit_parameters():
    fails(TypeError, r"got \['colour'\].*enable_metadata_routing", fit={"colour": 1})


@pytest.mark.parametrize("y", [None, np.linspace(0, 1, 60), np.r_[np.nan, np.ones(59)]])
def test_labels_that_are_none(y):
    fails(ValueError, "y|label|NaN", y=y)


def test_a_search_as_student_is_sent_around_the_outside():
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1]})
    fails(ValueError, r"GridSearchCV\(DistilledClassifier", student=search)


def test_unfitted():
    with pytest.raises(NotFittedError):
        DistilledClassifier(alpha=1.0, teacher_temperature=1.0).predict(X)
    with pytest.raises(NotFittedError):
        SoftLabelClassifier().predict_proba(X)


def test_frozen_teacher_is_checked_despite_given_probabilities():
    both = {"X_unlabeled": X, "teacher_proba": P}
    unfitted = FrozenEstimator(GaussianNB())
    fails(NotFittedError, "Fit it before you freeze it", teacher=unfitted, fit=both)
    fewer = FrozenEstimator(GaussianNB().fit(X, Y % 2))
    fails(ValueError, r"has \[0, 1\], y has \[0, 1, 2\]", teacher=fewer, fit=both)


def test_a_teacher_of_shifted_classes():
    class Shifted(GaussianNB):
        def fit(self, X, y, sample_weight=None):
            super().fit(X, y, sample_weight)
            self.classes_ = self.classes_ + 1
            return self

    fails(ValueError, "not the classes of y", teacher=Shifted(), cv="in-sample")


def test_messages_name_the_argument():
    bad = np.where(np.eye(60, 3) > 0, np.nan, P)
    fails(ValueError, "^teacher_proba is NaN in some columns", fit={"teacher_proba": bad})


def test_a_missing_package_names_the_extra(monkeypatch):
    pytest.importorskip("pandas")
    monkeypatch.setattr("skdistill.datasets.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install skdistill\[bench\]"):
        load_flights()

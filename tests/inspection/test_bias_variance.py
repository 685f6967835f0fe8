"""The terms of the bound equal estimates from many draws of rows, labels and teachers."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC

from skdistill.datasets import make_gaussian_classes
from skdistill.inspection import bias_variance
from skdistill.metrics import brier_loss

N, N_DRAWS, N_TEACHERS = 40, 4000, 30


class Problem:
    """Three noisy classes, a fixed student, and teachers fitted on rows of their own."""

    def __init__(self):
        n_rows = 60 * (N_TEACHERS + 1) + 10_000 + N * N_DRAWS
        X, y, p_star = make_gaussian_classes(n_rows, 2, 3, class_sep=0.8, random_state=1)
        own, rest = slice(0, 60), slice(60, 60 * (N_TEACHERS + 1))
        look, draw = slice(rest.stop, rest.stop + 10_000), slice(rest.stop + 10_000, None)
        self.student = LogisticRegression(C=0.3).fit(X[own], y[own])
        teachers = [
            GaussianNB().fit(X[rest][k::N_TEACHERS], y[rest][k::N_TEACHERS])
            for k in range(N_TEACHERS)
        ]
        self.X, self.y, self.p_star = X[look], y[look], p_star[look]
        self.teacher_proba = np.stack([teacher.predict_proba(self.X) for teacher in teachers])
        self.fresh = X[rest], y[rest]

        losses = -self.student.predict_log_proba(X[draw])
        expected = (p_star[draw] * losses).sum(axis=1)
        self.risk = expected.mean()
        self.one_hot = losses[np.arange(len(losses)), y[draw]].reshape(N_DRAWS, N).mean(axis=1)
        self.bayes = expected.reshape(N_DRAWS, N).mean(axis=1)
        # Each draw has a teacher of its own; all rows of a draw have the same one.
        self.teacher_of = np.arange(N_DRAWS) % N_TEACHERS
        distilled = np.stack([(t.predict_proba(X[draw]) * losses).sum(axis=1) for t in teachers])
        by_draw = distilled.reshape(N_TEACHERS, N_DRAWS, N).mean(axis=2)
        self.distilled = by_draw[self.teacher_of, np.arange(N_DRAWS)]
        self.all_biases = by_draw.mean(axis=1) - self.risk


@pytest.fixture(scope="module")
def problem():
    return Problem()


@pytest.fixture(scope="module")
def terms(problem):
    return bias_variance(
        problem.student,
        problem.teacher_proba,
        problem.X,
        problem.y,
        p_star=problem.p_star,
        n_samples=N,
    )


def close_to_the_draws(value, squares):
    """Whether a value is the mean of squared errors over draws, by their standard error.

    The value itself is estimated on 10,000 rows: a few per cent are its own.
    """
    error = 4 * squares.std() / np.sqrt(len(squares)) + 0.05 * value
    assert error < 0.25 * value  # the test can tell it from a value that is a quarter off
    return abs(value - squares.mean()) < error


def test_variances_are_those_of_the_draws(problem, terms):
    assert close_to_the_draws(terms.variance_one_hot, (problem.one_hot - problem.risk) ** 2)
    assert close_to_the_draws(terms.variance_bayes, (problem.bayes - problem.risk) ** 2)
    within = problem.distilled - problem.risk - problem.all_biases[problem.teacher_of]
    assert close_to_the_draws(terms.variance_distilled, within**2)


def test_the_error_of_distilling_is_variance_and_squared_bias(problem, terms):
    assert close_to_the_draws(terms.error_distilled, (problem.distilled - problem.risk) ** 2)
    squared_bias = (problem.all_biases**2).mean()
    assert abs(terms.squared_bias - squared_bias) < 0.15 * squared_bias
    assert terms.squared_bias > 0.2 * terms.variance_distilled  # neither term is negligible


def test_the_break_even_is_where_both_errors_meet(problem, terms):
    at = terms.at(round(terms.break_even))
    assert at.error_distilled == pytest.approx(at.variance_one_hot, rel=0.01)
    assert terms.at(int(terms.break_even * 0.9)).pays
    assert not terms.at(int(terms.break_even * 1.1)).pays
    # And it is where the draws say.
    gain = N * ((problem.one_hot - problem.risk) ** 2).mean() - N * terms.variance_distilled
    assert terms.break_even == pytest.approx(gain / (problem.all_biases**2).mean(), rel=0.25)
    saved = N * (terms.variance_one_hot - terms.variance_distilled)
    low = saved / (terms.squared_bias + 2 * terms.squared_bias_se)
    assert terms.break_even_low == pytest.approx(low)
    assert low < terms.break_even


def test_without_the_truth_labels_stand_in_for_it(problem, terms):
    blind = bias_variance(problem.student, problem.teacher_proba, problem.X, problem.y, n_samples=N)
    assert blind.variance_one_hot == pytest.approx(terms.variance_one_hot, rel=0.1)
    assert blind.variance_distilled == terms.variance_distilled
    assert abs(blind.squared_bias - terms.squared_bias) < 4 * blind.squared_bias_se
    unknown = [blind.variance_bayes, blind.bound, blind.teacher_squared_bias, blind.label_noise]
    assert np.isnan(unknown).all()


def test_the_squared_bias_is_freed_of_the_labels_noise(problem):
    """An exact teacher has none; a plain square would be the variance of the mean."""
    one, few = problem.p_star[None], 100
    found = [
        bias_variance(problem.student, one[:, rows], problem.X[rows], problem.y[rows])
        for rows in np.array_split(np.arange(10_000), 10_000 // few)
    ]
    squares = np.array([each.squared_bias for each in found])
    plain = np.mean([each.row_variance_one_hot - each.row_variance_distilled for each in found])
    standard_error = squares.std() / np.sqrt(len(squares))
    assert abs(squares.mean()) < 4 * standard_error < 0.7 * plain / few
    # The standard error that is reported is about the spread over samples.
    reported = np.mean([each.squared_bias_se for each in found])
    assert 0.5 < reported / squares.std() < 2


def test_the_teachers_terms_by_hand():
    teacher_proba = np.array([[[0.6, 0.4], [0.6, 0.4]], [[0.8, 0.2], [0.8, 0.2]]])
    p_star = np.array([[0.9, 0.1], [0.9, 0.1]])
    terms = bias_variance(p_star, teacher_proba, np.zeros((2, 1)), [0, 1], p_star=p_star)
    variance = 2 * (0.1**2 + 0.1**2)  # Σ over classes of the two fits' variance, over 2 − 1
    assert terms.teacher_variance == pytest.approx(variance)
    assert terms.teacher_squared_bias == pytest.approx(2 * 0.2**2 - variance / 2)
    assert terms.label_noise == pytest.approx(1 - 0.82)
    assert terms.teacher_brier == pytest.approx((0.32 + 0.72 + 0.08 + 1.28) / 4)


def test_brier_is_squared_bias_variance_and_noise(problem, terms):
    parts = terms.teacher_squared_bias + terms.teacher_variance + terms.label_noise
    assert terms.teacher_brier == pytest.approx(parts, rel=0.03)
    assert terms.teacher_variance > 0.1 * terms.teacher_brier - 0.1 * terms.label_noise


def test_the_bound_holds_for_every_fixed_teacher(problem):
    """A constant added to all losses of a row has no say in it."""
    losses = -problem.student.predict_log_proba(problem.X)
    scale = (losses.var(axis=1) * losses.shape[1]).mean()
    for proba in problem.teacher_proba[:5]:
        terms = bias_variance(problem.student, proba, problem.X, problem.y, p_star=problem.p_star)
        bias = terms.bound - terms.variance_distilled
        distance = ((proba - problem.p_star) ** 2).sum(axis=1).mean()
        assert bias == pytest.approx(scale * distance)
        assert terms.squared_bias <= bias


def test_other_teachers_have_other_biases(problem, terms):
    """The reported standard error covers those of thirty teachers, not of the rows alone."""
    each = (problem.all_biases**2).std(ddof=1) / np.sqrt(N_TEACHERS)
    assert terms.squared_bias_se > 0.9 * each


def test_negative_squared_bias_is_treated_as_noise(problem):
    found = [
        bias_variance(problem.student, problem.p_star[rows], problem.X[rows], problem.y[rows])
        for rows in np.array_split(np.arange(10_000), 100)
    ]
    below = [terms for terms in found if terms.squared_bias < 0]
    assert len(below) > 20
    for terms in below:
        saved = terms.row_variance_one_hot - terms.row_variance_distilled
        assert terms.break_even == np.inf
        assert terms.break_even_low == pytest.approx(saved / (2 * terms.squared_bias_se))


def test_a_bayes_teacher_pays_at_every_size(problem):
    terms = bias_variance(
        problem.student, problem.p_star, problem.X, problem.y, p_star=problem.p_star
    )
    assert terms.squared_bias == terms.teacher_squared_bias == terms.teacher_variance == 0
    assert terms.variance_distilled == pytest.approx(terms.variance_bayes)
    assert terms.break_even == terms.break_even_low == np.inf
    assert terms.at(10**9).pays and "at every size" in str(terms) and "inf if" not in str(terms)


def test_labels_as_teacher_change_nothing(problem):
    one_hot = np.eye(3)[problem.y]
    terms = bias_variance(problem.student, one_hot, problem.X, problem.y)
    assert terms.variance_distilled == pytest.approx(terms.variance_one_hot)
    assert terms.squared_bias == 0
    assert terms.break_even == 0 or terms.break_even == np.inf  # nothing saved, nothing lost


def test_a_teacher_that_shouts_never_pays(problem):
    wrong = np.eye(3)[np.random.default_rng(0).permutation(problem.y)]
    terms = bias_variance(problem.student, wrong, problem.X, problem.y)
    assert terms.break_even == 0 and not terms.pays and "at no sample size" in str(terms)


def test_bootstraps_come_near_fits_on_fresh_rows(problem, terms):
    X, y = problem.fresh
    found = [
        bias_variance(
            problem.student,
            GaussianNB(),
            problem.X,
            problem.y,
            p_star=problem.p_star,
            X_train=X[k::N_TEACHERS],
            y_train=y[k::N_TEACHERS],
            random_state=k,
        )
        for k in range(8)
    ]
    assert found[0].n_samples == 60
    variance = np.mean([each.teacher_variance for each in found])
    assert 0.5 < variance / terms.teacher_variance < 2


def test_a_seed_gives_the_same_and_processes_change_nothing(problem):
    X, y = problem.fresh[0][:200], problem.fresh[1][:200]
    forest = RandomForestClassifier(5)
    one, two = (
        bias_variance(
            problem.student,
            forest,
            problem.X[:500],
            problem.y[:500],
            X_train=X,
            y_train=y,
            n_repeats=3,
            random_state=0,
            n_jobs=n_jobs,
        )
        for n_jobs in (1, 2)
    )
    assert_allclose(one.squared_bias, two.squared_bias)
    assert one.teacher_variance == two.teacher_variance > 0
    assert not hasattr(forest, "classes_") and forest.random_state is None


def test_a_frozen_teacher_is_one_fixed_teacher(problem):
    fitted = GaussianNB().fit(*problem.fresh)
    frozen = bias_variance(problem.student, FrozenEstimator(fitted), problem.X, problem.y)
    given = bias_variance(problem.student, fitted.predict_proba(problem.X), problem.X, problem.y)
    assert frozen.squared_bias == given.squared_bias and frozen.teacher_variance == 0
    assert_allclose(frozen.teacher_brier, brier_loss(problem.y, fitted.predict_proba(problem.X)))


def test_what_it_looks_like(terms):
    frame = terms.to_frame()
    assert frame.loc["break_even", "value"] == terms.break_even
    assert all(term in str(terms) and term in terms._repr_html_() for term in frame.index)
    assert "At N = 40 distilling pays." in str(terms)


def test_names_of_columns_and_labels(problem):
    pd = pytest.importorskip("pandas")
    names = np.array(["a", "b", "c"])
    y = names[problem.y[:500]]
    student = problem.student.predict_proba(problem.X[:500])
    teacher = problem.teacher_proba[0, :500]
    frame = pd.DataFrame(teacher, columns=names)[["c", "a", "b"]]
    plain = bias_variance(student, teacher, problem.X[:500], y)
    named = bias_variance(student, frame, problem.X[:500], y)
    assert plain.squared_bias == named.squared_bias


X = np.random.default_rng(0).normal(size=(60, 3))
Y = np.arange(60) % 3
P = np.full((60, 3), 1 / 3)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "match"),
    [
        ((P, P, X, Y), {"p_star": P[:, :2] * 1.5}, ValueError, r"p_star.*\(60, 3\).*\(60, 2\)"),
        ((P, P, X, Y), {"p_star": P[:50]}, ValueError, r"p_star.*got \(50, 3\)"),
        ((P, P[:50], X, Y), {}, ValueError, r"teacher must have shape \(60, 3\)"),
        ((P, np.stack([P, P])[:, :50], X, Y), {}, ValueError, r"teacher must.*\(50, 3\)"),
        ((P * 2, P, X, Y), {}, ValueError, "row of student must sum to 1"),
        ((P, P, X, Y % 2), {}, ValueError, r"classes \[0, 1\]; got \(60, 3\).*all classes"),
        ((P, P, X, Y), {"classes": [2, 1, 0]}, ValueError, "must be sorted"),
        ((GaussianNB().fit(X, Y), P, X, Y), {"classes": [0, 1, 3]}, ValueError, "does not list"),
        (
            (GaussianNB().fit(X, Y), P, X, Y % 2),
            {"classes": [0, 1, 3]},
            ValueError,
            r"columns of GaussianNB.predict_proba\(X\) are not the classes",
        ),
        ((P, P, X, Y[:50]), {}, ValueError, "inconsistent numbers"),
        ((P[:1], P[:1], X[:1], Y[:1]), {}, ValueError, "at least 2 rows"),
        ((Ridge(), P, X, Y), {}, TypeError, r"Ridge\(\) as student is a regressor"),
        ((P, Ridge(), X, Y + 0.5), {}, TypeError, r"Ridge\(\) as teacher is a regressor"),
        ((LinearSVC(), P, X, Y), {}, TypeError, "student must have predict_proba"),
        ((P, LinearSVC(), X, Y), {}, TypeError, "teacher must have predict_proba"),
        ((P, GaussianNB(), X, Y), {}, ValueError, "X_train and y_train, rows that are not"),
        ((P, GaussianNB(), X, Y), {"X_train": X}, ValueError, "got only X_train"),
        (
            (P, GaussianNB(), X, Y),
            {"X_train": X, "y_train": Y, "n_repeats": 1},
            ValueError,
            "n_repeats must be at least 2",
        ),
        ((P, P, X, Y), {"n_samples": 0}, ValueError, "n_samples=0"),
        (
            (P, FrozenEstimator(GaussianNB().fit(X, Y % 2)), X, Y),
            {},
            ValueError,
            "classes of the frozen teacher",
        ),
    ],
)
def test_what_does_not_fit_together(arguments, options, error, match):
    with pytest.raises(error, match=match):
        bias_variance(*arguments, **options)


def test_classes_that_the_labels_do_not_show():
    assert bias_variance(P, P, X, Y % 2, classes=[0, 1, 2]).teacher_brier == pytest.approx(2 / 3)

"""Each sentence of advice appears if and only if its condition holds, on constructed scores."""

import re

import numpy as np
import pytest
from scipy import stats

from skdistill.inspection._advice import advise
from skdistill.inspection._jackknife import JackknifeEstimate
from skdistill.inspection._probability_measures import ProbabilityDetails
from skdistill.inspection._teacher_quality import TeacherQuality

QUIET = {"brier": 0.3, "log_loss": 0.5, "accuracy": 0.8, "tempered_log_loss": 0.5}
UPS_AND_DOWNS = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])


def teacher(name="A", *, noise=0.0, shaken="", impossible=(0, 0.0), is_frozen=False, **values):
    """Return a teacher about whom there is nothing to say, but for the values that are given.

    The folds disagree by `noise` about the measure that is `shaken`.
    """
    values = {**QUIET, **values}
    values.setdefault("in_sample_log_loss", values["log_loss"])
    values.setdefault("tempered_brier", values["brier"])
    scores = {
        measure: JackknifeEstimate(value, value - noise / 4 * UPS_AND_DOWNS * (measure == shaken))
        for measure, value in values.items()
    }
    scores["optimism"] = scores["log_loss"] - scores["in_sample_log_loss"]
    return TeacherQuality(
        name=name,
        scores=scores,
        details=ProbabilityDetails(1.8, *impossible),
        n_tested=100,
        fit_seconds=1.0,
        predict_seconds=1.0,
        is_frozen=is_frozen,
    )


def advice(*ranked, prior_brier=0.5, duplicate_share=0.0):
    return " | ".join(advise(ranked, prior_brier=prior_brier, duplicate_share=duplicate_share))


def test_no_advice_without_findings():
    assert advice(teacher()) == ""
    assert advice(teacher(), teacher("B", brier=0.31, accuracy=0.8)) == ""


@pytest.mark.parametrize(
    ("accuracy", "noise", "expected"), [(0.82, 0.0, True), (0.78, 0.0, False), (0.82, 0.1, False)]
)
def test_less_accurate_but_better(accuracy, noise, expected):
    other = teacher("B", brier=0.32, accuracy=accuracy, noise=noise, shaken="brier")
    sentence = (
        "A is less accurate than B (0.800 against 0.820), but its probabilities are better (Brier "
        "0.300 against 0.320): prefer A."
    )
    assert (sentence in advice(teacher(), other)) == expected


def test_scores_that_differ_are_written_so():
    other = teacher("B", brier=0.30004, accuracy=0.80003)
    said = advice(teacher(), other)
    assert "(0.80000 against 0.80003)" in said and "(Brier 0.30000 against 0.30004)" in said
    tempered = advice(teacher(), teacher("B", brier=0.35, tempered_brier=0.2999))
    assert "(Brier 0.2999 against 0.3000)" in tempered


def test_within_noise():
    other = teacher("B", brier=0.32, noise=0.1, shaken="brier")
    sentence = "A and B do not differ significantly: their Brier scores differ by 0.020 ± 0.035"
    said = advice(teacher(), other)
    assert sentence in said
    low, high = map(float, re.search(r"95 % interval \[(.*), (.*)\] contains 0", said).groups())
    lead = other.scores["brier"] - teacher().scores["brier"]
    n_folds = len(lead.without)
    half = stats.t.ppf(0.975, n_folds - 1) * lead.standard_error
    assert [low, high] == pytest.approx([0.02 - half, 0.02 + half], abs=0.0006)
    assert low < 0 < high


@pytest.mark.parametrize(("after", "noise"), [(0.45, 0.0), (0.495, 0.0), (0.45, 0.2)])
def test_temperature(after, noise):
    one = teacher(tempered_log_loss=after, noise=noise, shaken="tempered_log_loss")
    sentence = "Temperature 1.80 would lower A's log-loss by 0.050, from 0.500 to 0.450"
    worth_saying = after == 0.45 and noise == 0
    assert (sentence in advice(one)) == worth_saying
    assert ("Temperature" in advice(one)) == worth_saying


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_the_order_after_tempering(noise):
    other = teacher("B", brier=0.35, tempered_brier=0.28, noise=noise, shaken="tempered_brier")
    sentence = "temperature B is better than A (Brier 0.280 against 0.300): prefer B with"
    assert (sentence in advice(teacher(), other)) == (noise == 0)


@pytest.mark.parametrize(
    ("in_sample", "noise", "is_frozen", "expected"),
    [(0.2, 0.0, False, True), (0.495, 0.0, False, False), (0.2, 1.0, False, False),
     (0.2, 0.0, True, False)],
)  # fmt: skip
def test_optimism(in_sample, noise, is_frozen, expected):
    one = teacher(
        in_sample_log_loss=in_sample,
        noise=noise,
        shaken="in_sample_log_loss",
        is_frozen=is_frozen,
    )
    sentence = (
        "In-sample probabilities of A are 0.30 more optimistic (log-loss 0.20 on rows that it was "
        "fitted on, 0.50 on others): cross-fit."
    )
    assert (sentence in advice(one)) == expected
    assert ("optimistic" in advice(one)) == expected
    assert ("A is frozen" in advice(one)) == is_frozen


@pytest.mark.parametrize(("share", "expected"), [(0.25, True), (0.01, False)])
def test_impossible_rows(share, expected):
    sentence = "A gave probability 0 to the true class of 3 of 100 rows, which no temperature can"
    assert (sentence in advice(teacher(impossible=(3, share)))) == expected
    assert ("make up 25% of its log-loss" in advice(teacher(impossible=(3, share)))) == expected


def test_no_better_than_the_class_frequencies():
    assert "distil none of them" in advice(teacher(brier=0.5))
    assert "distil none of them" not in advice(teacher(brier=0.49))


@pytest.mark.parametrize(("share", "expected"), [(0.1, True), (0.04, False), (None, False)])
def test_twins(share, expected):
    assert (
        "10% of the rows have a duplicate" in advice(teacher(), duplicate_share=share)
    ) == expected
    assert ("give groups" in advice(teacher(), duplicate_share=share)) == expected

"""Scores with their intervals over test rows, and gains of one model over another."""

from typing import NamedTuple

import numpy as np

from ._figures import LOWER_IS_BETTER

LEVEL = 95  # percent
# Scores with a meaningful interval: those that one model gains over another, and all.
GAINED = ("accuracy", "log_loss", "brier", "auc", "r2", "mse")
QUALITY = (*GAINED, "mean_prediction", "bias", "calibration_slope")
FIDELITY = ("agreement", "kl", "teacher_mse", "residual_correlation")
# The part of the gap in MSE is that in R², which divides it by the variance of y.
SAME_GAP_AS_ANOTHER = {"mse"}


class Estimate(NamedTuple):
    """A score on the test rows and the ends of its 95 % interval, NaN where it has none."""

    value: float
    low: float = float("nan")
    high: float = float("nan")


def estimate(value, resampled):
    """Return a score with its percentiles over resamples."""
    if np.isnan(resampled).all():
        return Estimate(float(value))
    tail = (100 - LEVEL) / 2
    low, high = np.nanpercentile(resampled, [tail, 100 - tail])
    return Estimate(float(value), float(low), float(high))


def table(names, models, scores, resampled):
    """Return {score: {model: Estimate}} of the named scores, as far as the models have them."""
    found = {
        name: {
            model: estimate(scores[model][name], resampled[model][name])
            for model in models
            if name in scores[model]
        }
        for name in names
    }
    return {name: row for name, row in found.items() if row}


def gain(name, scores, other):
    """Return the improvement over another model's score: positive if better."""
    return other[name] - scores[name] if name in LOWER_IS_BETTER else scores[name] - other[name]


def gains(model, other, scores, resampled):
    """Return {score: Estimate} of a model's gain over another in the scores that both have."""
    return {
        name: estimate(
            gain(name, scores[model], scores[other]),
            gain(name, resampled[model], resampled[other]),
        )
        for name in GAINED
        if name in scores[model] and name in scores[other]
    }


def gaps_recovered(scores, resampled):
    """Return {score: Estimate} of the part of the teacher's lead that the distilled model gains.

    NaN if the teacher does not lead. Without an interval if its lead is not certain, since the
    ratio is then unbounded.
    """
    gained = gains("distilled", "student", scores, resampled)
    leads = gains("teacher", "student", scores, resampled)
    return {
        name: _recovered_share(name, gained[name], leads[name], resampled)
        for name in gained
        if name in leads and name not in SAME_GAP_AS_ANOTHER
    }


def _recovered_share(name, gained, lead, resampled):
    """Return which part of the teacher's lead in one score is gained."""
    if not lead.value > 0:
        return Estimate(float("nan"))
    part = gained.value / lead.value
    if not lead.low > 0:
        return Estimate(part)
    leads = gain(name, resampled["teacher"], resampled["student"])
    gains_made = gain(name, resampled["distilled"], resampled["student"])
    return estimate(part, gains_made[leads > 0] / leads[leads > 0])

"""Evidence in the losses that scikit-learn's gradient boosting stores where it holds rows out.

Histogram gradient boosting with early stopping stores the loss of the rows that it fitted and of
those held out, and gradient boosting on subsamples that of each sample and of the others. Weighted
by their numbers of rows, both sum to the loss of all rows, in every round.
"""

from itertools import islice

import numpy as np
from scipy.special import log_expit, log_softmax

N_ROUNDS = 5


def stored_losses(model, n_rows):
    """Return the stored mean loss of all rows after each of the first rounds, None without any."""
    if getattr(model, "subsample", 1.0) < 1:
        fitted, held_out = model.train_score_, model.oob_scores_
        n_fitted = max(1, int(model.subsample * n_rows))
    elif len(getattr(model, "validation_score_", ())) and model.scoring == "loss":
        # The first is that of the baseline, and scores are losses with the other sign.
        fitted, held_out = -model.train_score_[1:], -model.validation_score_[1:]
        held = model.validation_fraction
        n_held = int(np.ceil(held * n_rows)) if isinstance(held, float) else held
        n_fitted = n_rows - n_held
    else:
        return None
    share = n_fitted / n_rows
    return share * fitted[:N_ROUNDS] + (1 - share) * held_out[:N_ROUNDS]


def are_losses(stored, stages, y):
    """Return whether stored losses are those of the scores of each round on these rows."""
    found = np.array([_log_loss(np.asarray(scores), y) for scores in islice(stages, len(stored))])
    # Gradient boosting stores twice the log-loss of two classes.
    return any(np.allclose(stored, factor * found, rtol=1e-6) for factor in (1, 2))


def _log_loss(scores, y):
    """Return the mean log-loss of scores: one number for two classes, or one for each class."""
    scores = scores.reshape(len(y), -1)
    if scores.shape[1] == 1:
        return -np.mean(log_expit(np.where(y == 1, 1, -1) * scores[:, 0]))
    return -np.mean(log_softmax(scores, axis=1)[np.arange(len(y)), y])

"""Differences between compared models in the score that ranks, paired over rows or folds."""

from typing import NamedTuple


class PairedScores(NamedTuple):
    """The score that ranks, for each model under the same replicates of the evaluated rows."""

    replicated: dict  # {model: Replicated}
    replicates: object
    higher_is_better: bool

    def gain(self, name, other):
        """Return the improvement of a model over another as a figure; positive is better."""
        return self.replicates.figure(self.gain_replicates(name, other))

    def gain_replicates(self, name, other):
        """Return the improvement with its replicates."""
        ours, theirs = self.replicated[name], self.replicated[other]
        return ours.minus(theirs) if self.higher_is_better else theirs.minus(ours)

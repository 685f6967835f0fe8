"""Figures of each model in a comparison: scores, gains over twins, groups of rows."""

from typing import NamedTuple

from ._evaluated_rows import MIN_SEGMENT_ROWS
from ._paired_scores import PairedScores
from ._resampling import Figure, replicate
from ._student_fits import DISTILLED, LABELS, NAMES
from ._student_runs import TEACHER

MIN_LEAD = 2  # standard errors
NOT_SHOWN = {"kl"}


class Scores(NamedTuple):
    """The scores of all models on the evaluated rows, with their replicates."""

    task: object
    score: str  # the one that ranks
    evaluated: object
    rows: dict  # {model: values whose means are its scores}
    replicated: dict  # {model: {score: Replicated}}
    predictions: dict

    @classmethod
    def of(cls, predictions, evaluated, task, score):
        """Score predictions of all models, with the same replicates."""
        teacher = predictions[TEACHER]
        rows = {
            name: task.rows(each, evaluated.y, None if name == TEACHER else teacher)
            for name, each in predictions.items()
        }
        replicated = replicate(task.scores, rows, evaluated.weight, evaluated.replicates)
        return cls(task, score, evaluated, rows, replicated, predictions)

    def figures(self, name):
        """Return the figures of a model by name."""
        figure = self.evaluated.replicates.figure
        scores = {
            each: figure(value)
            for each, value in self.replicated[name].items()
            if each not in NOT_SHOWN
        }
        plain = self.task.calibration(
            self.predictions[name], self.evaluated.y, self.evaluated.weight
        )
        return scores | {each: Figure(value) for each, value in plain.items()} | self._gaps(name)

    def gains(self, student, how, *, teacher_counts=True):
        """Return the gain of a student over its twin, and its share of the teacher's lead.

        There is no share if the teacher had no part in the student.
        """
        name, twin = (NAMES[each].format(student) for each in (how, LABELS))
        if how == LABELS or twin not in self.replicated:
            return {}
        figure = self.evaluated.replicates.figure
        gain, lead = (self.paired.gain_replicates(each, twin) for each in (name, TEACHER))
        found = {"gain": figure(gain)}
        of_lead = figure(lead)
        # Not so for a lead without a standard error.
        is_certain = of_lead.value > 0 and of_lead.value >= MIN_LEAD * of_lead.standard_error
        if is_certain and how == DISTILLED and teacher_counts:
            found["share_of_lead"] = figure(gain.over(lead))
        return found

    def worst_segment(self, name):
        """Return the segment of the worst score, and this score; nothing without segments."""
        if self.evaluated.segments is None:
            return None
        labels, weights = self.evaluated.segments.weights(self.evaluated.weight, MIN_SEGMENT_ROWS)
        if not labels:
            return None
        scores = self.task.scores(weights, self.rows[name])[self.score]
        k = int((scores if self._higher_is_better else -scores).argmin())
        return labels[k], Figure(float(scores[k]))

    def _gaps(self, name):
        """Return the differences between the groups of the protected column."""
        if self.evaluated.sensitive is None:
            return {}
        _, weights = self.evaluated.sensitive.weights(self.evaluated.weight)
        scores = self.task.scores(weights, self.rows[name])
        compared = {"group_gap": self.score, "group_gap_prediction": "mean_prediction"}
        return {
            gap: Figure(float(scores[each].max() - scores[each].min()))
            for gap, each in compared.items()
            if each in scores
        }

    @property
    def paired(self):
        """The score that ranks, for differences between any two models."""
        return self._paired(self.replicated)

    def paired_of(self, rows):
        """Return the score that ranks of other models, given by their values for each row."""
        evaluated = self.evaluated
        return self._paired(
            replicate(self.task.scores, rows, evaluated.weight, evaluated.replicates)
        )

    def _paired(self, replicated):
        of_score = {name: scores[self.score] for name, scores in replicated.items()}
        return PairedScores(of_score, self.evaluated.replicates, self._higher_is_better)

    @property
    def _higher_is_better(self):
        return self.score in self.task.higher_is_better

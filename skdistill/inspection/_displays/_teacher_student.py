"""Display of scores of increasingly complex teachers against the scores of their students."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from ..._utils._rows import predict_on_copy
from ..._utils._typing import ArrayLike, Estimator, Floats, Proba, Rows
from .._figures import directed
from .._predictions import classes_in_common
from ._scores import score
from ._style import axes, look, n_curves

PANELS = ("accuracy", "log_loss", "ece")


class TeacherStudentDisplay:
    """Accuracy, log-loss and ECE of increasingly complex teachers against their students' score.

    The three panels of the talk on Menon et al. (ICML 2021): if a path rises and then turns back,
    the teacher's score does not predict the score of its student.

    Make one with `from_estimator` or `from_predictions`.

    Parameters
    ----------
    complexity : array-like of shape (n_teachers,)
        Complexity of each teacher, such as depth, rounds or width; any labels in order.

    teacher : dict of {str: array-like of shape (n_teachers,)}
        Scores of the teachers by name; a panel for each.

    student : array-like of shape (n_teachers,)
        Score of each teacher's student.

    student_score : str, default="log_loss"
        Which score that is.

    complexity_label : str, default="complexity"
        What is written next to the first and last mark, before the number.

    student_error : array-like of shape (n_teachers,), default=None
        Standard error of each student's score, where it was repeated.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
        One for each panel.

    figure_ : matplotlib Figure
        What they are in.

    Examples
    --------
    >>> from sklearn.ensemble import GradientBoostingClassifier
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skdistill import DistilledClassifier
    >>> from skdistill.datasets import make_gaussian_classes
    >>> from skdistill.inspection import TeacherStudentDisplay
    >>> X, y, _ = make_gaussian_classes(200, random_state=0)
    >>> rounds = [1, 10, 40]
    >>> teachers = [GradientBoostingClassifier(n_estimators=n).fit(X, y) for n in rounds]
    >>> students = [DistilledClassifier(each, LogisticRegression()).fit(X, y) for each in teachers]
    >>> display = TeacherStudentDisplay.from_estimator(
    ...     teachers, students, X, y, complexity=rounds, complexity_label="rounds"
    ... )
    >>> len(display.axes_)
    3
    """

    def __init__(
        self,
        *,
        complexity: Any,
        teacher: dict[str, ArrayLike],
        student: ArrayLike,
        student_score: str = "log_loss",
        complexity_label: str = "complexity",
        student_error: ArrayLike | None = None,
    ):
        self.complexity = list(complexity)
        self.teacher: dict[str, Floats] = {
            name: np.asarray(scores, dtype=np.float64) for name, scores in teacher.items()
        }
        self.student = np.asarray(student, dtype=np.float64)
        self.student_score = student_score
        self.complexity_label = complexity_label
        self.student_error = None if student_error is None else np.asarray(student_error)

    @classmethod
    def from_estimator(
        cls,
        teachers: Sequence[Estimator],
        students: Sequence[Estimator],
        X: Rows,
        y: ArrayLike,
        *,
        complexity: Any = None,
        student_score: str = "log_loss",
        complexity_label: str = "complexity",
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Score fitted teachers and their students on rows that none has seen, and plot.

        Parameters
        ----------
        teachers, students : sequences of classifiers, of length n_teachers
            Fitted, with `predict_proba`; the k-th student was distilled from the k-th teacher.

        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Rows to evaluate on.

        y : array-like of shape (n_samples,)
            Their true labels.

        complexity, student_score, complexity_label, ax, **kwargs
            As for :meth:`from_predictions`.

        Returns
        -------
        TeacherStudentDisplay

        Raises
        ------
        ValueError
            If the models have different classes, or if there are not as many students as teachers.
        """
        named = {f"teacher {k}": each for k, each in enumerate(teachers, start=1)}
        named |= {f"student {k}": each for k, each in enumerate(students, start=1)}
        return cls.from_predictions(
            y,
            [predict_on_copy(each.predict_proba, X) for each in teachers],
            [predict_on_copy(each.predict_proba, X) for each in students],
            classes=classes_in_common(named), complexity=complexity, student_score=student_score,
            complexity_label=complexity_label, ax=ax, **kwargs,
        )  # fmt: skip

    @classmethod
    def from_predictions(
        cls,
        y_true: Proba,
        teacher_probas: Sequence[Proba],
        student_probas: Sequence[Proba],
        *,
        classes: ArrayLike | None = None,
        complexity: Any = None,
        student_score: str = "log_loss",
        complexity_label: str = "complexity",
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Score predicted probabilities of teachers and their students, and plot.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,) or (n_samples, n_classes)
            True labels or soft labels.

        teacher_probas, student_probas : sequences of array-likes of shape (n_samples, n_classes)
            What each teacher and its student predict, columns in the order of the sorted classes;
            the least complex teacher first.

        classes : array-like of shape (n_classes,), default=None
            Label of each column of probabilities, sorted; those of `y_true` by default.

        complexity : array-like of shape (n_teachers,), default=None
            How complex each teacher is; 1, 2, ... by default.

        student_score : {"log_loss", "accuracy", "brier", "ece", "auc"}, default="log_loss"
            Score of the students, on the vertical axis.

        complexity_label : str, default="complexity"
            What is written before the numbers.

        ax : array of three matplotlib Axes, default=None
            Where to draw; a new figure by default.

        **kwargs : dict
            Style, passed on to matplotlib. The arguments are those of `errorbar`.

        Returns
        -------
        TeacherStudentDisplay

        Raises
        ------
        ValueError
            If there are not as many students as teachers, or if rows are not probabilities.
        """
        complexity = range(1, len(teacher_probas) + 1) if complexity is None else complexity
        if not len(teacher_probas) == len(student_probas) == len(complexity):
            raise ValueError(
                "Every teacher needs a student and a complexity; got "
                f"{len(teacher_probas)} teachers, {len(student_probas)} students and "
                f"{len(complexity)} complexities."
            )
        display = cls(
            complexity=complexity,
            teacher={
                name: [score(name, y_true, proba, classes=classes) for proba in teacher_probas]
                for name in PANELS
            },
            student=[score(student_score, y_true, p, classes=classes) for p in student_probas],
            student_score=student_score,
            complexity_label=complexity_label,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Draw one panel for each of the teacher's scores, joined in the order of complexity.

        Parameters
        ----------
        ax : array of matplotlib Axes, one for each panel, default=None
            Where to draw; a new figure by default. The same ones again compare students.

        name : str, default=None
            Name in the legend.

        **kwargs : dict
            Style, passed on to matplotlib. The arguments are those of `errorbar`.

        Returns
        -------
        TeacherStudentDisplay

        Raises
        ------
        ValueError
            If there are not as many axes as panels.

        ImportError
            If matplotlib is not installed.
        """
        n_panels = len(self.teacher)
        if ax is None:
            ax = axes(None, ncols=n_panels, figsize=(4 * n_panels, 3.6), sharey=True, squeeze=False)
        panels = np.ravel(ax)
        if len(panels) != n_panels:
            raise ValueError(
                f"ax must hold one Axes for each panel, {list(self.teacher)}; got {len(panels)}."
            )
        for panel, (measure, scores) in zip(panels, self.teacher.items(), strict=True):
            style = look(n_curves(panel), label=name, capsize=3, **kwargs)
            panel.errorbar(scores, self.student, self.student_error, **style)
            self._annotate_ends(panel, scores)
            panel.set_xlabel(f"Teacher's {directed(measure)}")
            panel.margins(0.15)
        panels[0].set_ylabel(f"Student's {directed(self.student_score)}")
        if name:
            panels[0].legend()
        self.axes_, self.figure_ = panels, panels[0].figure
        return self

    def _annotate_ends(self, panel, scores):
        """Write the complexity of the first and the last teacher next to their marks."""
        first, last = self.complexity[0], self.complexity[-1]
        for end, word in ((0, f"{self.complexity_label} {first}"), (-1, str(last))):
            panel.annotate(
                word, (scores[end], self.student[end]), xytext=(6, 6), textcoords="offset points",
                fontsize="small",
            )  # fmt: skip

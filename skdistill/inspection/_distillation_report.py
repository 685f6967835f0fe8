"""The figures of a distillation report, as text, HTML and a dataframe."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ._intervals import Estimate
from ._report_html import as_fragment, as_page
from ._report_summary import summary
from ._report_text import as_text
from ._teacher_part import has_no_teacher
from ._verdict import verdict


@dataclass(frozen=True, repr=False)
class DistillationReport:
    """Results of distilling on test rows; made by :func:`distillation_report`.

    Each figure is an `Estimate`, a named tuple (value, low, high) with the ends of the 95 %
    interval, NaN where it has none. Models are called "teacher", "student" (from the labels
    alone) and "distilled".

    Attributes
    ----------
    quality : dict of {str: {str: Estimate}}
        By score and model: "accuracy", "log_loss" (nats), "brier" (in [0, 2]), "auc" (two
        classes) and "ece" (15 bins, no interval). For regressors "r2", "mse", "mean_prediction",
        "bias" (that minus the mean of y) and "calibration_slope" (of the regression of y on the
        prediction).

    gain : dict of {str: Estimate}
        By score: improvement of the distilled student over the student from the labels alone.
        Positive is better, also for losses.

    gap_recovered : dict of {str: Estimate}
        By score: (distilled − student) / (teacher − student), NaN if the teacher was no better.
        That of "mse" is left out, since it is that of "r2". Empty if the weights gave the teacher
        no part (`labels_alone`).

    gain_over_teacher : dict of {str: Estimate}
        By score: improvement of the distilled student over the teacher, usually negative. Positive
        is better, also for losses.

    fidelity : dict of {str: {str: Estimate}}
        By score and model: "agreement" with the teacher's predicted label, "kl" (nats, the
        divergence KL(teacher ‖ model)), and "kept_at_1_percent" (without an interval). The last is
        the share of rows that a :class:`skdistill.CascadeClassifier` leaves to the student if at
        most 1 % of all may differ from the teacher. For regressors "teacher_mse", the mean squared
        difference to the teacher's predictions, and "residual_correlation", between y minus the
        model's prediction and y minus the teacher's.

    cost : dict of {str: {str: Estimate}}
        By kind and model: "bytes" when pickled, "batch" and "single": median milliseconds per
        thousand rows, in one batch and row by row. For Pipelines, "batch_preprocessing" is the time
        of the steps before the last one, "batch_model" that of the last one. With ``onnx=True``,
        "onnx_bytes", "onnx_batch" and "onnx_single" are those of the ONNX files.

    sizes : dict of {str: str}
        Leaves or coefficients of each model that has them, such as "10 leaves".

    cost_of : dict of {str: str}
        The object that was pickled and timed for each model.

    missing : tuple of str
        Figures that are not available, with the reason.

    n_rows, n_bootstrap : int
        Number of test rows with positive weight, and of resamples.

    n_groups : int or None
        Number of groups with positive weight, which were resampled; None without `groups`.

    observed_mean : float or None
        Mean of y on the test rows, beside the mean prediction; None for classes.

    identical : tuple of (str, str)
        Pairs of models that make the same predictions for all test rows.

    model_names : dict of {str: str}
        Class of each model; of a distilled one, the class of its student.

    weights : dict of {str: float or bool}
        Weights that the distilled model was fitted with, such as "alpha"; empty for a bare student.

    versions : dict of {str: str}
        Versions of Python, skdistill, scikit-learn and the packages of the models.

    date : str
        Day on which it was made, as YYYY-MM-DD.

    note : str
        The units of several outputs of y; otherwise empty.
    """

    quality: dict[str, dict[str, Estimate]]
    gain: dict[str, Estimate]
    gap_recovered: dict[str, Estimate]
    fidelity: dict[str, dict[str, Estimate]]
    cost: dict[str, dict[str, Estimate]]
    cost_of: dict[str, str]
    missing: tuple[str, ...]
    n_rows: int
    n_bootstrap: int
    n_groups: int | None = None
    observed_mean: float | None = None
    identical: tuple[tuple[str, str], ...] = ()
    model_names: dict[str, str] = field(default_factory=dict)
    weights: dict[str, float | bool] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    date: str = ""
    note: str = ""
    gain_over_teacher: dict[str, Estimate] = field(default_factory=dict)
    sizes: dict[str, str] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """The result in a few sentences: size, time and quality against the teacher."""
        return summary(self)

    @property
    def verdict(self) -> tuple[str, ...]:
        """Sentences on where distilling paid, and where it did not."""
        return verdict(self)

    def to_frame(self) -> Any:
        """Return every figure as one row.

        Returns
        -------
        pandas.DataFrame
            Columns "part" (quality, gain, gap_recovered, gain_over_teacher, fidelity, cost),
            "measure", "model", "value", "low" and "high".

        Raises
        ------
        ImportError
            If pandas is not installed.

        Examples
        --------
        A column for each model:

        >>> long = report.to_frame()  # doctest: +SKIP
        >>> long.pivot(index="measure", columns="model", values="value")  # doctest: +SKIP
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError("to_frame needs pandas: pip install pandas") from error
        by_model = {"quality": self.quality, "fidelity": self.fidelity, "cost": self.cost}
        of_distilled = {
            "gain": self.gain,
            "gap_recovered": self.gap_recovered,
            "gain_over_teacher": self.gain_over_teacher,
        }
        rows = [
            (part, measure, model, *figure)
            for part, figures in by_model.items()
            for measure, models in figures.items()
            for model, figure in models.items()
        ] + [
            (part, measure, "distilled", *figure)
            for part, figures in of_distilled.items()
            for measure, figure in figures.items()
        ]
        return pd.DataFrame(rows, columns=["part", "measure", "model", "value", "low", "high"])

    def to_html(self, path: str | Path, *, title: str | None = None) -> None:
        """Write the report as a self-contained HTML page, readable without colour.

        Parameters
        ----------
        path : str or Path
            File to write. It is in UTF-8. An existing one is replaced.

        title : str, default=None
            Title of the page, such as the name of the project. "Did distilling pay?" by default.
        """
        Path(path).write_text(as_page(self, title), encoding="utf-8")

    @property
    def labels_alone(self) -> bool:
        """Whether the weights gave the teacher no part: alpha 0, and no unlabelled rows."""
        return has_no_teacher(self.weights)

    def __str__(self):
        return as_text(self)

    def __repr__(self):
        return f"<DistillationReport on {self.n_rows:,} test rows; print it to read it>"

    def _repr_html_(self):
        return as_fragment(self)

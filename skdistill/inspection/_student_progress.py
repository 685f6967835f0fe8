"""Progress of a comparison of students: a line when the teacher or a student is fitted."""

import time
from typing import NamedTuple


class FitProgress(NamedTuple):
    """Prints what was fitted on which rows, and how long it took; nothing unless it is shown."""

    shown: bool
    rows: str = "all rows"  # or a fold

    def teacher(self, fit):
        """Report the teacher."""
        self._print(f"teacher cross-fitted in {fit.cross_fit_seconds:.1f} s")

    def student(self, name, number, n_students, fits, start):
        """Report a student, with the ways in which it failed."""
        seconds = time.perf_counter() - start
        failed = [f"{how} failed: {fit.failure}" for how, fit in fits.items() if fit.failure]
        self._print("; ".join([f"{name} ({number} of {n_students}) in {seconds:.1f} s", *failed]))

    def _print(self, text):
        if self.shown:
            print(f"[compare_students] {self.rows}: {text}", flush=True)

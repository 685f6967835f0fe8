"""Cost of retrieval losses of many labels, against plain cross-entropy, and retrieval itself.

Only the ratios are meaningful: everything is measured in turn on the same machine, each call in a
fresh process with one thread, by processor time. A call is the loss of all rows and its gradient
by the input, the weights and the bias of the last layer.
"""

import warnings
from argparse import ArgumentParser
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import torch
from _measure import measure, print_table, write_json
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from torch.nn import functional as F

from skdistill import DistilledMulticlassRetriever
from skdistill.nets import (
    TopK,
    linear_double_distillation_loss,
    linear_label_weighted_cross_entropy,
    linear_soft_cross_entropy,
)
from skdistill.objectives import linear_retrieval_loss

N_FEATURES = 128
TOP_K = (10, 50)  # entries of the teacher's rows
RETRIEVED = 10
WARM_UP_ROWS = 16
GOAL_TIME, GOAL_MEMORY = 1.05, 0.1  # times plain cross-entropy at most.
OURS = ("soft", "label-weighted", "double")
LEGEND = f"""\
plain: F.linear and F.cross_entropy of hard labels, all logits at once. torch linear:
F.linear_cross_entropy of hard labels; torch chunked: the same with its options, row by row.
soft, label-weighted, double: the objectives of skdistill.nets with a teacher of k labels per row;
numpy: skdistill.objectives.linear_retrieval_loss, double distillation. s: of a call; MB: extra peak
memory. Ratios over plain are medians over the repeats, each of which measures all; low and high
are the smallest and the largest.
Goals: {GOAL_TIME} × plain in time and {GOAL_MEMORY} × in memory at most.
"""
RESULTS = Path(__file__).parent / "results" / "bench_retrieval.json"


def main():
    """Measure losses and retrieval, print the tables and write them."""
    options = parse_options()
    torch.set_num_threads(1)
    print(f"{options.n_samples} rows, {options.n_labels} labels, {N_FEATURES} features", flush=True)
    losses = compare_losses(options)
    print(f"\n{LEGEND}")
    print_table(losses)
    retrieval = compare_retrieval(options)
    print(f"\nThe {RETRIEVED} best labels of {options.n_retrieved} rows:")
    print_table(retrieval)
    write_json(
        options.json,
        {
            "n_samples": options.n_samples,
            "n_labels": options.n_labels,
            "n_features": N_FEATURES,
            "n_retrieved": options.n_retrieved,
            "repeats": options.repeats,
            "goals": {"time": GOAL_TIME, "memory": GOAL_MEMORY},
            "losses": losses,
            "retrieval": retrieval,
        },
    )


def parse_options():
    """Return the options of the command line."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--n-samples", type=int, default=8192, help="rows of a batch (default: 8192)")
    add("--n-labels", type=int, default=20_000, help="default: 20000")
    add("--n-retrieved", type=int, default=2048, help="rows to retrieve for (default: 2048)")
    add("--repeats", type=int, default=5, help="of each measurement (default: 5)")
    add("--json", type=Path, default=RESULTS, help="where the results are written")
    return parser.parse_args()


def compare_losses(options):
    """Return one line per loss: what it costs, and its ratio to plain cross-entropy."""
    rng = np.random.default_rng(0)
    layer, y = make_layer(options.n_samples, options.n_labels, rng)
    losses = {
        ("plain", None): partial(plain, layer, y),
        ("torch linear", None): partial(linear_of_torch, layer, y),
        ("torch chunked", None): partial(linear_of_torch, layer, y, chunked=True),
    }
    for k in TOP_K:
        top = make_teacher(y, k, options.n_labels, rng)
        losses["soft", k] = partial(of_layer, linear_soft_cross_entropy, layer, top)
        losses["label-weighted", k] = partial(
            of_layer, linear_label_weighted_cross_entropy, layer, y, top
        )
        losses["double", k] = partial(of_layer, linear_double_distillation_loss, layer, top)
        losses["numpy", k] = partial(in_numpy, layer, top)
    if not hasattr(F, "linear_cross_entropy"):  # of torch 2.13
        del losses["torch linear", None], losses["torch chunked", None]
    measured = in_turn(losses, options.repeats)
    base = measured["plain", None]
    return [
        {"loss": name, "k": k, **costs(calls, base), "misses": missed(name, calls, base)}
        for (name, k), calls in measured.items()
    ]


def make_layer(n_samples, n_labels, rng):
    """Return the input, weights and bias of a layer, and a label of each row."""
    shapes = (n_samples, N_FEATURES), (n_labels, N_FEATURES), (n_labels,)
    layer = [torch.tensor(rng.normal(size=shape), dtype=torch.float32) for shape in shapes]
    layer[1] *= N_FEATURES**-0.5
    y = torch.tensor(rng.integers(n_labels, size=n_samples))
    return [each.requires_grad_() for each in layer], y


def make_teacher(y, k, n_labels, rng):
    """Return probabilities of k labels of each row, its own label among them."""
    steps = rng.integers(1, n_labels // k, size=(len(y), k)).cumsum(axis=1)
    steps[:, 0] = 0
    indices = (y[:, None] + torch.tensor(steps)) % n_labels  # they differ: steps < n_labels
    return TopK(indices, torch.tensor(rng.dirichlet(np.ones(k), size=len(y))).float())


def plain(layer, y, rows=slice(None)):
    """Compute cross-entropy with all logits at once."""
    hidden, weight, bias = layer
    F.cross_entropy(F.linear(hidden[rows], weight, bias), y[rows]).backward()


def linear_of_torch(layer, y, rows=slice(None), *, chunked=False):
    """Compute cross-entropy by the function of torch that has the layer within."""
    hidden, weight, bias = layer
    options = torch.nn.LinearCrossEntropyOptions() if chunked else None
    F.linear_cross_entropy(
        hidden[rows], weight, y[rows], linear_bias=bias, options=options
    ).backward()


def of_layer(loss, layer, *targets, rows=slice(None)):
    """Compute a loss of skdistill.nets that has the layer within."""
    hidden, weight, bias = layer
    loss(hidden[rows], weight, bias, *(take(each, rows) for each in targets)).backward()


def take(target, rows):
    """Return some rows of labels or probabilities."""
    return TopK(*(each[rows] for each in target)) if isinstance(target, TopK) else target[rows]


def in_numpy(layer, top, rows=slice(None)):
    """Compute double distillation and its gradient in NumPy."""
    hidden, weight, bias = (each.detach().numpy() for each in layer)
    indices, values = (each[rows].numpy() for each in top)
    starts = np.arange(0, indices.size + 1, indices.shape[1])
    p = sparse.csr_array((values.ravel(), indices.ravel(), starts), (len(indices), len(weight)))
    linear_retrieval_loss(hidden[rows], weight, bias, p, p)


def compare_retrieval(options):
    """Return what `retrieve` costs, and what the scores of all labels and their sorting do."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(options.n_retrieved, N_FEATURES))
    retriever = fit_retriever(X[:256], options.n_labels)
    check_same_labels(retriever, X[:64])
    ways = {
        "retrieve": partial(retrieve, retriever, X),
        "full sort": partial(sort_all, retriever, X),
    }
    measured = in_turn(ways, options.repeats)
    return [
        {"way": name, **costs(calls, measured["full sort"], of="full sort")}
        for name, calls in measured.items()
    ]


def fit_retriever(X, n_labels):
    """Return a linear retriever of many labels, hardly trained: what it costs is the same."""
    retriever = DistilledMulticlassRetriever(alpha=0, classes=np.arange(n_labels), max_iter=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return retriever.fit(X, np.arange(len(X)) % 100)


def retrieve(retriever, X, rows=slice(None)):
    """Return the best labels."""
    labels, _ = retriever.retrieve(X[rows], RETRIEVED)
    return labels


def sort_all(retriever, X, rows=slice(None)):
    """Return the best labels by sorting the scores of all."""
    order = np.argsort(-retriever.decision_function(X[rows]), axis=1)[:, :RETRIEVED]
    return retriever.classes_[order]


def check_same_labels(retriever, X):
    """Raise if the two ways do not find the same."""
    if not np.array_equal(retrieve(retriever, X), sort_all(retriever, X)):
        raise AssertionError("retrieve and a full sort disagree on the best labels.")


def in_turn(functions, repeats):
    """Return the measurements of each function; every repeat measures all of them."""
    measured = {name: [] for name in functions}
    for repeat in range(repeats):
        for name, function in functions.items():
            warm_up = partial(function, rows=slice(WARM_UP_ROWS))
            measured[name].append(measure(function, warm_up=warm_up))
        print(f"repeat {repeat + 1} of {repeats}", flush=True)
    return measured


def costs(calls, base, of="plain"):
    """Return median time and memory, and their ratios to those of the base."""
    times = [call.seconds / other.seconds for call, other in zip(calls, base, strict=True)]
    return {
        "s": median(call.seconds for call in calls),
        f"s/{of}": median(times),
        "low": min(times),
        "high": max(times),
        "MB": median(call.extra_mb for call in calls),
        f"MB/{of}": memory_ratio(calls, base),
    }


def memory_ratio(calls, base):
    """Return the median ratio of extra memory."""
    return median(call.extra_mb / other.extra_mb for call, other in zip(calls, base, strict=True))


def missed(name, calls, base):
    """Return which goals an objective of ours misses."""
    if name not in OURS:
        return None
    time = costs(calls, base)["s/plain"]
    goals = {"time": time > GOAL_TIME, "memory": memory_ratio(calls, base) > GOAL_MEMORY}
    return " ".join(goal for goal in goals if goals[goal]) or "nothing"


if __name__ == "__main__":
    main()

"""Cost of an epoch of SoftLabelNet, against a hand-written loop of torch and against skorch.

Only the ratios are meaningful: the three ways are measured in turn on the same machine, from
the same weights on the same rows. On the CPU each runs in a fresh process with one thread, and
time is processor time; on a GPU time is wall time, read once the device has finished.
"""

import gc
from argparse import ArgumentParser
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import numpy as np
import skorch
import torch
from _measure import Measurement, measure, print_table, write_json
from skorch import NeuralNet
from skorch.callbacks import Callback
from torch.nn.functional import cross_entropy

from skdistill import SoftLabels, fit_soft_labels
from skdistill.datasets import make_gaussian_classes
from skdistill.nets import SoftLabelNet

# Widths of the layers. The less a batch computes, the more the loop around it shows.
MODULES = {"small": (64, 128, 128, 10), "middle": (784, 256, 256, 10)}
BATCH_SIZES = (64, 256, 4096)
# So many features would tell classes apart that are no closer together than this.
CLASS_SEP = 0.1
LR = 0.001
WARM_UP_ROWS = 256
# "As fast as the loop you would write": from so many rows in a batch,
GOAL_BATCH_SIZE = 256
GOAL_TIME, GOAL_MEMORY = 1.05, 1.1  # times the hand-written loop at most.
MB = 2**20
LEGEND = f"""\
hand: a hand-written loop, data on the device; net: SoftLabelNet; skorch: NeuralNet by way of
fit_soft_labels, with its default loader. s: per epoch; MB: extra peak memory of the whole fit.
Ratios are medians over the repeats, each of which measures all three; low and high are the
smallest and the largest.
Goals from batches of {GOAL_BATCH_SIZE} rows: net takes at most {GOAL_TIME} × hand in time and \
{GOAL_MEMORY} × in memory.
"""
RESULTS = Path(__file__).parent / "results" / "bench_torch.json"


def main():
    """Measure every module at every batch size, print the table and write it."""
    options = parse_options()
    torch.set_num_threads(1)
    hardware = describe(options.device)
    print(f"{options.n_samples} rows; {hardware}. Time of net over hand:", flush=True)
    records = []
    for name in options.modules:
        problem = make_problem(options.n_samples, MODULES[name])
        for batch_size in options.batch_sizes:
            records.append({"module": name, "batch": batch_size})
            records[-1] |= compare_ways(MODULES[name], problem, batch_size, options)
            print(f"{name}, batches of {batch_size}: {records[-1]['net/hand']:.2f}", flush=True)
    print(f"\n{LEGEND}")
    print_table([{key: each[key] for key in each if key != "loss"} for each in records])
    write_json(
        options.json,
        {
            "torch": torch.__version__,
            "skorch": skorch.__version__,
            "device": options.device,
            "hardware": hardware,
            "n_samples": options.n_samples,
            "epochs": options.epochs,
            "repeats": options.repeats,
            "modules": MODULES,
            "goals": {"time": GOAL_TIME, "memory": GOAL_MEMORY, "from batch": GOAL_BATCH_SIZE},
            "records": records,
        },
    )


def parse_options():
    """Return the options of the command line."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--device", choices=("cpu", "cuda", "mps"), default="cpu", help="default: cpu")
    add("--modules", nargs="+", choices=MODULES, default=list(MODULES), help=str(list(MODULES)))
    add("--batch-sizes", nargs="+", type=int, default=BATCH_SIZES, help=f"default: {BATCH_SIZES}")
    add("--n-samples", type=int, default=20_000, help="rows (default: 20000)")
    add("--epochs", type=int, default=3, help="of a fit, the first not timed (default: 3)")
    add("--repeats", type=int, default=5, help="of each measurement (default: 5)")
    add("--json", type=Path, default=RESULTS, help="where the results are written")
    return parser.parse_args()


def describe(device):
    """Return what the figures were measured on."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    gpu = torch.cuda.is_available() or torch.backends.mps.is_available()
    return device if gpu else f"{device} (no GPU here)"


def make_problem(n_samples, widths):
    """Return rows, as nets take them, and their true probabilities as soft labels."""
    X, y, p_star = make_gaussian_classes(
        n_samples, widths[0], widths[-1], class_sep=CLASS_SEP, random_state=0
    )
    return X.astype(np.float32), SoftLabels(p_star, y=y)


def compare_ways(widths, problem, batch_size, options):
    """Return one line of the table: what the three ways cost, and their ratios."""
    ways = {"hand": train_by_hand, "net": train_net, "skorch": train_with_skorch}
    measured = {name: [] for name in ways}
    for _ in range(options.repeats):
        for name, train in ways.items():
            fit = partial(train, widths, batch_size=batch_size, device=options.device)
            measured[name].append(measure_fit(fit, problem, options))
    seconds = {name: [each.seconds for each in costs] for name, costs in measured.items()}
    mb = {name: [each.extra_mb for each in costs] for name, costs in measured.items()}
    times, memory = ratios(seconds["net"], seconds["hand"]), ratios(mb["net"], mb["hand"])
    record = {
        **{f"{name} s": median(seconds[name]) for name in ways},
        "net/hand": median(times),
        "low": min(times),
        "high": max(times),
        "skorch/net": median(ratios(seconds["skorch"], seconds["net"])),
        **{f"{name} MB": median(mb[name]) for name in ways},
        "net/hand MB": median(memory),
    }
    if batch_size >= GOAL_BATCH_SIZE:
        missed = {"time": median(times) > GOAL_TIME, "memory": median(memory) > GOAL_MEMORY}
        record["misses"] = " ".join(goal for goal in missed if missed[goal]) or "nothing"
    else:
        record["misses"] = None
    # The same training from the same weights ends with about the same loss.
    return {**record, "loss": {name: costs[-1].returned for name, costs in measured.items()}}


def ratios(costs, bases):
    """Return the ratio of each repeat."""
    return [cost / base for cost, base in zip(costs, bases, strict=True)]


def measure_fit(fit, problem, options):
    """Return the time of an epoch, the extra memory of the whole fit, and the last loss."""
    X, soft_labels = problem
    clock = clock_of(options.device)

    def run(rows=slice(None), epochs=options.epochs):
        readings, loss = fit(X[rows], soft_labels.take(rows), epochs=epochs, clock=clock)
        return median(np.diff(readings)[1:]), loss

    warm_up = partial(run, slice(WARM_UP_ROWS), 2)
    if options.device == "cpu":
        _, extra_mb, (seconds, loss) = measure(run, warm_up=warm_up)
        return Measurement(seconds, extra_mb, loss)
    warm_up()
    return measure_on_gpu(run, options.device)


def measure_on_gpu(run, device):
    """Return what one call costs in the memory of the device."""
    gc.collect()  # nets refer to themselves, so that those before may still be there
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before, peak = torch.cuda.memory_allocated(), torch.cuda.max_memory_allocated
    else:  # mps keeps no record of its peak, but its driver keeps all that was ever in use
        torch.mps.empty_cache()
        before, peak = torch.mps.driver_allocated_memory(), torch.mps.driver_allocated_memory
    seconds, loss = run()
    return Measurement(seconds, (peak() - before) / MB, loss)


def clock_of(device):
    """Return a function that reads the time, once the device has done what it was given."""
    if device == "cpu":
        return process_time
    wait = getattr(torch, device).synchronize

    def read():
        wait()
        return perf_counter()

    return read


def make_module(widths):
    """Return a multi-layer perceptron, with the same weights each time."""
    torch.manual_seed(0)
    layers = []
    for n_inputs, n_outputs in pairwise(widths):
        layers += [torch.nn.Linear(n_inputs, n_outputs), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


def train_by_hand(widths, X, soft_labels, *, batch_size, device, epochs, clock):
    """Train with the data on the device, and without waiting for it between batches."""
    module = make_module(widths).to(device)
    optimizer = torch.optim.Adam(module.parameters(), lr=LR)
    X = torch.as_tensor(X).to(device)
    proba = torch.as_tensor(soft_labels.proba, dtype=torch.float32).to(device)
    readings = [clock()]
    for _ in range(epochs):
        losses = []
        for rows in torch.randperm(len(X)).to(device).split(batch_size):
            optimizer.zero_grad()
            loss = cross_entropy(module(X.index_select(0, rows)), proba.index_select(0, rows))
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        mean_loss = torch.stack(losses).mean().item()
        readings.append(clock())
    return readings, mean_loss


def train_net(widths, X, soft_labels, *, batch_size, device, epochs, clock):
    """Train a SoftLabelNet with its defaults."""
    net = SoftLabelNet(
        make_module(widths),
        lr=LR,
        batch_size=batch_size,
        device=device,
        max_epochs=epochs,
        callbacks=[EpochClock(clock)],
    )
    return outcome(net.fit(X, soft_labels))


def train_with_skorch(widths, X, soft_labels, *, batch_size, device, epochs, clock):
    """Train a net of skorch in the same way, with the loader of torch that is its default."""
    net = NeuralNet(
        make_module(widths),
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=LR,
        batch_size=batch_size,
        iterator_train__shuffle=True,
        train_split=None,
        device=device,
        max_epochs=epochs,
        callbacks=[EpochClock(clock)],
        verbose=0,
    )
    return outcome(fit_soft_labels(net, X, soft_labels))


def outcome(net):
    """Return what the clock of a fitted net read, and its last loss."""
    return dict(net.callbacks_)["EpochClock"].readings, net.history_[-1, "train_loss"]


class EpochClock(Callback):
    """Read the time when each epoch begins, and when the last one is over."""

    def __init__(self, clock):
        self.clock = clock

    def initialize(self):
        """Begin a new fit."""
        self.readings = []
        return self

    def on_epoch_begin(self, net, **arguments):
        """Read the time."""
        self.readings.append(self.clock())

    def on_train_end(self, net, **arguments):
        """Read the time."""
        self.readings.append(self.clock())


if __name__ == "__main__":
    main()

"""Rows in partitions: 10,000,000 flights-like rows, out of core and on one and two workers.

Real flights are drawn with replacement and jittered, and written as a directory of Parquet files,
which no process holds as a whole. Then

1. out of core: in a fresh process, by two threads, from the files: a frozen teacher labels all
   rows, a classifier and a ranker are distilled; the peak of resident memory is measured;
2. a cluster on this machine, of one worker process and of two, one thread each, the rows in the
   workers' memory: the teacher's labelling, and one iteration of the ranker (loss and gradient over
   all pairs), with the bytes that it transfers: pickled, as the workers count them, and over the
   sockets of this machine, including those of the scheduler;
3. an extrapolation of these figures to 1,000,000,000 rows, which was not run.

Times are wall times: other work on the machine counts.
"""

import pickle
import resource
import sys
import tempfile
from argparse import ArgumentParser
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import cloudpickle
import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd
import psutil
from _measure import print_table, write_json
from distributed import Client, LocalCluster, wait
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder, StandardScaler

from skdistill import DistilledBipartiteRanker, DistilledClassifier
from skdistill._dask._pairs import PairsObjective, PairTargets, Sums
from skdistill._dask._partitions import blocks_of, blocks_with
from skdistill._dask._run import persist, run, task
from skdistill.datasets import load_flights

RESULTS = Path(__file__).parent / "results" / "bench_dask.json"
TEACHER_ROWS = 50_000
JITTER = 0.05  # of a feature's standard deviation
SPAWN = get_context("spawn")
# Workers cannot import this file: what it defines travels with the tasks.
cloudpickle.register_pickle_by_value(sys.modules[__name__])
# Assumptions of the extrapolation, not measured here.
FAR_ROWS, ROWS_PER_PARTITION, NETWORK = 10**9, 10**6, 125e6  # bytes per second: 1 Gbit/s


def main():
    """Run all parts, print their tables and write them."""
    options = parse_options()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        write_rows(folder, options)
        print("1. Out of core, two threads", flush=True)
        out_of_core = in_fresh_process(distil_from_files, folder)
        print_table(out_of_core)
        print("\n2. One and two workers, rows in their memory", flush=True)
        clusters = [in_fresh_process(measure_cluster, folder, n, options.repeats) for n in (1, 2)]
    show_clusters(clusters)
    far = extrapolate(clusters)
    print(
        f"\n3. EXTRAPOLATION, not measured: {FAR_ROWS:,} rows in partitions of "
        f"{ROWS_PER_PARTITION:,}, from the rows, bytes and tasks per second above, a network of "
        f"{NETWORK / 1e6:.0f} MB/s, and workers like these.\n"
    )
    print_table(far)
    write_json(
        options.json,
        {
            "n_rows": options.n_rows,
            "n_partitions": options.n_partitions,
            "repeats": options.repeats,
            "out of core": out_of_core,
            "clusters": clusters,
            "extrapolation, not measured": far,
        },
    )


def parse_options():
    """Return the options of the command line."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--n-rows", type=int, default=10_000_000)
    add("--n-partitions", type=int, default=100)
    add("--repeats", type=int, default=3, help="of an iteration on a cluster (default: 3)")
    add("--folder", type=Path, help="where a temporary folder for the rows is made")
    add("--json", type=Path, default=RESULTS, help="where the results are written")
    return parser.parse_args()


def in_fresh_process(function, *args):
    """Return what a function returns in a process of its own, whose memory begins small."""
    receiver, sender = SPAWN.Pipe(duplex=False)
    process = SPAWN.Process(target=_send, args=(sender, function, *args))
    process.start()
    sender.close()
    result = receiver.recv()
    process.join()
    return result


def _send(sender, function, *args):
    sender.send(function(*args))


def peak_mb():
    """Return the highest resident memory of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


# The rows.


def write_rows(folder, options):
    """Write partitions of flights-like rows, and a teacher fitted on a few real ones."""
    frame, y = load_flights()
    categories = make_column_selector(dtype_include="category")
    numbers = make_column_selector(dtype_include="number")
    encode = make_column_transformer(
        (OrdinalEncoder(), categories), (SimpleImputer(strategy="median"), numbers)
    )
    X = make_pipeline(encode, StandardScaler()).fit_transform(frame).astype(np.float32)
    y = np.asarray(y).astype(int)
    few = np.random.default_rng(0).permutation(len(X))[:TEACHER_ROWS]
    names = [f"x{k}" for k in range(X.shape[1])]
    teacher = HistGradientBoostingClassifier(max_iter=50, random_state=0)
    teacher.fit(pd.DataFrame(X[few], columns=names), y[few])
    Path(folder, "teacher.pickle").write_bytes(pickle.dumps(teacher))
    size = options.n_rows // options.n_partitions

    def draw(seed):
        rng = np.random.default_rng(seed)
        rows = rng.integers(len(X), size=size)
        jitter = rng.standard_normal((size, X.shape[1]), dtype=np.float32)
        drawn = pd.DataFrame(X[rows] + np.float32(JITTER) * jitter, columns=names)
        return drawn.assign(late=y[rows])

    for seed in range(options.n_partitions):
        draw(seed).to_parquet(Path(folder, f"rows-{seed:05}.parquet"))
    mb = sum(each.stat().st_size for each in Path(folder).iterdir()) / 2**20
    print(
        f"{size * options.n_partitions:,} rows of {len(names)} features, "
        f"{options.n_partitions} files, {mb:.0f} MiB; share of late flights {y.mean():.2f}\n"
    )


def open_rows(folder):
    """Return the rows and labels as lazy dataframes, and the teacher."""
    frame = dd.read_parquet(Path(folder, "rows-*.parquet"))
    features = [name for name in frame.columns if name != "late"]
    teacher = pickle.loads(Path(folder, "teacher.pickle").read_bytes())
    return frame[features], frame["late"], FrozenEstimator(teacher)


# Out of core.


def distil_from_files(folder):
    """Return what labelling and fitting from the files costs."""
    X, y, teacher = open_rows(folder)
    n_rows = len(y)
    ways = {
        "label, keep the mean": lambda: _mean_proba(teacher, X),
        "classifier, one pass": lambda: _one_pass_classifier(teacher).fit(X, y),
        "ranker": lambda: DistilledBipartiteRanker(teacher).fit(X, y),
    }
    records = []
    with dask.config.set(scheduler="threads", num_workers=2):
        for name, way in ways.items():
            before = peak_mb()
            start = perf_counter()
            way()
            seconds = perf_counter() - start
            print(f"{name}: {seconds:.0f} s", flush=True)
            records.append(
                {
                    "what": name,
                    "rows": n_rows,
                    "s": seconds,
                    "rows per s": n_rows / seconds,
                    "peak MiB before": before,
                    "peak MiB": peak_mb(),
                }
            )
    return records


def _one_pass_classifier(teacher):
    """Return a classifier whose student passes over the rows once."""
    student = SGDClassifier(loss="log_loss", max_iter=1, tol=None, random_state=0)
    return DistilledClassifier(teacher, student, alpha=1.0)


def _mean_proba(teacher, X):
    """Return the mean probability that a teacher gives, over all rows."""
    sums = [task(_sum_of_proba, teacher, block) for block in blocks_of(X, "X")]
    return np.sum(run(sums), axis=0)


def _sum_of_proba(teacher, X):
    return teacher.predict_proba(X).sum(axis=0)


# Clusters.


def measure_cluster(folder, n_workers, repeats):
    """Return the cost of labelling and of an iteration of the ranker on `n_workers` workers."""
    X, _, teacher = open_rows(folder)
    options = {"n_workers": n_workers, "threads_per_worker": 1, "dashboard_address": ":0"}
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        client.run(_import_all)
        X = X.persist()
        wait(X)
        blocks = blocks_of(X, "X")
        with Meter(client) as labelling:
            targets = persist([task(_label, teacher, block) for block in blocks])
            wait(targets)
        blocks = blocks_with(blocks, targets)
        sums = run([task(Sums.of, block) for block in blocks])
        objective = PairsObjective(blocks, sums, "logistic", 0.0, X.shape[1])
        w = objective.sample().X.mean(axis=0) + 0.3
        objective.loss_and_gradient(w)
        iterations = [measure_iteration(client, objective, w) for _ in range(repeats)]
        n_rows = int(objective.total.n_rows)
        partial_sums = objective.partials(w, objective.partial_sums)
        sent = {
            "w": w,
            "moments": partial_sums,
            "expansions": partial_sums.expansions(),
            "gradient": w,
        }
        iteration_s = median(each.seconds for each in iterations)
        iteration_cpu = median(each.busiest_cpu for each in iterations)
        return {
            "workers": n_workers,
            "rows": n_rows,
            "partitions": len(blocks),
            "labelling s": labelling.seconds,
            "labelled rows per s": n_rows / labelling.seconds,
            "labelling, processor s of the busiest worker": labelling.busiest_cpu,
            "iteration s": iteration_s,
            "ranked rows per s": n_rows / iteration_s,
            "iteration, processor s of the busiest worker": iteration_cpu,
            "s per partition without rows": seconds_per_partition(objective, w),
            "bytes between workers as Dask counts, least": min(
                each.travelled for each in iterations
            ),
            "bytes between workers as Dask counts, most": max(
                each.travelled for each in iterations
            ),
            "bytes over all sockets, least": min(each.on_sockets for each in iterations),
            "bytes over all sockets, most": max(each.on_sockets for each in iterations),
            **{f"{name} bytes": len(pickle.dumps(each)) for name, each in sent.items()},
            "peak MiB of a worker": max(client.run(peak_mb).values()),
        }


class Meter:
    """Time by the clock, processor time of the busiest worker, and bytes that travelled."""

    def __init__(self, client):
        self.client = client

    def __enter__(self):
        self.cpu, self.sent = self.client.run(process_time), self.client.run(_sent)
        self.on_sockets = -_sent_by_machine()
        self.start = perf_counter()
        return self

    def __exit__(self, *error):
        self.seconds = perf_counter() - self.start
        self.on_sockets += _sent_by_machine()
        cpu, sent = self.client.run(process_time), self.client.run(_sent)
        self.busiest_cpu = max(cpu[each] - self.cpu[each] for each in cpu)
        self.travelled = sum(sent.values()) - sum(self.sent.values())


def measure_iteration(client, objective, w):
    """Return the meter of one evaluation of loss and gradient."""
    with Meter(client) as meter:
        objective.loss_and_gradient(w)
    return meter


def seconds_per_partition(objective, w):
    """Return the additional time of an iteration for each further partition of few rows."""
    few = persist([task(_head, block) for block in objective.blocks])
    sums = run([task(Sums.of, block) for block in few])
    half = len(few) // 2
    seconds = {}
    for n in (len(few), half):
        small = PairsObjective(few[:n], sums[:n], "logistic", 0.0, len(w))
        small.loss_and_gradient(w)
        start = perf_counter()
        small.loss_and_gradient(w)
        seconds[n] = perf_counter() - start
    return max(seconds[len(few)] - seconds[half], 0.0) / (len(few) - half)


def _label(teacher, X):
    return PairTargets(teacher.predict_proba(X)[:, 1], None)


def _head(block):
    X, targets = block
    return X[:100], PairTargets(targets.p[:100], None)


def _sent(dask_worker):
    return dask_worker.transfer_outgoing_bytes_total


def _sent_by_machine():
    return psutil.net_io_counters().bytes_sent


def _import_all():
    import skdistill._dask  # noqa: F401


def show_clusters(clusters):
    """Print one column per cluster, and how much faster the second is."""
    print_table(side_by_side(clusters))
    for what in ("labelling", "iteration"):
        for name in (f"{what} s", f"{what}, processor s of the busiest worker"):
            one, two = (each[name] for each in clusters)
            print(f"{name}: with two workers {one / two:.2f} times as fast as with one")
    each = clusters[-1]
    down = each["w bytes"] * 2 + each["expansions bytes"]
    up = each["moments bytes"] + each["gradient bytes"]
    print(
        f"Of an iteration, pickled: a worker receives {down:,} bytes, and a partition returns "
        f"{up:,}, for any number of rows."
    )


def side_by_side(clusters):
    """Return one record for each thing measured, one column for each cluster."""
    return [
        {"": name, **{f"{each['workers']} worker(s)": each[name] for each in clusters}}
        for name in clusters[0]
        if name != "workers"
    ]


def extrapolate(clusters):
    """Return the predicted times of labelling and of an iteration for far more rows."""
    each = clusters[0]
    partitions = FAR_ROWS // ROWS_PER_PARTITION
    partial_sums = each["moments bytes"] + each["gradient bytes"]
    sent = each["expansions bytes"] + 2 * each["w bytes"]
    records = []
    for n_workers in (10, 100):
        rows = FAR_ROWS / n_workers
        travel = (partitions * partial_sums + n_workers * sent) / NETWORK
        scheduling = partitions * each["s per partition without rows"]
        compute = rows / each["ranked rows per s"]
        records.append(
            {
                "workers": n_workers,
                "labelling s": rows / each["labelled rows per s"],
                "iteration: rows s": compute,
                "scheduling s": scheduling,
                "network s": travel,
                "MB travelling": (partitions * partial_sums + n_workers * sent) / 1e6,
                "iteration s": compute + scheduling + travel,
            }
        )
    return records


if __name__ == "__main__":
    main()

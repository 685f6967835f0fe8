"""Time and memory of functions, measured side by side, and how the figures are shown and kept."""

import ctypes
import json
import math
import platform
import resource
import signal
import sys
from argparse import ArgumentParser
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any, NamedTuple

from threadpoolctl import threadpool_limits

# A forked child sees the caller's data without a copy, and starts with a peak of its own.
FORK = get_context("fork")
# Short calls are repeated for about so long, and so many times at most.
SHORTEST_TIMING = 0.2  # seconds
MOST_CALLS = 100
# The kernel counts resident pages in batches of 32, so that less than this is not seen.
LEAST_MB = 0.125
LIBRARIES = ("numpy", "scipy", "sklearn", "skdistill", "xgboost", "lightgbm", "catboost", "torch")


def options_of_draws(description, results, seeds):
    """Return a parser with the options of a benchmark that repeats itself over draws of rows."""
    parser = ArgumentParser(description=description.splitlines()[0])
    add = parser.add_argument
    add("--seeds", type=int, default=seeds, help=f"draws of rows, at least 2 (default: {seeds})")
    add("--processes", type=int, default=2, help="each with one thread (default: 2)")
    add("--json", type=Path, default=results, help="where the results are written")
    add("--show", action="store_true", help="print the tables of a run that was written")
    return parser


class Measurement(NamedTuple):
    """What one function cost; infinite time and memory where it was stopped."""

    seconds: float  # of processor time, in which other processes' work does not count
    extra_mb: float  # peak resident memory over what was resident before the call, in MiB
    returned: Any


def compare(functions, repeats, *, warm_up=None, slow=math.inf, limit=None):
    """Return the median measurement of each named function; every repeat measures all of them.

    One that takes more than `slow` seconds is measured once; one that takes more than `limit`
    seconds is stopped.
    """
    measured = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            if not any(each.seconds > slow for each in measured[name]):
                measured[name].append(measure(function, warm_up=warm_up, limit=limit))
    return {name: _median(measurements) for name, measurements in measured.items()}


def measure(function, *, warm_up=None, limit=None):
    """Return what one call costs, made with one thread in a fresh child process.

    `warm_up` should run the same code on little data: it is called first, so that code paged
    in from disk does not count as the function's memory. What the function returns is pickled.
    A call that takes more than `limit` seconds is stopped.
    """
    receiver, sender = FORK.Pipe(duplex=False)
    child = FORK.Process(target=_measure_here, args=(function, warm_up, limit, sender))
    child.start()
    sender.close()  # so that a child that dies ends the wait below
    try:
        measurement = receiver.recv()
    except EOFError:
        child.join()
        if child.exitcode == -signal.SIGXCPU:
            return Measurement(math.inf, math.inf, None)
        raise RuntimeError(f"The measured process died, exit code {child.exitcode}.") from None
    child.join()
    return measurement


def _measure_here(function, warm_up, limit, sender):
    """Measure a function in this process and send the measurement."""
    with threadpool_limits(1):
        if warm_up is not None:
            warm_up()
        if limit is not None:
            _stop_after(limit)
        start_mb = _restart_peak()
        seconds, returned = _timed(function)
        extra_mb = max(_peak_mb() - start_mb, LEAST_MB)
        n_more = int(SHORTEST_TIMING / max(seconds, SHORTEST_TIMING / MOST_CALLS))
        if n_more:
            # Timed together: under a limit the kernel moves this clock on by steps of 4 ms only.
            together, _ = _timed(lambda: [function() for _ in range(n_more)])
            seconds = together / n_more
    sender.send(Measurement(seconds, extra_mb, returned))


def _stop_after(limit):
    """Let the kernel end this process, by SIGXCPU, after so many more seconds of work."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the signal would leave a core file
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(process_time() + limit), most))


def _timed(function):
    """Return the processor time of a call in seconds, and what it returned."""
    start = process_time()
    returned = function()
    return process_time() - start, returned


def _restart_peak():
    """Bring the peak of resident memory down to what is in use, and return it in MiB."""
    # Memory that was freed but not handed back would take in new arrays without being seen.
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc only
    if malloc_trim is not None:
        malloc_trim(0)
    # Linux only. Elsewhere the peak includes the warm-up's, and small calls look too small.
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return _peak_mb()


def _peak_mb():
    """Return the highest resident memory of this process so far in MiB, C allocations included."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def _median(measurements):
    """Return the median of seconds and memory, with what the last call returned."""
    seconds, extra_mb, returned = zip(*measurements, strict=True)
    return Measurement(median(seconds), median(extra_mb), returned[-1])


def print_table(records):
    """Print dicts with the same keys as a table; floats with three significant digits."""
    lines = [list(records[0])] + [[cell(value) for value in each.values()] for each in records]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = [each.rjust(width) for each, width in zip(line[1:], widths[1:], strict=True)]
        print("  ".join([line[0].ljust(widths[0]), *cells]))


def cell(value):
    """Return a value as text, without scientific notation."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:#.3g}"
    return str(value)


def write_json(path, results):
    """Write results as JSON, with the versions of Python and of the libraries in use."""
    versions = {"python": platform.python_version()}
    versions |= {each: sys.modules[each].__version__ for each in LIBRARIES if each in sys.modules}
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"versions": versions, **results}, indent=2) + "\n")
    print(f"\nWritten to {path}")

"""From single results to tables: pairs of a data set, a size and a student; means over seeds.

A record is a dict with the keys data, size, student, seed, method, one of `LOSSES`, and for classes
accuracy.
"""

import math
from statistics import mean, median, stdev

LABELS, TUNED, HARD, CEILING = "labels", "tuned labels", "hard pseudo-labels", "ceiling"
MARGIN = math.log(1.01)  # won and lost: by more than 1 %
LEAST_GAIN = 0.05  # of the ceiling's loss, below that of the labels, for a share of it to count
LOSSES = ("log-loss", "mse")  # nats; squared error over the variance of y
LEAST_LOSS = 0.001  # below, a student is as good as perfect, and ratios mean nothing
PAIR_LEGEND = """
A pair is a data set, a size and a student; its log ratio is the mean over seeds; losses below
0.001 count as 0.001. ratio: geometric mean of the loss over that of the labels, ± standard error
over data sets. won/tied/lost: by more than 1 %. attained: median share of the ceiling's gain;
of: the number of pairs where that gain is at least 5 %, the others are left out. / tuned: against
the tuned student of the labels."""
LEGEND = f"""{PAIR_LEGEND} The loss is the log-loss.
behind hard: pairs with more than 1.01 times the loss of hard pseudo-labels. accuracy: points above
the labels, ± standard error over data sets."""


def pairs_of(records):
    """Return the pairs: what each method scored in each seed, {(data, size, student): ...}."""
    pairs: dict = {}
    for each in records:
        pair = pairs.setdefault((each["data"], each["size"], each["student"]), {})
        pair.setdefault(each["method"], {})[each["seed"]] = each
    return pairs


def log_ratio(pair, method, reference):
    """Return the mean over seeds of the log of the ratio of two losses; None without a seed."""
    ours, theirs = pair.get(method, {}), pair.get(reference, {})
    seeds = ours.keys() & theirs.keys()
    if not seeds:
        return None
    return mean(math.log(loss(ours[s]) / loss(theirs[s])) for s in seeds)


def loss(record):
    """Return the loss, but not less than what counts."""
    (value,) = (record[name] for name in LOSSES if name in record)
    return max(value, LEAST_LOSS)


def accuracy_gain(pair, method):
    """Return by how much more rows are right than with labels; None without a seed."""
    ours, theirs = pair.get(method, {}), pair.get(LABELS, {})
    seeds = ours.keys() & theirs.keys()
    return mean(ours[s]["accuracy"] - theirs[s]["accuracy"] for s in seeds) if seeds else None


def attained(pair, method):
    """Return the share of the ceiling's gain; None where that is less than 5 %."""
    seeds = set.intersection(*(set(pair.get(each, {})) for each in (LABELS, CEILING, method)))
    if not seeds:
        return None
    labels, ceiling, ours = (
        mean(loss(pair[each][s]) for s in seeds) for each in (LABELS, CEILING, method)
    )
    if labels - ceiling < LEAST_GAIN * labels:
        return None
    return (labels - ours) / (labels - ceiling)


def pair_summary(method, pairs):
    """Return the line of a method in a table over pairs; None if no pair has it and labels."""
    ratios = compared(pairs, method, LABELS)
    if not ratios:
        return None
    tuned = compared(pairs, method, TUNED)
    shares = shares_attained(pairs, method)
    return {
        "method": method,
        "pairs": len(ratios),
        "ratio": shown_ratio(ratios),
        "won/tied/lost": verdicts(ratios),
        "worst": f"{worst_ratio(ratios):.3f}",
        "attained": f"{median(shares):.2f}" if shares else "",
        "of": len(shares),
        "/ tuned": shown_ratio(tuned),
        "won/tied/lost ": verdicts(tuned),
    }


def summary(method, pairs):
    """Return the same for classes, with hard pseudo-labels and accuracies."""
    line = pair_summary(method, pairs)
    if line is None:
        return None
    hard = compared(pairs, method, HARD)
    known = compared(pairs, method, LABELS)
    gains = {each: 100 * accuracy_gain(pairs[each], method) for each in known}
    return {
        **line,
        "behind hard": f"{n_lost(hard)} of {len(hard)}",
        "accuracy": "{:+.2f} ± {:.2f}".format(*mean_over_data_sets(gains)),
    }


def shares_attained(pairs, method):
    """Return the shares of the ceiling's gain of the pairs where they count."""
    shares = [attained(pair, method) for pair in pairs.values()]
    return [each for each in shares if each is not None]


def compared(pairs, method, reference):
    """Return the log ratio of each pair that has both."""
    ratios = {name: log_ratio(pair, method, reference) for name, pair in pairs.items()}
    return {name: ratio for name, ratio in ratios.items() if ratio is not None}


def verdicts(ratios):
    """Return the pairs won, tied and lost, as text."""
    won = sum(each < -MARGIN for each in ratios.values())
    lost = n_lost(ratios)
    return f"{won}/{len(ratios) - won - lost}/{lost}"


def n_lost(ratios):
    """Return the number of pairs lost, from their log ratios."""
    return sum(each > MARGIN for each in ratios.values())


def worst_ratio(ratios):
    """Return the largest ratio, from log ratios."""
    return math.exp(max(ratios.values()))


def geometric_mean(ratios):
    """Return the geometric mean of ratios, from their logarithms."""
    return math.exp(mean(ratios.values()))


def shown_ratio(ratios):
    """Return the geometric mean of ratios and its error, as text."""
    if not ratios:
        return ""
    centre, error = mean_over_data_sets(ratios)
    return f"{math.exp(centre):.3f} ± {math.exp(centre) * error:.3f}"


def mean_over_data_sets(values):
    """Return the mean of all pairs, and the standard error of the mean over data sets."""
    of_data: dict = {}
    for (data, *_), value in values.items():
        of_data.setdefault(data, []).append(value)
    means = [mean(each) for each in of_data.values()]
    error = stdev(means) / math.sqrt(len(means)) if len(means) > 1 else math.nan
    return mean(values.values()), error


def lost_pairs(method, pairs, reference=LABELS):
    """Return the pairs that a method lost, with their ratios, the worst first."""
    ratios = compared(pairs, method, reference)
    lost = sorted((name for name in ratios if ratios[name] > MARGIN), key=lambda n: -ratios[n])
    return [f"{data} {size} {student} {math.exp(ratios[data, size, student]):.3f}"
            for data, size, student in lost]  # fmt: skip

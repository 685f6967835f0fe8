"""The benchmarks that `compare.py` times on two commits: short, one for each thing users wait for.

Run as a script with the folder that skdistill must come from and the name of a benchmark, it prints
seconds of processor time as JSON. It uses public names only, so that it runs on older commits; what
one of them lacks is null.
"""

import json
import sys
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

# Each is called for about so long, so that the clock's steps do not count.
SHORTEST_TIMING = 0.2  # seconds


def soft_problem(n_samples=3000, n_classes=10):
    """Return rows and their soft labels."""
    from skdistill import SoftLabels
    from skdistill.datasets import make_gaussian_classes

    X, y, P = make_gaussian_classes(n_samples, 20, n_classes, class_sep=0.5, random_state=0)
    return X, y, SoftLabels(P, y=y)


def prepare_soft_labels():
    """Temper, cut and mix."""
    _, _, soft_labels = soft_problem(20_000, 50)
    return lambda: soft_labels.temper(2.0).truncate_top_k(5).mix_with_labels(0.5)


def prepare_expansion():
    """Fit by expansion, the definition: one row per row and class."""
    from skdistill.students import fit_by_expansion

    X, _, soft_labels = soft_problem(1000)
    return lambda: fit_by_expansion(DecisionTreeClassifier(max_depth=8), X, soft_labels)


def prepare_logistic():
    """Fit a logistic regression to soft labels."""
    return fitting(LogisticRegression())


def prepare_tree():
    """Fit a tree to soft labels."""
    return fitting(DecisionTreeClassifier(max_depth=10, random_state=0))


def prepare_naive_bayes():
    """Fit a naive Bayes to soft labels."""
    return fitting(GaussianNB())


def fitting(student):
    """Return a fit of a student."""
    from skdistill import fit_soft_labels

    X, _, soft_labels = soft_problem()
    return lambda: fit_soft_labels(student, X, soft_labels)


def prepare_pairwise_loss():
    """Sum a loss over all pairs of 50,000 rows."""
    from skdistill.objectives import pairwise_loss

    rng = np.random.default_rng(0)
    scores, proba = rng.normal(size=50_000), rng.uniform(size=50_000)
    return lambda: pairwise_loss(scores, proba)


def prepare_retrieval_loss():
    """Compare the scores of 500 labels with a teacher's."""
    from skdistill.objectives import double_distillation_loss

    rng = np.random.default_rng(0)
    scores, proba = rng.normal(size=(500, 500)), rng.dirichlet(np.full(500, 0.1), size=500)
    return lambda: double_distillation_loss(scores, proba)


def prepare_cross_fit():
    """Distil a cheap teacher, so that most of the time is that of skdistill."""
    from skdistill import DistilledClassifier

    X, y, _ = soft_problem(1000)
    model = DistilledClassifier(GaussianNB(), GaussianNB(), random_state=0, alpha=1.0)
    return lambda: model.fit(X, y)


def prepare_cross_fit_with_memory():
    """Distil a teacher whose predictions are cached."""
    from skdistill import DistilledClassifier

    X, y, _ = soft_problem(1000)
    folder = TemporaryDirectory()
    teacher = ExtraTreesClassifier(10, random_state=0)
    model = DistilledClassifier(
        teacher, GaussianNB(), memory=folder.name, random_state=0, alpha=1.0
    )

    def fit(_folder=folder):  # which is there as long as this function
        return model.fit(X, y)

    return fit


def prepare_predict_one_row():
    """Predict one row through the estimator."""
    from skdistill import DistilledClassifier

    X, y, _ = soft_problem(500)
    model = DistilledClassifier(GaussianNB(), GaussianNB(), random_state=0, alpha=1.0).fit(X, y)
    return lambda: model.predict_proba(X[:1])


BENCHMARKS = {
    name.removeprefix("prepare_").replace("_", " "): prepare
    for name, prepare in list(globals().items())
    if name.startswith("prepare_")
}


def seconds(prepare):
    """Return the mean processor time of a call, None where the commit cannot do it."""
    try:
        function = prepare()
        function()  # warm
    except (ImportError, TypeError, AttributeError):
        return None
    start, n_calls = process_time(), 0
    while process_time() - start < SHORTEST_TIMING:
        function()
        n_calls += 1
    return (process_time() - start) / n_calls


def main():
    """Print the seconds of a benchmark."""
    import skdistill

    root, name = sys.argv[1:]
    if not Path(skdistill.__file__).is_relative_to(root):
        raise SystemExit(f"skdistill came from {skdistill.__file__}, not from {root}.")
    warnings.simplefilter("ignore")
    with threadpool_limits(1):
        print(json.dumps(seconds(BENCHMARKS[name])))


if __name__ == "__main__":
    main()

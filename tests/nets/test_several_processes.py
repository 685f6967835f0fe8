"""Two processes on the CPU (gloo) train the same net as one with the same global batch."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

SCRIPT = """
import json
import numpy as np
import torch
from accelerate import Accelerator
from skorch.hf import AccelerateMixin
from skdistill import SoftLabelClassifier
from skdistill.nets import SoftLabelNet, soft_cross_entropy

class AcceleratedNet(AccelerateMixin, SoftLabelNet):
    pass

class Module(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.last = torch.nn.Linear(4, 3)

    def forward(self, x):
        return self.last(x)

class Loss:  # not a module: on the CPU accelerate cannot wrap one that has no weights
    def __call__(self, logits, proba, y):
        return soft_cross_entropy(logits, proba)

accelerator = Accelerator(cpu=True)
rng = np.random.default_rng(0)
X, P = rng.normal(size=(64, 4)), rng.dirichlet(np.ones(3), 64)
net = AcceleratedNet(
    Module, accelerator=accelerator, criterion=Loss, batch_size=16 // accelerator.num_processes,
    max_epochs=4, lr=0.01, random_state=0, OPTIONS
)
student = SoftLabelClassifier(net).fit(X, P).student_
losses = accelerator.reduce(torch.tensor(student.history[:, "train_loss"]), "mean")
proba = student.predict_proba(X)
if accelerator.is_main_process:
    print(json.dumps([accelerator.num_processes, losses.tolist(), proba.tolist()]))
columns = [name for name in ("train_loss", "valid_loss") if name in student.history[-1]]
history = [[each[name] for name in columns] for each in student.history]
with open(f"history {accelerator.process_index}", "w") as file:
    json.dump(history, file)
accelerator.end_training()  # else a process may abort while another one still communicates
"""
TWO_PROCESSES = [
    sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2",
]  # fmt: skip


def run_script(launcher, folder, options=""):
    """Return what the script prints."""
    path = folder / "train.py"
    path.write_text(SCRIPT.replace("OPTIONS", options))
    done = subprocess.run(
        [*launcher, str(path)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    return json.loads(done.stdout.strip().splitlines()[-1])


@pytest.mark.slow
def test_two_processes_have_the_loss_curve_of_one(tmp_path):
    results = [run_script(launcher, tmp_path) for launcher in ([sys.executable], TWO_PROCESSES)]
    (one, one_losses, one_proba), (n_processes, losses, proba) = results
    assert (one, n_processes) == (1, 2)
    np.testing.assert_allclose(losses, one_losses, rtol=1e-5)
    np.testing.assert_allclose(proba, one_proba, atol=1e-5)


@pytest.mark.slow
def test_processes_stop_at_the_same_epoch(tmp_path):
    # Each process sees other rows; an unseeded split, and a patience of very noisy losses.
    options = (
        "train_split=__import__('skorch').dataset.ValidSplit(0.5), "
        "callbacks=[__import__('skorch').callbacks.EarlyStopping(patience=1, threshold=0.02)], "
    )
    run_script(TWO_PROCESSES, tmp_path, options)
    histories = [json.loads((tmp_path / f"history {k}").read_text()) for k in (0, 1)]
    assert histories[0] == histories[1]
    assert len(histories[0][0]) == 2  # both losses

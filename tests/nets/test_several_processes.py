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
    max_epochs=4, lr=0.01, random_state=0,
)
student = SoftLabelClassifier(net).fit(X, P).student_
losses = accelerator.reduce(torch.tensor(student.history[:, "train_loss"]), "mean")
proba = student.predict_proba(X)
if accelerator.is_main_process:
    print(json.dumps([accelerator.num_processes, losses.tolist(), proba.tolist()]))
"""


@pytest.mark.slow
def test_two_processes_have_the_loss_curve_of_one(tmp_path):
    path = tmp_path / "train.py"
    path.write_text(SCRIPT)
    two = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    results = []
    for launcher in ([sys.executable], two):
        done = subprocess.run(
            [*launcher, str(path)],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        results.append(json.loads(done.stdout.strip().splitlines()[-1]))
    (one, one_losses, one_proba), (n_processes, losses, proba) = results
    assert (one, n_processes) == (1, 2)
    np.testing.assert_allclose(losses, one_losses, rtol=1e-5)
    np.testing.assert_allclose(proba, one_proba, atol=1e-5)

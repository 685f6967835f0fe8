"""skorch's own tests of its classifier, with SoftLabelNet in the place of its net.

Its module gives logits, since SoftLabelNet refuses probabilities. What cannot hold is listed, with the reason.
"""

import functools
import pytest
import torch

theirs = pytest.importorskip("skorch.tests.test_classifier")
from skorch.tests.conftest import *  # noqa
from skdistill.nets import SoftLabelNet


class TestSoftLabelNet(theirs.TestNeuralNet):
    @pytest.fixture(scope="module")
    def net_cls(self):
        return SoftLabelNet

    @pytest.fixture(scope="module")
    def module_cls(self, classifier_module):
        return functools.partial(classifier_module, output_nonlin=torch.nn.Identity())

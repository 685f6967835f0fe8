"""Errors in the parameters of a net are raised before any teacher is fitted."""

import pytest
import torch
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNetClassifier, NeuralNetRegressor
from skorch.callbacks import EarlyStopping

from skdistill import DistilledBipartiteRanker, DistilledClassifier, DistilledMulticlassRetriever
from skdistill.datasets import make_gaussian_classes
from skdistill.nets import RankingNet, SoftLabelNet

X, y, _ = make_gaussian_classes(60, 4, 2, random_state=0)
CASES = {
    "classifier": (DistilledClassifier, SoftLabelNet, 2),
    "net of skorch": (DistilledClassifier, NeuralNetClassifier, 2),
    "ranker": (DistilledBipartiteRanker, RankingNet, 1),
    "ranker of skorch": (DistilledBipartiteRanker, NeuralNetRegressor, 1),
    "retriever": (DistilledMulticlassRetriever, SoftLabelNet, 2),
    "retriever of skorch": (DistilledMulticlassRetriever, NeuralNetClassifier, 2),
}
WRONG = {
    "callback": ({"callbacks": [EarlyStopping()], "train_split": None}, "train_split=None"),
    "device": ({"device": "meteor"}, "device='meteor'"),
    "prediction": ({"iterator_valid__drop_last": True}, "iterator_valid__drop_last"),
}


class Teacher(GaussianNB):
    def fit(self, X, y, sample_weight=None):
        raise AssertionError("a teacher was fitted in vain")


@pytest.mark.parametrize(
    "wrap", [lambda net: net, lambda net: make_pipeline(StandardScaler(), net)]
)
@pytest.mark.parametrize(("params", "match"), WRONG.values(), ids=WRONG)
@pytest.mark.parametrize(("model", "net", "n_outputs"), CASES.values(), ids=CASES)
def test_no_teacher_is_fitted_in_vain(model, net, n_outputs, params, match, wrap):
    module = torch.nn.Linear
    student = net(module, module__in_features=4, module__out_features=n_outputs, **params)
    with pytest.raises(ValueError, match=match):
        model(Teacher(), wrap(student)).fit(X, y)

"""Neural networks of scikit-learn on soft labels use batches of original rows."""

import numpy as np
import pytest
from sklearn.ensemble import VotingClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdistill import SoftLabels, fit_soft_labels
from skdistill.datasets import make_gaussian_classes
from skdistill.metrics import soft_log_loss
from skdistill.students.neural_network import batch_of_copies

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SMALL = {"hidden_layer_sizes": (16,), "random_state": 0}


@pytest.mark.parametrize("n_classes", [2, 5])
@pytest.mark.parametrize("batch_size", [4, 16, "auto"])
@pytest.mark.parametrize("before", [[], [StandardScaler()]])
def test_what_is_learnt_does_not_depend_on_the_batches(batch_size, n_classes, before):
    X, _, P = make_gaussian_classes(200, 4, n_classes, random_state=0)
    # About as many steps of each size of batch.
    epochs = {4: 40, 16: 100, "auto": 300}[batch_size]
    network = MLPClassifier(batch_size=batch_size, max_iter=epochs, **SMALL)
    fitted = fit_soft_labels(make_pipeline(*before, network), X, SoftLabels(P))
    least, share = soft_log_loss(P, P), np.tile(P.mean(axis=0), (len(P), 1))
    excess = soft_log_loss(P, fitted.predict_proba(X)) - least
    assert excess < 0.15 * (soft_log_loss(P, share) - least)
    assert fitted[-1].batch_size == batch_size


def test_it_is_the_expansion_in_batches_of_as_many_rows():
    X, _, P = make_gaussian_classes(100, 4, 3, random_state=0)
    fitted = fit_soft_labels(MLPClassifier(batch_size=7, max_iter=5, **SMALL), X, SoftLabels(P))
    by_hand = MLPClassifier(batch_size=21, max_iter=5, **SMALL)
    by_hand.fit(np.repeat(X, 3, axis=0), np.tile([0, 1, 2], 100), sample_weight=P.ravel())
    np.testing.assert_array_equal(fitted.predict_proba(X), by_hand.predict_proba(X))


def test_how_many_copies_a_batch_holds():
    two, many = SoftLabels(np.full((30, 2), 0.5)), SoftLabels(np.full((30, 100), 0.01))
    assert batch_of_copies(8, two) == 16
    assert batch_of_copies(99, two) == 60  # no more than there are
    assert batch_of_copies("auto", two) == "auto"
    assert batch_of_copies("auto", many) == 400
    assert batch_of_copies("few", two) == "few"  # scikit-learn refuses it


@pytest.mark.parametrize(
    ("student", "remedy"),
    [
        (MLPClassifier(batch_size=3), "or to 4 or more"),
        (MLPClassifier(early_stopping=True), "set early_stopping=False"),
        # Inside another estimator the number of copies of a row is unknown.
        (
            VotingClassifier([("mlp", MLPClassifier(batch_size=8))], voting="soft"),
            'set mlp__batch_size="auto"',
        ),
    ],
    ids=["small batches", "early stopping", "inside"],
)
def test_what_is_refused(student, remedy):
    X, _, P = make_gaussian_classes(30, 4, 2, random_state=0)
    with pytest.raises(ValueError, match=remedy):
        fit_soft_labels(student, X, SoftLabels(P))

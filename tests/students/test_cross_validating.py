"""Students that cross-validate keep all copies of a row in one fold, or are rejected."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV, RidgeClassifierCV
from sklearn.model_selection import StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

from skdistill import SoftLabels, fit_soft_labels

CROSS_VALIDATING = [
    LogisticRegressionCV(Cs=3, use_legacy_attributes=False, scoring="neg_log_loss", max_iter=1000)
    if "use_legacy_attributes" in LogisticRegressionCV().get_params()
    else LogisticRegressionCV(Cs=3, scoring="neg_log_loss", max_iter=1000),
    CalibratedClassifierCV(DecisionTreeClassifier(max_depth=3, random_state=0)),
    StackingClassifier([("nb", GaussianNB())], LogisticRegression()),
]
IDS = [type(student).__name__ for student in CROSS_VALIDATING]


class FoldsOfRealRows(StratifiedKFold):
    """Folds over expanded rows by the real row that each repeats, for the fit by hand."""

    def __init__(self, folds, rows):
        super().__init__(len(folds))
        self.folds, self.rows = folds, rows

    def split(self, X, y, groups=None):
        for train, test in self.folds:
            yield (
                np.flatnonzero(np.isin(self.rows, train)),
                np.flatnonzero(np.isin(self.rows, test)),
            )


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("student", CROSS_VALIDATING, ids=IDS)
def test_folds_keep_all_copies_of_a_row_together(student, gaussian):
    X, y, p_star = gaussian
    labels = SoftLabels(p_star, y=y)
    fitted = fit_soft_labels(student, X, labels)
    rows, expanded, weight = labels.expand()
    folds = list(StratifiedKFold(5).split(X, y))
    by_hand = clone(student).set_params(cv=FoldsOfRealRows(folds, rows))
    by_hand.fit(X[rows], expanded, sample_weight=weight)
    assert_allclose(fitted.predict_proba(X), by_hand.predict_proba(X), atol=1e-8)
    assert fitted.cv == student.cv  # the user's own, as passed


def test_others_with_a_cv_are_refused(gaussian):
    X, _, p_star = gaussian
    with pytest.raises(ValueError, match=r"RidgeClassifierCV \(cv=None\) splits the rows"):
        fit_soft_labels(RidgeClassifierCV(), X, SoftLabels(p_star))


def test_one_hot_rows_are_ordinary_training(gaussian):
    X, y, _ = gaussian
    student = CalibratedClassifierCV(DecisionTreeClassifier(max_depth=3, random_state=0))
    found = fit_soft_labels(student, X, SoftLabels.from_labels(y, np.unique(y)))
    expected = clone(student).fit(X, y)
    assert_allclose(found.predict_proba(X), expected.predict_proba(X), atol=0)

"""The log-losses of scikit-learn's histogram boosting, with soft labels in place of labels.

With raw scores z, the cross-entropy of probabilities p is that of a label y minus (p − e_y)ᵀ z,
where e_y is the one-hot row of y. So its gradient is smaller by p − e_y, and its Hessian is the
same. The parameter `loss` of HistGradientBoostingClassifier takes an object of a loss class; these
classes are private.
"""

import numpy as np
from scipy import sparse
from sklearn.utils import gen_batches

# Errors where a future version keeps, or calls, its losses in another way.
LOSS_FAILED = (AttributeError, ImportError, IndexError, KeyError, TypeError, ValueError)
ROWS_AT_ONCE = 4096


def fit_with_soft_loss(student, X, soft_labels, codes, **fit_params):
    """Fit histogram boosting to soft labels, by a loss that replaces the labels of the rows.

    `codes` are the positions of labels in which each class occurs. Raise one of `LOSS_FAILED` if
    scikit-learn uses its losses in an unknown way. The student keeps the loss of ordinary training.
    """
    loss_class, arguments = _loss_of_labels(len(soft_labels.classes))
    loss = type("SoftLoss", (_SoftLoss, loss_class), {})(**arguments)
    loss.replace_labels(soft_labels, codes)
    weight = None if (soft_labels.weight == 1).all() else soft_labels.weight
    parameter, n_trees_before = student.loss, getattr(student, "n_iter_", 0)
    student.loss = loss
    try:
        student.fit(X, soft_labels.classes[codes], sample_weight=weight, **fit_params)
    finally:
        student.loss = parameter
    was_needed = not student.warm_start or student.n_iter_ > n_trees_before
    if student._loss is not loss or (was_needed and not loss.gave_gradients):
        raise TypeError("the fit of scikit-learn did not use the given loss")
    student._loss = loss_class(**arguments)
    return student


def _loss_of_labels(n_classes):
    """Return the loss class of ordinary training, and its arguments."""
    from sklearn._loss import HalfBinomialLoss, HalfMultinomialLoss

    if n_classes == 2:
        return HalfBinomialLoss, {}
    return HalfMultinomialLoss, {"n_classes": n_classes}


class _SoftLoss:
    """Soft labels for a log-loss of scikit-learn, which is the other base class.

    Labels of rows held out, which scikit-learn passes as another array, are not replaced.
    """

    def replace_labels(self, soft_labels, codes):
        """Set the soft labels of the training rows, and the positions of their labels."""
        self.codes, self.training_codes, self.gave_gradients = codes, None, False
        self.class_weight_sums = soft_labels.class_weight_sums
        self.shift = _shift(soft_labels, codes)

    def fit_intercept_only(self, y_true, sample_weight=None):
        """Return the raw scores of the mean soft label."""
        self._check_training_rows(y_true)
        classes = np.arange(len(self.class_weight_sums), dtype=y_true.dtype)
        return super().fit_intercept_only(y_true=classes, sample_weight=self.class_weight_sums)

    def gradient_hessian(self, y_true, *args, **kwargs):
        """Return the gradients and Hessians of the training rows, in the arrays given for them."""
        self._check_training_rows(y_true)
        gradient, hessian = super().gradient_hessian(y_true, *args, **kwargs)
        gradient.reshape(self.shift.shape)[...] -= self.shift
        self.gave_gradients = True
        return gradient, hessian

    def __call__(self, y_true, raw_prediction, sample_weight=None, n_threads=1):
        """Return the weighted mean of the loss."""
        mean = super().__call__(y_true, raw_prediction, sample_weight, n_threads)
        if y_true is not self.training_codes:
            return mean
        total = len(y_true) if sample_weight is None else sample_weight.sum()
        scores = raw_prediction.reshape(self.shift.shape)
        return mean - np.einsum("nk,nk->", self.shift, scores) / total

    def _check_training_rows(self, y_true):
        """Raise unless these are the labels of the training rows, the same array in each call."""
        if self.training_codes is None and np.array_equal(y_true, self.codes):
            self.training_codes = y_true
        if y_true is not self.training_codes:
            raise ValueError("scikit-learn passed other labels to the loss than those of the rows")


def _shift(soft_labels, codes):
    """Return weight · (p − e_y) of each row; of two classes only the second has a score."""
    first = int(len(soft_labels.classes) == 2)
    shape = len(codes), len(soft_labels.classes) - first
    shift = np.empty(shape, dtype=np.float32, order="F")  # as the gradients
    for rows in gen_batches(len(codes), ROWS_AT_ONCE):
        proba = soft_labels.proba[rows]
        difference = proba.toarray() if sparse.issparse(proba) else proba.copy()
        difference[np.arange(len(difference)), codes[rows]] -= 1
        shift[rows] = soft_labels.weight[rows, None] * difference[:, first:]
    return shift

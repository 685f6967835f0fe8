"""Stochastic gradient descent on soft labels: mini-batches of the expansion."""

from numbers import Real
from typing import Any

from sklearn.linear_model import Perceptron, SGDClassifier

from .._targets._soft_labels import SoftLabels
from .._utils._typing import Estimator, Rows
from ._capabilities import check_expansion
from ._chunks import drop_zero_weight_rows, fit_in_chunks, rows_per_chunk
from ._class_weight import as_class_weight, class_weights
from ._original_rows import refuse_to_split_copies
from ._registry import register
from .expansion import fit_by_expansion, fit_on_copies


@register(SGDClassifier, check=check_expansion)
@register(Perceptron, check=check_expansion)
def fit_by_descent(
    student: Estimator, X: Rows, soft_labels: SoftLabels, **fit_params: Any
) -> Estimator:
    """Fit by stochastic gradient descent on mini-batches of soft labels.

    One chunk of rows is expanded at a time, with at most as many copies as X has rows. This takes
    the memory of hard labels and at most one more copy of X. The time is that of the expansion,
    because each copy is a step, and several times as much on few rows, whose chunks are small.
    (Drawing one label per row and epoch costs the same as hard labels, but in experiments it was
    no better than hard labels.) ``LogisticRegression`` or `top_k` are faster.

    Training ends as in the student's own `fit`, after `max_iter` epochs or `n_iter_no_change`
    epochs that improve the fit by less than `tol`. The fit is measured by the soft log-loss, or
    by the expected accuracy without `predict_proba`. ``average=True`` is fitted on the whole
    expansion at once, because averages improve too late for this stopping rule.

    `alpha` is relative to the mean loss of an original row, as with hard labels (in the
    plain expansion the penalty would be multiplied by the number of copies). Class weights are
    those of the student's own `fit`: with three or more classes, which it learns one against the
    rest, they weigh a class where it is that one, and not in the rest of the others.

    Parameters
    ----------
    student : SGDClassifier or Perceptron
        It is fitted in place.

    X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
        Rows.

    soft_labels : SoftLabels
        Their class probabilities and weights.

    **fit_params : dict
        None: `partial_fit` takes sample weights only.

    Returns
    -------
    estimator
        The student, fitted, with `n_iter_` the number of epochs.

    Raises
    ------
    ValueError
        With ``early_stopping=True``, which would split copies of a row.
    """
    if soft_labels.is_one_hot:
        return fit_by_expansion(student, X, soft_labels, **fit_params)
    refuse_to_split_copies(student)
    X, soft_labels, fit_params = drop_zero_weight_rows(X, soft_labels, fit_params)
    saved_params = {"class_weight": student.class_weight, "alpha": student.alpha}
    soft_labels = soft_labels.drop_empty_classes()
    factors = class_weights(student.class_weight, soft_labels)
    class_weight = as_class_weight(student, factors, soft_labels.classes.tolist())
    copies = max(soft_labels.count_expanded_rows() / len(soft_labels), 1)
    chunk = min(rows_per_chunk(X, soft_labels), max(1, int(len(soft_labels) / copies)))
    # The penalty is applied at each step, and each row has `copies` steps: without the division,
    # the copies of negligible probabilities would multiply the penalty.
    per_step = student.alpha / copies if isinstance(student.alpha, Real) else student.alpha
    student.set_params(class_weight=class_weight, alpha=per_step)
    try:
        if student.average:
            return fit_on_copies(student, X, soft_labels, **fit_params)
        return fit_in_chunks(student, X, soft_labels, chunk, factors, **fit_params)
    finally:
        student.set_params(**saved_params)

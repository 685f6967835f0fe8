"""Stochastic gradient descent on soft labels: mini-batches of the expansion."""

from numbers import Real
from typing import Any

from sklearn.linear_model import Perceptron, SGDClassifier

from .._targets._soft_labels import SoftLabels
from .._utils._typing import Estimator, Rows
from ._capabilities import check_expansion
from ._chunks import fit_in_chunks, rows_per_chunk, without_weightless_rows
from ._class_weight import class_weights
from ._original_rows import refuse_to_split_copies
from ._registry import register
from .expansion import fit_by_expansion, fit_on_copies


@register(SGDClassifier, check=check_expansion)
@register(Perceptron, check=check_expansion)
def fit_by_descent(
    student: Estimator, X: Rows, soft_labels: SoftLabels, **fit_params: Any
) -> Estimator:
    """Fit by stochastic gradient descent on mini-batches of soft labels.

    A chunk of rows is expanded at a time, so many that their copies are no more than the rows
    of X: the memory of hard labels, and one more copy of X at most. The time is that of the
    expansion, since each copy is a step, and on few rows, whose chunks are small, several times
    as much. (Drawing one label per row and epoch instead costs
    what hard labels cost, and gives back what soft labels gain: it came out no better than hard
    labels where it was tried.) ``LogisticRegression``, or `top_k`, is the way to be fast.

    Training ends as the student's own does, after `max_iter` epochs or `n_iter_no_change` of
    them that improve the fit by less than `tol`; the fit is the soft log-loss where the student
    has probabilities, the expected accuracy elsewhere. ``average=True`` learns from the whole
    expansion at once: averages improve too late for anyone but its own `fit` to tell.

    `alpha` weighs the penalty against the mean loss of a real row, as with hard labels (in the
    plain expansion it would be heavier by the number of copies).

    Parameters
    ----------
    student : SGDClassifier or Perceptron
        It is fitted in place.

    X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
        Rows.

    soft_labels : SoftLabels
        Their class probabilities and weights.

    **fit_params : dict
        None: `partial_fit` takes nothing but weights.

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
    X, soft_labels, fit_params = without_weightless_rows(X, soft_labels, fit_params)
    own = {"class_weight": student.class_weight, "alpha": student.alpha}
    soft_labels = soft_labels.reweight_classes(class_weights(student.class_weight, soft_labels))
    soft_labels = soft_labels.drop_empty_classes()
    copies = max(soft_labels.count_expanded_rows() / len(soft_labels), 1)
    chunk = min(rows_per_chunk(X, soft_labels), max(1, int(len(soft_labels) / copies)))
    # The class weights are in the soft labels now. The penalty is added at each step, and there
    # are `copies` steps to a row: without the division a negligible probability, which makes a
    # copy too, would make the penalty that much heavier.
    per_step = student.alpha / copies if isinstance(student.alpha, Real) else student.alpha
    student.set_params(class_weight=None, alpha=per_step)
    try:
        if student.average:
            return fit_on_copies(student, X, soft_labels, **fit_params)
        return fit_in_chunks(student, X, soft_labels, chunk, **fit_params)
    finally:
        student.set_params(**own)

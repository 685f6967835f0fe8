"""Newton's method: steps from a Hessian, or from Hessian-vector products for many parameters."""

import numpy as np

# Relative residual at which conjugate gradients stop.
RESIDUAL = 0.01
MAX_PRODUCTS = 200
# Smallest step size of the line search.
MIN_STEP = 1e-12
# Relative rounding error of a loss over pairs.
ROUNDING = 1e-14


class ConjugateGradientSteps:
    """Newton steps by conjugate gradients, with the curvature of an approximate model.

    Parameters
    ----------
    objective, model : object
        With `curvature(point)`, which returns a function for Hessian-vector products, and the
        diagonal. An inexact model costs more steps, but the minimum is the same. If it makes too
        little progress, it is replaced by `objective`.
    """

    def __init__(self, objective, model):
        self.objective, self.model = objective, model

    def step(self, point, gradient):
        """Return the step from a point."""
        return conjugate_gradients(*self.model.curvature(point), -gradient)

    def refine(self):
        """Replace the model by the objective; return whether that changes the steps."""
        was_exact = self.model is self.objective
        self.model = self.objective
        return not was_exact


def minimise(objective, steps, point, tol, max_iter):
    """Minimise a convex function by Newton's method, with steps halved until the loss falls.

    Parameters
    ----------
    objective : object
        With `loss_and_gradient(point)`.

    steps : object
        With `step(point, gradient)`, None if there is no such step, and `refine()`, which is
        called after too little progress and returns whether the steps become more accurate.

    point : ndarray of shape (n_parameters,)
        Starting point.

    tol : float
        Stop when no entry of the gradient is larger in absolute value.

    max_iter : int
        Maximum number of steps.

    Returns
    -------
    point, gradient, n_iter
    """
    loss, gradient = objective.loss_and_gradient(point)
    for n_iter in range(max_iter + 1):
        gradient_norm = np.abs(gradient).max()
        if gradient_norm <= tol or n_iter == max_iter:
            break
        step = steps.step(point, gradient)
        if step is None:
            break
        size, new_loss, new_gradient = _backtrack(objective, point, step, loss, gradient)
        if size > MIN_STEP:
            point, loss, gradient = point + size * step, new_loss, new_gradient
        elif not steps.refine():
            break  # rounding: there is no lower point along the step
        if size < 1 or np.abs(gradient).max() > gradient_norm / 2:
            steps.refine()
    return point, gradient, n_iter


def _backtrack(objective, point, step, loss, gradient):
    """Halve a step until the loss falls; return its size with the new loss and gradient."""
    size, slope = 1.0, gradient @ step
    new_loss, new_gradient = objective.loss_and_gradient(point + step)
    while not new_loss <= loss + 1e-4 * size * slope + ROUNDING * abs(loss) and size > MIN_STEP:
        size /= 2
        new_loss, new_gradient = objective.loss_and_gradient(point + size * step)
    return size, new_loss, new_gradient


def conjugate_gradients(multiply, diagonal, target):
    """Solve H x = target approximately, for a positive definite H given by its products.

    The diagonal of H is the preconditioner, for features of different scale.
    """
    solution, residual = np.zeros_like(target), target.copy()
    scaled = residual / diagonal
    direction, size = scaled, residual @ scaled
    tolerance = RESIDUAL**2 * size
    for _ in range(MAX_PRODUCTS):
        product = multiply(direction)
        curvature = direction @ product
        if not curvature > 0:  # zero, to rounding
            return solution if solution.any() else direction
        solution = solution + size / curvature * direction
        residual = residual - size / curvature * product
        scaled = residual / diagonal
        new_size = residual @ scaled
        if new_size <= tolerance:
            break
        direction = scaled + new_size / size * direction
        size = new_size
    return solution

"""Newton's method for many rows: slopes from all of them, curvature from a sample."""

import numpy as np

# How far conjugate gradients reduce the residual: a step is about that exact.
RESIDUAL = 0.01
MOST_PRODUCTS = 200
# A step that was halved beyond this leads nowhere.
SHORTEST = 1e-12
# What sums over pairs leave behind: a loss is known no better.
ROUNDING = 1e-14


def minimise(objective, model, point, tol, max_iter):
    """Minimise a convex function by Newton's method, with the curvature of a model of it.

    Parameters
    ----------
    objective : object
        With `loss_and_gradient(point)`.

    model : object
        With `curvature(point)`, a function that multiplies the Hessian with a vector and its
        diagonal. It may be cheap and inexact: that costs steps, not exactness. Where it stops
        helping, `objective` takes its place.

    point : ndarray of shape (n_parameters,)
        Where to begin.

    tol : float
        The largest entry of the gradient at which to stop.

    max_iter : int
        Steps at most.

    Returns
    -------
    point, gradient, n_iter
    """
    loss, gradient = objective.loss_and_gradient(point)
    for n_iter in range(max_iter + 1):
        steepness = np.abs(gradient).max()
        if steepness <= tol or n_iter == max_iter:
            break
        step = conjugate_gradients(*model.curvature(point), -gradient)
        size, new_loss, new_gradient = _shorten(objective, point, step, loss, gradient)
        if size > SHORTEST:
            point, loss, gradient = point + size * step, new_loss, new_gradient
        elif model is objective:
            break  # rounding: there is no lower point along the step
        if size < 1 or np.abs(gradient).max() > steepness / 2:
            model = objective
    return point, gradient, n_iter


def _shorten(objective, point, step, loss, gradient):
    """Halve a step until the loss falls; return its size with the new loss and gradient."""
    size, slope = 1.0, gradient @ step
    new_loss, new_gradient = objective.loss_and_gradient(point + step)
    while not new_loss <= loss + 1e-4 * size * slope + ROUNDING * abs(loss) and size > SHORTEST:
        size /= 2
        new_loss, new_gradient = objective.loss_and_gradient(point + size * step)
    return size, new_loss, new_gradient


def conjugate_gradients(multiply, diagonal, target):
    """Solve H x = target about, for a positive H that is known by its products.

    The diagonal evens out features of different scale.
    """
    solution, residual = np.zeros_like(target), target.copy()
    scaled = residual / diagonal
    direction, size = scaled, residual @ scaled
    enough = RESIDUAL**2 * size
    for _ in range(MOST_PRODUCTS):
        product = multiply(direction)
        curvature = direction @ product
        if not curvature > 0:  # flat, as far as rounding lets one see
            return solution if solution.any() else direction
        solution = solution + size / curvature * direction
        residual = residual - size / curvature * product
        scaled = residual / diagonal
        new_size = residual @ scaled
        if new_size <= enough:
            break
        direction = scaled + new_size / size * direction
        size = new_size
    return solution

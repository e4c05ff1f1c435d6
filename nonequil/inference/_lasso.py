"""Quadratic models with an l1 penalty: coordinate descent on all neurons at once."""

import numpy as np

from ._identify import Problem

SWEEPS = 500
ACCURACY = 1e-12  # of a coordinate's subgradient, relative to the penalty


def descend(
    hessian: np.ndarray, gradient: np.ndarray, theta: np.ndarray, problem: Problem, neurons: np.ndarray
) -> np.ndarray:
    """The step d (k, p) that minimises g d + d H d / 2 + l1 sum |J + d_J| for each neuron.

    Parameters without a penalty are eliminated first, so that coordinates are the couplings alone (Friedman, Hastie &
    Tibshirani, J. Stat. Softw. 33, 1 (2010), with the covariance update).
    """
    coupled = problem.coupled
    inner, outer = np.flatnonzero(coupled), np.flatnonzero(~coupled)
    cross = hessian[:, outer][:, :, inner]
    gain = np.linalg.solve(hessian[:, outer][:, :, outer], np.concatenate([cross, gradient[:, outer, None]], axis=2))
    reduced = hessian[:, inner][:, :, inner] - cross.swapaxes(1, 2) @ gain[:, :, :-1]
    slope = gradient[:, inner] - np.squeeze(cross.swapaxes(1, 2) @ gain[:, :, -1:], axis=2)
    couplings = _coordinates(reduced, slope, theta[:, inner], problem.l1, problem.free[neurons][:, inner])
    step = np.zeros_like(theta)
    step[:, inner] = couplings - theta[:, inner]
    step[:, outer] = -gain[:, :, -1] - np.squeeze(gain[:, :, :-1] @ step[:, inner, None], axis=2)
    return step * problem.free[neurons]


def _coordinates(
    hessian: np.ndarray, gradient: np.ndarray, start: np.ndarray, penalty: float, free: np.ndarray
) -> np.ndarray:
    """Minimiser J (k, n) of the reduced model, swept coordinate by coordinate until its subgradient vanishes."""
    J, slope, curvature = start.copy(), gradient.copy(), np.einsum("ijj->ij", hessian)
    for _ in range(SWEEPS):
        worst = 0.0
        for j in range(J.shape[1]):
            pulled = J[:, j] - slope[:, j] / curvature[:, j]
            new = np.sign(pulled) * np.maximum(np.abs(pulled) - penalty / curvature[:, j], 0)
            change = np.where(free[:, j], new - J[:, j], 0)
            J[:, j] += change
            slope += hessian[:, j] * change[:, None]
            worst = max(worst, float(np.abs(change * curvature[:, j]).max()))
        if worst < ACCURACY * penalty:
            break
    return J

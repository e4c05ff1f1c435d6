"""Products of vectors through the inverse of a covariance that may be singular."""

import numpy as np

from ._design import AbstractDesign

CUT = 1e-9  # eigenvalues of the covariance, scaled to unit diagonal, below this count as zero
LISTED = 3000  # number of observables above which the covariance is applied, never formed
ROUNDING = 1e-12  # a variance below this share of the second moment is rounding of a constant
LOST = 1e-6  # share of a vector outside the range of the covariance that counts as more than rounding
ZERO = 1e-13  # a mean below this, in units of its spread, is rounding itself


def gram_by_eigenvalues(K: np.ndarray, mean: np.ndarray, vectors: np.ndarray) -> tuple[np.ndarray, int, bool]:
    """`vectors K^+ vectors^T` for rows of `vectors`, the rank of K, and whether the rows lie in its range.

    The pseudo-inverse is taken after scaling K to unit diagonal, eigenvalues below 1e-9 cut; `mean` of the observables
    tells a constant one from one that varies.
    """
    diagonal = np.diag(K)
    held = diagonal > ROUNDING * (diagonal + mean**2)
    scale = np.where(held, 1 / np.sqrt(np.where(held, diagonal, 1)), 0)
    values, basis = np.linalg.eigh(K * np.outer(scale, scale))
    kept = values > CUT
    scaled = vectors * scale
    parts = scaled @ basis[:, kept]
    outside = scaled - parts @ basis[:, kept].T
    rounding = LOST * np.linalg.norm(scaled) + ZERO * np.sqrt(scaled.size)
    inside = np.linalg.norm(outside) <= rounding and not np.any(vectors[:, ~held])
    return (parts / values[kept]) @ parts.T, int(np.sum(kept)), bool(inside)


def gram_by_conjugate_gradients(
    design: AbstractDesign,
    w: np.ndarray,
    mean: np.ndarray,
    vectors: np.ndarray,
    tolerance: float = 1e-9,
    max_steps: int = 3000,
) -> tuple[np.ndarray, int, bool]:
    """The same with K applied, never formed: all rows solved together. Returns the steps, and whether they sufficed.

    Preconditioned by the diagonal of K; stops when every residual is below `tolerance` of its right-hand side.
    """
    second = design.squares(w)
    held = second - mean**2 > ROUNDING * second
    inverse = np.where(held, 1 / np.where(held, second - mean**2, 1), 0)[:, None]

    def apply(v: np.ndarray) -> np.ndarray:
        return design.pull(w[:, None] * design.project(v)) - np.outer(mean, mean @ v)

    solution, steps, converged = conjugate_gradients(apply, inverse, vectors.T, tolerance, max_steps)
    return vectors @ solution, steps, converged


def conjugate_gradients(apply, inverse, right, tolerance, max_steps):  # type: ignore[no-untyped-def]
    """Solutions of `apply(v) = right` for the columns of `right`, each with its own step lengths."""
    solution, residual = np.zeros_like(right), right.copy()
    z = inverse * residual
    direction, rho = z, np.sum(residual * z, 0)
    target = tolerance * np.linalg.norm(right, axis=0)
    for step in range(max_steps):
        if np.all(np.linalg.norm(residual, axis=0) <= target):
            return solution, step, True
        image = apply(direction)
        curvature = np.sum(direction * image, 0)
        alpha = np.where(curvature > 0, rho / np.where(curvature > 0, curvature, 1), 0)
        solution, residual = solution + alpha * direction, residual - alpha * image
        z = inverse * residual
        previous, rho = rho, np.sum(residual * z, 0)
        direction = z + np.where(previous > 0, rho / np.where(previous > 0, previous, 1), 0) * direction
    return solution, max_steps, False

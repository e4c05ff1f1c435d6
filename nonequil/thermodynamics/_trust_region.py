"""Newton steps that go no farther than their quadratic model can be trusted."""

import math

import numpy as np

from ._cross_fit import Views
from ._fit import AbstractFit, Fitted
from ._ridge import check_strength, fitted_by_ridge, optimum_of_population
from ._tilt import (
    ROUNDED,
    Optimum,
    Problem,
    Solver,
    curvature,
    gain,
    log_mean_exp,
    optimum,
    preconditioner,
    tilted,
)

TAKEN = 1e-4  # share of the promised gain above which a step is taken
POOR, GOOD = 0.25, 0.75  # shares of it below which the region shrinks, and above which it grows
SHRINK, GROW = 0.25, 2.0
LEAST = 1e-12  # a region below this size holds nothing but rounding


class TrustRegion(AbstractFit):
    """The optimum of `Ridge`, by Newton steps in a trust region: for starts and data from which plain steps overshoot.

    A step maximises the quadratic model of F by conjugate gradients, no farther than the radius: they stop where they
    leave the region or find no curvature (Steihaug-Toint). The radius is the standard deviation of the change of
    theta . g over the reversed pairs, in nats: times 1/4 where less than a quarter of the promised gain comes true,
    times 2 where more than three quarters do on the border.

    - `strength`: of the ridge, as in `Ridge`;
    - `radius`: of the first step.

    `details`: `ridge`, `fold_ridges`. Raises ValueError for a negative strength or a radius that is not positive.
    Source: Steihaug, SIAM J. Numer. Anal. 20, 626 (1983); Toint (1981); with preconditioner: Conn, Gould & Toint,
    Trust-Region Methods (2000), algorithm 7.5.1.

    ```python
    nq.thermodynamics.MaxEntBound(fit=nq.thermodynamics.TrustRegion())(transitions)
    ```
    """

    strength: float | None = None
    radius: float = 1.0

    def __check_init__(self) -> None:
        check_strength(self.strength, "strength")
        if not 0 < self.radius < np.inf:
            raise ValueError(f"radius = {self.radius} must be positive and finite: 1 suits most data")

    def of_sample(self, views: Views, fold: np.ndarray) -> Fitted:
        """The path of ridges, or the one given."""
        return fitted_by_ridge(views, fold, self.strength, self._ascent)

    def of_population(self, views: Views) -> Optimum:
        """The optimum itself."""
        return optimum_of_population(views, self._ascent)

    def _ascent(
        self, problem: Problem, theta: np.ndarray, *, tolerance: float, solver: Solver | None = None
    ) -> Optimum:
        return maximise_in_region(problem, theta, tolerance=tolerance, radius=self.radius)


def maximise_in_region(
    problem: Problem, theta: np.ndarray, *, tolerance: float, radius: float = 1.0, max_steps: int = 300
) -> Optimum:
    """The optimum of `problem`, from `theta` with steps that start at `radius`.

    Ends as `maximise` does: where a step in the interior would gain less than `tolerance`, or, without ridge, where F
    passes ln n. The norm is that of the curvature at zero, once and for all: it stays meaningful where all tilted
    weight is on one pair and the curvature vanishes.
    """
    R, w = problem.backwards, problem.w
    e, solver, converged = R.project(theta[:, None])[:, 0], preconditioner(problem, w), False
    for step in range(max_steps):  # noqa: B007
        value, p = theta @ problem.mean - log_mean_exp(e, w), tilted(e, w)
        gradient = problem.mean - R.pull(p[:, None])[:, 0] - problem.ridge * theta
        if not np.isfinite(value) or (problem.ridge == 0 and value > problem.ceiling):
            break
        moved, promised, on_border = step_within(problem, p, gradient, solver, radius)
        if promised < tolerance and not on_border:
            converged = True
            break
        along = R.project(moved[:, None])[:, 0]
        share = gain(problem, theta, moved, e, along) / promised
        if radius < LEAST or (promised < ROUNDED and share < TAKEN):  # no gain that rounding does not swallow
            converged = promised < ROUNDED
            break
        radius *= SHRINK if share < POOR else GROW if share > GOOD and on_border else 1.0
        if share > TAKEN:
            theta, e = theta + moved, e + along
    return optimum(problem, theta, value, gradient, p, step, converged, solver)


def step_within(
    problem: Problem, p: np.ndarray, gradient: np.ndarray, precondition: Solver, radius: float, max_steps: int = 200
) -> tuple[np.ndarray, float, bool]:
    """The step of conjugate gradients within the radius, what the model promises, whether it met the border.

    Lengths are in the norm whose inverse is `precondition`, carried along by recursion.
    """
    apply, step, residual = curvature(problem, p), np.zeros_like(gradient), gradient
    z = precondition(residual)
    direction, rho = z, float(residual @ z)
    target, length, overlap, size = rho * min(0.01, math.sqrt(max(rho, 0))) ** 2, 0.0, 0.0, rho
    on_border = False
    for _ in range(max_steps):
        if rho <= target or size <= 0:
            break
        image = apply(direction)
        bend = float(direction @ image)
        to_border = (math.sqrt(overlap**2 + size * (radius**2 - length)) - overlap) / size
        on_border = bend <= 0 or rho / bend >= to_border
        alpha = to_border if on_border else rho / bend
        step, residual = step + alpha * direction, residual - alpha * image
        if on_border:
            break
        length += 2 * alpha * overlap + alpha**2 * size
        z = precondition(residual)
        previous, rho = rho, float(residual @ z)
        direction, beta = z + rho / previous * direction, rho / previous
        overlap, size = beta * (overlap + alpha * size), rho + beta**2 * size
    return step, float(step @ (gradient + residual)) / 2, on_border

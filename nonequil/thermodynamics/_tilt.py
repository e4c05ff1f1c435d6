"""The variational problem behind the bound: maximise theta . <g> - ln <exp(theta . g backwards)>."""

import dataclasses
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import scipy.linalg
from scipy.special import logsumexp

from ._design import AbstractDesign
from ._inverse import CUT, LISTED, LOST, ZERO

Solver: TypeAlias = Callable[[np.ndarray], np.ndarray]
"""An approximate inverse of the curvature: what conjugate gradients start from."""

STALE = 25  # conjugate-gradient steps (fewer for small d) after which the approximate inverse is made anew
FEW = 5.0  # an effective number of tilted samples below this says that the optimum is not there
OVERFLOW = 500.0  # no probability that can be written down has a larger log-ratio
ROUNDED = 1e-9  # a gain below this may drown in the rounding of F
JITTER = 1e-10  # added to the curvature, as a share of its diagonal, where it is used to precondition
SINGULAR = 1e-8  # a pivot below this share of the diagonal says that observables depend on one another


@dataclasses.dataclass(frozen=True)
class Problem:
    """F(theta) = theta . mean - ln sum_k w_k exp(r_k . theta) - ridge |theta|**2 / 2, concave in theta.

    `backwards` holds r_k, the observables of the reversed pairs; the weights `w` sum to one; `mean` is that of the
    observables forwards. `n` is the effective number of pairs: F above ln n cannot be told from infinity.
    """

    backwards: AbstractDesign
    mean: np.ndarray
    w: np.ndarray
    n: float
    ridge: float = 0.0

    @property
    def ceiling(self) -> float:
        """What F cannot pass: ln n in a sample, where exponentials end in a population."""
        return min(float(np.log(self.n)), OVERFLOW)


@dataclasses.dataclass(frozen=True)
class Optimum:
    """Where an ascent ended.

    `theta`, F without its ridge, largest slope in units of each observable's spread, the effective number of tilted
    samples `ess`, the `largest` tilted weight, whether the optimum is `finite`, and the last approximate inverse.
    """

    theta: np.ndarray
    value: float
    gradient_max: float
    ess: float
    largest: float
    steps: int
    finite: bool
    converged: bool
    solver: Solver | None = None


def log_mean_exp(e: np.ndarray, w: np.ndarray) -> float:
    """`ln sum_k w_k exp(e_k) / sum_k w_k`."""
    held = w > 0
    return float(logsumexp(e[held], b=w[held]) - np.log(w.sum()))


def maximise(
    problem: Problem, theta: np.ndarray, *, tolerance: float, solver: Solver | None = None, max_steps: int = 100
) -> Optimum:
    """Newton steps by preconditioned conjugate gradients, each with a backtracking search along its line.

    Ends when a full step would gain less than `tolerance`, or, without ridge, when F passes ln n. `solver` is that of a
    similar problem, if one was solved before.
    """
    R, w, ridge = problem.backwards, problem.w, problem.ridge
    e = R.project(theta[:, None])[:, 0]
    solver, converged, inner = solver or preconditioner(problem, tilted(e, w)), False, 0
    for step in range(max_steps):  # noqa: B007
        value = theta @ problem.mean - log_mean_exp(e, w)
        p = tilted(e, w)
        gradient = problem.mean - R.pull(p[:, None])[:, 0] - ridge * theta
        if not np.isfinite(value) or (ridge == 0 and value > problem.ceiling):
            break
        if inner > min(STALE, R.size // 8) and R.lists_quickly:
            solver = preconditioner(problem, p)
        direction, inner = newton_direction(problem, p, gradient, solver)
        slope = float(gradient @ direction)
        if slope < 2 * tolerance:
            converged = True
            break
        along = R.project(direction[:, None])[:, 0]
        length = line_search(problem, theta, direction, e, along, slope)
        if length == 0:  # no gain that rounding does not swallow
            converged = slope < ROUNDED
            break
        theta, e = theta + length * direction, e + length * along
    return optimum(problem, theta, value, gradient, p, step, converged, solver)


def tilted(e: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Weights proportional to w exp(e), summing to one."""
    p = w * np.exp(np.minimum(e - np.max(e[w > 0]), 0))  # masked pairs may lie above the largest of the others
    return p / p.sum()


def preconditioner(problem: Problem, p: np.ndarray) -> Solver:
    """Approximate inverse of the curvature under the weights `p`: by Cholesky up to 3000 observables, else diagonal.

    Where observables depend on one another, without ridge, that of independent ones: rounding would else be followed
    along combinations that never vary, as far as the largest number goes.
    """
    R = problem.backwards
    mean = R.pull(p[:, None])[:, 0]
    if R.size > LISTED:
        diagonal = np.maximum(R.squares(p) - mean**2, 0) + problem.ridge
        inverse = np.where(diagonal > 0, 1 / np.where(diagonal > 0, diagonal, 1), 0)
        return lambda v: inverse * v
    H = R.second_moment(p) - np.outer(mean, mean)
    diagonal = np.maximum(np.diag(H), 0)
    held = diagonal + problem.ridge > 0
    scale = 1 / np.sqrt(np.where(held, diagonal + problem.ridge, 1))
    H[np.diag_indices_from(H)] += np.where(held, problem.ridge, 1)
    H *= np.outer(scale, scale)
    factor = scipy.linalg.cho_factor(H + JITTER * np.eye(R.size), lower=True, overwrite_a=True)
    if problem.ridge == 0 and np.min(np.diag(factor[0])) ** 2 < SINGULAR:
        rounding = LOST * np.linalg.norm(scale * problem.mean) + ZERO * np.sqrt(R.size)
        return _of_independent(H, scale, float(rounding))
    return lambda v: scale * scipy.linalg.cho_solve(factor, scale * v, check_finite=False)


def _of_independent(scaled: np.ndarray, scale: np.ndarray, rounding: float) -> Solver:
    """Inverse of scaled / (scale scale^T) on as many observables as are independent; the others are left at zero.

    Found by Cholesky with pivots. A gradient that the others do not share with them, by more than `rounding`, is
    followed as it is: there is a mean without variance, so no optimum.
    """
    factor, pivots, rank, _ = scipy.linalg.lapack.dpstrf(scaled, tol=CUT, lower=1)
    held, spare = pivots[:rank] - 1, pivots[rank:] - 1
    L, between = np.tril(factor[:rank, :rank]), scaled[np.ix_(spare, held)]

    def solve(v: np.ndarray) -> np.ndarray:
        g, out = scale * v, np.zeros_like(v)
        lost = g[spare] - between @ scipy.linalg.cho_solve((L, True), g[held], check_finite=False)
        out[spare] = lost if np.linalg.norm(lost) > rounding else 0.0
        out[held] = scipy.linalg.cho_solve((L, True), g[held] - between.T @ out[spare], check_finite=False)
        return scale * out

    return solve


def curvature(problem: Problem, p: np.ndarray) -> Solver:
    """The product of a vector with Cov_p(r) + ridge, minus the second derivative of F at the tilted weights `p`."""
    R = problem.backwards
    mean = R.pull(p[:, None])[:, 0]

    def apply(v: np.ndarray) -> np.ndarray:
        return R.pull(p[:, None] * R.project(v[:, None]))[:, 0] - mean * (mean @ v) + problem.ridge * v

    return apply


def newton_direction(
    problem: Problem,
    p: np.ndarray,
    gradient: np.ndarray,
    precondition: Solver,
    max_steps: int = 200,
    tolerance: float | None = None,
) -> tuple[np.ndarray, int]:
    """Solution of (Cov_p(r) + ridge) v = gradient, and the steps it took.

    To a relative `tolerance`, by default one that shrinks with the gradient.
    """
    apply, v, residual = curvature(problem, p), np.zeros_like(gradient), gradient
    z = precondition(residual)
    direction, rho = z, residual @ z
    target = rho * (min(0.01, float(np.sqrt(np.maximum(rho, 0)))) if tolerance is None else tolerance) ** 2
    for inner in range(max_steps):
        image = apply(direction)
        bend = direction @ image
        if bend <= 0:  # flat: nothing holds the ascent along here
            v = v if inner else z
            break
        v, residual = v + rho / bend * direction, residual - rho / bend * image
        z = precondition(residual)
        previous, rho = rho, residual @ z
        if rho <= target:
            break
        direction = z + rho / previous * direction
    return v, inner


def first_step(problem: Problem) -> np.ndarray:
    """The Newton step from theta = 0, (Cov(r) + ridge)^-1 (<g> - <r>): where F would rest if g were Gaussian."""
    gradient = problem.mean - problem.backwards.pull(problem.w[:, None])[:, 0]
    return newton_direction(problem, problem.w, gradient, preconditioner(problem, problem.w), tolerance=1e-12)[0]


def line_search(
    problem: Problem, theta: np.ndarray, direction: np.ndarray, e: np.ndarray, along: np.ndarray, slope: float
) -> float:
    """Longest halved step that gains at least a tenth of what its slope promises; needs no matrix product."""
    length = 1.0
    while length > 1e-6:
        if gain(problem, theta, length * direction, e, length * along) >= 0.1 * length * slope - 1e-14:
            return length
        length /= 2
    return 0.0


def gain(problem: Problem, theta: np.ndarray, moved: np.ndarray, e: np.ndarray, along: np.ndarray) -> float:
    """What F less its ridge gains from theta to theta + moved; `e` and `along` are their products with the pairs."""
    penalty = problem.ridge * (theta @ moved + moved @ moved / 2)
    return float(moved @ problem.mean - log_mean_exp(e + along, problem.w) + log_mean_exp(e, problem.w) - penalty)


def spreads(problem: Problem) -> np.ndarray:
    """Root mean square of each observable backwards, one where it is always zero."""
    second = problem.backwards.squares(problem.w)
    return np.sqrt(np.where(second > 0, second, 1))


def value_and_slope(problem: Problem, theta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """F without its ridge, its gradient, and the tilted weights."""
    R, w = problem.backwards, problem.w
    e = R.project(theta[:, None])[:, 0]
    p = tilted(e, w)
    return float(theta @ problem.mean - log_mean_exp(e, w)), problem.mean - R.pull(p[:, None])[:, 0], p


def optimum(
    problem: Problem,
    theta: np.ndarray,
    value: float,
    gradient: np.ndarray,
    p: np.ndarray,
    steps: int,
    converged: bool,
    solver: Solver | None = None,
) -> Optimum:
    """How an ascent is reported that ended at theta, with F and its gradient there, and the tilted weights `p`."""
    share = p / np.where(problem.w > 0, problem.w, 1)  # tilted over plain weights
    ess = problem.n / float(problem.w @ share**2)
    largest, slope = float(np.max(p)), float(np.max(np.abs(gradient) / spreads(problem)))
    finite = bool(np.isfinite(value) and (problem.ridge > 0 or (value <= problem.ceiling and ess > FEW)))
    return Optimum(theta, value, slope, ess, largest, steps, finite, converged, solver)

"""Newton's method on all neurons at once, each with its own step and its own safeguard."""

import dataclasses

import jax.numpy as jnp
import numpy as np

from ._curvature import Curvature
from ._dense import approach
from ._grams import groups
from ._identify import Problem
from ._lasso import descend
from ._passes import likelihood

HALVINGS = 40  # trials of one step
ARMIJO = 0.1  # part of the linear fall that a step must bring
LONGEST = 2.0  # change of a coupling in one step
FLAT = 0.95  # a step is idle if it changes nothing but rounding and leaves more than this part of the gradient
BEYOND = 0.1  # in float32 go on to this part of the tolerance, as far as rounding lets
PATIENCE = 3  # idle steps in a row after which a neuron is given up


@dataclasses.dataclass
class Solution:
    """Parameters (n, p), objective (n,), gradient (n, p) and largest gradient per transition (n,) of a fit under way.

    `idle` counts steps in a row that brought a neuron nothing, `stuck` marks those given up, `done` those that arrived
    without Newton's method, whose objective and gradient are not known; `steps` counts steps of both kinds.
    """

    theta: np.ndarray
    loss: np.ndarray
    gradient: np.ndarray
    residual: np.ndarray
    idle: np.ndarray
    stuck: np.ndarray
    done: np.ndarray
    steps: int = 0


def maximise(problem: Problem, start: np.ndarray | None, tolerance: float, max_steps: int) -> Solution:
    """Parameters of largest likelihood, to a gradient below `tolerance` per transition, and how each neuron ended."""
    solution = _begun(problem, *approach(problem, start, tolerance, max_steps))
    aim = tolerance * (1 if jnp.result_type(float) == jnp.float64 else BEYOND)
    curvature = None if solution.done.all() else Curvature(problem)
    while curvature is not None and solution.steps < max_steps:
        running = np.flatnonzero((solution.residual > aim) & ~solution.stuck & ~solution.done)
        if len(running) == 0:
            break
        _advance(problem, curvature, solution, running)
    return solution


def _begun(problem: Problem, theta: np.ndarray, residual: np.ndarray, steps: int) -> Solution:
    done, n = np.isfinite(residual), len(theta)
    loss, gradient, left = np.zeros(n), np.zeros_like(theta), np.flatnonzero(~done)
    if len(left):
        loss[left], gradient[left] = _objective(problem, theta, left)
        residual[left] = problem.residual(theta[left], gradient[left], left)
    return Solution(theta, loss, gradient, residual, np.zeros(n, int), np.zeros(n, bool), done, steps)


def _advance(problem: Problem, curvature: Curvature, s: Solution, running: np.ndarray) -> None:
    """One safeguarded step of the running neurons; what changes rounding only and does harm is undone."""
    step = direction(problem, curvature, s.theta, s.gradient, running)
    before = [part[running].copy() for part in (s.theta, s.loss, s.gradient, s.residual)]
    size = _search(problem, s.theta, s.loss, s.gradient, step, running)
    s.residual[running] = problem.residual(s.theta[running], s.gradient[running], running)
    left = s.residual[running] / before[3]
    hopeless = curvature.judge(running, left, size)
    flat = np.abs(s.loss[running] - before[1]) <= rounding() * np.abs(before[1])
    s.idle[running] = np.where(flat & (size > 0) & (left > FLAT), s.idle[running] + 1, 0)
    s.stuck[running] = hopeless | (s.idle[running] >= PATIENCE)
    worse = flat & (left > 1)
    for now, old in zip((s.theta, s.loss, s.gradient, s.residual), before, strict=True):
        now[running[worse]] = old[worse]
    s.steps += 1


def rounding() -> float:
    """Relative change of a sum over transitions that may be rounding."""
    return 32 * float(np.finfo(jnp.result_type(float)).eps)


def direction(
    problem: Problem, curvature: Curvature, theta: np.ndarray, gradient: np.ndarray, neurons: np.ndarray
) -> np.ndarray:
    """The step (k, p) to the minimum of each neuron's quadratic model."""
    parts = []
    for group in groups(neurons, problem.free.shape[1]):
        hessian = penalised(problem, curvature.hessians(theta, group), group)
        if problem.l1 > 0:
            parts.append(descend(hessian, gradient[group], theta[group], problem, group))
        else:
            parts.append(np.linalg.solve(hessian, -gradient[group, :, None])[:, :, 0])
    return np.concatenate(parts)


def penalised(problem: Problem, gram: np.ndarray, neurons: np.ndarray) -> np.ndarray:
    """Hessians with the quadratic penalty; rows and columns of parameters that are not free are those of the unit."""
    ridge = problem.ridge
    gram = gram + (ridge if len(ridge) == 1 else ridge[neurons])
    free = problem.free[neurons]
    gram *= free[:, :, None] & free[:, None, :]
    diagonal = np.einsum("ijj->ij", gram)
    diagonal += np.where(free, 1e-13 * diagonal.max(axis=1, keepdims=True) + 1e-300, 1.0)
    return gram


def _objective(problem: Problem, theta: np.ndarray, neurons: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Negative log-likelihood with the quadratic penalty (k,), and its gradient over free parameters (k, p)."""
    computed, picked = problem.rows.bucket(neurons)
    loss, gradient = likelihood(theta[computed], problem.rows, picked)
    at = neurons if picked is None else np.arange(len(neurons))
    loss, gradient = loss[at], gradient[at]
    pull = problem.pull(theta[neurons], neurons)
    return loss + (theta[neurons] * pull).sum(axis=1) / 2, (gradient + pull) * problem.free[neurons]


def _slope(problem: Problem, theta: np.ndarray, gradient: np.ndarray, step: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Derivative of the whole objective along a step."""
    pull = problem.l1 * problem.coupled * free
    return (gradient * step + pull * np.where(theta == 0, np.abs(step), np.sign(theta) * step)).sum(axis=1)


def _search(
    problem: Problem,
    theta: np.ndarray,
    loss: np.ndarray,
    gradient: np.ndarray,
    step: np.ndarray,
    neurons: np.ndarray,
) -> np.ndarray:
    """Move `neurons` along their steps, shortened until the objective falls; the parts taken (k,), 0 where none did.

    A step is taken if the objective still falls at its end (convexity then guarantees that it fell all the way), if
    it fell by enough, or if its change is below rounding and the slope has not grown.
    """
    free, absolute = problem.free[neurons], problem.l1 * problem.coupled
    old = theta[neurons].copy()
    size = 1 / np.maximum(1, np.abs(step[:, problem.coupled]).max(axis=1) / LONGEST)
    value = loss[neurons] + (absolute * np.abs(old)).sum(axis=1)
    slope = _slope(problem, old, gradient[neurons], step, free)
    taken, trying = np.zeros(len(neurons)), np.flatnonzero(slope < 0)
    for _ in range(HALVINGS):
        if len(trying) == 0:
            break
        at = neurons[trying]
        theta[at] = old[trying] + size[trying, None] * step[trying]
        new_loss, new_gradient = _objective(problem, theta, at)
        new_slope = _slope(problem, theta[at], new_gradient, step[trying], free[trying])
        change = new_loss + (absolute * np.abs(theta[at])).sum(axis=1) - value[trying]
        tiny = np.abs(change) <= rounding() * np.abs(value[trying])
        good = (new_slope <= 0) | (change <= ARMIJO * size[trying] * slope[trying])
        good = np.isfinite(new_loss) & (good | (tiny & (new_slope <= -slope[trying])))
        taken[trying[good]] = size[trying[good]]
        loss[at[good]], gradient[at[good]] = new_loss[good], new_gradient[good]
        bad = trying[~good]
        theta[neurons[bad]] = old[bad]
        with np.errstate(all="ignore"):
            secant = slope[bad] / (slope[bad] - new_slope[~good])
        size[bad] *= np.clip(np.nan_to_num(secant, nan=0.1), 0.1, 0.7)
        trying = bad
    return taken

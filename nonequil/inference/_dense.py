"""Maximum likelihood where neurons fire often: a shared preconditioner and the secant pairs of each neuron."""

import dataclasses

import numpy as np

from ..numerics import one_thread
from ._gaussian import gaussian_start
from ._grams import sparsity
from ._identify import Problem
from ._metric import Metric, Preconditioner
from ._passes import slopes

DEPTH = 6  # secant pairs of a neuron
FEW = 24  # parameters up to which exact Hessians cost no more than a few passes
DEARER = 7  # so much longer takes a pair of active features in sparse Hessians than a product in a pass
RARE = 0.02  # part of the time spent in the rarer state below which fields are too far from Gaussian
LONGEST = 4.0  # root mean square change of a field in one step
PASSES = 30  # passes after which exact Hessians take over
REFUSALS = 4  # steps that led too far after which exact Hessians take over for a neuron
RISEN = 0.5  # slope at the end of a step, relative to its start, that does not yet mean too long a step


def frequent(problem: Problem) -> np.ndarray:
    """Neurons for which the shared preconditioner serves; none where exact Hessians cost no more than a few passes."""
    rows = problem.rows
    sparse, held = sparsity(rows)
    cheap = rows.features <= FEW or rows.joined is not None or (sparse and DEARER * held < rows.n)
    rare = (1 - np.abs(problem.up) / rows.weight) / 2
    serves = (rare > RARE) & problem.free.any(axis=1) & (problem.l1 == 0) & (not cheap)
    return np.flatnonzero(serves)


@one_thread
def approach(
    problem: Problem, start: np.ndarray | None, tolerance: float, most: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """Parameters (n, p), the largest gradient per transition (n,) where it was brought below the tolerance, and the
    number of passes over the data. Neurons that did not arrive have an infinite residual, and are back at the start
    unless no more steps are allowed.

    Each pass gives gradients and the mean curvature of every field. Steps are those of Anderson's method in the metric
    of the preconditioner, built anew each time (Walker & Ni, SIAM J. Numer. Anal. 49, 1715 (2011)).
    """
    running, residual, passes = frequent(problem), np.full(problem.rows.n, np.inf), 0
    theta = problem.start.copy() if start is None else np.where(problem.free, start, problem.start)
    if len(running) == 0:
        return theta, residual, passes
    metric = Metric(problem)
    first = theta.copy()
    if start is None and problem.rows.offset is None:
        first[running] = gaussian_start(problem, metric)[running]
    walk = _Walk.at(metric, first)
    while len(running) and passes < min(PASSES, most):
        walk.look(running)
        passes += 1
        found = problem.residual(walk.theta[running], walk.gradient[running], running)
        arrived = found <= tolerance
        residual[running[arrived]] = found[arrived]
        theta[running[arrived]] = walk.theta[running[arrived]]
        running = running[~arrived & (walk.refused[running] < REFUSALS)]
        walk.aim(running)
    if passes == most:  # nothing follows
        theta[running] = walk.theta[running]
    return theta, residual, passes


@dataclasses.dataclass
class _Walk:
    """Where each neuron is, its gradient and curvatures there, the step it tries, and its last secant pairs."""

    metric: Metric
    theta: np.ndarray
    gradient: np.ndarray
    moments: np.ndarray
    step: np.ndarray
    moved: np.ndarray
    changed: np.ndarray
    failed: np.ndarray
    refused: np.ndarray

    @classmethod
    def at(cls, metric: Metric, theta: np.ndarray) -> "_Walk":
        """Nothing known yet."""
        n, p = theta.shape
        zeros, pairs = np.zeros((n, p)), (n, DEPTH, p)
        start = (theta, zeros, np.zeros((n, 3)), zeros.copy(), np.zeros(pairs), np.zeros(pairs))
        return cls(metric, *start, np.zeros(n, bool), np.zeros(n, int))

    def look(self, at: np.ndarray) -> None:
        """A pass at the end of the steps: they are taken unless they lead too far, and remembered in any case.

        The objective is convex: where it still falls at the end of a step it fell all the way.
        """
        step, old = self.step[at], self.gradient[at]
        trial = self.theta.copy()
        trial[at] += step
        new, moments = _slopes(self.metric.problem, trial, at)
        begun = step.any(axis=1)
        for pairs, latest in ((self.moved, step), (self.changed, new - old)):
            known = at[begun]
            pairs[known] = np.concatenate([latest[begun, None], pairs[known, :-1]], axis=1)
        before, after = -(old * step).sum(axis=1), (new * step).sum(axis=1)
        good = np.isfinite(new).all(axis=1) & ((after <= RISEN * before) | ~begun)
        taken, back = at[good], at[~good]
        self.theta[taken], self.gradient[taken], self.moments[taken] = trial[taken], new[good], moments[good]
        self.failed[taken], self.failed[back] = False, True
        self.refused[back] += 1
        with np.errstate(all="ignore"):
            self.step[back] *= np.clip(np.nan_to_num(before / (before + after), nan=0.1), 0.1, 0.7)[~good, None]

    def aim(self, at: np.ndarray) -> None:
        """New steps for neurons that took theirs; the others have theirs shortened already."""
        at = at[~self.failed[at]]
        if len(at) == 0:
            return
        gradient, changed, moved = self.gradient[at], self.changed[at], self.moved[at]
        preconditioner = Preconditioner.of(self.metric, self.theta[at], self.moments[at], at)
        solved = preconditioner.solve(np.concatenate([gradient[:, None], changed], axis=1))
        plain, others = solved[:, 0], solved[:, 1:]
        part = _least_squares(changed @ others.swapaxes(1, 2), (changed @ plain[:, :, None])[:, :, 0])[:, None]
        step = -plain + (part @ (others - moved))[:, 0]
        step = np.where(((step * gradient).sum(axis=1) < 0)[:, None], step, -plain)
        length = self.metric.length(step)
        self.step[at] = step * np.minimum(1, LONGEST / np.maximum(length, 1e-300))[:, None]


def _slopes(problem: Problem, theta: np.ndarray, neurons: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gradients (k, p) of the objective over free parameters, and mean curvatures (k, 3)."""
    computed, picked = problem.rows.bucket(neurons)
    gradient, moments = slopes(theta[computed], problem.rows, picked)
    at = neurons if picked is None else np.arange(len(neurons))
    pulled = gradient[at] + problem.pull(theta[neurons], neurons)
    return pulled * problem.free[neurons], moments[at]


def _least_squares(gram: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solutions (k, m) of normal equations (k, m, m), of pairs that may be missing (zero) or nearly dependent."""
    square = np.einsum("kmm->km", gram)
    scale = np.where(square > 0, 1 / np.sqrt(np.maximum(square, 1e-300)), 0)
    gram = gram * scale[:, :, None] * scale[:, None, :]
    gram += np.eye(gram.shape[1]) * np.where(square > 0, 1e-10, 1.0)[:, None]
    return scale * np.linalg.solve(gram, (scale * right)[:, :, None])[:, :, 0]

"""One curvature shared by all neurons, corrected along the couplings of each."""

import dataclasses

import numpy as np
import scipy.linalg

from ._identify import SINGULAR, Problem

LEAST = 1e-6  # mean of 1 - tanh^2 h below which a neuron counts as saturated


class Metric:
    """Covariance C of the features but the constant, summed over transitions, and solutions of (a C + l2) d = r.

    One generalised eigenproblem, l2 V = C V diag(ratio) with V^T C V = 1, serves all neurons whatever their `a`:
    (a C + l2)^-1 = V diag(1 / (a + ratio)) V^T.
    """

    def __init__(self, problem: Problem):
        gram = problem.gram
        self.problem, self.weight, self.mean = problem, gram[0, 0], gram[0, 1:] / gram[0, 0]
        self.covariance = gram[1:, 1:] - self.weight * np.outer(self.mean, self.mean)
        self.covariance += 10 * SINGULAR * self.weight * np.eye(len(gram) - 1)  # exact copies
        self.ratio, self.vectors = scipy.linalg.eigh(problem.prior[1:, 1:], self.covariance)
        self.free = problem.free[:, 1:]
        self.whole = np.asarray(self.free.all(axis=1))

    def solve(self, a: np.ndarray, right: np.ndarray, neurons: np.ndarray) -> np.ndarray:
        """Solutions (k, m, p - 1) over the free parameters of each neuron, m right sides each.

        Where parameters S are held, d = Q r - Q_S (Q_SS)^-1 (Q r)_S with the inverse Q of the whole matrix.
        """
        flat = right.reshape(len(right), -1, right.shape[-1]) @ self.vectors
        solved = (flat / (a[:, None, None] + self.ratio)) @ self.vectors.T
        for k in np.flatnonzero(~self.whole[neurons]):
            held = ~self.free[neurons[k]]
            columns = (self.vectors / (a[k] + self.ratio)) @ self.vectors[held].T
            solved[k] -= solved[k][:, held] @ np.linalg.solve(columns[held], columns.T)
            solved[k][:, held] = 0
        return self.without_null(solved, neurons)

    def without_null(self, steps: np.ndarray, neurons: np.ndarray) -> np.ndarray:
        """Steps (k, m, p - 1) without their part in directions that no field feels."""
        if self.problem.null is None:
            return steps
        null = self.problem.null[neurons][:, 1:]
        return steps - (steps @ null) @ null.swapaxes(1, 2)

    def length(self, steps: np.ndarray) -> np.ndarray:
        """Root mean square change of the field (k,) that steps (k, p) bring."""
        J = steps[:, 1:]
        spread = (J * (J @ self.covariance)).sum(axis=1) / self.weight
        return np.sqrt(np.maximum(spread, 0) + (steps[:, 0] + J @ self.mean) ** 2)


@dataclasses.dataclass(frozen=True)
class Preconditioner:
    """Approximate Hessians of some neurons, exact on the bias and along the couplings.

    With phi = 1 - tanh^2 h, a = <phi>, C the covariance and Gaussian fields, <phi x> = a m' + b C J (Stein), where
    b = (<phi J.x> - a J.m') / (J C J); what remains of a C along J is replaced by the weighted variance of J.x there:
    one rank more, inverted by the formula of Sherman and Morrison.
    """

    metric: Metric
    neurons: np.ndarray
    a: np.ndarray
    centre: np.ndarray
    along: np.ndarray
    gain: np.ndarray

    @classmethod
    def of(cls, metric: Metric, theta: np.ndarray, moments: np.ndarray, neurons: np.ndarray) -> "Preconditioner":
        """From parameters (k, p) and the means of phi, phi J.x and phi (J.x)^2 there, (k, 3)."""
        J, free = theta[:, 1:], metric.free[neurons]
        pulled = J @ metric.covariance / metric.weight
        variance = np.maximum((J * pulled).sum(axis=1), 1e-12)
        a = np.maximum(moments[:, 0], LEAST)
        slope = (moments[:, 1] - a * (J @ metric.mean)) / variance
        found = np.maximum(moments[:, 2] - moments[:, 1] ** 2 / a, LEAST * a * variance)
        column = np.where(free, pulled / variance[:, None], 0)
        excess = metric.weight * np.where(variance > 1e-12, found - a * variance, 0)
        along = metric.solve(a, column[:, None], neurons)[:, 0]
        gain = excess / (1 + excess * (column * along).sum(axis=1))
        centre = np.where(free, metric.mean + (slope / a)[:, None] * pulled, 0)
        return cls(metric, neurons, a, centre, along, gain)

    def solve(self, right: np.ndarray) -> np.ndarray:
        """Inverse Hessians times right sides (k, m, p)."""
        bias = right[..., :1]
        rest = np.where(self.metric.free[self.neurons][:, None], right[..., 1:] - self.centre[:, None] * bias, 0)
        J = self.metric.solve(self.a, rest, self.neurons)
        J -= (rest @ (self.gain[:, None] * self.along)[:, :, None]) * self.along[:, None]
        H = bias / (self.metric.weight * self.a)[:, None, None] - J @ self.centre[:, :, None]
        return np.concatenate([H, J], axis=2)

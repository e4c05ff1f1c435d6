"""Couplings for which Gaussian fields explain the correlations: where a fit starts."""

import numpy as np

from ._identify import Problem
from ._metric import Metric

NODES = np.linspace(-5, 5, 51)  # fine enough for fields up to WIDEST, where Hermite nodes are not
WEIGHTS = np.exp(-(NODES**2) / 2)
WEIGHTS /= WEIGHTS.sum()
WIDEST = 3.0  # standard deviation of a field
HALVINGS = 20


def gaussian_start(problem: Problem, metric: Metric) -> np.ndarray:
    """Parameters (n, p) from means and covariances alone, as if every field were Gaussian.

    With D x a Gaussian average, C the covariance of the past and D_ij = <s'_i s_j> - m_i m'_j, a field of mean g and
    standard deviation r obeys

        m_i = int Dx tanh(g + r x),    D = a C J,    a = int Dx sech^2(g + r x),    a r = b,

    b the standard deviation of the linear prediction of s'_i; H = g - J m'.
    Source: Mezard & Sakellariou, J. Stat. Mech. L07001 (2011).
    """
    n, everyone = problem.rows.n, np.arange(problem.rows.n)
    mean = np.clip(problem.cross[:, 0] / metric.weight, -0.999, 0.999)
    lagged = problem.cross[:, 1:] - metric.weight * np.outer(mean, metric.mean)
    held = np.where(metric.free, 0, problem.start[:, 1:])
    linear = metric.solve(np.ones(n), lagged[:, None], everyone)[:, 0]
    b = np.sqrt(np.maximum((linear * lagged).sum(axis=1), 0) / metric.weight)
    g, a = _field(mean, b)
    right = np.where(metric.free, lagged - a[:, None] * (held @ metric.covariance), 0)
    J = held + metric.solve(a, right[:, None], everyone)[:, 0]
    start = np.concatenate([(g - J @ metric.mean)[:, None], J], axis=1)
    return np.where(problem.free, start, problem.start)


def _field(mean: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of the field and mean of sech^2 (n,) at which a tanh has this mean and this covariance with its field."""
    low, high, g = np.zeros_like(b), np.full_like(b, WIDEST), np.arctanh(mean)
    a = 1 - mean**2
    for _ in range(HALVINGS):
        r = (low + high) / 2
        g, a = _mean_field(mean, r, g)
        enough = a * r >= b
        low, high = np.where(enough, low, r), np.where(enough, r, high)
    return g, a


def _mean_field(mean: np.ndarray, r: np.ndarray, g: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of a Gaussian field of standard deviation `r` whose tanh has this mean, by Newton's method from `g`."""
    for _ in range(4):
        s = np.tanh(g[:, None] + r[:, None] * NODES)
        a = np.maximum((1 - s**2) @ WEIGHTS, 1e-6)
        g = g + np.clip((mean - s @ WEIGHTS) / a, -1, 1)
    return g, a

"""Covariance of fitted parameters: Fisher, sandwich, sandwich clustered over blocks."""

import enum
from collections.abc import Iterator

import numpy as np

from .. import numerics
from ._grams import grams, groups
from ._identify import Problem
from ._newton import penalised
from ._passes import _residuals, device
from ._rows import Rows

SAMPLED = 200_000  # rows from which covariances are taken where there are more


class ERRORS(enum.Enum):
    """How the standard errors of a fit are found, with r = s' - tanh h and z = (1, s) of each transition.

    - `fisher`: V = (sum w (1 - tanh^2 h) z z^T + Lambda)^-1, right if the model is;
    - `sandwich`: V (sum w^2 r^2 z z^T + Lambda) V, right also if the conditional probabilities are not quite (White,
      Econometrica 50, 1 (1982));
    - `clustered`: the same with scores summed over each block first, right also if transitions of one block depend on
      each other beyond the model (Liang & Zeger, Biometrika 73, 13 (1986));
    - `none`: not at all.

    Lambda = l2 on couplings, else 0. A penalty pulls couplings towards zero; its expected square under the prior that
    the penalty stands for, couplings of variance 1 / l2, is the term V Lambda V. With an l1 penalty errors are those
    of the couplings that are not zero, as if they had been known beforehand: too small.
    """

    fisher = "fisher"
    sandwich = "sandwich"
    clustered = "clustered"
    none = "none"


def covariance_diagonals(
    problem: Problem, theta: np.ndarray, kind: ERRORS, block: np.ndarray
) -> tuple[np.ndarray, int]:
    """Variances of the free parameters (n, p), NaN elsewhere, and the number of rows or transitions they rest on."""
    rows, factor = problem.rows.thinned(SAMPLED)
    variance, prior = np.empty_like(theta), problem.prior
    for group in groups(np.arange(len(theta)), theta.shape[1]):
        bread = bread_of(problem, theta, rows, factor, group)
        if kind is ERRORS.fisher:
            full = bread
        elif kind is ERRORS.sandwich:
            full = bread @ (factor * grams(theta, rows, group, kind=1) + prior) @ bread
        else:
            full = bread @ (clustered_moments(theta, problem.rows.pairs(), block, group) + prior) @ bread
        variance[group] = np.einsum("ijj->ij", full)
    return np.where(active(problem, theta), variance, np.nan), round(problem.rows.weight / factor)


def active(problem: Problem, theta: np.ndarray) -> np.ndarray:
    """Which parameters have a sampling error: the free ones, those that an l1 penalty put at zero left out."""
    return problem.free & ~((problem.l1 > 0) & problem.coupled & (theta == 0))


def bread_of(problem: Problem, theta: np.ndarray, rows: Rows, factor: float, neurons: np.ndarray) -> np.ndarray:
    """Inverse Hessians (k, p, p) of the objective, zero where a parameter is not active; flat directions left out."""
    on = active(problem, theta)[neurons]
    on = on[:, :, None] & on[:, None, :]
    hessian = penalised(problem, factor * grams(theta, rows, neurons), neurons)
    hessian = np.where(on, hessian, 0) + (np.eye(theta.shape[1]) * ~np.einsum("ijj->ij", on)[:, :, None])
    bread = np.where(on, np.linalg.inv(hessian), 0)
    if problem.null is not None:
        null = problem.null[neurons]
        bread -= null @ null.swapaxes(1, 2) / problem.stiffness
    return bread


def clustered_moments(theta: np.ndarray, rows: Rows, block: np.ndarray, neurons: np.ndarray) -> np.ndarray:
    """Sum over blocks of g g^T (k, p, p), g the score of a block, times B / (B - 1) for B blocks."""
    scores = block_scores(theta, rows, block, neurons)
    return len(scores) / (len(scores) - 1) * np.einsum("bij,bik->ijk", scores, scores, optimize=True)


def block_scores(theta: np.ndarray, rows: Rows, block: np.ndarray, neurons: np.ndarray) -> np.ndarray:
    """Score of each block, sum over its pairs of w r z: (blocks, k, p)."""
    count = int(block.max()) + 1
    total = np.zeros((count, len(neurons), rows.features))
    for residual, z, at in residual_chunks(theta, rows, neurons):
        order = np.argsort(block[at], kind="stable")
        edges = np.searchsorted(block[at][order], np.arange(count + 1))
        for b in np.flatnonzero(np.diff(edges)):
            part = order[edges[b] : edges[b + 1]]
            total[b] += residual[part].T @ z[part]
    return total


def residual_chunks(
    theta: np.ndarray, rows: Rows, neurons: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, slice]]:
    """Rows that are pairs, in chunks: w (s' - tanh h) (pairs, k), features (pairs, p), and which pairs they are."""
    moved, start = device(theta[neurons]), 0
    for batch in rows.batches(None if len(neurons) == rows.n else neurons):
        residual = np.asarray(numerics.gathered(_residuals(moved, batch)), dtype=float).reshape(-1, len(neurons))
        stop = min(start + len(residual), len(rows.x))
        at = slice(start, stop)
        one = np.ones((stop - start, 1))
        more = [] if rows.regressors is None else [rows.regressors[at]]
        yield residual[: stop - start], np.concatenate([one, rows.x[at], *more], axis=1), at
        start = stop

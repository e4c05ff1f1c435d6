"""The bias of a likelihood fit, to first order in one over the number of transitions."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ._curvature import dense_rows
from ._errors import bread_of
from ._grams import PIECE, triangle
from ._identify import Problem
from ._passes import device, features, summed
from ._rows import Batch


def coupling_bias(problem: Problem, theta: np.ndarray) -> np.ndarray:
    """Expected error (n, p) of the parameters: V sum w (1 - m^2) m (z V z) z, m = tanh h, V the inverse Hessian.

    A likelihood fit makes log-odds too large, by about p / (2 spikes) of themselves for p parameters. NaN where that
    exceeds the standard error: the expansion does not hold there. Very long recordings give it from evenly spaced
    transitions.
    Source: Cox & Snell, J. R. Stat. Soc. B 30, 248 (1968); McCullagh & Nelder, Generalized Linear Models (1989), 15.2.
    """
    rows, factor = problem.rows.thinned(dense_rows(problem.rows))
    everyone = np.arange(rows.n)
    bread = bread_of(problem, theta, rows, factor, everyone)
    j, k = triangle(rows.features)
    packed = device(bread[:, j, k] * np.where(j == k, 1.0, 2.0))
    moved, total = device(theta), np.zeros_like(theta)
    for batch in rows.batches():
        total += np.asarray(_leverage_sums((moved, packed), batch))
    bias = np.squeeze(bread @ (factor * total)[:, :, None], axis=2)
    variance = np.einsum("ijj->ij", bread)
    return np.where(bias**2 <= variance, bias, np.nan)  # also where a singular Hessian has no variance


@summed
def _leverage_sums(whole: tuple[Array, Array], batch: Batch) -> Array:
    """Sum over rows of w (1 - m^2) m (z V z) z, V packed as its upper triangle with the rest added in: (n, p)."""
    theta, packed = whole
    j, k = triangle(theta.shape[1])

    def pieces(leaf: Array | None) -> Array | None:
        return None if leaf is None else leaf.reshape(-1, min(PIECE, leaf.shape[1]), *leaf.shape[2:])

    def add(total: Array, piece: tuple) -> tuple[Array, None]:
        x, w, regressors = piece
        z = features(x, regressors, theta.dtype)
        m = jnp.tanh(z @ theta.T)
        leverage = (z[:, j] * z[:, k]) @ packed.T
        return total + (w[:, None] * (1 - m**2) * m * leverage).T @ z, None

    rows = (pieces(batch.x), pieces(batch.w), pieces(batch.regressors))
    return jax.lax.scan(add, jnp.zeros_like(theta), rows)[0]

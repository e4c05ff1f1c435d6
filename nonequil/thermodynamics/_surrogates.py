"""What an estimate looks like without an arrow of time, and when blocks are drawn again."""

import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, Key

from .. import statistics
from ..data import Transitions
from ._base import AbstractEstimator


def reversal_null(
    estimator: AbstractEstimator, t: Transitions, *, key: Key[Array, ""], draws: int = 200
) -> Float[Array, " draws"]:
    """Values of an estimator when whole blocks, by fair coins, are reversed in time: its law without an arrow of time.

    Any estimator, at the price of running it `draws` times; `QuadraticBound` has the mean and spread of its own null in
    its `details`. Blocks are the declared ones, else 200 contiguous ones.
    """
    keys = jr.split(key, draws)
    return jnp.stack([estimator(statistics.time_reversed_blocks(t, key=k)).value for k in keys])


def resampled_sums(gram: np.ndarray, n_b: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """2 sum_{b != c} m_b m_c G_bc / sum_{b != c} m_b m_c n_b n_c for each row m of `counts` (draws, blocks).

    G_bc = S_b^T K^+ S_c. A block drawn twice is not paired with itself. Raises ValueError for fewer than two blocks.
    """
    if len(n_b) < 2:
        raise ValueError(f"block = {len(n_b)} block: cross-fitting needs at least two (leave `block` out to cut 200)")
    within = counts**2 @ np.diag(gram)
    between = np.sum((counts @ gram) * counts, 1) - within
    return 2 * between / ((counts @ n_b) ** 2 - counts**2 @ n_b**2)


def flipped_sums(gram: np.ndarray, n_b: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """The same with signs of whole blocks flipped: time reversal of antisymmetric observables. `signs` (draws, B)."""
    between = np.sum((signs @ gram) * signs, 1) - np.trace(gram)
    return 2 * between / (n_b.sum() ** 2 - n_b @ n_b)


def reversal_p_value(gram: np.ndarray, n_b: np.ndarray, signs: np.ndarray) -> float:
    """Share of sign flips, the data counted in, that show at least as much arrow of time as the data.

    The covariance behind `gram` has the mean of the data taken off, which a flip changes; the second moment M = K + m
    m^T has not. Products through M, G - r r^T / (1 + q) with r_b = S_b^T K^+ m and q = m^T K^+ m, make data and flips
    exchangeable, so that the p-value is exact for independent blocks without an arrow of time.
    """
    r, q = gram.sum(1) / n_b.sum(), gram.sum() / n_b.sum() ** 2
    exchangeable = gram - np.outer(r, r) / (1 + q)
    found = flipped_sums(exchangeable, n_b, np.ones((1, len(n_b))))[0]
    drawn = flipped_sums(exchangeable, n_b, signs)
    return float((1 + np.sum(drawn >= found)) / (1 + len(drawn)))

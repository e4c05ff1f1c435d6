"""Quadratic forms of block sums: resampled, and with whole blocks reversed in time."""

import numpy as np


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
    """The same with the sign of whole blocks flipped: time reversal of antisymmetric observables. `signs` (draws, B)."""
    between = np.sum((signs @ gram) * signs, 1) - np.trace(gram)
    return 2 * between / (n_b.sum() ** 2 - n_b @ n_b)

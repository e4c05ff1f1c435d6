"""Weighted second moments of the features, one matrix a neuron: Hessians and the filling of the sandwich."""

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse
from jaxtyping import Array

from .. import numerics
from ._passes import _curvatures, device, features, summed
from ._rows import Batch, Rows, batch_shape

SLOWER = 20  # time of one sparse product over one of a dense product
PROBED = 8192  # rows looked at to choose between them
PIECE = 256  # rows of pair products held at once


def triangle(p: int) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of each pair of features j <= k."""
    return np.triu_indices(p)


@summed
def _dense(_: None, part: tuple[Array, Batch]) -> Array:
    """Sum over rows of weight_i z_j z_k for all pairs j <= k: (k, pairs)."""
    weight, batch = part
    j, k = triangle(1 + batch.x.shape[-1] + (0 if batch.regressors is None else batch.regressors.shape[-1]))

    def pieces(leaf: Array | None) -> Array | None:
        size = min(PIECE, leaf.shape[1]) if leaf is not None else 0
        return None if leaf is None else leaf.reshape(-1, size, *leaf.shape[2:])

    def add(total: Array, piece: tuple) -> tuple[Array, None]:
        w, x, regressors = piece
        z = features(x, regressors, w.dtype)
        return total + w.T @ (z[:, j] * z[:, k]), None

    start = jnp.zeros((weight.shape[-1], len(j)), weight.dtype)
    return jax.lax.scan(add, start, (pieces(weight), pieces(batch.x), pieces(batch.regressors)))[0]


def _rare(rows: Rows) -> np.ndarray:
    """The rarer state of each sender (+1 or -1), judged by evenly spaced rows."""
    probe = slice(None, None, max(1, len(rows.x) // PROBED))
    return np.where(rows.w[probe] @ (rows.x[probe] > 0) * 2 > rows.w[probe].sum(), -1, 1)


def sparsity(rows: Rows) -> tuple[bool, float]:
    """Whether sparse products are faster, and the pairs of features that one row then holds on average."""
    p, probe = rows.features, slice(None, None, max(1, len(rows.x) // PROBED))
    active = 1 + (rows.x[probe] == _rare(rows)).sum(axis=1, dtype=np.int64)
    held = float((active * (active + 1)).mean() / 2)
    return rows.regressors is None and SLOWER * held < p * (p + 1) / 2, held


def _pairs(active: np.ndarray) -> scipy.sparse.csr_matrix:
    """Which pairs of features (one, and the senders in their rarer state) each row holds: (pairs, rows)."""
    p = active.shape[1] + 1
    row, column = np.nonzero(np.concatenate([np.ones((len(active), 1), bool), active], axis=1))
    pair_parts, row_parts = [], []
    for shift in range(int(np.bincount(row).max())):
        first, second = slice(0, len(row) - shift), slice(shift, len(row))
        same = row[first] == row[second]
        j, k = column[first][same], column[second][same]
        pair_parts.append(j * p - j * (j - 1) // 2 + (k - j))
        row_parts.append(row[first][same])
    pair, where = np.concatenate(pair_parts), np.concatenate(row_parts)
    return scipy.sparse.csr_matrix((np.ones(len(pair)), (pair, where)), shape=(p * (p + 1) // 2, len(active)))


def _incidence(rows: Rows) -> tuple[np.ndarray, list | None]:
    """The rarer state of each sender, and which rows hold which pairs of them, batch by batch.

    The list is None where dense products are faster. Both depend on the past states alone and are kept.
    """
    if "incidence" not in rows.kept:
        rare, parts = _rare(rows), None
        if sparsity(rows)[0]:
            block, blocks, _ = batch_shape(len(rows.x), rows.chunk)
            size = block * blocks
            parts = [_pairs(rows.x[k : k + size] == rare) for k in range(0, len(rows.x), size)]
        rows.kept["incidence"] = (rare, parts)
    return rows.kept["incidence"]


def _natural(gram: np.ndarray, rare: np.ndarray) -> np.ndarray:
    """From features z = (1, [s_j is rare]) to (1, s_j): s_j = rare_j (2 z_j - 1)."""
    twice = gram * np.concatenate([[1.0], 2.0 * rare])
    twice[:, :, 1:] -= gram[:, :, :1] * rare
    both = twice * np.concatenate([[1.0], 2.0 * rare])[:, None]
    both[:, 1:, :] -= twice[:, :1, :] * rare[:, None]
    return both


def grams(theta: np.ndarray, rows: Rows, neurons: np.ndarray, kind: int = 0) -> np.ndarray:
    """Sum over rows of weight_i z z^T, (k, p, p): `kind` 0 weighs by w (1 - tanh^2 h), 1 by squared scores."""
    rare, pairs = _incidence(rows)
    computed, picked = rows.bucket(neurons, 1 if pairs else rows.features // 2)
    at = neurons if picked is None else np.arange(len(neurons))
    moved = device(theta[computed])
    j, k = triangle(rows.features)
    total = np.zeros((len(neurons), len(j)))
    for part, batch in enumerate(rows.batches(picked)):
        weight = _curvatures(moved, batch)[kind]
        if pairs is None:
            total += np.asarray(_dense(None, (weight, batch)))[at]
        else:
            flat = np.asarray(numerics.gathered(weight), dtype=float).reshape(-1, len(computed))[
                : pairs[part].shape[1], at
            ]
            total += (pairs[part] @ flat).T
    full = np.empty((len(neurons), rows.features, rows.features))
    full[:, j, k] = full[:, k, j] = total
    return full if pairs is None else _natural(full, rare)


def groups(neurons: np.ndarray, features: int, limit: int = 2**27) -> list[np.ndarray]:
    """The neurons in groups whose matrices fit in `limit` bytes."""
    size = max(1, limit // (8 * features**2))
    return [neurons[start : start + size] for start in range(0, len(neurons), size)]

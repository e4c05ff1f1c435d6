"""Self-history longer than one step, as regressors of a drive."""

import dataclasses

import numpy as np
from jaxtyping import Bool

from ..data import Transitions


def with_own_history(t: Transitions, lags: int) -> tuple[Transitions, Bool[np.ndarray, "n k"]]:
    """The pairs that have `lags` past states, the older ones as drive, and the mask that lets units read their own.

    Lag 1 is the diagonal of J; the drive (pairs, k), k = n (lags - 1), holds lag 2 of all units, then lag 3, and so on.
    Pairs must be in time order within each block; where a pair does not continue the one before, history starts anew.
    Fit with `nq.fit(t, drive_is_weighed=True, drive_mask=mask)`; the filter of unit i at lag l is then
    `B[i, n * (l - 2) + i]`. Without the mask every unit reads the older states of all.

    Raises ValueError if `lags` is below 2, if the transitions have a drive, or if no pair has enough past.
    """
    if lags < 2 or t.drive is not None:
        raise ValueError(f"lags = {lags} must be at least 2, and the transitions without a drive of their own")
    x, pairs = np.asarray(t.x), np.arange(len(t))
    follows = np.zeros(len(t), bool)
    follows[1:] = (x[1:] == np.asarray(t.x_next)[:-1]).all(axis=1)
    if t.block is not None:
        follows[1:] &= np.diff(np.asarray(t.block)) == 0
    start = np.maximum.accumulate(np.where(follows, 0, pairs))
    kept = np.flatnonzero(pairs - start >= lags - 1)
    if len(kept) == 0:
        raise ValueError(f"lags = {lags} are more than any stretch of transitions has: ask for fewer")
    drive = np.concatenate([x[kept - (lag - 1)] for lag in range(2, lags + 1)], axis=1).astype(float)
    mask = np.tile(np.eye(x.shape[1], dtype=bool), lags - 1)
    return dataclasses.replace(t[kept], drive=drive), mask

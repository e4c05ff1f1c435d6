"""From transitions to rows: spins and drives checked, equal pasts joined."""

from typing import Any

import numpy as np

from ..data import Transitions
from ._rows import CHUNK, Joined, Rows, means

PROBE = 65536  # pairs looked at before pasts are collapsed
CHECKED = 2**24  # entries checked or converted at a time


def read(t: Transitions, *, drive_is_field: bool = False, drive_is_weighed: bool = False, chunk: int = CHUNK) -> Rows:
    """Rows of these transitions.

    Raises ValueError if spins are not -1 or +1, weights negative or not finite, or the drive has the wrong shape.
    """
    x, x_next = _spins(t.x, "x"), _spins(t.x_next, "x_next")
    weight = np.ones(len(x)) if t.weight is None else np.asarray(t.weight, dtype=float)
    if not np.all(np.isfinite(weight) & (weight >= 0)) or not weight.sum() > 0:
        raise ValueError(f"weight must be finite, not negative and not all zero: its sum is {weight.sum()}")
    if drive_is_field and drive_is_weighed:
        raise ValueError("drive_is_field and drive_is_weighed are both True: the drive can be one of them, not both")
    regressors = offset = None
    if drive_is_field or drive_is_weighed:
        drive = _drive(t, x.shape[1] if drive_is_field else None)
        regressors, offset = (None, drive) if drive_is_field else (drive, None)
    elif t.drive is not None:
        raise ValueError(
            "transitions have a drive: say drive_is_field=True (a known addition to each field), drive_is_weighed=True "
            "(regressors with fitted weights), or drop it with dataclasses.replace(transitions, drive=None)"
        )
    rows = Rows(x, x_next, weight, weight**2, regressors, offset, chunk=chunk)
    plain = t.drive is None and np.all((weight == 0) | (weight == 1))
    return _collapsed(rows) if plain else rows


def _spins(leaf: Any, name: str) -> np.ndarray:
    array = np.asarray(leaf)
    if array.ndim != 2:
        raise ValueError(f"{name} must hold one row of spins a pair, shape (pairs, n): found shape {array.shape}")
    step, good = max(1, CHECKED // max(1, array.shape[1])), []
    for start in range(0, len(array), step):
        part = array[start : start + step]
        wrong = ~((part == 1) | (part == -1))
        if wrong.any():
            at = np.argwhere(wrong)[0]
            raise ValueError(
                f"{name} must hold spins -1 or +1 (convert 0/1 counts with 2 x - 1): {name} = {part[tuple(at)]}, "
                f"at {[int(at[0]) + start, int(at[1])]}"
            )
        if array.dtype != np.int8:
            good.append(part.astype(np.int8))
    return array if array.dtype == np.int8 else np.concatenate(good or [array.astype(np.int8)])


def _drive(t: Transitions, n: int | None) -> np.ndarray:
    if t.drive is None:
        raise ValueError("transitions have no drive: give Transitions(..., drive=array) or leave drive_is_... False")
    drive = np.asarray(t.drive, dtype=float)
    if drive.ndim != 2 or (n is not None and drive.shape[1] != n):
        raise ValueError(f"drive has shape {drive.shape}: a known field is (pairs, n), n = {n}, regressors (pairs, k)")
    if not np.all(np.isfinite(drive)):
        raise ValueError(f"drive must be finite: found {drive[~np.isfinite(drive)][0]}")
    return drive


def _collapsed(rows: Rows) -> Rows:
    """Rows with equal pasts joined, if at most a quarter of them are distinct."""
    words = _words(rows.x)
    probe = words[:: max(1, len(words) // PROBE)]
    if np.count_nonzero(np.diff(np.sort(_hash(probe)))) >= len(probe) / 2:
        return rows
    _, first, row = np.unique(_hash(words), return_index=True, return_inverse=True)
    if 4 * len(first) > len(words) or not np.array_equal(words[first][row], words):
        return rows  # little to gain, or two pasts of one hash
    joined = Joined(row, rows.a, rows.w)
    w, a = means(*joined, len(first))
    return Rows(rows.x[first], a, w, w, joined=joined, chunk=rows.chunk)


def _words(x: np.ndarray) -> np.ndarray:
    """Spins as bits, 64 to a word."""
    step = max(1, CHECKED // x.shape[1])
    bits = np.concatenate([np.packbits(x[k : k + step] > 0, axis=1) for k in range(0, len(x), step)])
    return np.pad(bits, ((0, 0), (0, -bits.shape[1] % 8))).view(np.uint64)


def _hash(words: np.ndarray) -> np.ndarray:
    """One word for each row; a single word is its own."""
    odd = np.random.default_rng(0).integers(0, 2**63, words.shape[1], dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    return words[:, 0] if words.shape[1] == 1 else ((words ^ (words >> np.uint64(29))) * odd).sum(axis=1)

"""What a fit reads: rows of past spins with the mean of what followed, equal pasts collapsed where that pays."""

import dataclasses
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import scipy.sparse

from ..data import Transitions

BLOCK = 2048  # rows in one matrix product
CHUNK = 131072  # rows in one call, unless told otherwise
KEPT = 2**30  # bytes of batches held on the device between passes
PROBE = 65536  # pairs looked at before pasts are collapsed
CHECKED = 2**24  # entries checked or converted at a time


class Batch(NamedTuple):
    """Rows on the device, (blocks, rows, ...): past spins, mean next spins, weights, sums of squared weights, drives."""

    x: Any
    a: Any
    w: Any
    w_squared: Any
    regressors: Any
    offset: Any


@dataclasses.dataclass(frozen=True)
class Rows:
    """Past states `x` (rows, n) with the weighted mean `a` (rows, n) of the spins that followed.

    `w` (rows,) sums the weights of a row's pairs, `w_squared` their squares. `regressors` (rows, k) and `offset`
    (rows, n) are the drive, either to be weighed by fitted weights or a known addition to the fields. `row` (pairs,)
    maps pairs to rows and `x_next` (pairs, n) is kept where rows were collapsed; both are None where rows are pairs.
    """

    x: np.ndarray
    a: np.ndarray
    w: np.ndarray
    w_squared: np.ndarray
    regressors: np.ndarray | None = None
    offset: np.ndarray | None = None
    row: np.ndarray | None = None
    x_next: np.ndarray | None = None
    chunk: int = CHUNK
    kept: dict = dataclasses.field(default_factory=dict)

    @property
    def n(self) -> int:
        """Number of spins."""
        return self.x.shape[1]

    @property
    def features(self) -> int:
        """Number of features of a row: one, the past spins, the regressors."""
        return 1 + self.n + (0 if self.regressors is None else self.regressors.shape[1])

    @property
    def weight(self) -> float:
        """Total weight: the number of transitions where weights are 0 or 1."""
        return float(self.w.sum())

    def reweighted(self, weight: np.ndarray) -> "Rows":
        """The same rows where pair k has weight `weight[k]` (0 or 1 if pairs were collapsed)."""
        weight = np.asarray(weight, dtype=float)
        if self.row is None:
            return dataclasses.replace(self, w=weight, w_squared=weight**2, kept={})
        w, a = _means(self.row, self.x_next, weight, len(self.x))
        return dataclasses.replace(self, a=a, w=w, w_squared=w, kept={})

    def thinned(self, count: int) -> tuple["Rows", float]:
        """At most `count` evenly spaced pairs in place of all, and the factor by which their sums fall short."""
        if len(self.x) <= count:
            return self, 1.0
        pairs = len(self.x) if self.row is None else len(self.row)
        at = np.arange(count) * pairs // count
        if self.row is None:
            part = self._picked(at)
        else:
            chosen = np.zeros(pairs)
            chosen[at] = 1
            part = self.reweighted(chosen)
            part = part._picked(np.flatnonzero(part.w))
        return part, self.weight / part.weight

    def _picked(self, at: np.ndarray) -> "Rows":
        drives = (None if leaf is None else leaf[at] for leaf in (self.regressors, self.offset))
        return Rows(self.x[at], self.a[at], self.w[at], self.w_squared[at], *drives, chunk=self.chunk)

    def counted(self) -> "Rows":
        """The same rows, every pair of positive weight counted once."""
        if self.row is not None or np.all((self.w == 0) | (self.w == 1)):
            return self
        return self.reweighted((self.w > 0).astype(float))

    def batches(self, neurons: np.ndarray | None = None) -> Iterator[Batch]:
        """The rows on the device, batch by batch, all of one shape; `neurons` picks columns of `a` and `offset`."""
        if neurons is None and "batches" in self.kept:
            yield from self.kept["batches"]
            return
        block, blocks, count = batch_shape(len(self.x), self.chunk)
        size, keep = block * blocks, []
        small = len(self.x) * self.n * (1 + self.a.itemsize) < KEPT
        for k in range(count):
            batch = self._batch(slice(k * size, (k + 1) * size), (blocks, block), neurons)
            if neurons is None and small:
                keep.append(batch)
            yield batch
        if keep:
            self.kept["batches"] = keep

    def _batch(self, at: slice, shape: tuple[int, int], neurons: np.ndarray | None) -> Batch:
        def put(leaf: np.ndarray | None, columns: np.ndarray | None, dtype: Any = float) -> Any:
            if leaf is None:
                return None
            leaf = leaf[at] if columns is None else leaf[at][:, columns]
            short = shape[0] * shape[1] - len(leaf)
            leaf = np.pad(leaf, [(0, short)] + [(0, 0)] * (leaf.ndim - 1)) if short else leaf
            leaf = leaf if leaf.dtype == np.int8 else leaf.astype(jnp.result_type(dtype))
            return jnp.asarray(leaf.reshape(*shape, *leaf.shape[1:]))

        return Batch(
            put(self.x, None),
            put(self.a, neurons),
            put(self.w, None),
            put(self.w_squared, None),
            put(self.regressors, None),
            put(self.offset, neurons),
        )


def batch_shape(rows: int, chunk: int = CHUNK) -> tuple[int, int, int]:
    """Rows in a block, blocks in a batch and number of batches, so that padding stays small."""
    block = min(BLOCK, max(64, 1 << (min(rows, chunk) - 1).bit_length()))
    blocks = -(-rows // block)
    count = -(-blocks // max(1, chunk // block))
    return block, -(-blocks // count), count


def read(t: Transitions, *, drive_is_field: bool = False, drive_is_weighed: bool = False, chunk: int = CHUNK) -> Rows:
    """Rows of these transitions.

    Raises ValueError if spins are not -1 or +1, weights negative or not finite, or the drive has the wrong shape.
    """
    x, x_next = _spins(t.x, "x"), _spins(t.x_next, "x_next")
    weight = np.ones(len(x)) if t.weight is None else np.asarray(t.weight, dtype=float)
    if not np.all(np.isfinite(weight) & (weight >= 0)) or not weight.sum() > 0:
        raise ValueError(f"weight must be finite, not negative and not all zero: its sum is {weight.sum()}")
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
    if len(np.unique(_hash(probe))) > len(probe) / 2:
        return rows
    _, first, row = np.unique(_hash(words), return_index=True, return_inverse=True)
    if 4 * len(first) > len(words) or not np.array_equal(words[first][row], words):
        return rows  # little to gain, or two pasts of one hash
    w, a = _means(row, rows.a, rows.w, len(first))
    return Rows(rows.x[first], a, w, w, row=row, x_next=rows.a, chunk=rows.chunk)


def _words(x: np.ndarray) -> np.ndarray:
    """Spins as bits, 64 to a word."""
    bits = np.packbits(x > 0, axis=1)
    return np.pad(bits, ((0, 0), (0, -bits.shape[1] % 8))).view(np.uint64)


def _hash(words: np.ndarray) -> np.ndarray:
    """One word for each row; a single word is its own."""
    odd = np.random.default_rng(0).integers(0, 2**63, words.shape[1], dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    return words[:, 0] if words.shape[1] == 1 else ((words ^ (words >> np.uint64(29))) * odd).sum(axis=1)


def _means(row: np.ndarray, x_next: np.ndarray, weight: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Total weight of each row and the weighted mean of what followed it (0 where the weight is 0)."""
    gather = scipy.sparse.csr_matrix((weight, (row, np.arange(len(row)))), shape=(count, len(row)))
    w = np.bincount(row, weight, count)
    safe = np.where(w == 0, 1, w)[:, None]
    a = np.empty((count, x_next.shape[1]))
    for start in range(0, x_next.shape[1], 16):
        a[:, start : start + 16] = gather @ x_next[:, start : start + 16].astype(float) / safe
    return w, a

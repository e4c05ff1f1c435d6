"""What a fit reads: rows of past spins with the mean of what followed, equal pasts collapsed where that pays."""

import dataclasses
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import scipy.sparse

from .. import numerics

BLOCK = 2048  # rows in one matrix product
CHUNK = 131072  # rows in one call, unless told otherwise
SHORT = 2e9  # products in a pass over all neurons that is short enough not to leave any out
KEPT = 2**30  # bytes of batches held on the device between passes


class Batch(NamedTuple):
    """Rows on the devices, which share the blocks, (blocks, rows, ...).

    Past spins, share of +1 that followed, weights, squared weights, drives.

    Shares, not means, because a rare +1 keeps its digits in float32. Where rows are pairs `up` is the later spin, int8.
    """

    x: Any
    up: Any
    w: Any
    w_squared: Any
    regressors: Any
    offset: Any


class Joined(NamedTuple):
    """Pairs that were joined into rows: the row of each (pairs,), what followed (pairs, n), weights 0 or 1 (pairs,)."""

    row: np.ndarray
    x_next: np.ndarray
    weight: np.ndarray


@dataclasses.dataclass(frozen=True)
class Rows:
    """Past states `x` (rows, n) with the weighted mean `a` (rows, n) of the spins that followed.

    `w` (rows,) sums the weights of a row's pairs, `w_squared` their squares. `regressors` (rows, k) and `offset`
    (rows, n) are the drive, either to be weighed by fitted weights or a known addition to the fields. Where equal pasts
    were joined, `joined` tells what from; otherwise rows are pairs. `kept` holds what later passes use again.
    """

    x: np.ndarray
    a: np.ndarray
    w: np.ndarray
    w_squared: np.ndarray
    regressors: np.ndarray | None = None
    offset: np.ndarray | None = None
    joined: Joined | None = None
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

    @property
    def pair_weight(self) -> np.ndarray:
        """Weight of each pair."""
        return self.w if self.joined is None else self.joined.weight

    def reweighted(self, weight: np.ndarray) -> "Rows":
        """The same rows where pair k has weight `weight[k]` (0 or 1 if pairs were joined)."""
        weight = np.asarray(weight, dtype=float)
        kept = {key: value for key, value in self.kept.items() if key == "incidence"}
        if self.joined is None:
            return dataclasses.replace(self, w=weight, w_squared=weight**2, kept=kept)
        joined = self.joined._replace(weight=weight)
        w, a = means(*joined, len(self.x))
        return dataclasses.replace(self, a=a, w=w, w_squared=w, joined=joined, kept=kept)

    def thinned(self, count: int) -> tuple["Rows", float]:
        """At most `count` evenly spaced pairs in place of all, and the factor by which their sums fall short."""
        if len(self.x) <= count:
            return self, 1.0
        chosen = np.flatnonzero(self.pair_weight)
        part = self.pairs(chosen[np.arange(count) * len(chosen) // count])
        return part, self.weight / part.weight

    def pairs(self, at: np.ndarray | slice = slice(None)) -> "Rows":
        """Pairs in time order, all or some, one a row."""
        if self.joined is None:
            drives = [None if leaf is None else leaf[at] for leaf in (self.regressors, self.offset)]
            return Rows(self.x[at], self.a[at], self.w[at], self.w_squared[at], drives[0], drives[1], None, self.chunk)
        row, x_next, weight = (leaf[at] for leaf in self.joined)
        return Rows(self.x[row], x_next, weight, weight, chunk=self.chunk)

    def counted(self) -> "Rows":
        """The same rows, every pair of positive weight counted once."""
        if np.all((self.pair_weight == 0) | (self.pair_weight == 1)):
            return self
        return self.reweighted((self.w > 0).astype(float))

    def bucket(self, neurons: np.ndarray, cost: int = 1) -> tuple[np.ndarray, np.ndarray | None]:
        """Neurons to compute in order to have some: all of them (then also None), or a power of two of them.

        `found[neurons]` of the first case and `found[: len(neurons)]` of the second are those asked for. Few sizes
        mean few compiled programs; where a pass (of `cost` passes' length) is short, all neurons cost less than a new
        program.
        """
        size = 1 << (len(neurons) - 1).bit_length()
        if 2 * size > self.n or len(self.x) * self.n * self.features * cost < SHORT:
            return np.arange(self.n), None
        padded = np.resize(neurons, size)
        return padded, padded

    def batches(self, neurons: np.ndarray | None = None) -> Iterator[Batch]:
        """The rows on the devices, batch by batch, all of one shape; `neurons` picks columns of `a` and `offset`."""
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
            return jnp.asarray(numerics.spread(leaf.reshape(*shape, *leaf.shape[1:])))

        return Batch(
            put(self.x, None),
            put(self.a if self.a.dtype == np.int8 else (1 + self.a) / 2, neurons),
            put(self.w, None),
            put(self.w_squared, None),
            put(self.regressors, None),
            put(self.offset, neurons),
        )


def batch_shape(rows: int, chunk: int = CHUNK) -> tuple[int, int, int]:
    """Rows in a block, blocks in a batch and number of batches, so that padding stays small.

    Every device has as many blocks of a batch; `chunk` is the most rows of one device.
    """
    devices = len(numerics.devices())
    own = -(-rows // devices)
    block = min(BLOCK, max(64, 1 << (min(own, chunk) - 1).bit_length()))
    blocks = -(-own // block)
    step = 1 << max(0, blocks.bit_length() - 3)  # few shapes, so that fits of similar size share a compiled program
    blocks = -(-blocks // step) * step
    count = -(-blocks // max(1, chunk // block))
    return block, devices * -(-blocks // count), count


def means(row: np.ndarray, x_next: np.ndarray, weight: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Total weight of each row and the weighted mean of what followed it (0 where the weight is 0)."""
    gather = scipy.sparse.csr_matrix((weight, (row, np.arange(len(row)))), shape=(count, len(row)))
    w = np.bincount(row, weight, count)
    safe = np.where(w == 0, 1, w)[:, None]
    a = np.empty((count, x_next.shape[1]))
    for start in range(0, x_next.shape[1], 16):
        a[:, start : start + 16] = gather @ x_next[:, start : start + 16].astype(float) / safe
    return w, a

"""Many chains of a coloured sweep at once."""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int, Key, Shaped, UInt8, UInt32

from .. import numerics
from .._types import Drive, Index
from ..models import SparseIsing
from ._coloured_sweep import ColouredSweep, in_order, pair_numbers, sweep_of, turns_up

TOGETHER = 8  # neighbours read in one pass: more make long programs
Bytes = tuple[UInt8[Array, "_half chains"], ...]
"""For each colour: bit 0 is set where a spin of its first half is up, bit 1 where one of its second half is."""


class _Half(NamedTuple):
    """What the spins of half a colour read; lists of neighbours are filled up to a multiple of one pass."""

    sites: Int[Array, " half"]
    H: Float[Array, " half"]
    row: Int[Array, "degree half"]  # of each neighbour, in the bytes of all colours
    bit: UInt8[Array, "degree half"]  # the one to look at
    weights: Float[Array, "degree half"]


class ColouredChains(eqx.Module):
    """Sweeps of many chains: two spins of a chain share a byte and their random bits, and chains lie side by side.

    The spins of a colour are cut into two halves; the k-th of both make a pair, redrawn in one pass over all chains. So
    each block of random bits is used in full, each neighbour is one stretch of memory, and little memory is touched.
    The random numbers are those of `ColouredSweep.step`: a spin can differ from what single steps give only where its
    field meets its random number to rounding.
    """

    halves: tuple[tuple[_Half, _Half], ...]
    pairs: tuple[UInt32[Array, " _half"], ...]
    row: Int[Array, " n"]
    bit: UInt8[Array, " n"]

    def __init__(self, dynamics: ColouredSweep) -> None:
        sites, self.pairs = dynamics.sites, tuple(pair_numbers(dynamics.sites))
        self.row, self.bit = jnp.zeros(dynamics.model.n, jnp.int32), jnp.zeros(dynamics.model.n, jnp.uint8)
        for colour, pairs in zip(sites, self.pairs, strict=True):
            rows = jnp.concatenate([pairs, pairs])[: len(colour)].astype(jnp.int32)
            self.row = self.row.at[colour].set(rows)
            self.bit = self.bit.at[colour].set(jnp.where(jnp.arange(len(colour)) < len(pairs), 1, 2).astype(jnp.uint8))
        # a colour of an odd number: its last byte repeats a spin, which nobody reads
        full = [jnp.pad(c, (0, 2 * len(p) - len(c)), mode="edge") for c, p in zip(sites, self.pairs, strict=True)]
        half = lambda sites: self._half(dynamics.model, sites)  # noqa: E731
        self.halves = tuple((half(c[: len(c) // 2]), half(c[len(c) // 2 :])) for c in full)

    def init(self, x: Shaped[Array, "chains n"]) -> Bytes:
        """The states in bytes."""
        up = (x.T > 0).astype(jnp.uint8)
        return tuple(up[first.sites] + 2 * up[second.sites] for first, second in self.halves)

    def spins(self, moving: Bytes, dtype: DTypeLike = jnp.int8) -> Shaped[Array, "chains n"]:
        """The states as spins -1 or +1."""
        up = jnp.concatenate(moving)[self.row] & self.bit[:, None]
        return jnp.where(up.T > 0, 1, -1).astype(dtype)

    def sweeps(
        self, moving: Bytes, first: Index, stop: Index, *, keys: Key[Array, " chains"], drive: Callable[[Index], Drive]
    ) -> tuple[Bytes, Bytes]:
        """The states before the last one, and after all, of the sweeps numbered `first` to `stop` - 1, at least one.

        `keys` are those of the steps, `drive(index)` is the input of one.
        """
        sweep = lambda index, carry: (carry[1], self._sweep(carry[1], index, keys, drive(index)))  # noqa: E731
        return jax.lax.fori_loop(first, stop, sweep, (moving, moving))

    def _sweep(self, moving: Bytes, index: Index, keys: Key[Array, " chains"], drive: Drive) -> Bytes:
        push, backwards = sweep_of(drive)
        colours = list(moving)
        for c in in_order(range(len(colours)), backwards):
            together = jnp.concatenate(colours)
            h = [_fields(half, together, push) for half in self.halves[c]]
            draw = lambda pair, key, dtype=h[0].dtype: numerics.uniform_pairs(key, index, pair, dtype)  # noqa: E731
            u = jax.vmap(jax.vmap(draw, (None, 0)), (0, None))(self.pairs[c], keys)  # chains last, as they are kept
            first, second = map(turns_up, u, h)
            colours[c] = first.astype(jnp.uint8) | second.astype(jnp.uint8) << 1
        return tuple(colours)

    def _half(self, model: SparseIsing, sites: Int[Array, " half"]) -> _Half:
        neighbours, there = model.neighbours[sites], model.there[sites]
        once = min(TOGETHER, model.degree)
        fill = lambda table: jnp.pad(table.T, ((0, -model.degree % once), (0, 0)))  # noqa: E731
        weights = jnp.where(there, model.weights[sites], 0)
        row, bit = self.row[neighbours], self.bit[neighbours]
        return _Half(sites, model.H[sites], fill(row), fill(bit), fill(weights))


def _fields(half: _Half, together: UInt8[Array, "pairs chains"], push: Drive) -> Float[Array, "half chains"]:
    """The fields of half a colour in all chains."""
    degree = half.row.shape[0]
    once = min(TOGETHER, degree)
    constant = half.H if push is None else half.H + push[half.sites]

    def read(k: Array, h: Float[Array, "half chains"]) -> Float[Array, "half chains"]:
        now = [jax.lax.dynamic_slice_in_dim(table, k * once, once) for table in (half.row, half.bit, half.weights)]
        for row, bit, weight in zip(*now, strict=True):
            up = (together[row] & bit[:, None]) != 0
            h = h + jnp.where(up, weight[:, None], -weight[:, None])
        return h

    start = jnp.broadcast_to(constant[:, None], (len(half.sites), together.shape[1]))
    return jax.lax.fori_loop(0, degree // once, read, start)

"""All spins in turn, a colour at a time."""

import functools as ft
import itertools
from collections.abc import Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key, Shaped, UInt32

from .. import numerics
from .._results import Unit
from .._types import Drive, Index, State
from ..models import SparseIsing
from ._base import AbstractFiniteDynamics, all_spins, spin_index
from ._colouring import apart, greedy_colours, known_colours


class Backwards(eqx.Module):
    """Input of a sweep that takes the colours from the last to the first; `drive` is its input otherwise."""

    drive: Drive = None


class ColouredSweep(AbstractFiniteDynamics):
    """All spins are redrawn once, a colour after the other in a fixed order. A step is one sweep, one unit of time.

    No spin pulls on another one of its colour, so redrawing a colour at once is redrawing its spins one by one:
    P(x' | x) = prod_c prod_(i in c) sigmoid(2 x'_i h_i(y_c)),  y_c = x' on the colours before c and x on the others.

    This is not the chain of `Sequential`, which draws a site at random each time: with asymmetric couplings it settles
    into another law, and correlations in time differ. Run backwards, a sweep takes the colours in reverse: `reverse`
    swaps the pair and puts the drive into `Backwards` (or takes it out). Unit of flows: nats/sweep.

    - `colours`: one integer a spin, lowest first in a sweep; by default chosen greedily;
    - `sites`: the spins of each colour.

    Raises ValueError if a spin pulls on another one of its colour, naming the pair (traced neighbours: a run-time
    error without it), or if colours are traced. Source: Geman & Geman, IEEE Trans. PAMI 6, 721 (1984) for sweeps;
    Roldan & Parrondo, PRE 85, 031129 (2012) for the arrow of time.

    ```python
    nq.simulate(nq.ColouredSweep(model), nq.random_spins(key, (256, model.n)), steps=1000, key=key)
    ```
    """

    model: SparseIsing
    colours: Int[Array, " n"]
    sites: tuple[Int[Array, " _size"], ...]
    unit: ClassVar[Unit] = Unit.per_sweep

    def __init__(self, model: SparseIsing, colours: Any = None) -> None:
        known = known_colours(model, greedy_colours(model) if colours is None else colours).astype(np.int32)
        self.colours = jnp.asarray(known)
        self.model = apart(model, self.colours)
        self.sites = tuple(jnp.asarray(np.flatnonzero(known == c), jnp.int32) for c in np.unique(known))

    def step(self, x: State, index: Index, *, key: Key[Array, ""], drive: Drive = None) -> State:
        """One sweep."""
        return self._sweep(x, jnp.asarray(index), key, drive)

    @eqx.filter_jit  # traced once a shape: a short call spends its time on that else
    def _sweep(self, x: State, index: Int[Array, ""], key: Key[Array, ""], drive: Drive) -> State:
        push, backwards = sweep_of(drive)
        for sites, pairs in in_order(list(zip(self.sites, pair_numbers(self.sites), strict=True)), backwards):
            h = self._fields(x, sites, push)
            u = jnp.concatenate(numerics.uniform_pairs(key, index, pairs, h.dtype))[: len(sites)]
            x = x.at[sites].set(jnp.where(turns_up(u, h), 1, -1).astype(x.dtype))
        return x

    def log_prob(self, x: State, x_next: State, drive: Drive = None) -> Float[Array, ""]:
        """A sum over the colours, each redrawn from the fields of those before it in the new state."""
        push, backwards = sweep_of(drive)
        total = jnp.zeros((), self.model.weights.dtype)
        for sites in in_order(self.sites, backwards):
            h = self._fields(x, sites, push)
            total = total + jnp.sum(jax.nn.log_sigmoid(2 * x_next[sites].astype(h.dtype) * h))
            x = x.at[sites].set(x_next[sites])
        return total

    def reverse(self, x: State, x_next: State, drive: Drive = None) -> tuple[State, State, Drive]:
        """The pair swapped, the colours in reverse order."""
        push, backwards = sweep_of(drive)
        return x_next, x, push if backwards else Backwards(push)

    def duration(self, x: State, x_next: State) -> Float[Array, ""]:
        """One unit of time."""
        return jnp.ones(())

    def spins(self, x: State) -> Shaped[Array, " n"]:
        """The state itself."""
        return x

    def states(self, drive: Drive = None) -> Shaped[Array, "states n"]:
        """All 2**n states, spin i up where bit i of the state's number is set."""
        return all_spins(self.model.n)

    def index(self, x: State) -> Shaped[Array, ""]:
        """The number whose bits are the spins."""
        return spin_index(x)

    def outcomes(self, x: State, drive: Drive = None) -> tuple[State, Float[Array, " k"]]:
        """All states."""
        states = self.states()
        return states, jax.lax.map(lambda x_next: self.log_prob(x, x_next.astype(x.dtype), drive), states)

    def _fields(self, x: State, sites: Int[Array, " size"], push: Drive) -> Float[Array, " size"]:
        return jax.vmap(lambda i: self.model.site_field(x, i, push))(sites)


@ft.singledispatch
def sweep_of(drive: Drive) -> tuple[Drive, bool]:
    """The input of a sweep, and whether it goes backwards."""
    return drive, False


@sweep_of.register
def _(drive: Backwards) -> tuple[Drive, bool]:
    return drive.drive, True


def in_order(colours: Sequence[Any], backwards: bool) -> Sequence[Any]:
    """`colours` in the order of a sweep."""
    return colours[::-1] if backwards else colours


def pair_numbers(sites: tuple[Int[Array, " _size"], ...]) -> list[UInt32[Array, " _half"]]:
    """Numbers of the pairs of each colour: its k-th spin and the k-th of its second half share a random block."""
    halves = [-(-len(colour) // 2) for colour in sites]
    starts = np.cumsum([0, *halves])
    return [jnp.arange(a, b, dtype=jnp.uint32) for a, b in itertools.pairwise(starts)]


def turns_up(u: Float[Array, "*shape"], h: Float[Array, "*shape"]) -> Bool[Array, "*shape"]:
    """Whether a redrawn spin is +1: `u < sigmoid(2 h)` without the division."""
    return u * (1 + jnp.exp(-2 * h)) < 1

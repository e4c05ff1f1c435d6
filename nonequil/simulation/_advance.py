"""The loop over steps, in pieces of any length."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.sharding import Mesh
from jaxtyping import Array, Int, Key, PyTree

from .. import numerics
from .._types import State
from ..dynamics import AbstractDynamics
from ..statistics import AbstractObserver
from ._base import AbstractSteps
from ._chunks import pairs
from ._columns import filled_up
from ._drive import drives_at
from ._state import LAST, SimulationState, period
from ._steps import steps_of


@eqx.filter_jit
def advance(
    dynamics: AbstractDynamics,
    state: SimulationState,
    *,
    steps: int,
    key: Key[Array, ""],
    observers: tuple[AbstractObserver, ...] = (),
    every: int | None = None,
    drive: Any = None,
) -> SimulationState:
    """The state `steps` steps later (burn-in counts).

    `key`, `observers`, `every` and `drive` are those of the whole run: calls in pieces then give what one call gives,
    bit for bit. The rows of a `drive` array are the steps of the whole run, burn-in included. Compiles once for each
    number of steps; memory does not grow with it.
    Raises ValueError if `steps` is negative or the observers are not those of the state.
    """
    if steps < 0:
        raise ValueError(f"steps = {steps}: the number of steps must not be negative")
    if len(observers) != len(state.totals):
        raise ValueError(f"observers: {len(observers)} given, but the state was started with {len(state.totals)}")
    return _Run.of(dynamics, state, observers, every, drive, key).advance(state, steps, closing=False)


@eqx.filter_jit
def complete(
    dynamics: AbstractDynamics,
    state: SimulationState,
    *,
    steps: int,
    key: Key[Array, ""],
    observers: tuple[AbstractObserver, ...],
    every: int | None,
    drive: Any,
) -> tuple[State, tuple[Any, ...]]:
    """`advance` and `finish` in one, for a run in one piece: the last states and what the observers say."""
    state = _Run.of(dynamics, state, observers, every, drive, key).advance(state, steps, closing=True)
    return state.x, tuple(o.finish(total) for o, total in zip(observers, state.totals, strict=True))


@eqx.filter_jit
def finish(
    dynamics: AbstractDynamics,
    state: SimulationState,
    *,
    observers: tuple[AbstractObserver, ...],
    every: int | None = None,
    drive: Any = None,
) -> tuple[Any, ...]:
    """What the observers say of all pairs so far; the state can still go on."""
    sums = totals(dynamics, state, observers=observers, every=every, drive=drive)
    return tuple(o.finish(total) for o, total in zip(observers, sums, strict=True))


def totals(
    dynamics: AbstractDynamics,
    state: SimulationState,
    *,
    observers: tuple[AbstractObserver, ...],
    every: int | None = None,
    drive: Any = None,
) -> tuple[Any, ...]:
    """What the observers have summed over all pairs so far, those included that wait for others to be added together.

    Numbers that break show here, even where all states are whole numbers.
    """
    if not observers:
        return ()
    run = _Run.of(dynamics, state, observers, every, drive, jax.random.key(0))
    slots = jax.tree.leaves(state.held)[0].shape[1]
    shown = jnp.maximum(state.index - state.burn_in, 0) // run.every
    return run.observe(state.totals, state.held, shown - shown % slots, shown % slots)


@dataclasses.dataclass(frozen=True, eq=False)
class _Run:
    """What stays the same during a run, and its loops. Chains are filled up to what suits steps and devices."""

    dynamics: AbstractDynamics
    observers: tuple[AbstractObserver, ...]
    every: int
    drive: Any
    chains: int
    wide: int
    steps: AbstractSteps
    burn_in: Int[Array, ""]
    mesh: Mesh | None

    @classmethod
    def of(cls, dynamics: Any, state: Any, observers: Any, every: Any, drive: Any, key: Any) -> "_Run":
        """The run that a state belongs to."""
        chains = jax.tree.leaves(state.x)[0].shape[0]
        mesh = state.mesh if chains > 1 else None
        wide = filled_up(dynamics, chains, 1 if mesh is None else mesh.size)
        every = period(dynamics, state.x, every)
        keys = numerics.along(numerics.chain_keys(key, wide), mesh)
        steps = steps_of(dynamics, keys, drive, every if observers else LAST)
        return cls(dynamics, observers, every, drive, chains, wide, steps, state.burn_in, mesh)

    def advance(self, state: SimulationState, steps: int, *, closing: bool) -> SimulationState:
        """The state after `steps` steps; a chunk that is full, or closes the run, has gone to the observers."""
        end = state.index + steps
        if steps == 0:
            return state
        moving, held, totals = self.steps.init(jax.tree.map(self.widened, state.x)), (), ()
        if self.observers:
            window = self.every * jax.tree.leaves(state.held)[0].shape[1]
            held = state.held if self.mesh is None else jax.tree.map(self.widened, state.held)
            (moving, _, held, totals), _ = jax.lax.scan(
                lambda carry, _: (self.window(carry, end, window, closing), None),
                (moving, state.index, held, state.totals),
                length=steps // window + 2,
            )
        else:
            moving = self.steps.run(moving, state.index, end)[1]
        x = jax.tree.map(self.narrowed, self.steps.states(moving, state.x), state.x)
        held = jax.tree.map(self.narrowed, held, state.held)
        return SimulationState(x, end, state.burn_in, totals, held, state.mesh)

    def widened(self, leaf: Array) -> Array:
        """The chains and copies of the first one."""
        short = self.wide - leaf.shape[0]
        leaf = jnp.concatenate([leaf, jnp.repeat(leaf[:1], short, axis=0)]) if short else leaf
        return numerics.along(leaf, self.mesh)

    def narrowed(self, leaf: Array, asked: Array) -> Array:
        """The chains without the copies."""
        return leaf[: asked.shape[0]]

    def window(self, carry: tuple, end: Int[Array, ""], window: int, closing: bool) -> tuple:
        """Steps up to the end of the run or of the chunk, which then goes to the observers."""
        moving, index, held, totals = carry
        first = jnp.maximum(index - self.burn_in, 0) // window * window
        full = self.burn_in + first + window
        stop = jnp.minimum(full, end)
        moving, held = self.stretch(moving, held, index, stop)
        filled = jnp.maximum(stop - self.burn_in - first, 0) // self.every
        totals = jax.lax.cond(
            (index < stop) & ((stop == full) | closing),
            lambda totals: self.observe(totals, held, first // self.every, filled),
            lambda totals: totals,
            totals,
        )
        return moving, stop, held, totals

    def stretch(self, moving: PyTree, held: PyTree, index: Array, stop: Array) -> tuple[PyTree, PyTree]:
        """Steps from `index` to `stop`, of which each `every`-th pair after the burn-in is put into its slot."""

        def slot(carry: tuple) -> tuple:
            index, moving, held = carry
            past = jnp.maximum(index - self.burn_in, 0)
            shown = past // self.every
            end = jnp.minimum(self.burn_in + (shown + 1) * self.every, stop)
            before, after = self.steps.run(moving, index, end)  # not yet a pair if the run stops before: written anew
            pair = tuple(self.steps.states(leaf, kept) for leaf, kept in zip((before, after), held, strict=True))
            return end, after, self.put(held, pair, shown)

        return jax.lax.while_loop(lambda carry: carry[0] < stop, slot, (index, moving, held))[1:]

    def put(self, held: tuple, pair: tuple, shown: Int[Array, ""]) -> tuple:
        """The held pairs with one more, in the slot of the `shown`-th pair."""

        def write(kept: Array, new: Array) -> Array:
            return jax.lax.dynamic_update_index_in_dim(kept, new[: kept.shape[0]], shown % kept.shape[1], 1)

        return jax.tree.map(write, held, pair)

    def observe(self, totals: Any, held: tuple, first: Int[Array, ""], filled: Int[Array, ""]) -> Any:
        """The totals with the first `filled` of the held pairs, the `first`-th and following ones of each chain."""
        x, x_next = jax.tree.map(lambda leaf: leaf[: self.chains], held)
        slots = jax.tree.leaves(x)[0].shape[1]
        index = self.burn_in + (first + jnp.arange(slots)) * self.every + self.every - 1
        t = pairs(self.dynamics, x, x_next, drives_at(self.drive, index), filled)
        return tuple(o.update(total, t) for o, total in zip(self.observers, totals, strict=True))

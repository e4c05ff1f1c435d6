"""The loop over steps, in pieces of any length."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, Key, PyTree

from .. import numerics
from .._types import State
from ..dynamics import AbstractDynamics
from ..statistics import AbstractObserver, update_all
from ._chunks import pairs
from ._drive import drive_at, drives_at
from ._state import SimulationState, period

WIDTH = 16  # chains run in multiples of this: a chain alone then goes through the same matrix product as in a batch


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
    run = _Run(dynamics, observers, period(dynamics, state.x, every), drive, key, state.burn_in)
    end = state.index + steps
    quiet = jnp.clip(state.burn_in, state.index, end) if observers else end
    x = jax.lax.fori_loop(state.index, quiet, run.step, run.widened(state.x))
    if not observers:
        return eqx.tree_at(lambda s: (s.x, s.index), state, (run.narrowed(x, state.x), end))
    window = run.every * jax.tree.leaves(state.held)[0].shape[1]
    (x, index, held, totals), _ = jax.lax.scan(
        lambda carry, _: (run.window(carry, end, window), None),
        (x, quiet, state.held, state.totals),
        length=steps // window + 2,
    )
    return SimulationState(run.narrowed(x, state.x), index, state.burn_in, totals, held)


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
    if not observers:
        return ()
    run = _Run(dynamics, observers, period(dynamics, state.x, every), drive, jax.random.key(0), state.burn_in)
    slots = jax.tree.leaves(state.held)[0].shape[1]
    shown = jnp.maximum(state.index - state.burn_in, 0) // run.every
    totals = run.observe(state.totals, state.held, shown - shown % slots, shown % slots)
    return tuple(o.finish(total) for o, total in zip(observers, totals, strict=True))


@dataclasses.dataclass(frozen=True, eq=False)
class _Run:
    """What stays the same during a run, and its loops."""

    dynamics: AbstractDynamics
    observers: tuple[AbstractObserver, ...]
    every: int
    drive: Any
    key: Key[Array, ""]
    burn_in: Int[Array, ""]

    def widened(self, x: State) -> State:
        """The chains with copies of the first one, up to a multiple of `WIDTH`."""
        short = -jax.tree.leaves(x)[0].shape[0] % WIDTH
        return (
            jax.tree.map(lambda leaf: jnp.concatenate([leaf, jnp.repeat(leaf[:1], short, axis=0)]), x) if short else x
        )

    def narrowed(self, x: State, like: PyTree) -> State:
        """Only the chains that were asked for."""
        return jax.tree.map(lambda leaf, asked: leaf[: asked.shape[0]], x, like)

    def step(self, index: Int[Array, ""], x: State) -> State:
        """One step of all chains."""
        keys = numerics.chain_keys(self.key, jax.tree.leaves(x)[0].shape[0])
        drive = drive_at(self.drive, index)
        return jax.vmap(lambda x, key: self.dynamics.step(x, index, key=key, drive=drive))(x, keys)

    def window(self, carry: tuple, end: Int[Array, ""], window: int) -> tuple:
        """Steps up to the end of the run or of the chunk; a full chunk goes to the observers."""
        x, index, held, totals = carry
        done = (index - self.burn_in) // window
        full = self.burn_in + (done + 1) * window
        stop = jnp.minimum(full, end)
        slots = window // self.every
        x, held = self.stretch(x, held, index, stop)
        totals = jax.lax.cond(
            (index < stop) & (stop == full),
            lambda totals: self.observe(totals, held, done * slots, jnp.asarray(slots)),
            lambda totals: totals,
            totals,
        )
        return x, stop, held, totals

    def stretch(self, x: State, held: tuple, index: Array, stop: Array) -> tuple[State, tuple]:
        """Steps from `index` to `stop`, of which each `every`-th pair is put into its slot."""

        def show(index: Array, carry: tuple) -> tuple:
            x, held = carry
            x_next = self.step(index, x)
            return x_next, self.put(held, (x, x_next), (index - self.burn_in) // self.every)

        def slot(carry: tuple) -> tuple:
            index, x, held = carry
            last = index + self.every - 1 - (index - self.burn_in) % self.every
            x = jax.lax.fori_loop(index, jnp.minimum(last, stop), self.step, x)
            x, held = jax.lax.fori_loop(last, jnp.minimum(last + 1, stop), show, (x, held))
            return jnp.minimum(last + 1, stop), x, held

        if self.every == 1:
            return jax.lax.fori_loop(index, stop, show, (x, held))
        return jax.lax.while_loop(lambda carry: carry[0] < stop, slot, (index, x, held))[1:]

    def put(self, held: tuple, pair: tuple, shown: Int[Array, ""]) -> tuple:
        """The held pairs with one more, in the slot of the `shown`-th pair."""

        def write(kept: Array, new: Array) -> Array:
            return kept.at[:, shown % kept.shape[1]].set(new[: kept.shape[0]])

        return jax.tree.map(write, held, pair)

    def observe(self, totals: Any, held: tuple, first: Int[Array, ""], filled: Int[Array, ""]) -> Any:
        """The totals with the first `filled` of the held pairs, the `first`-th and following ones of each chain."""
        x, x_next = held
        slots = jax.tree.leaves(x)[0].shape[1]
        index = self.burn_in + (first + jnp.arange(slots)) * self.every + self.every - 1
        return update_all(self.observers, totals, pairs(self.dynamics, x, x_next, drives_at(self.drive, index), filled))

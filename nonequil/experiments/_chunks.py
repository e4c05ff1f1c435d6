"""Long simulations in pieces: progress, checkpoints, signals and the check for NaN between them."""

import functools as ft
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Key, PyTree

from .. import simulation
from ..dynamics import AbstractDynamics
from ..statistics import AbstractObserver
from ._stages import RunFailed, Stages


def run_chunks(
    dynamics: AbstractDynamics,
    x0: PyTree,
    *,
    steps: int,
    key: Key[Array, ""],
    observers: tuple[AbstractObserver, ...] = (),
    burn_in: int = 0,
    every: int | None = None,
    drive: Any = None,
    chunk: int = 1000,
    stages: Stages | None = None,
    name: str = "simulation",
) -> tuple[PyTree, tuple[Any, ...]]:
    """`nonequil.simulate`, `chunk` steps at a time: the same bits, with the state noted in `stages` after each chunk.

    Arguments and results are those of `simulate`. Between chunks the progress bar moves, the state is kept under
    `name`, and a signal may stop the run; a run that starts with a kept state goes on from there.
    Raises ValueError for arguments that `simulate` refuses; `RunFailed` naming the first step after which a number of
    the state, or one that the observers sum, was not finite; the state before that step is kept.
    """
    if chunk < 1:
        raise ValueError(f"chunk = {chunk}: a chunk holds at least one step")
    seen: dict[str, Any] = {"observers": observers, "every": every}
    with Stages() if stages is None else stages as stages:
        state = simulation.start(dynamics, x0, steps=steps, burn_in=burn_in, **seen)
        kept = stages.restore(name, state)
        state = state if kept is None else kept
        advance = ft.partial(simulation.advance, dynamics, key=key, drive=drive, **seen)
        fine = lambda state: bool(_fine(dynamics, state, seen | {"drive": drive}))  # noqa: E731
        stages.expect(burn_in + steps, "step")
        stages.show(name, int(state.index))
        while (done := int(state.index)) < burn_in + steps:
            length = min(chunk, burn_in + steps - done)
            later = advance(state, steps=length)
            if not fine(later):
                state = _last_good(advance, fine, state, length)
                stages.keep(name, int(state.index), state)
                raise RunFailed(f"{name}: a number was not finite after step {int(state.index) + 1}")
            state = later
            stages.show(name, length)
            stages.keep(name, int(state.index), state)
        return state.x, simulation.finish(dynamics, state, drive=drive, **seen)


def _last_good(advance: Callable[..., Any], fine: Callable[[Any], bool], state: Any, length: int) -> Any:
    """The state before the first step of a chunk after which a number is not finite, by going through it again."""
    for _ in range(length):
        later = advance(state, steps=1)
        if not fine(later):
            break
        state = later
    return state


@eqx.filter_jit
def _fine(dynamics: AbstractDynamics, state: Any, seen: dict[str, Any]) -> Bool[Array, ""]:
    """Whether a state and what the observers have summed are finite."""
    return all_finite((state, simulation.totals(dynamics, state, **seen)))


def all_finite(state: PyTree) -> Bool[Array, ""]:
    """Whether every floating-point number of a state is finite."""
    numbers = [x for x in jax.tree.leaves(state) if eqx.is_inexact_array(x)]
    return jnp.stack([jnp.isfinite(x).all() for x in numbers]).all() if numbers else jnp.array(True)

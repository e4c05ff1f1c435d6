"""Long simulations in pieces: progress, checkpoints, signals and the check for NaN between them."""

import functools as ft
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Key, PyTree

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
    """`nonequil.simulate`, `chunk` steps at a time: the same bits, with the state kept in `stages` after each chunk.

    Arguments and results are those of `simulate`. Between chunks the progress bar moves, the state is kept under
    `name`, and a signal may stop the run; a run that starts with a kept state goes on from there.
    Raises ValueError for arguments that `simulate` refuses; `RunFailed` naming the first step after which a number of
    the state was not finite.
    """
    if chunk < 1:
        raise ValueError(f"chunk = {chunk}: a chunk holds at least one step")
    stages = Stages() if stages is None else stages
    seen: dict[str, Any] = {"observers": observers, "every": every}
    state = simulation.start(dynamics, x0, steps=steps, burn_in=burn_in, **seen)
    kept = stages.load(name)
    state = state if kept is None else unpack(kept, state)
    advance = ft.partial(simulation.advance, dynamics, key=key, drive=drive, **seen)
    stages.expect(burn_in + steps, "step")
    stages.show(name, int(state.index))
    while (done := int(state.index)) < burn_in + steps:
        length = min(chunk, burn_in + steps - done)
        later = advance(state, steps=length)
        if not all_finite(later):
            raise RunFailed(f"{name}: a number was not finite after step {_first_bad(advance, state, length)}")
        state = later
        stages.show(name, length)
        stages.save(name, pack(state))
    return state.x, simulation.finish(dynamics, state, drive=drive, **seen)


def _first_bad(advance: Callable[..., Any], state: Any, length: int) -> int:
    """Number of the first step of a chunk after which the state is not finite, found by going through it again."""
    for _ in range(length):
        state = advance(state, steps=1)
        if not all_finite(state):
            break
    return int(state.index)


def pack(state: PyTree) -> list[np.ndarray]:
    """The leaves of a state as NumPy arrays; typed random keys become their data."""
    return [np.asarray(jr.key_data(leaf) if _is_key(leaf) else leaf) for leaf in jax.tree.leaves(state)]


def unpack(leaves: list[np.ndarray], like: PyTree) -> PyTree:
    """A state built like `like` from leaves that `pack` made."""
    old, tree = jax.tree.flatten(like)
    new = [
        jr.wrap_key_data(jnp.asarray(leaf), impl=jr.key_impl(was)) if _is_key(was) else jnp.asarray(leaf)
        for leaf, was in zip(leaves, old, strict=True)
    ]
    return jax.tree.unflatten(tree, new)


def _is_key(leaf: Any) -> bool:
    return eqx.is_array(leaf) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def all_finite(state: PyTree) -> bool:
    """Whether every floating-point number of a state is finite."""
    numbers = [x for x in jax.tree.leaves(state) if eqx.is_inexact_array(x)]
    return all(bool(jnp.isfinite(x).all()) for x in numbers)

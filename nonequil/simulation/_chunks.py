"""Chunks of a simulation: several steps of all chains, as one flat list of pairs."""

import functools as ft
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, PyTree, Shaped

from ..data import Transitions
from ..dynamics import AbstractDynamics, Sequential

PAIRS = 4096  # pairs of a chunk, about: enough for a matrix product, little memory


def capacity(chains: int) -> int:
    """Steps of a chunk."""
    return -(-PAIRS // chains)


@ft.singledispatch
def sharing(dynamics: AbstractDynamics) -> int:
    """Number of consecutive chains that share random numbers, so that only groups of so many are independent."""
    return 1


@sharing.register
def _(dynamics: Sequential) -> int:
    return dynamics.sharing


def pairs(
    dynamics: AbstractDynamics,
    x: PyTree[Shaped[Array, "chains steps ..."]],
    x_next: PyTree[Shaped[Array, "chains steps ..."]],
    drive: PyTree[Shaped[Array, "steps ..."]] | None,
    filled: Int[Array, ""],
) -> Transitions:
    """Pairs chain by chain, in time order within a chain; those from `filled` on have weight 0.

    Consecutive chains that share random numbers are one block.
    """
    chains, steps = jax.tree.leaves(x)[0].shape[:2]
    dt = jax.vmap(jax.vmap(dynamics.duration))(x, x_next)
    weight = jnp.broadcast_to((jnp.arange(steps) < filled).astype(float), (chains, steps))
    block = jnp.broadcast_to((jnp.arange(chains) // sharing(dynamics))[:, None], (chains, steps))
    drive = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (chains, *leaf.shape)), drive)
    flat: Any = jax.tree.map(
        lambda leaf: leaf.reshape(chains * steps, *leaf.shape[2:]), (x, x_next, drive, dt, weight, block)
    )
    return Transitions(*flat, unit=dynamics.unit, chains=chains)

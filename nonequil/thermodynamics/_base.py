"""What an estimator is: transitions in, one estimate out."""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._results import Estimate, Unit
from ..data import Transitions
from ..dynamics import AbstractDynamics


class AbstractEstimator(eqx.Module):
    """An estimator of entropy production: `estimator(transitions) -> Estimate`."""

    @abc.abstractmethod
    def __call__(self, t: Transitions) -> Estimate:
        """The estimate from these transitions, in nats and the unit it names."""


def is_population(t: Transitions) -> bool:
    """Whether the pairs are a whole population: weights that are probabilities (they sum to one) and no blocks.

    `Enumeration.transitions()` is of this kind. A population has no sampling error, so nothing is cross-fitted on it.
    Under jit the weights are unknown, and the answer is no.
    """
    if t.weight is None or t.block is not None or isinstance(t.weight, jax.core.Tracer):
        return False
    return bool(abs(float(np.sum(np.asarray(t.weight, float))) - 1) < 1e-5)


def unit_of(t: Transitions, default: Unit = Unit.per_step) -> Unit:
    """The clock of the pairs where they name one, else `default`."""
    return default if t.unit is None else t.unit


def pad(leaf: Any, size: int) -> Any:
    """`leaf` lengthened to `size` rows by repeating the last one, so that all chunks compile to one program."""
    missing = size - leaf.shape[0]
    if missing == 0:
        return leaf
    return jnp.pad(leaf, [(0, missing)] + [(0, 0)] * (leaf.ndim - 1), mode="edge")


def per_pair(flow: Callable, dynamics: AbstractDynamics, t: Transitions) -> Float[Array, "pairs *parts"]:
    """`flow(dynamics, x, x_next, drive)` of each pair, chunk by chunk: recordings stay in int8 on the host."""
    elements = sum(leaf[:1].size for leaf in jax.tree.leaves(t.x))
    size = min(len(t), max(256, min(65536, 2**23 // elements**2)))
    flows = []
    for piece in t.chunks(size):
        rows = jax.tree.map(lambda leaf: pad(leaf, size), (piece.x, piece.x_next, piece.drive))
        flows.append(_vmapped(flow, dynamics, *rows)[: len(piece)])
    return jnp.concatenate(flows)


@eqx.filter_jit
def _vmapped(
    flow: Callable, dynamics: AbstractDynamics, x: Any, x_next: Any, drive: Any
) -> Float[Array, "pairs *parts"]:
    return jax.vmap(lambda *pair: flow(dynamics, *pair))(x, x_next, drive)

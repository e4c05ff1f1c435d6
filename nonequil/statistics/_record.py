"""The trajectory itself, on request."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from .._checks import require
from ..data import Transitions
from ._base import AbstractObserver


class Record(AbstractObserver):
    """All pairs that were shown, as `Transitions`: chain after chain, in time order, `block` the chain.

    Memory grows with the number of pairs. In a run in pieces, `simulation.start` makes room for its `steps`.
    Raises ValueError (traced: a run-time error) if more pairs were shown than there was room for.

    ```python
    _, (record,) = nq.simulate(dynamics, x0, steps=1000, key=key, observers=(nq.Record(),))
    record.x_next.reshape(chains, 1000, n)
    ```
    """

    def init(self, t: Transitions) -> PyTree:
        """Room for all pairs."""
        by_chain = jax.eval_shape(_by_chain, t)
        return (
            jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), by_chain),
            jnp.zeros((), int),
            jnp.zeros((), int),
        )

    def update(self, total: PyTree, t: Transitions) -> PyTree:
        """The pairs written behind the earlier ones."""
        kept, position, lost = total
        new = _by_chain(t)
        steps = len(t) // t.chains
        place = position + jnp.arange(steps)
        room = jax.tree.leaves(kept)[0].shape[1]

        def write(kept: Array, rows: Array) -> Array:
            return kept.at[:, place].set(rows, mode="drop", unique_indices=True, indices_are_sorted=True)

        real = jnp.ones((t.chains, steps), bool) if new.weight is None else new.weight != 0
        lost = lost + jnp.sum(real & (place >= room)[None])
        return jax.tree.map(write, kept, new), position + steps, lost

    def finish(self, total: PyTree) -> Transitions:
        """The pairs, chain after chain."""
        kept, _, lost = total
        kept = jax.tree.map(lambda leaf: leaf.reshape(leaf.shape[0] * leaf.shape[1], *leaf.shape[2:]), kept)
        lost = require(
            lost, lost == 0, "Record lacks room: give simulation.start the steps of the whole run; pairs lost"
        )
        kept = jax.tree.map(lambda leaf: jnp.where(lost == 0, leaf, 0), kept)  # keeps the check alive under jit
        return dataclasses.replace(kept, chains=1)


def _by_chain(t: Transitions) -> Any:
    return jax.tree.map(lambda leaf: leaf.reshape(t.chains, leaf.shape[0] // t.chains, *leaf.shape[1:]), t)

"""Weighted pairs of states: the one currency of data, simulation and enumeration."""

from collections.abc import Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float, Int, PyTree, Shaped

from .._results import Unit


class Transitions(eqx.Module):
    """A flat list of pairs `(x, x_next)`, in time order within a block. The first axis of every leaf is `pairs`.

    - `x`, `x_next`: states before and after one step (any pytree; spins are -1/+1, int8 to save memory);
    - `drive`: the input during each step;
    - `dt`: waiting time of each pair, or width of the bin (seconds);
    - `weight`: 0 masks a pair; in an enumerated population, its probability;
    - `block`: trial or chain of each pair: what errors and folds respect;
    - `unit`: clock of a pair (static), `Unit.per_bin` for recordings;
    - `chains`: number of equal stretches of the list (static), one a chain, that the next chunk of the same simulation
      continues one by one; 1 for a list that the next chunk continues as a whole.

    Raises ValueError if the leaves do not have the same number of pairs.

    ```python
    transitions = nq.Transitions(spins[:-1], spins[1:])
    ```
    """

    x: PyTree[Shaped[Any, "pairs ..."]]
    x_next: PyTree[Shaped[Any, "pairs ..."]]
    drive: PyTree[Shaped[Any, "pairs ..."]] | None = None
    dt: Float[Any, " pairs"] | None = None
    weight: Float[Any, " pairs"] | None = None
    block: Int[Any, " pairs"] | None = None
    unit: Unit | None = eqx.field(static=True, default=None)
    chains: int = eqx.field(static=True, default=1)

    def __check_init__(self) -> None:
        leaves = jax.tree.leaves((self.x, self.x_next, self.drive, self.dt, self.weight, self.block))
        shapes = [leaf.shape for leaf in leaves if hasattr(leaf, "shape")]
        if any(len(shape) == 0 for shape in shapes) or len({shape[0] for shape in shapes if shape}) > 1:
            raise ValueError(f"x, x_next, drive, dt, weight, block differ in the number of pairs: shapes {shapes}")
        before, after = jax.tree.leaves(self.x), jax.tree.leaves(self.x_next)
        if [jnp.shape(a) for a in before] != [jnp.shape(b) for b in after]:
            raise ValueError(
                f"x has shapes {[a.shape for a in before]}, x_next {[b.shape for b in after]}: make them equal"
            )

    def __len__(self) -> int:
        """Number of pairs."""
        return jax.tree.leaves(self.x)[0].shape[0]

    def __getitem__(self, index: slice | Int[Any, " some"] | Bool[Any, " pairs"]) -> "Transitions":
        """The pairs that a slice, a list of indices or a mask picks, every leaf alike."""
        return jax.tree.map(lambda leaf: leaf[index], self)

    def chunks(self, size: int) -> Iterator["Transitions"]:
        """The same pairs, at most `size` at a time."""
        for start in range(0, len(self), size):
            yield self[start : start + size]


class Attempts(eqx.Module):
    """One hypothetical attempt per site from each state: the compact form of a sequential clock's transitions.

    `x` (states, n) are spins, `flipped[k, i]` tells whether an attempt at site i from state k flips it.
    `weight` and `block` are those of the states, as in `Transitions`.
    """

    x: Shaped[Any, "states n"]
    flipped: Bool[Any, "states n"]
    weight: Float[Any, " states"] | None = None
    block: Int[Any, " states"] | None = None

    def __check_init__(self) -> None:
        if jnp.shape(self.x) != jnp.shape(self.flipped):
            raise ValueError(f"x has shape {jnp.shape(self.x)}, flipped {jnp.shape(self.flipped)}: make them equal")

    def transitions(self) -> Transitions:
        """All pairs written out: `states * n` pairs of which each changes at most one site, state by state."""
        states, n = self.x.shape
        site = jnp.eye(n, dtype=bool)
        x = jnp.repeat(jnp.asarray(self.x), n, axis=0)
        flip = (jnp.asarray(self.flipped)[:, :, None] & site[None]).reshape(states * n, n)
        weight, block = (None if leaf is None else jnp.repeat(leaf, n) for leaf in (self.weight, self.block))
        return Transitions(x, jnp.where(flip, -x, x), weight=weight, block=block, unit=Unit.per_attempt)

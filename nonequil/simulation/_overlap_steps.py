"""Attempts of the sequential clock in an associative memory, on overlaps that are carried along."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, Key, PyTree, Shaped

from .. import numerics
from ..dynamics import OverlapUpdate
from ._base import AbstractSteps
from ._drive import drive_at


class OverlapSteps(AbstractSteps):
    """Attempts one after the other, each at the cost of the overlaps; carried are the states and their overlaps."""

    local: OverlapUpdate
    keys: Key[Array, " chains"]
    drive: Any

    def init(self, x: PyTree) -> PyTree:
        """The states with their overlaps."""
        return x, jax.vmap(self.local.init)(x)

    def states(self, moving: PyTree, like: PyTree) -> PyTree:
        """The states."""
        return moving[0]

    def run(self, moving: PyTree, first: Int[Array, ""], stop: Int[Array, ""]) -> tuple[PyTree, PyTree]:
        """All chains, attempt by attempt."""
        before = jax.lax.fori_loop(first, stop - 1, lambda index, moving: self.step(index, moving), moving)
        return before, self.step(stop - 1, before)

    def step(self, index: Int[Array, ""], moving: PyTree) -> PyTree:
        """One attempt of all chains, by the random numbers of `Sequential.step`."""
        drive = drive_at(self.drive, index)
        attempt = lambda moving, key: self._attempt(moving[0], moving[1], key, index, drive)  # noqa: E731
        return jax.vmap(attempt)(moving, self.keys)

    def _attempt(
        self, x: Shaped[Array, " n"], M: Array, key: Key[Array, ""], index: Int[Array, ""], drive: Any
    ) -> tuple[Array, Array]:
        i = numerics.integers(key, index, (), x.shape[0])
        h = self.local.site_field(M, x, i)
        h = h if drive is None else h + drive[i]
        redrawn = jnp.where(numerics.uniforms(key, index, (), h.dtype) < jax.nn.sigmoid(2 * h), 1, -1).astype(x.dtype)
        changed = (redrawn != x[i]).astype(M.dtype)
        return x.at[i].set(redrawn), M + changed * (self.local.flip(M, x, i) - M)

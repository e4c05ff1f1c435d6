"""Attempts of the sequential clock, on what a model carries along in place of all fields."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, Key, PyTree, Shaped

from .. import numerics
from ..dynamics import AbstractSiteUpdate, redrawn
from ._base import AbstractSteps
from ._drive import drive_at


class CarriedSteps(AbstractSteps):
    """Attempts one after the other; carried are the states, and with them their overlaps or the like."""

    local: AbstractSiteUpdate
    keys: Key[Array, " chains"]
    drive: Any

    def init(self, x: PyTree) -> PyTree:
        """The states, with what is carried along."""
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
        self, x: Shaped[Array, " n"], carried: PyTree, key: Key[Array, ""], index: Int[Array, ""], drive: Any
    ) -> tuple[Array, PyTree]:
        i = numerics.integers(key, index, (), x.shape[0])
        h = self.local.site_field(carried, x, i)
        h = h if drive is None else h + drive[i]
        new = redrawn(numerics.uniforms(key, index, (), h.dtype), h, x.dtype)
        flipped = self.local.flip(carried, x, i)
        return x.at[i].set(new), jax.tree.map(lambda a, b: jnp.where(new == x[i], a, b), carried, flipped)

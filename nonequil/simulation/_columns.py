"""All spins of all chains at once, with the chains side by side."""

import functools as ft
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, Key, PyTree, Shaped

from .. import numerics
from ..dynamics import AbstractDynamics, Parallel, redrawn
from ..models import AbstractSpinModel, Hopfield, Ising
from ._base import AbstractSteps
from ._drive import drive_at
from ._steps import SingleSteps, steps_of

WIDTH = 16  # chains run in multiples of this: those of a small batch go through the matrix product of a large one
COLUMNS = 64  # the same where chains are columns
SPINS = 256  # from so many on columns are faster, and products of any multiple of 64 of them round alike


class Columns(AbstractSteps):
    """Parallel steps of states that are the columns of a matrix: its product reads the couplings as they lie."""

    dynamics: Parallel
    keys: Key[Array, " chains"]
    drive: Any

    def init(self, x: PyTree) -> PyTree:
        """The states as columns."""
        return x.T

    def states(self, moving: PyTree, like: PyTree) -> PyTree:
        """The columns as states."""
        return moving.T

    def run(self, moving: PyTree, first: Int[Array, ""], stop: Int[Array, ""]) -> tuple[PyTree, PyTree]:
        """All chains, step by step."""
        return jax.lax.fori_loop(first, stop, lambda index, x: (x[1], self.step(index, x[1])), (moving, moving))

    def step(self, index: Int[Array, ""], x: Shaped[Array, "n chains"]) -> Shaped[Array, "n chains"]:
        """`Parallel.step` of all chains, by the same random numbers."""
        model: Any = self.dynamics.model
        h = model.fields(x, drive_at(self.drive, index))
        draw = lambda site, key: numerics.uniforms_at(key, index, site, h.dtype)  # noqa: E731
        u = jax.vmap(jax.vmap(draw, (None, 0)), (0, None))(jnp.arange(model.n), self.keys)
        return redrawn(u, h, x.dtype)


@ft.singledispatch
def in_columns(model: AbstractSpinModel) -> bool:
    """Whether a model has `fields` of many states side by side, and they pay."""
    return False


@in_columns.register(Ising)
@in_columns.register(Hopfield)
def _(model: Ising | Hopfield) -> bool:
    return model.n >= SPINS


@steps_of.register
def _(dynamics: Parallel, keys: Key[Array, " chains"], drive: Any, together: int) -> AbstractSteps:
    if in_columns(dynamics.model):
        return Columns(dynamics, keys, drive)
    return SingleSteps(dynamics, keys, drive)


def filled_up(dynamics: AbstractDynamics, chains: int, devices: int = 1) -> int:
    """Chains that are run in place of `chains`: a lone one as it is, by products of a matrix and a vector."""
    width = _width(dynamics) * devices
    return chains if chains == 1 else -(-chains // width) * width


@ft.singledispatch
def _width(dynamics: AbstractDynamics) -> int:
    return WIDTH


@_width.register
def _(dynamics: Parallel) -> int:
    return COLUMNS if in_columns(dynamics.model) else WIDTH

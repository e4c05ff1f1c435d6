"""What dynamics of real numbers in noise have in common."""

import jax.numpy as jnp
from equinox import AbstractVar
from jaxtyping import Array, Float, Shaped

from .._types import Drive
from ._base import AbstractDynamics


class AbstractDiffusion(AbstractDynamics):
    """Steps of `dt` of real coordinates, all even under time reversal."""

    dt: AbstractVar[Float[Array, ""]]

    def reverse(
        self, x: Float[Array, " n"], x_next: Float[Array, " n"], drive: Drive = None
    ) -> tuple[Float[Array, " n"], Float[Array, " n"], Drive]:
        """The pair swapped."""
        return x_next, x, drive

    def duration(self, x: Float[Array, " n"], x_next: Float[Array, " n"]) -> Float[Array, ""]:
        """`dt`."""
        return self.dt

    def spins(self, x: Float[Array, " n"]) -> Shaped[Array, "0"]:
        """None: its states are real numbers."""
        return jnp.zeros(0, jnp.int8)

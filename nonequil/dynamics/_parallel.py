"""All spins at once."""

from typing import ClassVar

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Key, Shaped

from .. import numerics
from .._results import Unit
from .._types import Drive, Index, State
from ..models import AbstractSpinModel
from ._base import AbstractSpinClock, log_prob_all


def redrawn(u: Float[Array, "*shape"], h: Float[Array, "*shape"], dtype: DTypeLike) -> Shaped[Array, "*shape"]:
    """Spins that are +1 where the uniform number is below `sigmoid(2 h)`, else -1."""
    return jnp.where(u < jax.nn.sigmoid(2 * h), 1, -1).astype(dtype)


class Parallel(AbstractSpinClock):
    """All spins are redrawn at once from the same state (Little dynamics). A step is one unit of time.

    P(x' | x) = prod_i sigmoid(2 x'_i h_i(x)), h the model's field. Unit of flows: nats/step.
    Source: Little, Math. Biosci. 19, 101 (1974).
    """

    model: AbstractSpinModel
    unit: ClassVar[Unit] = Unit.per_step

    def step(self, x: State, index: Index, *, key: Key[Array, ""], drive: Drive = None) -> State:
        """All spins redrawn."""
        h = self.model.field(x, drive)
        return redrawn(numerics.uniforms(key, index, h.shape, h.dtype), h, x.dtype)

    def log_prob(self, x: State, x_next: State, drive: Drive = None) -> Float[Array, ""]:
        """`sum_i log sigmoid(2 x'_i h_i(x))`."""
        h = self.model.field(x, drive)
        return jnp.sum(jax.nn.log_sigmoid(2 * x_next.astype(h.dtype) * h))

    def duration(self, x: State, x_next: State) -> Float[Array, ""]:
        """One unit of time."""
        return jnp.ones(())

    def outcomes(self, x: State, drive: Drive = None) -> tuple[State, Float[Array, " k"]]:
        """All states."""
        states = self.states()
        return states, log_prob_all(self.model.field(x, drive), states)

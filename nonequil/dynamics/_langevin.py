"""Continuous states that a force pulls and noise shakes."""

from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from .. import numerics
from .._checks import positive
from .._results import Unit
from .._types import Drive, Index
from ..models import AbstractForce
from ._diffusion import AbstractDiffusion


class Langevin(AbstractDiffusion):
    """dx = drift(x) dt + sqrt(2 T) dW by steps of Euler and Maruyama: P(x' | x) = normal(x + drift(x) dt, 2 T dt).

    A step lasts `dt`, in the unit of time of the drift; `T` > 0 is the temperature, in the unit of energy where the
    drift is minus a gradient. Then the steady state tends to exp(-E / T) and the entropy production to zero as dt
    falls: both are off by order dt, since the step is the law, and exact for it. All coordinates are even under time
    reversal. Unit of flows: nats/step. Raises ValueError (traced: a run-time error) unless T and dt are positive.

    ```python
    clock = nq.Langevin(nq.ModernHopfield(patterns, beta=4.0), T=0.1, dt=0.01)
    nq.simulate(clock, jnp.zeros((64, 10)), steps=1000, key=jax.random.key(0))
    ```
    """

    model: AbstractForce
    T: Float[Array, ""] = eqx.field(converter=positive("T"))
    dt: Float[Array, ""] = eqx.field(converter=positive("dt"), default=0.01)
    unit: ClassVar[Unit] = Unit.per_step

    def step(self, x: Float[Array, " n"], index: Index, *, key: Key[Array, ""], drive: Drive = None) -> Any:
        """The state `dt` later."""
        noise = numerics.normals(key, index, x.shape, x.dtype)
        return (x + self.model.drift(x, drive) * self.dt + jnp.sqrt(2 * self.T * self.dt) * noise).astype(x.dtype)

    def log_prob(self, x: Float[Array, " n"], x_next: Float[Array, " n"], drive: Drive = None) -> Float[Array, ""]:
        """Log density of `x_next`."""
        moved, variance = x_next - x - self.model.drift(x, drive) * self.dt, 2 * self.T * self.dt
        return -0.5 * (moved @ moved / variance + x.shape[0] * jnp.log(2 * jnp.pi * variance))

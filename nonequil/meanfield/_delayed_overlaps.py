"""Memories of few patterns whose couplings also read a trace of the past: sequences recalled by single spins."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._checks import finite, positive
from ..numerics import maps
from ._base import AbstractClosure
from ._overlaps import Memory, OverlapMap


class Traced(eqx.Module):
    """Overlaps `m` with the patterns now, and of their exponential trace, `trace`; shape (p,) both."""

    m: Float[Array, " p"]
    trace: Float[Array, " p"]


class DelayedFlow(AbstractClosure):
    """Overlaps a time `dt` later, where couplings mixed by `delayed` read an exponential trace of the past.

    dm/dt = -m + < xi tanh(beta xi.(A m + B mbar)) >,  tau dmbar/dt = m - mbar, in units of one attempt a spin, by one
    Runge-Kutta step. `delayed` B (p, p) is, say, `strength * nq.memory.sequence(p)`, tau > 0 the time of the trace;
    A, beta and the columns are those of the memory. Weak B is overruled; strong B (2 and more, at A = 1) leaves
    no pattern the time to form, and all patterns mix. Source: Sompolinsky & Kanter, Phys. Rev. Lett. 57, 2861 (1986).

    ```python
    closure = nq.memory.DelayedFlow(1.2 * nq.memory.sequence(5), tau=8.0)
    q0 = nq.memory.Traced(m=jnp.eye(5)[0], trace=jnp.zeros(5))
    nq.meanfield.transient(closure, nq.Hebbian(5, beta=5.0), q0, steps=2000).m
    ```
    """

    delayed: Float[Array, "p p"] = eqx.field(converter=finite("delayed"))
    tau: Float[Array, ""] = eqx.field(converter=positive("tau"))
    dt: float = eqx.field(static=True, default=0.05)

    def init(self, model: Memory) -> Traced:
        """The first pattern, alone, without a past."""
        m = OverlapMap().init(model)
        return Traced(m, jnp.zeros_like(m))

    def __call__(self, q: Traced, model: Memory) -> Traced:
        """Overlaps a time `dt` later."""
        return maps.runge_kutta(lambda q: self.drift(q, model), q, self.dt)

    def drift(self, q: Traced, model: Memory) -> Traced:
        """Time derivatives of overlaps and trace."""
        if self.delayed.shape != 2 * q.m.shape:
            raise ValueError(f"delayed has shape {self.delayed.shape}: {len(q.m)} patterns need {2 * q.m.shape}")
        columns, share = model.columns()
        h = model.pull(q.m) + model.beta * ((self.delayed @ q.trace) @ columns)
        return Traced(columns @ (share * jnp.tanh(h)) - q.m, (q.m - q.trace) / self.tau)

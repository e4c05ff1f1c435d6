"""One spin at a time in a memory that also reads an exponential trace of its past."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, Shaped

from .. import numerics
from .._checks import finite, positive
from .._results import Unit
from .._types import Drive, Index
from ..models import Hopfield, overlaps
from ._base import AbstractDynamics
from ._parallel import redrawn
from ._sequential import attempt_log_prob


class Trace(eqx.Module):
    """Spins `x` (n,), their overlaps `m` (p,) with the patterns, and the trace `mbar` (p,) of these; chains first."""

    x: Shaped[Array, "*chains n"]
    m: Float[Array, "*chains p"]
    mbar: Float[Array, "*chains p"]


class TracedSequential(AbstractDynamics):
    """One spin, drawn at random, is redrawn (Glauber) from couplings that read the state and a trace of its past.

    h_i = `memory` field + beta sum_mu xi_i^mu sum_nu B[mu, nu] mbar_nu. After each attempt, of duration 1 / n, the
    trace relaxes to the overlaps: mbar' = m + (mbar - m) exp(-1 / (n tau)), that is mbar(t) = (1 / tau) int_0^inf
    exp(-u / tau) m(t - u) du, tau in units of one attempt a spin. `delayed` B (p, p) is mostly a multiple of
    `nq.memory.sequence(p)`: stored patterns then follow each other, though single spins move. Overlaps of many spins
    obey `nq.memory.DelayedFlow`.

    The trace remembers: no step leads back, `log_prob` of a reversed pair is -inf, and the entropy production of spins
    and trace together is infinite. Unit of flows: nats/attempt. Raises ValueError for a `delayed` of another shape and
    (traced: a run-time error) for tau not above zero. For a delay of whole parallel steps see `nq.DelayedHopfield`.
    Source: Sompolinsky & Kanter, Phys. Rev. Lett. 57, 2861 (1986).

    ```python
    clock = nq.TracedSequential(nq.Hopfield(xi, beta=5.0), 1.2 * nq.memory.sequence(len(xi)), tau=8.0)
    nq.simulate(clock, clock.start(x0), steps=50 * clock.memory.n, key=jax.random.key(0))
    ```
    """

    memory: Hopfield
    delayed: Float[Array, "p p"] = eqx.field(converter=finite("delayed"))
    tau: Float[Array, ""] = eqx.field(converter=positive("tau"))
    unit: ClassVar[Unit] = Unit.per_attempt

    def __check_init__(self) -> None:
        if self.delayed.shape != (self.memory.p, self.memory.p):
            p = self.memory.p
            raise ValueError(f"delayed has shape {self.delayed.shape}: {p} patterns need {(p, p)}")

    def start(self, x: Shaped[Array, "*chains n"]) -> Trace:
        """States without a past: the trace is zero."""
        m = overlaps(self.memory, x)
        return Trace(x, m, jnp.zeros_like(m))

    def step(self, x: Trace, index: Index, *, key: Key[Array, ""], drive: Drive = None) -> Trace:
        """One attempt, at the cost of the overlaps of one spin."""
        i, at = numerics.integers(key, index, (), self.memory.n), self._column
        h = self.memory.site_field_of(x.m, x.x[i], i, drive) + self.memory.beta * at(i) @ (self.delayed @ x.mbar)
        new = redrawn(numerics.uniforms(key, index, (), h.dtype), h, x.x.dtype)
        change = (new - x.x[i]).astype(x.m.dtype) / self.memory.n
        m = jnp.round((x.m + at(i) * change) * self.memory.n) / self.memory.n  # whole numbers over n: nothing drifts
        return self._next(x, x.x.at[i].set(new), m)

    def log_prob(self, x: Trace, x_next: Trace, drive: Drive = None) -> Float[Array, ""]:
        """-inf where more than one spin changed, or overlaps or trace did not follow (to a thousand roundings)."""
        h = self.memory.field(x.x, drive) + self.memory.beta * (self.delayed @ x.mbar) @ self.memory.xi
        expected = self._next(x, x_next.x, self.memory.overlaps(x_next.x))
        off = jnp.maximum(jnp.abs(x_next.mbar - expected.mbar), jnp.abs(x_next.m - expected.m))
        followed = jnp.all(off <= 1000 * jnp.finfo(off.dtype).eps)
        return jnp.where(followed, attempt_log_prob(h, x.x, x_next.x), -jnp.inf)

    def reverse(self, x: Trace, x_next: Trace, drive: Drive = None) -> tuple[Trace, Trace, Drive]:
        """The pair swapped."""
        return x_next, x, drive

    def duration(self, x: Trace, x_next: Trace) -> Float[Array, ""]:
        """1 / n."""
        return jnp.ones(()) / self.memory.n

    def spins(self, x: Trace) -> Shaped[Array, " n"]:
        """The spins."""
        return x.x

    def _next(self, x: Trace, spins: Shaped[Array, " n"], m: Float[Array, " p"]) -> Trace:
        """A later state, with the trace that `x` leaves."""
        return Trace(spins, m, m + (x.mbar - m) * jnp.exp(-1 / (self.memory.n * self.tau)))

    def _column(self, i: Index) -> Float[Array, " p"]:
        return self.memory.xi[:, i]

"""Continuous time: waiting times drawn exactly, time-dependent fields by thinning."""

from collections.abc import Callable
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int8, Key, Shaped

from .. import numerics
from .._checks import nonnegative
from .._results import Unit
from .._types import Drive, Index, State
from ..models import AbstractSpinModel
from ._base import AbstractDynamics, AbstractFiniteDynamics, all_spins, flips, log_rates, spin_index
from ._sequential import attempt_log_prob, redraw

Held = tuple[Shaped[Array, " n"], Float[Array, ""]]
"""Spins and the time they are held, or the time at which they were last redrawn."""


class ContinuousTime(AbstractFiniteDynamics):
    """Continuous-time Glauber dynamics, event by event. A step is one flip.

    Spin i flips at rate w_i(x) = rate sigmoid(-2 x_i h_i(x)); the state is (spins, time they are held), the hold drawn
    on arrival, exponential with rate W(x) = sum_i w_i(x). `rate` is the number of redraws per spin and unit of time
    (1/s if times are seconds). Unit of flows: nats/step, a step being one flip: `estimate.per_second(mean hold)`.
    A time average weighs a state by its hold: `statistics.TimeWeighted`.

    `hold(spins, key=...)` makes a first state. Raises ValueError (traced: a run-time error) for a negative rate.
    Source: Glauber (1963); Gillespie, J. Phys. Chem. 81, 2340 (1977).
    """

    model: AbstractSpinModel
    rate: Float[Array, ""] = eqx.field(converter=nonnegative("rate"), default=1.0)
    unit: ClassVar[Unit] = Unit.per_step

    def hold(self, spins: Shaped[Array, " n"], *, key: Key[Array, ""]) -> Held:
        """The state of `spins` with its waiting time drawn."""
        return self._arrive(spins, numerics.uniforms(key, -1, ()), None)

    def step(self, x: State, index: Index, *, key: Key[Array, ""], drive: Drive = None) -> State:
        """The flip that ends the hold of `x`, and the hold of the state it leads to."""
        spins, _ = x
        rates = log_rates(self.model.field(spins, drive), spins)
        choose, wait = numerics.uniforms(key, index, (2,), rates.dtype)
        upto = jax.lax.associative_scan(jnp.add, jnp.exp(rates - jnp.max(rates)))
        i = jnp.minimum(jnp.sum(upto <= choose * upto[-1]), spins.shape[0] - 1)
        return self._arrive(spins.at[i].multiply(-1), wait, drive)

    def log_prob(self, x: State, x_next: State, drive: Drive = None) -> Float[Array, ""]:
        """Log of (probability of the flip) x (density of the next hold); -inf unless exactly one spin changed."""
        (spins, _), (spins_next, held) = x, x_next
        changed = spins != spins_next
        flip = jnp.sum(jnp.where(changed, self._log_flips(spins, drive), 0))
        leave = self._log_leave(spins_next, drive)
        return jnp.where(jnp.sum(changed) == 1, flip + leave - jnp.exp(leave) * held, -jnp.inf)

    def reverse(self, x: State, x_next: State, drive: Drive = None) -> tuple[State, State, Drive]:
        """The pair swapped: waiting times cancel from the mean flow."""
        return x_next, x, drive

    def duration(self, x: State, x_next: State) -> Float[Array, ""]:
        """The time that `x` was held."""
        return x[1]

    def spins(self, x: State) -> Shaped[Array, " n"]:
        """The spins, without their hold."""
        return x[0]

    def states(self, drive: Drive = None) -> tuple[Int8[Array, "states n"], Float[Array, " states"]]:
        """All spin states (spin i up where bit i of the number is set), each with its mean hold."""
        spins = all_spins(self.model.n)
        return spins, jax.vmap(lambda x: jnp.exp(-self._log_leave(x, drive)))(spins)

    def index(self, x: State) -> Shaped[Array, ""]:
        """The number whose bits are the spins."""
        return spin_index(x[0])

    def outcomes(self, x: State, drive: Drive = None) -> tuple[State, Float[Array, " k"]]:
        """The n states with one spin flipped, each with its mean hold, and the log probabilities of the flips."""
        spins = flips(x[0])
        holds = jax.vmap(lambda x_next: jnp.exp(-self._log_leave(x_next, drive)))(spins)
        return (spins, holds), self._log_flips(x[0], drive)

    def _log_flips(self, spins: Shaped[Array, " n"], drive: Drive = None) -> Float[Array, " n"]:
        """Log probability that the next flip is that of spin i: w_i / W."""
        return jax.nn.log_softmax(log_rates(self.model.field(spins, drive), spins))

    def _log_leave(self, spins: Shaped[Array, " n"], drive: Drive = None) -> Float[Array, ""]:
        """Log of the total rate W."""
        rates = log_rates(self.model.field(spins, drive), spins)
        top = jax.lax.stop_gradient(jnp.max(rates))
        total = numerics.ordered_sum(jnp.exp(rates - top))
        return jnp.log(self.rate.astype(rates.dtype)) + top + jnp.log(total)

    def _arrive(self, spins: Shaped[Array, " n"], u: Float[Array, ""], drive: Drive) -> Held:
        leave = self._log_leave(spins, drive)
        return spins, -jnp.log1p(-u.astype(leave.dtype)) * jnp.exp(-leave)


class Thinning(AbstractDynamics):
    """Continuous time with fields that change in time, exact by thinning. A step is one attempt.

    Attempts come at rate `rate * n`, at a uniformly random site i, which is redrawn from its field at that moment:
    p(+1) = sigmoid(2 h_i(x, protocol(t))). The state is (spins, time of the last attempt); `protocol(t)` gives the
    drive at time t. Time is in the unit of 1 / rate. Unit of flows: nats/attempt.

    Raises ValueError (traced: a run-time error) for a negative rate.
    Source: Lewis & Shedler, Naval Res. Logist. Q. 26, 403 (1979).
    """

    model: AbstractSpinModel
    protocol: Callable
    rate: Float[Array, ""] = eqx.field(converter=nonnegative("rate"), default=1.0)
    unit: ClassVar[Unit] = Unit.per_attempt

    def step(self, x: State, index: Index, *, key: Key[Array, ""], drive: Drive = None) -> State:
        """The next attempt."""
        spins, time = x
        n = spins.shape[0]
        later = time + numerics.exponentials(key, index, (2,), time.dtype)[1] / (self.rate * n)
        i = numerics.integers(key, index, (), n)
        return redraw(self.model, spins, i, key, index, self.protocol(later)), later

    def log_prob(self, x: State, x_next: State, drive: Drive = None) -> Float[Array, ""]:
        """Log of (density of the wait) x (probability of the attempt's outcome at its moment)."""
        (spins, time), (spins_next, later) = x, x_next
        h = self.model.field(spins, self.protocol(jnp.maximum(time, later)))
        total = self.rate * spins.shape[0]
        return jnp.log(total) - total * jnp.abs(later - time) + attempt_log_prob(h, spins, spins_next)

    def reverse(self, x: State, x_next: State, drive: Drive = None) -> tuple[State, State, Drive]:
        """The pair swapped: the attempt happens at the same moment of the protocol."""
        return x_next, x, drive

    def duration(self, x: State, x_next: State) -> Float[Array, ""]:
        """Time between the attempts."""
        return jnp.abs(x_next[1] - x[1])

    def spins(self, x: State) -> Shaped[Array, " n"]:
        """The spins, without their time."""
        return x[0]

"""Continuous time, seen at fixed intervals."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int, Key, Shaped

from .. import numerics
from .._checks import nonnegative
from .._results import Unit
from .._types import Drive, Index, State
from ..models import AbstractSpinModel
from ._base import AbstractSpinClock, flips, log_rates
from ._sequential import attempt_log_prob, redraw

LISTED = 10  # most spins for which the law of an interval is computed: a matrix of 2**n x 2**n
TERMS, HALVINGS = 20, 30  # of the exponential: 1 / 20! is below the rounding of float64


class Snapshots(AbstractSpinClock):
    """Continuous-time Glauber dynamics, seen every `dt`. A step is one interval.

    The process is that of `ContinuousTime`: spin i flips at rate w_i(x) = rate sigmoid(-2 x_i h_i(x)). In an interval
    each chain makes a Poisson number of attempts of mean n rate dt, each at a site drawn uniformly, which is redrawn
    from its field: exact for any `dt`, at the cost of `Sequential`. Where single flips matter, or few attempts flip,
    take `ContinuousTime`. A drive is constant during an interval. Unit of flows: nats/step, `dt` per step.

    P(x' | x) = [exp(Q dt)]_{x x'}, Q the generator, has no closed form: `log_prob` and enumeration exponentiate the
    matrix, and raise ValueError above n = 10 spins. Raises ValueError (traced: a run-time error) for a negative `dt` or
    rate. Source: Jensen, Skand. Aktuarietidskr. 36, 87 (1953).

    ```python
    clock = nq.Snapshots(model, dt=0.5)
    final, (moments,) = nq.simulate(clock, x0, steps=100, key=key, observers=(nq.Moments(),))
    ```
    """

    model: AbstractSpinModel
    dt: Float[Array, ""] = eqx.field(converter=nonnegative("dt"))
    rate: Float[Array, ""] = eqx.field(converter=nonnegative("rate"), default=1.0)
    unit: ClassVar[Unit] = Unit.per_step

    def step(self, x: State, index: Index, *, key: Key[Array, ""], drive: Drive = None) -> State:
        """All attempts of one interval."""
        n, inner = x.shape[0], self.interval(key, index)
        attempt = lambda k, x: redraw(self.model, x, numerics.integers(inner, k, (), n), inner, k, drive)  # noqa: E731
        return jax.lax.fori_loop(0, self.attempts(inner), attempt, x)

    def interval(self, key: Key[Array, ""], index: Index) -> Key[Array, ""]:
        """The key that names the random numbers of the attempts of one interval, as `Sequential` names its own."""
        return jr.fold_in(key, index)

    def attempts(self, interval: Key[Array, ""]) -> Int[Array, ""]:
        """The number of attempts of an interval."""
        return jr.poisson(jr.fold_in(interval, 2**32 - 1), self.model.n * self.rate * self.dt, (), jnp.int32)

    def log_prob(self, x: State, x_next: State, drive: Drive = None) -> Float[Array, ""]:
        """Log of the element of exp(Q dt). Raises ValueError above n = 10 spins."""
        return self.outcomes(x, drive)[1][self.index(x_next)]

    def duration(self, x: State, x_next: State) -> Float[Array, ""]:
        """`dt`."""
        return self.dt

    def outcomes(self, x: State, drive: Drive = None) -> tuple[State, Float[Array, " k"]]:
        """All states. Raises ValueError above n = 10 spins."""
        if self.model.n > LISTED:
            raise ValueError(
                f"n = {self.model.n} spins: the law of an interval is computed up to n = {LISTED}; simulate it, or use "
                "ContinuousTime, whose log_prob has a closed form"
            )
        states = self.states()
        law = _exponential(self._attempt(states, drive), self.model.n * self.rate * self.dt)
        return states, jnp.log(law[self.index(x)])

    def _attempt(self, states: Shaped[Array, "states n"], drive: Drive) -> Float[Array, "states states"]:
        """The law of one attempt."""

        def row(x: Array) -> Array:
            h = self.model.field(x, drive)
            stay = jnp.zeros(len(states), h.dtype).at[self.index(x)].set(jnp.exp(attempt_log_prob(h, x, x)))
            return stay.at[jax.vmap(self.index)(flips(x))].set(jnp.exp(log_rates(h, x)) / len(x))

        return jax.vmap(row)(states)


def _exponential(P: Float[Array, "states states"], mean: Float[Array, ""]) -> Float[Array, "states states"]:
    """`exp(mean (P - 1))` of a stochastic matrix: a Poisson number of its steps. All terms are positive: no cancelling.

    A series for the mean halved below one, then squares.
    """
    halvings = jax.lax.stop_gradient(jnp.maximum(jnp.ceil(jnp.log2(jnp.maximum(mean, 1))), 0))
    short = (mean * 2**-halvings).astype(P.dtype)
    one = jnp.eye(len(P), dtype=P.dtype)
    horner = lambda sum, k: (one + (sum @ P) * (short / k), None)  # noqa: E731
    series = jax.lax.scan(horner, one, jnp.arange(TERMS, 0, -1, dtype=P.dtype))[0]
    square = lambda law, k: (jnp.where(k < halvings, law @ law, law), None)  # noqa: E731
    return jax.lax.scan(square, series * jnp.exp(-short), jnp.arange(HALVINGS, dtype=halvings.dtype))[0]

"""Jumps between numbered states through several channels."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key, Shaped

from .. import numerics
from .._checks import nonnegative
from .._results import Unit
from .._types import Drive, Index
from ._base import AbstractFiniteDynamics, all_spins, log_rates
from ._continuous import ContinuousTime
from ._markov_chain import one_up, pick

Jumped = tuple[Int[Array, ""], Int[Array, ""], Float[Array, ""]]
"""A state, the channel of the jump that led to it, and the time it is held."""


def _rates(rates: Any) -> Float[Array, "channels states states"]:
    rates = nonnegative("rates")(rates)
    rates = rates[None] if rates.ndim == 2 else rates
    if rates.ndim != 3 or rates.shape[1] != rates.shape[2]:
        raise ValueError(
            f"rates has shape {rates.shape}: pass rates[r, a, b] of jumps from a to b through channel r, or rates[a, b]"
        )
    return jnp.where(jnp.eye(rates.shape[1], dtype=bool)[None], 0, rates)


class JumpProcess(AbstractFiniteDynamics):
    """Jumps between states 0, 1, ... in continuous time, event by event. A step is one jump.

    `rates[r, a, b]` is the rate of jumps from a to b through channel r (a reservoir, a reaction); the diagonal is not
    used, and a matrix (a, b) is one channel. A state is (number, channel of the jump that led to it, time it is held),
    the hold drawn on arrival, exponential with rate sum_rb rates[r, a, b]. The reverse of a jump goes back through the
    same channel: channels summed before logarithms are taken would hide dissipation. Unit of flows: nats/step, a step
    being one jump; `thermodynamics.balance(process)` gives rates per unit of time.

    `hold(state, key=...)` makes a first state. Raises ValueError (traced: a run-time error) for a negative rate.
    Source: Schnakenberg, Rev. Mod. Phys. 48, 571 (1976); Gillespie, J. Phys. Chem. 81, 2340 (1977).

    ```python
    hot, cold = jnp.array([[0, 2.0], [1.0, 0]]), jnp.array([[0, 0.2], [3.0, 0]])
    nq.thermodynamics.balance(nq.JumpProcess(jnp.stack([hot, cold]))).production     # nats per unit of time
    ```
    """

    rates: Float[Array, "channels states states"] = eqx.field(converter=_rates)
    unit: ClassVar[Unit] = Unit.per_step

    @property
    def leaving(self) -> Float[Array, " states"]:
        """Total rate of jumps out of each state."""
        return jnp.sum(self.rates, axis=(0, 2))

    def hold(self, state: Int[Array, ""], *, key: Key[Array, ""]) -> Jumped:
        """The state of number `state` with its waiting time drawn, as if reached through channel 0."""
        return self._arrive(state, jnp.zeros_like(state), numerics.uniforms(key, -1, (), self.rates.dtype))

    def step(self, x: Jumped, index: Index, *, key: Key[Array, ""], drive: Drive = None) -> Jumped:
        """The jump that ends the hold of `x`, and the hold of the state it leads to."""
        state, channel, _ = x
        choose, wait = numerics.uniforms(key, index, (2,), self.rates.dtype)
        _channels, states, _ = self.rates.shape
        to = pick(self.rates[:, state].reshape(-1), choose)
        return self._arrive((to % states).astype(state.dtype), (to // states).astype(channel.dtype), wait)

    def log_prob(self, x: Jumped, x_next: Jumped, drive: Drive = None) -> Float[Array, ""]:
        """Log of (probability of the jump and its channel) x (density of the next hold)."""
        (a, _, _), (b, channel, held) = x, x_next
        leave = self.leaving[b]
        return self._log_jumps(a)[channel, b] + numerics.extended_log(leave) - leave * held

    def reverse(self, x: Jumped, x_next: Jumped, drive: Drive = None) -> tuple[Jumped, Jumped, Drive]:
        """States and holds swapped, the channel of the jump kept; waiting times cancel from the mean flow."""
        (a, before, held), (b, channel, held_next) = x, x_next
        return (b, before, held_next), (a, channel, held), drive

    def duration(self, x: Jumped, x_next: Jumped) -> Float[Array, ""]:
        """The time that `x` was held."""
        return x[2]

    def spins(self, x: Jumped) -> Shaped[Array, " states"]:
        """One spin a state, up where the process is."""
        return one_up(x[0], self.rates.shape[1])

    def states(self, drive: Drive = None) -> tuple[Int[Array, " k"], Int[Array, " k"], Float[Array, " k"]]:
        """All (state, channel of arrival), channel by channel, each with its mean hold."""
        channels, states, _ = self.rates.shape
        state = jnp.tile(jnp.arange(states, dtype=jnp.int32), channels)
        channel = jnp.repeat(jnp.arange(channels, dtype=jnp.int32), states)
        return state, channel, 1 / self.leaving[state]

    def index(self, x: Jumped) -> Int[Array, ""]:
        """Place of (state, channel of arrival) in `states()`."""
        return x[1] * self.rates.shape[1] + x[0]

    def outcomes(self, x: Jumped, drive: Drive = None) -> tuple[Any, Float[Array, " k"]]:
        """Every state through every channel, each with its mean hold."""
        return self.states(), self._log_jumps(x[0]).reshape(-1)

    def _log_jumps(self, a: Int[Array, ""]) -> Float[Array, "channels states"]:
        """Log probability that the next jump from state a goes through each channel to each state."""
        leave = self.leaving[a]
        return numerics.extended_log(self.rates[:, a] / jnp.where(leave > 0, leave, 1))

    def _arrive(self, state: Int[Array, ""], channel: Int[Array, ""], u: Float[Array, ""]) -> Jumped:
        return state, channel, -jnp.log1p(-u) / self.leaving[state]


def jump_process(clock: ContinuousTime, drive: Drive = None) -> JumpProcess:
    """All spin states of a small network in continuous time as a jump process, with one channel a spin.

    State k has spin i up where bit i of k is set; channel i flips spin i. For balances and cycles per unit of time.
    Raises ValueError above n = 10 spins: the rates are n 4**n numbers.
    """
    n = clock.model.n
    if n > 10:
        raise ValueError(f"n = {n} spins make {n} * 4**{n} rates: the limit is n = 10; use enumerate_states")
    states = jnp.arange(2**n)[None]
    spins = all_spins(n)
    flips = clock.rate * jnp.exp(jax.vmap(lambda x: log_rates(clock.model.field(x, drive), x))(spins))
    empty = jnp.zeros((n, 2**n, 2**n), flips.dtype)
    channel = jnp.arange(n)[:, None]
    return JumpProcess(empty.at[channel, states, states ^ (1 << channel)].set(flips.T))

"""What a dynamics is: one Markov kernel that steps, scores, reverses and lists where it can go."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from equinox import AbstractClassVar, AbstractVar
from jaxtyping import Array, Float, Key, PyTree, Shaped

from .._results import Unit
from .._types import Drive, Index, State
from ..models import AbstractSpinModel

LISTED = 16  # most spins whose 2**n states are listed


class AbstractDynamics(eqx.Module):
    """A model plus a clock: one Markov kernel on states without a batch axis."""

    unit: AbstractClassVar[Unit]

    @abc.abstractmethod
    def step(self, x: State, index: Index, *, key: Key[Array, ""], drive: Drive = None) -> State:
        """One step from `x`; its random numbers are named by (key, index)."""

    @abc.abstractmethod
    def log_prob(self, x: State, x_next: State, drive: Drive = None) -> Float[Array, ""]:
        """Log probability (or density) of `x_next` after one step from `x`; -inf for a pair the clock cannot make."""

    @abc.abstractmethod
    def reverse(self, x: State, x_next: State, drive: Drive = None) -> tuple[State, State, Drive]:
        """The same transition seen backwards, an involution on (x, x_next, drive)."""

    @abc.abstractmethod
    def duration(self, x: State, x_next: State) -> Float[Array, ""]:
        """Time that the step took."""

    @abc.abstractmethod
    def spins(self, x: State) -> Shaped[Array, " n"]:
        """The spins of a state."""


class AbstractFiniteDynamics(AbstractDynamics):
    """A dynamics whose states can be listed, so that small systems are solved exactly."""

    @abc.abstractmethod
    def states(self, drive: Drive = None) -> State:
        """All states, along a leading axis, in a documented order.

        A constant `drive` matters only to clocks whose states hold a time. Raises ValueError if they are too many.
        """

    @abc.abstractmethod
    def index(self, x: State) -> Shaped[Array, ""]:
        """Place of `x` in `states()`."""

    @abc.abstractmethod
    def outcomes(self, x: State, drive: Drive = None) -> tuple[State, Float[Array, " k"]]:
        """The states that one step from `x` can reach, along a leading axis, and their log probabilities."""


class AbstractSpinClock(AbstractFiniteDynamics):
    """A clock whose states are -1/+1 spins; reversal swaps the pair.

    States are listed as binary numbers: state k has spin i up if bit i of k is set (spin 0 is the lowest bit).
    """

    model: AbstractVar[AbstractSpinModel]

    def reverse(self, x: State, x_next: State, drive: Drive = None) -> tuple[State, State, Drive]:
        """The pair swapped, the drive kept."""
        return x_next, x, drive

    def spins(self, x: State) -> Shaped[Array, " n"]:
        """The state itself."""
        return x

    def states(self, drive: Drive = None) -> Shaped[Array, "states n"]:
        """All 2**n states, spin i up where bit i of the state's number is set."""
        return all_spins(self.model.n)

    def index(self, x: Shaped[Array, " n"]) -> Shaped[Array, ""]:
        """The number whose bits are the spins."""
        return spin_index(x)


def all_spins(n: int) -> Shaped[Array, "states n"]:
    """All 2**n spin states, int8: row k has spin i up where bit i of k is set. Raises ValueError above n = 16."""
    if n > LISTED:
        raise ValueError(f"n = {n} spins have 2**{n} states, too many to list: the limit is n = {LISTED}; use simulate")
    bits = (jnp.arange(2**n)[:, None] >> jnp.arange(n)[None]) & 1
    return (2 * bits - 1).astype(jnp.int8)


def spin_index(x: Shaped[Array, " n"]) -> Shaped[Array, ""]:
    """Row of `x` in `all_spins(n)`."""
    return jnp.sum(jnp.where(x > 0, 1 << jnp.arange(x.shape[-1]), 0))


def log_rates(h: Float[Array, " n"], x: Shaped[Array, " n"]) -> Float[Array, " n"]:
    """Log probability that each spin changes sign when it is redrawn: `log sigmoid(-2 x h)`."""
    return jax.nn.log_sigmoid(-2 * x.astype(h.dtype) * h)


def log_prob_all(h: Float[Array, " n"], states: Shaped[Array, "states n"]) -> Float[Array, " states"]:
    """Log probability that spins redrawn together from fields `h` take each of `states`, by two matrix products."""
    up = (states > 0).astype(h.dtype)
    return up @ jax.nn.log_sigmoid(2 * h) + (1 - up) @ jax.nn.log_sigmoid(-2 * h)


def flips(x: Shaped[Array, " n"]) -> Shaped[Array, "n n"]:
    """The n states that differ from `x` in one spin."""
    return jnp.where(jnp.eye(x.shape[0], dtype=bool), -x, x)


def random_spins(key: Key[Array, ""], shape: tuple[int, ...]) -> Shaped[Array, "..."]:
    """Independent fair spins, int8 -1/+1, of any shape (chains first).

    ```python
    x0 = nq.random_spins(jax.random.key(1), (256, 64))
    ```
    """
    return jnp.where(jax.random.bernoulli(key, 0.5, shape), 1, -1).astype(jnp.int8)


def broadcast_states(x: State, count: int) -> PyTree:
    """`count` copies of one state along a new leading axis."""
    return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (count, *jnp.shape(leaf))), x)

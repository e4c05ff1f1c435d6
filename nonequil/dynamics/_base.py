"""What a dynamics is: one Markov kernel that steps, scores, reverses and lists where it can go."""

import abc

import equinox as eqx
import jax.numpy as jnp
from equinox import AbstractClassVar, AbstractVar
from jaxtyping import Array, Float, Key, Shaped

from .._results import Unit
from .._types import Drive, Index, State
from ..models import AbstractSpinModel


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


class AbstractSpinClock(AbstractDynamics):
    """A clock of -1/+1 spins; reversal swaps the pair."""

    model: AbstractVar[AbstractSpinModel]

    def reverse(self, x: State, x_next: State, drive: Drive = None) -> tuple[State, State, Drive]:
        """The pair swapped, the drive kept."""
        return x_next, x, drive

    def spins(self, x: State) -> Shaped[Array, " n"]:
        """The state itself."""
        return x

    def duration(self, x: State, x_next: State) -> Float[Array, ""]:
        """One unit of time."""
        return jnp.ones(())

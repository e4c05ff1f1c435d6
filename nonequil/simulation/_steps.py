"""How all chains of a simulation go from one step to a later one."""

import abc
import functools as ft
from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array, Int, Key, PyTree

from ..dynamics import AbstractDynamics, LocalUpdate, Sequential, attempts, local_update
from ._drive import drive_at, drives_at


class AbstractSteps(eqx.Module):
    """Steps of all chains, on whatever is handiest to carry from one to the next."""

    @abc.abstractmethod
    def init(self, x: PyTree) -> PyTree:
        """What is carried, given the states."""

    @abc.abstractmethod
    def states(self, moving: PyTree, like: PyTree) -> PyTree:
        """The states, given what is carried; `like` shows their types."""

    @abc.abstractmethod
    def run(self, moving: PyTree, first: Int[Array, ""], stop: Int[Array, ""]) -> tuple[PyTree, PyTree]:
        """What is carried before the last, and after all, of the steps `first` to `stop` - 1, at least one."""


class SingleSteps(AbstractSteps):
    """One step after the other, whatever the dynamics: the states themselves are carried."""

    dynamics: AbstractDynamics
    keys: Key[Array, " chains"]
    drive: Any

    def init(self, x: PyTree) -> PyTree:
        """The states."""
        return x

    def states(self, moving: PyTree, like: PyTree) -> PyTree:
        """What is carried."""
        return moving

    def run(self, moving: PyTree, first: Int[Array, ""], stop: Int[Array, ""]) -> tuple[PyTree, PyTree]:
        """All chains, step by step."""
        before = jax.lax.fori_loop(first, stop - 1, lambda index, x: self.step(index, x), moving)
        return before, self.step(stop - 1, before)

    def step(self, index: Int[Array, ""], x: PyTree) -> PyTree:
        """One step of all chains."""
        drive = drive_at(self.drive, index)
        return jax.vmap(lambda x, key: self.dynamics.step(x, index, key=key, drive=drive))(x, self.keys)


class Attempts(AbstractSteps):
    """Attempts of the sequential clock on fields that are carried along."""

    local: LocalUpdate
    keys: Key[Array, " chains"]
    drive: Any
    together: int = eqx.field(static=True)

    def init(self, x: PyTree) -> PyTree:
        """Fields of the states."""
        return self.local.init(x)

    def states(self, moving: PyTree, like: PyTree) -> PyTree:
        """Spins whose fields are carried."""
        return self.local.spins(moving, like.dtype)

    def run(self, moving: PyTree, first: Int[Array, ""], stop: Int[Array, ""]) -> tuple[PyTree, PyTree]:
        """All chains, in blocks of attempts."""
        drives = None if self.drive is None else ft.partial(drives_at, self.drive)
        return attempts(self.local, moving, first, stop, keys=self.keys, drives=drives, block=self.together)


@ft.singledispatch
def steps_of(dynamics: AbstractDynamics, keys: Key[Array, " chains"], drive: Any, together: int) -> AbstractSteps:
    """The fastest way through the steps of a dynamics, of which `together` are run between two looks."""
    return SingleSteps(dynamics, keys, drive)


@steps_of.register
def _(dynamics: Sequential, keys: Key[Array, " chains"], drive: Any, together: int) -> AbstractSteps:
    local = local_update(dynamics.model)
    return SingleSteps(dynamics, keys, drive) if local is None else Attempts(local, keys, drive, together)

"""How all chains of a simulation go from one step to a later one."""

import functools as ft
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, Key, PyTree

from ..dynamics import (
    AbstractDynamics,
    ColouredChains,
    ColouredSweep,
    ExactRows,
    LocalUpdate,
    Sequential,
    Snapshots,
    attempts,
    exact_rows,
    local_update,
    shared_attempts,
    site_update,
)
from ._base import AbstractSteps
from ._carried_steps import CarriedSteps
from ._drive import drive_at, drives_at


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
        return jax.lax.fori_loop(first, stop, lambda index, x: (x[1], self.step(index, x[1])), (moving, moving))

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


class SharedSingleSteps(AbstractSteps):
    """Attempts of the sequential clock one after the other, at the sites that the first chain of a group draws."""

    dynamics: Sequential
    keys: Key[Array, " chains"]
    drive: Any
    sharing: int = eqx.field(static=True)

    def init(self, x: PyTree) -> PyTree:
        """The states."""
        return x

    def states(self, moving: PyTree, like: PyTree) -> PyTree:
        """What is carried."""
        return moving

    def run(self, moving: PyTree, first: Int[Array, ""], stop: Int[Array, ""]) -> tuple[PyTree, PyTree]:
        """All chains, attempt by attempt."""
        before = jax.lax.fori_loop(first, stop - 1, lambda index, x: self.step(index, x), moving)
        return before, self.step(stop - 1, before)

    def step(self, index: Int[Array, ""], x: PyTree) -> PyTree:
        """One attempt of all chains."""
        drive, chain = drive_at(self.drive, index), jnp.arange(len(self.keys))
        attempt = lambda x, key, sites: self.dynamics.attempt(x, index, key=key, sites=sites, drive=drive)  # noqa: E731
        return jax.vmap(attempt)(x, self.keys, self.keys[chain - chain % self.sharing])


class SharedAttempts(AbstractSteps):
    """Attempts of the sequential clock in groups of chains that redraw the same sites."""

    rows: ExactRows
    keys: Key[Array, " chains"]
    drive: Any
    together: int = eqx.field(static=True)
    sharing: int = eqx.field(static=True)

    def init(self, x: PyTree) -> PyTree:
        """Spins that are up, group by group."""
        return self.rows.init(x, self.sharing)

    def states(self, moving: PyTree, like: PyTree) -> PyTree:
        """The spins of the chains."""
        return self.rows.spins(moving, like.dtype)[: len(self.keys)]

    def run(self, moving: PyTree, first: Int[Array, ""], stop: Int[Array, ""]) -> tuple[PyTree, PyTree]:
        """All groups, in blocks of attempts."""
        chain = jnp.arange(moving.shape[0] * self.sharing)
        keys = self.keys[jnp.where(chain < len(self.keys), chain, 0)].reshape(-1, self.sharing)
        drives = None if self.drive is None else ft.partial(drives_at, self.drive)
        return shared_attempts(self.rows, moving, first, stop, keys=keys, drives=drives, block=self.together)


class Intervals(AbstractSteps):
    """Attempts in continuous time, a random number in each interval, on fields that are carried along."""

    dynamics: Snapshots
    local: LocalUpdate
    keys: Key[Array, " chains"]
    drive: Any

    def init(self, x: PyTree) -> PyTree:
        """Fields of the states."""
        return self.local.init(x)

    def states(self, moving: PyTree, like: PyTree) -> PyTree:
        """Spins whose fields are carried."""
        return self.local.spins(moving, like.dtype)

    def run(self, moving: PyTree, first: Int[Array, ""], stop: Int[Array, ""]) -> tuple[PyTree, PyTree]:
        """All chains, interval by interval, each as long as its busiest chain."""
        return jax.lax.fori_loop(
            first, stop, lambda index, pair: (pair[1], self.interval(index, pair[1])), (moving,) * 2
        )

    def interval(self, index: Int[Array, ""], h: Array) -> Array:
        """All attempts of one interval."""
        keys = jax.vmap(lambda key: self.dynamics.interval(key, index))(self.keys)
        until = jax.vmap(self.dynamics.attempts)(keys)
        drive = drive_at(self.drive, index)
        drives = None if drive is None else lambda steps: jnp.broadcast_to(drive, (len(steps), *jnp.shape(drive)))
        stop = jnp.maximum(jnp.max(until), 1)
        return attempts(self.local, h, jnp.zeros_like(stop), stop, keys=keys, drives=drives, until=until)[1]


class Sweeps(AbstractSteps):
    """Coloured sweeps on bytes that hold two spins each."""

    local: ColouredChains
    keys: Key[Array, " chains"]
    drive: Any

    def init(self, x: PyTree) -> PyTree:
        """Bytes of the states."""
        return self.local.init(x)

    def states(self, moving: PyTree, like: PyTree) -> PyTree:
        """Spins in the bytes."""
        return self.local.spins(moving, like.dtype)

    def run(self, moving: PyTree, first: Int[Array, ""], stop: Int[Array, ""]) -> tuple[PyTree, PyTree]:
        """All chains, sweep by sweep."""
        return self.local.sweeps(moving, first, stop, keys=self.keys, drive=ft.partial(drive_at, self.drive))


@ft.singledispatch
def steps_of(dynamics: AbstractDynamics, keys: Key[Array, " chains"], drive: Any, together: int) -> AbstractSteps:
    """The fastest way through the steps of a dynamics, of which `together` are run between two looks."""
    return SingleSteps(dynamics, keys, drive)


@steps_of.register
def _(dynamics: Sequential, keys: Key[Array, " chains"], drive: Any, together: int) -> AbstractSteps:
    if dynamics.sharing > 1:
        rows = exact_rows(dynamics.model)
        if rows is None:
            return SharedSingleSteps(dynamics, keys, drive, dynamics.sharing)
        return SharedAttempts(rows, keys, drive, together, dynamics.sharing)
    local, carried = local_update(dynamics.model), site_update(dynamics.model)
    if carried is not None:
        return CarriedSteps(carried, keys, drive)
    return SingleSteps(dynamics, keys, drive) if local is None else Attempts(local, keys, drive, together)


@steps_of.register
def _(dynamics: Snapshots, keys: Key[Array, " chains"], drive: Any, together: int) -> AbstractSteps:
    local = local_update(dynamics.model)
    return SingleSteps(dynamics, keys, drive) if local is None else Intervals(dynamics, local, keys, drive)


@steps_of.register
def _(dynamics: ColouredSweep, keys: Key[Array, " chains"], drive: Any, together: int) -> AbstractSteps:
    return Sweeps(ColouredChains(dynamics), keys, drive)

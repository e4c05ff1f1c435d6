"""Exact laws of small systems, by listing all states."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PyTree, Shaped

from .._results import RESULTS
from .._types import Drive
from ..data import Transitions
from ..dynamics import AbstractFiniteDynamics
from ._stationary import stationary

PAIRS = 2**24  # most pairs listed: 12 spins at once, 16 one at a time


class Enumeration(eqx.Module):
    """All states of a small system, all steps between them and the law it settles into.

    - `states`: all states, leading axis states, in the order of `dynamics.states()`;
    - `log_p[a, k]`: log probability of the k-th outcome of a step from state a, which is state `next[a, k]`;
    - `stationary[a]`: probability of state a in the long run, over steps (over flips in continuous time: weigh by the
      hold, `statistics.TimeWeighted`, for averages over time);
    - `result`: whether that law was found.
    """

    states: PyTree[Shaped[Array, "states ..."]]
    log_p: Float[Array, "states k"]
    stationary: Float[Array, " states"]
    result: RESULTS
    next: Int[Array, "states k"]
    dynamics: AbstractFiniteDynamics
    drive: Drive = None

    @eqx.filter_jit
    def transitions(self, law: Float[Array, " states"] | None = None) -> Transitions:
        """Every pair (a, k) with its probability p(a) P(a, k) as weight; `law` p is the stationary one by default.

        The weights sum to one, so every observer and every estimator runs on the exact population.
        """
        states, k = self.next.shape
        law = self.stationary if law is None else law
        x = jax.tree.map(lambda leaf: jnp.repeat(leaf, k, axis=0), self.states)
        x_next = jax.tree.map(lambda leaf: leaf[self.next.reshape(-1)], self.states)
        drive = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (states * k, *jnp.shape(leaf))), self.drive)
        weight = (law[:, None] * jnp.exp(self.log_p)).reshape(-1)
        dt = jax.vmap(self.dynamics.duration)(x, x_next)
        return Transitions(x, x_next, drive, dt=dt, weight=weight, unit=self.dynamics.unit)

    @eqx.filter_jit
    def push(self, law: Float[Array, " states"]) -> Float[Array, " states"]:
        """The law one step later, p P: transients from any start."""
        return jnp.zeros_like(law).at[self.next].add(law[:, None] * jnp.exp(self.log_p))


def enumerate_states(dynamics: AbstractFiniteDynamics, drive: Drive = None) -> Enumeration:
    """All states and steps of a small system and its stationary law, by enumeration.

    `drive` is a constant input. Up to n = 12 spins for `Parallel` (1 GB in float64), n = 16 for `Sequential` and
    `ContinuousTime`. Differentiable in the leaves of the model (by the implicit function theorem) and traceable.
    Raises ValueError if there are too many states or pairs.

    ```python
    enumeration = nq.enumerate_states(nq.Parallel(model))
    moments, = nq.statistics.fold((nq.Moments(),), enumeration.transitions())
    ```
    """
    _check_size(dynamics, drive)
    states, next, log_p = _list(dynamics, drive)
    law, result = _stationary(next, jnp.exp(log_p))
    return Enumeration(states, log_p, law, result, next, dynamics, drive)


@eqx.filter_jit
def _list(dynamics: AbstractFiniteDynamics, drive: Drive) -> tuple[Any, Array, Array]:
    def edges(x: Any) -> tuple[Array, Array]:
        reached, log_p = dynamics.outcomes(x, drive)
        return jax.vmap(dynamics.index)(reached), log_p

    states = dynamics.states(drive)
    next, log_p = jax.vmap(edges)(states)
    return states, next.astype(jnp.int32), log_p


_stationary = eqx.filter_jit(stationary)


def _check_size(dynamics: AbstractFiniteDynamics, drive: Drive) -> None:
    states = eqx.filter_eval_shape(dynamics.states, drive)
    first = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), states)
    count = jax.tree.leaves(states)[0].shape[0]
    k = eqx.filter_eval_shape(lambda x: dynamics.outcomes(x, drive)[1], first).shape[0]
    if count * k > PAIRS:
        n = eqx.filter_eval_shape(dynamics.spins, first).shape[-1]
        raise ValueError(
            f"n = {n} spins make {count} states and {count * k} pairs under {type(dynamics).__name__}: the limit is "
            f"2**24 pairs (n = 12 for Parallel, n = 16 for Sequential and ContinuousTime); use simulate"
        )

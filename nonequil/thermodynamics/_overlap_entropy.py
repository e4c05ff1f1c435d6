"""Entropy production of associative memories with few patterns, from the path of their overlaps."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._results import KIND, RESULTS, Estimate, Unit
from ..dynamics import Parallel, Sequential
from ..meanfield import OverlapMap, overlap_drift
from ..meanfield._overlaps import Memory

CLOSED = 1e-6  # how far a step may lead from the next state of a cycle


def overlap_entropy_production(
    memory: Memory, states: Float[Array, "steps p"], *, clock: Any = Parallel, throw: bool = True
) -> Estimate:
    """Entropy that each spin of a large memory gives to its surroundings, on average over a cycle of its overlaps.

    - `Parallel`, nats/step/spin: beta (m(t+1).A m(t) - m(t).A m(t+1)). `states` are those of one period in order (of
      `maps.periodic_orbit`; a resting point as m[None]). A static state dissipates nothing, whatever A; recall of
      p >= 3 patterns one after the other, m at a time, dissipates beta m**2.
    - `Sequential`, nats/sweep/spin: beta (A m).dm/dt, dm/dt = `overlap_drift`: the area that the cycle encloses.
      `states` at equal distances in time over one period (of `overlap_cycle`, or m[None]).

    Leading order as n grows at fixed p: exact then; a static memory still dissipates a number of nats that does not
    grow with n. Differentiable in the memory and the states. The result is `max_steps_reached` if parallel states are
    no cycle of the memory, to 1e-6; with `throw` that is a run-time error.
    Raises ValueError for another clock and for states of another shape.
    Source: the flow of Aguilera, Igarashi & Shimazaki, Nat. Commun. 14, 3685 (2023), at low load.

    ```python
    memory = nq.Hebbian(3, A=nq.memory.sequence(3), beta=1.5)
    cycle = nq.numerics.maps.periodic_orbit(lambda m: nq.memory.OverlapMap()(m, memory), jnp.array([0.9, 0, 0]), 3)
    nq.memory.entropy_production(memory, cycle.states).value  # 1.10568697
    ```
    """
    if states.ndim != 2 or states.shape[1] != memory.p:
        raise ValueError(f"states has shape {states.shape}: a cycle of p = {memory.p} overlaps has shape (steps, p)")
    if clock not in FLOWS:
        raise ValueError(f"clock = {clock}: one of nq.Parallel and nq.Sequential")
    flow, unit = FLOWS[clock]
    value, result = flow(memory, states)
    value = result.error_if(value, result != RESULTS.successful) if throw else value
    return Estimate(value, jnp.zeros_like(value), unit, KIND.exact, result)


def _parallel(memory: Memory, m: Float[Array, "steps p"]) -> tuple[Array, RESULTS]:
    later, pull = jnp.roll(m, -1, axis=0), m if memory.A is None else m @ memory.A.T
    flow = memory.beta * jnp.mean(jnp.sum(later * pull - m * jnp.roll(pull, -1, axis=0), axis=1))
    reached = jax.vmap(lambda m: OverlapMap()(m, memory))(m)
    closed = jnp.max(jnp.abs(reached - later)) < CLOSED
    return flow, RESULTS.where(closed, RESULTS.successful, RESULTS.max_steps_reached)


def _sequential(memory: Memory, m: Float[Array, "steps p"]) -> tuple[Array, RESULTS]:
    pull = m if memory.A is None else m @ memory.A.T
    flow = memory.beta * jnp.mean(jnp.sum(pull * jax.vmap(lambda m: overlap_drift(m, memory))(m), axis=1))
    return flow, RESULTS.where(jnp.isfinite(flow), RESULTS.successful, RESULTS.not_finite)


FLOWS = {Parallel: (_parallel, Unit.per_step_per_spin), Sequential: (_sequential, Unit.per_sweep_per_spin)}

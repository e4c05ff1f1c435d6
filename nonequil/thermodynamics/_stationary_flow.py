"""Entropy flow in the steady state, in the form of spins and fields that has little noise."""

from collections.abc import Callable
from typing import cast

import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped

from .._checks import require
from .._types import Drive
from ..dynamics import AbstractDynamics, AbstractSpinClock, Parallel, Sequential
from ..models import AbstractSpinModel, Ising

Flow = Callable[[Ising, Float[Array, " n"], Float[Array, " n"]], Float[Array, ""]]


def stationary_flow(
    dynamics: AbstractDynamics,
    x: Shaped[Array, " n"],
    x_next: Shaped[Array, " n"],
    drive: Drive = None,
) -> Float[Array, ""]:
    """What `entropy_flow` of an Ising network averages to in its steady state, from single states. Unit: nats a step.

    With h the field of `x`, drive included:

    - `Parallel`: sum_ij (J_ij - J_ji) tanh(h_i) x_j, at the cost of two products with J (`flow_over_sites`: 2 n);
    - `Sequential`: (1/n) sum_i (tanh(h_i) - x_i) h_i, a flip of spin i giving -2 x_i h_i to the surroundings; nats
      per attempt are nats per sweep and spin.

    Parts that telescope are left out, so in a transient, or under a drive that changes, it is not the flow: use
    `flow_over_sites` or `flow_over_outcomes` there. A flow for `MeanFlow(dynamics, stationary_flow)`; -inf for a pair
    that the clock cannot make.
    Raises ValueError (traced: a run-time error) for `Sequential` with self-couplings, where a flip changes its own
    field; ValueError for other clocks and models.
    Source: Aguilera, Igarashi & Shimazaki, Nat. Commun. 14, 3685 (2023), for both clocks.

    ```python
    t = nq.Transitions(spins[:-1], spins[1:])
    nq.thermodynamics.MeanFlow(nq.Parallel(model), nq.thermodynamics.stationary_flow)(t)
    ```
    """
    flow, model = reduced_flow(type(dynamics)), ising(cast(AbstractSpinClock, dynamics).model)
    s = x.astype(model.J.dtype)
    value = flow(model, s, model.field(x, drive))
    value = _without_self_coupling(model, value) if flow is _sequential else value
    return jnp.where(dynamics.log_prob(x, x_next, drive) > -jnp.inf, value, -jnp.inf)


def reduced_flow(clock: type) -> Flow:
    """Flow of a step of `clock` from the model, its spins as numbers and their fields; ValueError for other clocks."""
    if clock not in FORMS:
        raise ValueError(f"clock = {clock.__name__}: the reduced form is known for Parallel and Sequential")
    return FORMS[clock]


def ising(model: AbstractSpinModel) -> Ising:
    """The model as an Ising network, whose couplings the form reads; ValueError for others."""
    if not isinstance(model, Ising):
        raise ValueError(
            f"model = {type(model).__name__}: the couplings of an Ising model are needed; use entropy_flow"
        )
    return model


def _without_self_coupling(model: Ising, value: Float[Array, ""]) -> Float[Array, ""]:
    """`value`, refused unless the diagonal of J is zero."""
    message = (
        "self_coupling: the reduced form under Sequential needs a zero diagonal of J; draw the network with "
        "self_coupling=False, or use the log probability, MeanFlow(dynamics, flow_over_outcomes): flow"
    )
    return require(value, jnp.all(jnp.diagonal(model.J) == 0), message)


def _parallel(model: Ising, s: Float[Array, " n"], h: Float[Array, " n"]) -> Float[Array, ""]:
    gain = jnp.tanh(h)
    return gain @ (model.J @ s) - s @ (model.J @ gain)


def _sequential(model: Ising, s: Float[Array, " n"], h: Float[Array, " n"]) -> Float[Array, ""]:
    return jnp.mean((jnp.tanh(h) - s) * h)


FORMS: dict[type, Flow] = {Parallel: _parallel, Sequential: _sequential}

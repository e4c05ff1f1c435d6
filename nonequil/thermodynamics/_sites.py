"""Entropy flow and production, spin by spin."""

import functools as ft

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .. import statistics
from .._results import KIND, Estimate
from .._types import Drive, State
from ..dynamics import AbstractDynamics, Parallel, Sequential
from ..simulation import Enumeration
from ._flow import entropy_flow


@ft.singledispatch
def flow_by_site(dynamics: AbstractDynamics, x: State, x_next: State, drive: Drive = None) -> Float[Array, " n"]:
    """`entropy_flow` shared out among the spins, which it is the sum of. Unit: nats.

    - `Parallel`: phi_i = log p(x'_i | x) - log p(x_i | x'), cross entropy less conditional entropy on average;
    - clocks that move one spin at a time: the whole flow belongs to the spin that flipped.

    A flow for `MeanFlow(dynamics, flow_by_site)` and `exact(dynamics, flow=flow_by_site)`; single terms may be negative
    on average. -inf for a pair in which several spins changed, for other clocks.
    Source: Ishihara & Shimazaki, arXiv:2502.15440 (2025), for spins redrawn together.
    """
    changed = dynamics.spins(x) != dynamics.spins(x_next)
    flow = jnp.where(changed, entropy_flow(dynamics, x, x_next, drive), 0)
    return jnp.where(jnp.sum(changed) > 1, -jnp.inf, flow)


@flow_by_site.register
def _(dynamics: Parallel, x: State, x_next: State, drive: Drive = None) -> Float[Array, " n"]:
    there, back = dynamics.model.field(x, drive), dynamics.model.field(x_next, drive)
    forwards = jax.nn.log_sigmoid(2 * x_next.astype(there.dtype) * there)
    return forwards - jax.nn.log_sigmoid(2 * x.astype(back.dtype) * back)


def production_by_site(enumeration: Enumeration, law: Float[Array, " states"] | None = None) -> Estimate:
    """Entropy production shared out among spins that move one at a time: each share is at least zero.

    Sigma_i = sum over steps in which spin i flips of p(a) P(a, b) ln [p(a) P(a, b) / (p(b) P(b, a))], value (n,), p the
    stationary law by default. In the steady state Sigma_i = p_i KL(pairs | i flipped || their reversals), p_i the
    probability that i flips. Unit: nats/attempt. Raises ValueError for clocks other than `Sequential` (in continuous
    time: `balance(dynamics.jump_process(clock)).production_by_channel`).
    Source: Horowitz, J. Stat. Mech. P03006 (2015).

    ```python
    nq.thermodynamics.production_by_site(nq.enumerate_states(nq.Sequential(model))).value
    ```
    """
    dynamics = enumeration.dynamics
    if not isinstance(dynamics, Sequential):
        raise ValueError(
            f"dynamics = {type(dynamics).__name__}: only steps of one spin, of equal times, are shared out like this; "
            "use exact(dynamics, flow=flow_by_site), or balance(dynamics.jump_process(clock)) in continuous time"
        )
    p = enumeration.stationary if law is None else law
    t = enumeration.transitions(p)
    flow = jax.vmap(ft.partial(flow_by_site, dynamics))(t.x, t.x_next, t.drive)
    changed = jax.vmap(dynamics.spins)(t.x) != jax.vmap(dynamics.spins)(t.x_next)
    start = jnp.repeat(jnp.arange(p.size), enumeration.next.shape[1])
    gain = jnp.log(p)[start] - jnp.log(p)[enumeration.next.reshape(-1)]
    w = statistics.weights(t)[:, None]
    shares = jnp.sum(jnp.where((w > 0) & changed, w * (flow + gain[:, None]), 0), axis=0)
    return Estimate(shares, jnp.zeros_like(shares), dynamics.unit, KIND.exact, enumeration.result)

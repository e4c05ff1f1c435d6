"""Where the entropy of a law goes: what it gains, what it gives away, what it costs to keep and to relax."""

import functools as ft

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .. import numerics, statistics
from .._results import RESULTS, Unit
from ..dynamics import ContinuousTime, JumpProcess
from ..simulation import Enumeration, stationary_law
from ._flow import entropy_flow


class Balance(eqx.Module):
    """Entropy balance of one step from a law p, or of one unit of time.

    production = entropy_change + flow = housekeeping + excess, all but the change and the flow at least zero. With pi
    the stationary law:

    - `flow`: entropy given to the surroundings; `flow_by_channel` and `production_by_channel` (channels,), where there
      are channels, the parts of flow and production (each part of the production at least zero);
    - `entropy_change`: of the law, S(p') - S(p);
    - `housekeeping`: what is produced to keep the system out of equilibrium (adiabatic part);
    - `excess`: what is produced by relaxing, KL(p || pi) - KL(p' || pi) (non-adiabatic part);
    - `irreversible`: probability (per step or unit of time) of transitions whose reverse is impossible; where it is
      above zero, flow and production are infinite.

    `unit` is the clock's; `result` says whether pi was found.
    Source: Hatano & Sasa, PRL 86, 3463 (2001); Esposito & Van den Broeck, PRL 104, 090601 (2010).
    """

    entropy_change: Float[Array, ""]
    flow: Float[Array, ""]
    production: Float[Array, ""]
    housekeeping: Float[Array, ""]
    excess: Float[Array, ""]
    irreversible: Float[Array, ""]
    unit: Unit = eqx.field(static=True)
    result: RESULTS
    flow_by_channel: Float[Array, " channels"] | None = None
    production_by_channel: Float[Array, " channels"] | None = None


@ft.singledispatch
def balance(system: Enumeration | JumpProcess, law: Float[Array, " states"] | None = None) -> Balance:
    """The entropy balance of a small system at a law p (the stationary one by default), exactly.

    - of an `Enumeration`: one step from p. Unit: the clock's;
    - of a `JumpProcess`: rates at p, the entropy production sum_r sum_ab p(a) w_r(a, b) ln [p(a) w_r(a, b) / (p(b)
      w_r(b, a))] kept apart channel by channel. Unit: nats per unit of time.

    For clocks whose reversal swaps the two states and whose steps take equal times: a network in continuous time is
    `dynamics.jump_process(clock)`. Differentiable in the model and in p. Raises ValueError for another kind of system.

    ```python
    enumeration = nq.enumerate_states(nq.MarkovChain(P))
    nq.thermodynamics.balance(enumeration, law=jnp.array([1.0, 0, 0])).production
    ```
    """
    raise ValueError(f"system = {type(system).__name__}: pass enumerate_states(dynamics) or a JumpProcess")


@balance.register
@eqx.filter_jit
def _(system: Enumeration, law: Float[Array, " states"] | None = None) -> Balance:
    if isinstance(system.dynamics, (ContinuousTime, JumpProcess)):
        name = type(system.dynamics).__name__
        raise ValueError(f"dynamics = {name}: steps take random times; pass a JumpProcess (dynamics.jump_process)")
    p, pi = system.stationary if law is None else law, system.stationary
    later = system.push(p)
    t = system.transitions(p)
    flow = jax.vmap(ft.partial(entropy_flow, system.dynamics))(t.x, t.x_next, t.drive)
    given = _weighed(statistics.weights(t), flow)
    change = entropy(later) - entropy(p)
    excess = divergence(p, pi) - divergence(later, pi)
    kept = given - _weighed(p, -numerics.extended_log(pi)) + _weighed(later, -numerics.extended_log(pi))
    lost = jnp.sum(jnp.where(flow == jnp.inf, statistics.weights(t), 0))
    return Balance(change, given, given + change, kept, excess, lost, system.dynamics.unit, system.result)


@balance.register
@eqx.filter_jit
def _(system: JumpProcess, law: Float[Array, " states"] | None = None) -> Balance:
    pi, result = stationary_law(system)
    p, rates = pi if law is None else law, system.rates
    back = jnp.swapaxes(rates, 1, 2)
    jumps = p[None, :, None] * rates
    ratio = jnp.where(rates > 0, numerics.extended_log(rates) - numerics.extended_log(back), 0)
    gain = jnp.where(jumps > 0, numerics.extended_log(p)[None, :, None] - numerics.extended_log(p)[None, None], 0)
    flows, productions = (jnp.sum(jnp.where(jumps > 0, jumps * f, 0), axis=(1, 2)) for f in (ratio, ratio + gain))
    moved = jnp.sum(jumps, axis=(0, 1)) - p * system.leaving  # dp/dt
    change, excess = (
        -_weighed(moved, numerics.extended_log(p)),
        -_weighed(moved, numerics.extended_log(p) - numerics.extended_log(pi)),
    )
    given, produced = jnp.sum(flows), jnp.sum(productions)
    lost = jnp.sum(jnp.where(back > 0, 0, jumps))
    return Balance(
        change, given, produced, produced - excess, excess, lost, Unit.per_second, result, flows, productions
    )


def entropy(p: Float[Array, " states"]) -> Float[Array, ""]:
    """Shannon entropy in nats."""
    return _weighed(p, -numerics.extended_log(p))


def divergence(p: Float[Array, " states"], q: Float[Array, " states"]) -> Float[Array, ""]:
    """KL(p || q) in nats, infinite where q vanishes and p does not."""
    return _weighed(p, numerics.extended_log(p) - numerics.extended_log(q))


def _weighed(w: Float[Array, " k"], f: Float[Array, " k"]) -> Float[Array, ""]:
    """`sum_k w_k f_k`, where f may be infinite if w is zero."""
    return jnp.sum(jnp.where(w == 0, 0, w * jnp.where(w == 0, 0, f)))

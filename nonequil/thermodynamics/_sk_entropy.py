"""Entropies of infinitely many spins with random couplings, in the steady state and on the way to it."""

from collections.abc import Callable
from typing import TypeAlias

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._checks import require
from .._results import KIND, RESULTS, Estimate, Unit
from ..dynamics import AbstractSpinClock, Parallel, Sequential
from ..ensembles import SherringtonKirkpatrick
from ..meanfield import SKRule, SKStationary, SKSteps, SKTransient, relaxation, sk_stationary

Environment: TypeAlias = tuple[Float[Array, ""], RESULTS]


class PathEntropies(eqx.Module):
    """Entropies of one parallel step, per spin, in nats; in a transient the first axis is the step u = 1, 2, ...

    - `forward` = -<log p(s_u | s_(u-1))>, `reverse` = -<log p(s_(u-1) | s_u)>, both under the same couplings;
    - `flow` = reverse - forward, the entropy given to the surroundings; in the steady state the entropy production.
    """

    forward: Float[Array, "*steps"]
    reverse: Float[Array, "*steps"]
    flow: Float[Array, "*steps"]
    result: RESULTS


def sk_path_entropies(path: SKStationary | SKTransient) -> PathEntropies:
    """Forward and reverse entropies of the parallel steps of a transient, or of a step of the steady state.

    With x_u the field that step u makes, k_u the mean gain of the update that made it, D = (beta dJ)**2:
    S_u = E log 2 cosh x_(u-1) - [beta J0 m_u m_(u-1) + beta E(H <s_u>) + D k_u],
    S^r_u = E log 2 cosh x_u - [beta J0 m_u m_(u-1) + beta E(H <s_(u-1)>) + D k_(u-1) q_(u,u-2)];
    the last term is absent at u = 1, since the start does not know the couplings. Unit: nats per spin and step.
    Raises a run-time error for a steady state at which parallel steps do not rest.
    Source: derived from Aguilera, Igarashi & Shimazaki, Nat. Commun. 14, 3685 (2023), by Gaussian integration by
    parts; in a transient the entropy of the state changes too, so the flow alone may be negative.

    ```python
    nq.sk.path_entropies(nq.sk.transient(sk, m0=1.0, steps=8)).flow
    nq.sk.path_entropies(nq.sk.stationary(sk)).forward
    ```
    """
    steps = path.path
    gain = _refused_if_alternating(steps.gain, steps.result)
    return entropies(eqx.tree_at(lambda s: s.gain, steps, gain))


def entropies(steps: SKSteps) -> PathEntropies:
    """The entropies of steps; nothing raises, `result` tells."""
    forward = steps.partition_before - steps.pull - steps.work - steps.gain
    reverse = steps.partition_after - steps.pull - steps.work_before - steps.memory
    return PathEntropies(forward, reverse, _flow(steps), steps.result)


def _flow(steps: SKSteps) -> Float[Array, "*steps"]:
    """Reverse minus forward entropy; differences first, so that a steady state without disorder gives exactly zero."""
    change = (steps.partition_after - steps.partition_before) + (steps.work - steps.work_before)
    return change + (steps.gain - steps.memory)


def _refused_if_alternating(x: Float[Array, "*steps"], result: RESULTS) -> Float[Array, "*steps"]:
    """`x`, unless parallel steps do not rest at the point it belongs to."""
    return require(
        x,
        result != RESULTS.alternating,
        "parallel steps do not rest here: for J0 < 0 and beta |J0| k > 1 the magnetisation alternates with period two; "
        "use clock=nq.Sequential, or a transient: value",
    )


def _parallel(s: SKStationary) -> Environment:
    return s.q, RESULTS.where(s.path.result == RESULTS.alternating, RESULTS.alternating, s.result)


def _sequential(s: SKStationary) -> Environment:
    return relaxation(s).environment, s.result


CLOCKS: dict[type[AbstractSpinClock], tuple[Unit, Callable[[SKStationary], Environment]]] = {
    Parallel: (Unit.per_step_per_spin, _parallel),
    Sequential: (Unit.per_sweep_per_spin, _sequential),
}


def sk_entropy_production_rate(
    sk: SherringtonKirkpatrick,
    clock: type[AbstractSpinClock] = Parallel,
    m0: Float[Array, ""] | float = 1.0,
    *,
    rule: SKRule | None = None,
) -> Estimate:
    """Entropy production of infinitely many spins in their steady state, per spin and unit of time.

    sigma = (beta dJ)**2 k (1 - o): k the mean gain, o the overlap of a spin's surroundings now and when the spin was
    last redrawn: q for `clock=Parallel` (unit: nats/step/spin), int_0^infinity exp(-t) C(t) dt for
    `clock=Sequential`, where each spin is redrawn once per unit of time on average (unit: nats/sweep/spin). Kind:
    exact. `m0` and `rule` as in `stationary`, whose `result` the estimate carries.
    Differentiable; one-sided at critical points. Raises ValueError for another clock; ValueError (traced: a run-time
    error) for m0 outside [-1, 1] and where parallel steps alternate (J0 < 0, beta |J0| k > 1).
    Source: Aguilera, Igarashi & Shimazaki, Nat. Commun. 14, 3685 (2023), for parallel steps. Their stored sequential
    curve applies F to an exponentially averaged overlap in finite steps and lies 1 to 5 % higher: at dJ = 1, beta = 4
    it says 1.19697, the exact value is 1.16701, and their simulations tend to 1.1676.

    ```python
    sk = nq.SherringtonKirkpatrick(J0=1.0, dJ=0.5, beta=1.5)
    nq.sk.entropy_production_rate(sk, clock=nq.Sequential)
    ```
    """
    if clock not in CLOCKS:
        known = ", ".join(kind.__name__ for kind in CLOCKS)
        raise ValueError(f"clock = {clock}: the theory knows {known} (the classes, without a model)")
    estimate = rate(sk_stationary(sk, m0, rule=rule), clock)
    return eqx.tree_at(lambda e: e.value, estimate, _refused_if_alternating(estimate.value, estimate.result))


@eqx.filter_jit
def rate(s: SKStationary, clock: type[AbstractSpinClock]) -> Estimate:
    """The entropy production of a steady state under a clock; nothing raises, `result` tells."""
    unit, environment = CLOCKS[clock]
    overlap, result = environment(s)
    value = s.variance * s.k * (1 - overlap)
    return Estimate(value, jnp.zeros_like(value), unit, KIND.exact, result)

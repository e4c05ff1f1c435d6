"""How fast entropy production grows with the inverse temperature in the limit of temperature zero."""

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._results import KIND, RESULTS, Estimate, Unit
from ..dynamics import AbstractSpinClock, Parallel, Sequential
from ..ensembles import SherringtonKirkpatrick
from ..meanfield import SKZeroTemperature, zero_temperature
from ._sk_entropy import _refused_if_alternating

OVERLAPS: dict[type[AbstractSpinClock], tuple[Unit, Callable[[SKZeroTemperature], Float[Array, ""]]]] = {
    Parallel: (Unit.per_step_per_spin, lambda at_zero: at_zero.q),
    Sequential: (Unit.per_sweep_per_spin, lambda at_zero: at_zero.qtilde),
}


def sk_entropy_production_slope(
    sk: SherringtonKirkpatrick, clock: type[AbstractSpinClock] = Parallel, m0: Float[Array, ""] | float = 1.0
) -> Estimate:
    """The limit of sigma / beta at temperature zero, sigma the entropy production of `entropy_production_rate`.

    sigma / beta = dJ**2 (beta k) (1 - o), with beta k and the overlap o of `zero_temperature`: q for
    `clock=Parallel`, qtilde for `clock=Sequential`. It is positive for every dJ > 0: the network stays noisy, so that
    sigma finally grows in proportion to beta. Unit: nats per spin and step (Parallel) or sweep (Sequential), times the
    unit of dJ. Kind: exact. `m0` and the result are those of `zero_temperature`; `sk.beta` is not read.
    Differentiable in J0, dJ, H0 and dH. Raises ValueError for another clock; ValueError (traced: a run-time error) for
    dJ = 0, for m0 outside [-1, 1] and where parallel steps alternate.
    Source: Aguilera, Igarashi & Shimazaki, Nat. Commun. 14, 3685 (2023), for parallel steps.

    ```python
    nq.sk.entropy_production_slope(nq.SherringtonKirkpatrick(J0=1.0, dJ=0.5)).value  # 0.00159826
    ```
    """
    if clock not in OVERLAPS:
        known = ", ".join(kind.__name__ for kind in OVERLAPS)
        raise ValueError(f"clock = {clock}: the theory knows {known} (the classes, without a model)")
    estimate = slope(zero_temperature(sk, m0), sk.dJ, clock)
    return eqx.tree_at(lambda e: e.value, estimate, _refused_if_alternating(estimate.value, estimate.result))


def slope(at_zero: SKZeroTemperature, dJ: Float[Array, ""], clock: type[AbstractSpinClock]) -> Estimate:
    """The limit of a steady state at temperature zero under a clock; nothing raises, `result` tells."""
    unit, overlap = OVERLAPS[clock]
    alternating = (at_zero.stability.m < -1) & (clock is Parallel)
    result = RESULTS.where(alternating, RESULTS.alternating, at_zero.result)
    value = dJ**2 * at_zero.beta_k * (1 - overlap(at_zero))
    return Estimate(value, jnp.zeros_like(value), unit, KIND.exact, result)

"""The asymmetric Sherrington-Kirkpatrick model at temperature zero."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .. import numerics
from .._checks import require
from .._results import RESULTS
from ..ensembles import SherringtonKirkpatrick
from ._sk_settled import critical
from ._sk_stationary import M0, Stability, initial_m
from ._sk_zero_overlap import overlap_with_past, resting_angle, sharp_noise

LIMIT = 1e-9  # of the error of averages over fields


class SKZeroTemperature(eqx.Module):
    """A steady state of infinitely many spins in the limit beta to infinity, the same for both clocks.

    - `m` = <s_i>, `q` = <s_i(t) s_i(t')> at distant times, both per spin;
    - `beta_k`: the limit of beta k, k the mean gain. Unit: that of 1 / dJ;
    - `qtilde` = int_0^inf exp(-t) C(t) dt, the mean overlap of a spin's surroundings now and when the sequential clock
      last redrew it; C(t) is the overlap of a spin with itself t sweeps later. `initial_slope` = C'(0);
    - `stability`: slopes of the maps of m and q;
    - `result`: `successful`, `marginal` (a slope is one: derivatives are infinite or do not exist),
      `quadrature_too_coarse` (uniform fields too wide for their average), `max_steps_reached`, `not_finite`.
    """

    m: Float[Array, ""]
    q: Float[Array, ""]
    beta_k: Float[Array, ""]
    qtilde: Float[Array, ""]
    initial_slope: Float[Array, ""]
    stability: Stability
    result: RESULTS


def zero_temperature(
    sk: SherringtonKirkpatrick,
    m0: Float[Array, ""] | float = 1.0,
    *,
    field_nodes: int = 128,
    throw: bool = False,
) -> SKZeroTemperature:
    """The steady state that infinitely many spins reach from magnetisation `m0` at temperature zero.

    m = E erf(a / sqrt(2)),  q = 1 - 8 E T(a, sqrt((1 - r) / (1 + r))),  beta k = E 2 phi(a) / D,  with the fields
    a = (H + J0 m) / D averaged over the non-normal part of H, phi the standard normal density and T Owen's function;
    D = dJ and r = q, but D**2 = dJ**2 + dH**2 and r = (dJ**2 q + dH**2) / D**2 for normal fields. The network stays
    noisy: q < 1, though q = 1 solves the equations too. C'' = C - F(C), F the map of q, gives `qtilde`.
    `sk.beta` is not read; `m0` picks the branch: 1 and -1 the ordered ones, 0 the symmetric one.

    Differentiable in J0, dJ, H0 and dH, in both modes, except where `result` is `marginal`. `field_nodes` is the
    static number of Gauss-Legendre nodes over uniform fields; 128 suffice up to dH = 25 dJ. Raises ValueError (traced:
    a run-time error) for dJ = 0, where nothing is noisy and q = 1, and for m0 outside [-1, 1]; with `throw`, for any
    result but `successful`. Source: Aguilera, Igarashi & Shimazaki, Nat. Commun. 14, 3685 (2023); Owen, Ann. Math.
    Statist. 27, 1075 (1956).

    ```python
    nq.sk.zero_temperature(nq.SherringtonKirkpatrick(J0=1.0, dJ=0.5)).m  # 0.93985141
    ```
    """
    start = initial_m(sk, m0)
    dJ = require(sk.dJ, sk.dJ > 0, "temperature zero needs random couplings, dJ > 0 (without them q = 1). Here dJ")
    dJ = require(dJ, jnp.abs(start) <= 1, M0)
    sk = eqx.tree_at(lambda sk: sk.dJ, sk, dJ)
    sk, start = jax.tree.map(lambda x: x.astype(x.dtype), (sk, start))  # no weak types, which would be compiled anew
    found = _rest(sk, start, field_nodes)
    if not throw:
        return found
    m = found.result.error_if(found.m, found.result != RESULTS.successful)
    return eqx.tree_at(lambda found: found.m, found, m)


@eqx.filter_jit
def _rest(sk: SherringtonKirkpatrick, m0: Float[Array, ""], field_nodes: int) -> SKZeroTemperature:
    at_m = numerics.scalar_fixed_point(
        lambda m, sk: sharp_noise(sk, m, field_nodes).m, m0, sk, bracket=(-1, 1), rising=sk.J0 >= 0, throw=False
    )
    noise = sharp_noise(sk, at_m.value, field_nodes)
    angle, ended = resting_angle(noise)
    stability = Stability(sk.J0 * noise.gain, noise.slope(angle))
    result = _result(at_m.result, ended, stability, sk.fields.split(sk.dH, field_nodes)[0] / noise.deviation)
    past = overlap_with_past(noise, angle)
    return SKZeroTemperature(at_m.value, 1 - noise.lost(angle), noise.gain, *past, stability, result)


def _result(at_m: RESULTS, at_q: RESULTS, stability: Stability, offsets: Float[Array, " fields"]) -> RESULTS:
    """The gravest of all verdicts."""
    result = RESULTS.where(critical(stability.m) | critical(stability.q), RESULTS.marginal, RESULTS.successful)
    result = RESULTS.where(_field_error(offsets) < LIMIT, result, RESULTS.quadrature_too_coarse)
    for ended in (at_q, at_m):
        failed = (ended != RESULTS.successful) & (ended != RESULTS.marginal)
        result = RESULTS.where(failed, ended, result)
    return result


def _field_error(offsets: Float[Array, " fields"]) -> Float[Array, ""]:
    """Error of a Gauss-Legendre rule at `offsets` for bells exp(-offset**2): least bound over ellipses rho.

    4 exp((half width)**2 (rho - 1 / rho)**2 / 4) rho**(-2 nodes).
    Source: Trefethen, Approximation Theory and Approximation Practice (2013), theorem 19.3.
    """
    rho = jnp.asarray(np.geomspace(1.01, 100, 200), offsets.dtype)
    half = (jnp.max(offsets) - jnp.min(offsets)) / 2
    bound = 4 * jnp.exp(jnp.min((half * (rho - 1 / rho) / 2) ** 2 - 2 * offsets.shape[0] * jnp.log(rho)))
    return jnp.where(half > 0, bound, 0)

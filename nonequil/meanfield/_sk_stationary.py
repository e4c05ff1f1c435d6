"""The steady state of the asymmetric Sherrington-Kirkpatrick model."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from .._checks import require
from .._results import RESULTS
from .._types import Scalar
from ..ensembles import SherringtonKirkpatrick
from ..numerics import FixedPoint
from ..numerics._implicit import stopped
from ._sk_field import Averages, FieldLaw, field_law, overlap_map, resolved
from ._sk_rest import resting_m, resting_overlap
from ._sk_rule import SKRule, chosen
from ._sk_settled import critical, settled
from ._sk_steps import SKSteps

M0 = "m0, the magnetisation at the start, must lie in [-1, 1]: m0"


class Stability(eqx.Module):
    """How deviations from a steady state change: slopes of the maps of m and q in one parallel step.

    `m` = beta J0 k, `q` = dF/dq. One random spin at a time, deviations decay at the rates 1 - m and 1 - q.
    """

    m: Float[Array, ""]
    q: Float[Array, ""]

    @property
    def parallel(self) -> Bool[Array, ""]:
        """Whether deviations decay when all spins are redrawn at once; at m < -1 the network alternates in step."""
        return (jnp.abs(self.m) < 1) & (self.q < 1)

    @property
    def sequential(self) -> Bool[Array, ""]:
        """Whether deviations decay when spins are redrawn one by one."""
        return (self.m < 1) & (self.q < 1)


class SKStationary(eqx.Module):
    """A steady state of infinitely many spins, the same for both clocks.

    - `m` = <s_i>, `q` = <s_i(t) s_i(t')> at distant times, both per spin; `k` = E sech(x)**2, the mean gain;
    - `stability`: slopes of their maps; `residual`: what one step changes, the larger of both;
    - `result`: `successful`, `marginal` (a slope is one: derivatives are one-sided or infinite),
      `quadrature_too_coarse`, `max_steps_reached`, `not_finite`;
    - `averages`, `law`: all averages over the local field, and its law.
    """

    m: Float[Array, ""]
    q: Float[Array, ""]
    k: Float[Array, ""]
    stability: Stability
    result: RESULTS
    residual: Float[Array, ""]
    steps: Int[Array, ""]
    averages: Averages
    law: FieldLaw

    @property
    def variance(self) -> Scalar:
        """(beta dJ)**2, the variance of the fields that random couplings make."""
        return self.law.variance

    @property
    def path(self) -> SKSteps:
        """What the entropies of a parallel step are made of; `result` is `alternating` where no step rests here."""
        at = self.averages
        alternating = self.stability.m < -1
        return SKSteps(
            partition_before=at.log_partition,
            partition_after=at.log_partition,
            pull=at.pull,
            work_before=at.field_work,
            work=at.field_work,
            gain=self.variance * self.k,
            memory=self.variance * self.k * self.q,
            result=RESULTS.where(alternating, RESULTS.alternating, self.result),
        )


def sk_stationary(
    sk: SherringtonKirkpatrick, m0: Float[Array, ""] | float = 1.0, *, rule: SKRule | None = None, throw: bool = False
) -> SKStationary:
    """The steady state that infinitely many spins reach from magnetisation `m0`.

    m = E tanh x,  q = F(q) = E tanh x tanh y,  x = beta (H + J0 m) + beta dJ z, z standard normal, y another such
    field of the same spin with cov(x, y) = var(H beta) + (beta dJ)**2 q; E averages over z and the fields H. `m0`
    picks the branch: 1 and -1 the ordered ones, 0 the symmetric one. For J0 < 0 there is one point; where beta |J0| k
    exceeds 1 only the sequential clock rests there (see `stability`).

    Differentiable in J0, dJ, H0, dH, beta, in both modes; at a critical point derivatives are those of the side of
    the branch, and that of m infinite. `rule` is static, see `SKRule`. Memory and time: nodes times terms a point.
    Raises ValueError (traced: a run-time error) for m0 outside [-1, 1]; with `throw`, for any result but `successful`.
    Source: Aguilera, Igarashi & Shimazaki, Nat. Commun. 14, 3685 (2023); Crisanti & Sompolinsky (1988).

    ```python
    s = nq.sk.stationary(nq.SherringtonKirkpatrick(J0=1.0, dJ=0.5, beta=1.5))
    s.m, s.q, s.k, s.result, s.stability
    ```
    """
    rule, m0 = chosen(sk, rule), initial_m(sk, m0)
    s = _stationary(starting_at(m0, sk), m0, rule)
    if not throw:
        return s
    return eqx.tree_at(lambda s: s.m, s, s.result.error_if(s.m, s.result != RESULTS.successful))


@eqx.filter_jit
def _stationary(sk: SherringtonKirkpatrick, m0: Float[Array, ""], rule: SKRule) -> SKStationary:
    m0 = stopped(m0)
    at_m = resting_m(stopped(sk), m0, rule)
    found = settled(sk, at_m.value, m0, rule)
    law = field_law(sk, found.m, rule)
    at_q = resting_overlap(found.overlaps, law.share, at_m.value)
    slope = _overlap_slope(found.overlaps, law.share, at_q.value)
    stability = Stability(sk.beta * sk.J0 * found.k, slope)
    result = _result(at_m, at_q, stability, resolved(sk, law, found.overlaps[-1], rule))
    residual, steps = jnp.maximum(at_m.residual, at_q.residual), at_m.steps + at_q.steps
    return SKStationary(found.m, at_q.value, found.k, stability, result, residual, steps, found, law)


def starting_at(m0: Float[Array, ""], sk: SherringtonKirkpatrick) -> SherringtonKirkpatrick:
    """The ensemble, everything of which is an error if a traced `m0` is out of range, even where it does not matter."""
    return eqx.tree_at(lambda sk: sk.beta, sk, require(sk.beta, jnp.abs(m0) <= 1, M0))


def initial_m(sk: SherringtonKirkpatrick, m0: Float[Array, ""] | float) -> Float[Array, ""]:
    """`m0` as an array of the ensemble's type, refused outside [-1, 1]."""
    m0 = jnp.asarray(m0, jnp.result_type(sk.beta))
    return m0 if isinstance(m0, jax.core.Tracer) else require(m0, jnp.abs(m0) <= 1, M0)


def _overlap_slope(overlaps: Float[Array, " terms"], share: Float[Array, ""], q: Float[Array, ""]) -> Float[Array, ""]:
    return jax.jvp(lambda q: overlap_map(overlaps, share, q), (q,), (jnp.ones_like(q),))[1]


def _result(at_m: FixedPoint, at_q: FixedPoint, stability: Stability, fine: RESULTS) -> RESULTS:
    """The gravest of all verdicts; the slope of m decides whether the point is marginal."""
    result = RESULTS.where(critical(stability.m) | critical(stability.q), RESULTS.marginal, RESULTS.successful)
    result = RESULTS.where(fine == RESULTS.successful, result, fine)
    for rest in (at_q, at_m):
        failed = (rest.result != RESULTS.successful) & (rest.result != RESULTS.marginal)
        result = RESULTS.where(failed, rest.result, result)
    return result

"""Entropy flow of a network whose spins are taken as independent at each time."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .. import meanfield, numerics
from .._results import KIND, RESULTS, Estimate, Unit
from ..models import Ising


@eqx.filter_jit
def independent_entropy_flow(
    model: Ising,
    m: Float[Array, " n"],
    m_next: Float[Array, " n"],
    *,
    rule: numerics.AbstractGaussianRule = numerics.Trapezoid(),
) -> Estimate:
    """Entropy flow of one `Parallel` step from means m to m', spins taken as independent at each time. Unit: nats/step.

    sum_i E[log 2 cosh h'_i] - m_i E[h'_i] - E[log 2 cosh h_i - h_i tanh h_i], with h_i normal of mean H_i + sum_j J_ij
    m_j and variance sum_j J_ij**2 (1 - m_j**2), h' likewise with m'. `details["by_site"]` (n,) are its terms.

    Kind: biased, upwards where couplings are mutual. It takes x_i as independent of h_i(x'), so that in the steady
    state it is sum_ij J_ij**2 (1 - m_j**2) E sech(h_i)**2 > 0 even for symmetric couplings, which produce nothing:
    `mean_field_entropy_production` has the missing term in J_ij J_ji. Result `quadrature_too_coarse` for couplings that
    `rule` does not resolve. Differentiable.
    Source: Ishihara & Shimazaki, arXiv:2502.15440 (2025), for 0/1 spikes.

    ```python
    m = nq.meanfield.solve(nq.meanfield.MezardSakellariou(), model).q
    nq.thermodynamics.independent_entropy_flow(model, m, m).value
    ```
    """
    means, variances = zip(*((model.field(s), meanfield.field_variance(s, model)) for s in (m, m_next)), strict=True)
    there = rule.mean(lambda h: _log_2cosh(h) - h * jnp.tanh(h), means[0], variances[0])
    back = rule.mean(_log_2cosh, means[1], variances[1]) - m * means[1]
    value = jnp.sum(back - there)
    checks = [rule.check(jnp.sqrt(variance), 1e-9) for variance in variances]
    result = RESULTS.where(checks[0] == RESULTS.successful, checks[1], checks[0])
    details = {"by_site": back - there}
    return Estimate(value, jnp.zeros_like(value), Unit.per_step, KIND.biased, result, details=details)


def _log_2cosh(h: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    return jnp.logaddexp(h, -h)

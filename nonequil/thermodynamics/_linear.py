"""Entropy production of linear Langevin systems, in closed form."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from .._results import KIND, RESULTS, Estimate, Unit
from ..dynamics import OrnsteinUhlenbeck


def linear_entropy_production(process: OrnsteinUhlenbeck) -> Estimate:
    """Entropy production rate of a linear Langevin system in its steady state. Unit: nats per unit of time of A.

    sigma = <v^T D^-1 v> = tr(D^-1 Om S Om^T) with the mean local velocity v = Om x, Om = A + D S^-1. `details`:
    `coordinates` (n,), <v_i (D^-1 v)_i>, whose sum is sigma (each at least zero where D is diagonal), and `covariance`
    S. It does not depend on `dt`. Result `not_finite` where A is not stable or D is singular. Differentiable.
    Source: Godreche & Luck, J. Phys. A 52, 035002 (2019), eq. 2.34.
    """
    S, D = process.covariance, process.diffusion
    velocity = process.A + D @ jnp.linalg.inv(S)
    parts = jnp.diagonal(jnp.linalg.solve(D, velocity @ S @ velocity.T))
    return _exact(jnp.sum(parts), Unit.per_second, {"coordinates": parts, "covariance": S})


def linear_entropy_production_at_lag(process: OrnsteinUhlenbeck) -> Estimate:
    """Entropy production that pairs of states `dt` apart show: what an observer at that lag can see at most.

    Sigma(dt) = tr(R^-1 G) / 2 - n,  G = [[S, c^T], [c, S]],  R = [[S, c], [c^T, S]],  c = F S: the divergence of two
    Gaussians with equal determinants. Sigma(dt) / dt grows to the rate as dt goes to 0 and never exceeds it.
    Unit: nats/step. Differentiable.
    """
    S, n = process.covariance, process.A.shape[0]
    c = process.propagator @ S
    forwards, backwards = jnp.block([[S, c.T], [c, S]]), jnp.block([[S, c], [c.T, S]])
    value = jnp.trace(jnp.linalg.solve(backwards, forwards)) / 2 - n
    return _exact(value, Unit.per_step, {"covariance": S})


def _exact(value: Float[Array, ""], unit: Unit, details: dict[str, Array]) -> Estimate:
    result = RESULTS.where(jnp.isfinite(value), RESULTS.successful, RESULTS.not_finite)
    return Estimate(value, jnp.zeros_like(value), unit, KIND.exact, result, details=details)

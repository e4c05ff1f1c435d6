"""Entropy production of one given network from its mean field."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from .. import meanfield
from .._results import KIND, RESULTS, Estimate, Unit
from ..models import Ising


def mean_field_entropy_production(
    model: Ising,
    C: Float[Array, "n n"] | None = None,
    *,
    closure: meanfield.MezardSakellariou = meanfield.MezardSakellariou(),
    m0: Float[Array, " n"] | None = None,
    throw: bool = True,
) -> Estimate:
    """Entropy production of a network under `Parallel` in its steady state, without simulation. Unit: nats/step.

    sum_ij (J_ij - J_ji) D_ij, D = diag(A) J C the delayed correlations of `closure`, beta folded into J; the products
    of means m_i m_j cancel in the sum. Kind: biased, by what the closure leaves out; most of it goes once `C`, the
    connected correlations of equal time (`nq.Moments`), is measured: they are diag(1 - m**2) by default. The standard
    error is zero: noise of `C` is not in it. `m0` picks the branch, as in `meanfield.solve`; with `throw` a resting
    point that is not found is a run-time error, without it read `result` (`quadrature_too_coarse` for couplings that
    the closure's rule does not resolve). Differentiable in the model and in `C`.
    Source: Aguilera, Igarashi & Shimazaki, Nat. Commun. 14, 3685 (2023), with the correlations of Mezard &
    Sakellariou, J. Stat. Mech. L07001 (2011).

    ```python
    nq.thermodynamics.mean_field_entropy_production(model)
    ```
    """
    solution = meanfield.solve(closure, model, m0, throw)
    D = closure.delayed_correlations(solution.q, model, C)
    value = jnp.sum((model.J - model.J.T) * D)
    fine = closure.check(solution.q, model)
    result = RESULTS.where(solution.result == RESULTS.successful, fine, solution.result)
    return Estimate(value, jnp.zeros_like(value), Unit.per_step, KIND.biased, result, details=solution)

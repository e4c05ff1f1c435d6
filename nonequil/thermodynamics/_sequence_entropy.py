"""Entropy production of sequences recalled at extensive load."""

from typing import Any

import jax.numpy as jnp

from .._results import KIND, Estimate, Unit
from ..meanfield import sequence_stationary


def sequence_entropy_production(alpha: Any, T: Any, m0: Any = 1.0) -> Estimate:
    """Entropy that each spin gives to its surroundings while a large network recalls alpha n patterns in turn.

    sigma / n = (m**2 + alpha r chi) / T, nats/step/spin, of the steady state `nq.memory.sequence_stationary`: fields
    and the spins they draw correlate by E h tanh(h / T) = m**2 + alpha r chi, while backwards in time they do not,
    since couplings lead from each pattern to the next alone. Without recall (m = 0) the noise still dissipates.
    Kind: exact, as n grows at alpha = p / n. Differentiable in alpha and T; errors as `sequence_stationary`; the result
    is that state's. Source: the flow of Aguilera, Igarashi & Shimazaki, Nat. Commun. 14, 3685 (2023), with the
    correlations of During, Coolen & Sherrington, J. Phys. A 31, 8607 (1998).

    ```python
    nq.memory.sequence_entropy_production(alpha=0.2, T=0.1).value  # 9.658
    ```
    """
    state = sequence_stationary(alpha, T, m0)
    value = (state.m**2 + alpha * state.r * state.chi) / T
    return Estimate(value, jnp.zeros_like(value), Unit.per_step_per_spin, KIND.exact, state.result)

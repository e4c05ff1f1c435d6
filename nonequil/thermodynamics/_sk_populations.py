"""Entropy production of infinitely many spins in populations."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .. import meanfield
from .._results import KIND, Estimate, Unit
from ..ensembles import BlockSherringtonKirkpatrick
from ..meanfield import Populations, Solution


class PopulationFlows(eqx.Module):
    """Entropy that the spins of each population give to their surroundings, per spin of it, and where they rest."""

    per_population: Float[Array, " p"]
    solution: Solution


def populations_entropy_production(
    blocks: BlockSherringtonKirkpatrick, closure: Populations | None = None, throw: bool = True
) -> Estimate:
    """Entropy production of infinitely many spins in populations, all redrawn at once, in their steady state.

    sigma = sum_a fractions[a] k_a beta**2 sum_b dJ[a, b]**2 (1 - q_b), k_a the mean gain of population a. Unit:
    nats/step/spin; kind: exact; `details` split it by the receiving population. Differentiable in every leaf.
    The steady state is the one reached from all spins up; with `throw` another result than `successful`, for example
    where parallel steps do not settle, is a run-time error.
    Source: Gaussian integration by parts over J_ij, as for one population in Aguilera, Igarashi & Shimazaki (2023).

    ```python
    nq.thermodynamics.populations_entropy_production(pair).details.per_population
    ```
    """
    closure = Populations() if closure is None else closure
    solution = meanfield.solve(closure, blocks, throw=throw)
    at, _ = closure.averages(solution.q.m, blocks)
    flows = at.k * ((blocks.beta * blocks.dJ) ** 2 @ (1 - solution.q.q))
    value = blocks.fractions @ flows
    details = PopulationFlows(flows, solution)
    return Estimate(value, jnp.zeros_like(value), Unit.per_step_per_spin, KIND.exact, solution.result, details=details)

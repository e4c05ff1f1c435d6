"""What each further set of observables adds to a bound."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .. import statistics
from .._results import Estimate, Unit
from ..data import Transitions
from ._base import is_population
from ._maxent import MaxEntBound


class Hierarchy(eqx.Module):
    """Bounds of nested sets of observables, and their increments: what each set sees that the one before did not.

    `increments[0]` is the first bound itself; `increment_stderr` those of differences on the same blocks, smaller than
    the errors of two bounds taken together. `unit` is that of the pairs.
    """

    estimates: tuple[Estimate, ...]
    values: Float[Array, " sets"]
    stderr: Float[Array, " sets"]
    increments: Float[Array, " sets"]
    increment_stderr: Float[Array, " sets"]
    unit: Unit = eqx.field(static=True)


def hierarchy(
    observables: Sequence[Any], t: Transitions, *, bound: Callable[[Any], Callable[..., Estimate]] = MaxEntBound
) -> Hierarchy:
    """Bounds of several sets of observables, each of which holds the one before: orders of interaction, more terms.

    `bound(observable)` makes the estimator: `MaxEntBound`, `OneStepNewton`, or a function that sets their options. On
    data an increment may come out below zero, where the larger set costs more than it sees; its standard error takes
    the fitted coefficients as known, and is up to three times too small where they scatter (few pairs, strong driving).
    Source: Aguilera, Ito & Kolchinsky, PRL 136, 077101 (2026).

    ```python
    th = nq.thermodynamics
    pairs = th.Cross() + th.Single()
    th.hierarchy((th.Single(), pairs, pairs + th.Triple()), transitions).increments
    ```
    """
    estimates = tuple(bound(observable)(t) for observable in observables)
    values, stderr = (jnp.stack([getattr(e, name) for e in estimates]) for name in ("value", "stderr"))
    errors = [0.0] * len(estimates) if is_population(t) else _errors(estimates, t)
    return Hierarchy(
        estimates, values, stderr, jnp.diff(values, prepend=jnp.zeros(1)), jnp.asarray(errors), estimates[0].unit
    )


def _errors(estimates: Sequence[Estimate], t: Transitions) -> list[float]:
    """Standard errors of the first value and of successive differences, between blocks."""
    unknown = np.full(len(t), np.nan)  # where there were too few transitions
    psi = [e.details.get("influence", unknown) for e in estimates]
    steps = [psi[0], *(b - a for a, b in itertools.pairwise(psi))]
    return [float(statistics.block_mean(jnp.asarray(step), t)[1]) for step in steps]

"""What the bounds share: their floor, too little data said as such, and how they are reported."""

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np

from .._results import KIND, RESULTS, Estimate, Unit
from ._observable import AbstractObservable
from ._pairs import Pairs

SCARCE = 0.5  # above this value of 2 d / n an estimator with d parameters says nothing


SHARED = ("in_sample", "folds", "influence")  # details in the unit of the value


def floor_of(g: AbstractObservable, pairs: Pairs) -> float:
    """2 d / n: what d parameters fitted to n pairs of an equilibrium process pretend to see. Zero for a population."""
    return 2 * g.size(pairs.n_units) / pairs.n


def is_scarce(g: AbstractObservable, pairs: Pairs) -> bool:
    """Whether 2 d / n is above one half."""
    return floor_of(g, pairs) > SCARCE


def too_few(g: AbstractObservable, pairs: Pairs, unit: Unit) -> Estimate:
    """No number, and the largest number of units that these pairs would do for."""
    details = {"d": g.size(pairs.n_units), "n": pairs.n, "largest_n_units": largest_n_units(g, pairs)}
    return lower_bound(np.nan, np.nan, unit, RESULTS.too_few_transitions, floor_of(g, pairs), details)


def lower_bound(
    value: Any, stderr: Any, unit: Unit, result: RESULTS, floor: Any, details: Any, n_eff: Any = None
) -> Estimate:
    """The estimate, in the default precision."""
    value, stderr, floor = (None if v is None else jnp.asarray(v, float) for v in (value, stderr, floor))
    return Estimate(value, stderr, unit, KIND.lower_bound, result, floor, n_eff, details)


def per_step(found: Estimate, steps: int) -> Estimate:
    """A bound on paths of several steps, shared out among the steps. The floor stays: such paths overlap."""
    details = {**found.details, **{name: found.details[name] / steps for name in SHARED if name in found.details}}
    return dataclasses.replace(found, value=found.value / steps, stderr=found.stderr / steps, details=details)


def largest_n_units(g: AbstractObservable, pairs: Pairs) -> Any:
    """Largest number of units with 2 d / n at most one half; None for a function that fixes the number of units."""
    try:
        enough = (n for n in range(pairs.n_units - 1, 0, -1) if 2 * g.size(n) / pairs.n <= SCARCE)
        return next(enough, 0)
    except (TypeError, ValueError, IndexError):
        return None

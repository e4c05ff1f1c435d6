"""The entropy production of single transitions, as a fitted bound sees it."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from .._results import Estimate
from ..data import Attempts, Transitions
from ._design import design
from ._lagged_paths import read_paths
from ._observable import AbstractObservable
from ._pairs import newest
from ._site_bounds import production_of_flips
from ._site_flips import SiteFlips


def trajectory_production(
    found: Estimate, data: Transitions | Attempts, *, spins: Callable = newest
) -> Float[np.ndarray, "rows *sites"]:
    """Entropy production of each transition as a bound of `MaxEntBound` sees it. Unit: nats.

    sigma = theta . g(x, x') - ln <exp(theta . g(x', x))>, theta and the average from the pairs that were fitted; the
    mean of sigma over these is F in sample, `details["in_sample"]`. What the law of largest entropy with their <g>
    has for log p(x, x') - log p(x', x).

    - `found`: the estimate; `data`: these transitions or others of the same spins, read by `spins`.

    A number a pair; for `Lagged` observables one a path, the production of all its steps, in the order in which paths
    begin. For `SiteFlips`, theta_i and the average are those of the spin i that flips, 0 where none does: a number a
    pair, for `Attempts` one a state and spin. Raises ValueError for an estimate without `log_z`.
    Source: Aguilera, Ito & Kolchinsky, PRL 136, 077101 (2026).

    ```python
    found = nq.thermodynamics.MaxEntBound()(transitions)
    nq.thermodynamics.trajectory_production(found, transitions)
    ```
    """
    if found.details is None or "log_z" not in found.details:
        raise ValueError("found holds no `log_z`: pass an estimate of MaxEntBound (any of SiteFlips) with a value")
    return _produced(found.details["observable"], found.details, data, spins)


@functools.singledispatch
def _produced(observable: AbstractObservable, details: dict[str, Any], data: Any, spins: Callable) -> np.ndarray:
    with jax.enable_x64(True):
        forwards = design(observable, read_paths(data, observable.steps, spins))
        return forwards.project(details["theta"][:, None])[:, 0] - details["log_z"]


@_produced.register
def _(observable: SiteFlips, details: dict[str, Any], data: Any, spins: Callable) -> np.ndarray:
    return production_of_flips(details, data, spins)

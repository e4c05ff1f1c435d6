"""What each further set of observables adds to a bound."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, Key

from .. import statistics
from .._results import Estimate, Unit
from ..data import Transitions
from ._base import is_population
from ._lagged import along
from ._lagged_paths import beginnings
from ._maxent import MaxEntBound
from ._site_flips import as_observable_or_sites
from ._windows import reweighted


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
    observables: Sequence[Any],
    t: Transitions,
    *,
    bound: Callable[[Any], Callable[..., Estimate]] = MaxEntBound,
    refits: int = 0,
    key: Key[Array, ""] | None = None,
) -> Hierarchy:
    """Bounds of several sets of observables, each of which holds the one before: orders of interaction, lags, more.

    `bound(observable)` makes the estimator: `MaxEntBound`, `OneStepNewton`, or a function that sets their options. If
    some set holds `Lagged` observables, all sets are read on the same paths, the longest. On data an increment may come
    out below zero, where the larger set costs more than it sees. Its standard error takes the fitted coefficients as
    known (to first order, for those of `MaxEntBound` with a ridge), and is too small where they scatter: few pairs,
    strong driving. With `refits` (some 30)
    all errors are those of that many fits in which blocks enter with weights drawn from an exponential law by `key`
    (default `jax.random.key(0)`), so that coefficients scatter too. That is as if there were half as many pairs, which
    must still be enough: with few pairs per observable it errs on the safe side, up to twofold.
    Raises ValueError for a single refit.
    Source: Aguilera, Ito & Kolchinsky, PRL 136, 077101 (2026); Rubin, Ann. Stat. 9, 130 (1981), for the weights.

    ```python
    th = nq.thermodynamics
    pairs = th.Cross() + th.Single()
    th.hierarchy((th.Single(), pairs, pairs + th.Triple()), transitions).increments
    th.hierarchy((pairs, pairs + th.Lagged(2), pairs + th.Lagged(2) + th.Lagged(3)), recording).increments
    ```
    """
    if refits == 1 or refits < 0:
        raise ValueError(f"refits = {refits}: a spread needs two or more, some 30 to be known well; 0 for none")
    sets = [as_observable_or_sites(observable) for observable in observables]
    steps = max(g.steps for g in sets)
    estimators = [bound(along(g, steps)) for g in sets]
    estimates = tuple(estimator(t) for estimator in estimators)
    values, stderr = (jnp.stack([getattr(e, name) for e in estimates]) for name in ("value", "stderr"))
    if is_population(t):
        increment_stderr = jnp.zeros_like(values)
    elif refits == 0:
        increment_stderr = _errors(estimates, beginnings(t, steps))
    else:
        drawn = _refitted(estimators, t, refits, jr.key(0) if key is None else key)
        stderr, increment_stderr = (jnp.std(v, axis=0, ddof=1) for v in (drawn, _increments(drawn)))
    return Hierarchy(estimates, values, stderr, _increments(values), increment_stderr, estimates[0].unit)


def _increments(values: Float[Array, "*draws sets"]) -> Float[Array, "*draws sets"]:
    return jnp.diff(values, prepend=jnp.zeros((*values.shape[:-1], 1)))


def _errors(estimates: Sequence[Estimate], t: Transitions) -> Float[Array, " sets"]:
    """Standard errors of the first value and of successive differences, between blocks."""
    unknown = np.full(len(t), np.nan)  # where there were too few transitions
    psi = [e.details.get("influence", unknown) for e in estimates]
    steps = [psi[0], *(b - a for a, b in itertools.pairwise(psi))]
    return jnp.asarray([float(statistics.block_mean(jnp.asarray(step), t)[1]) for step in steps])


def _refitted(
    estimators: Sequence[Callable[..., Estimate]], t: Transitions, refits: int, key: Key[Array, ""]
) -> Float[Array, "refits sets"]:
    """Values when whole blocks enter with random weights of mean and variance one. No fold is ever left empty."""
    t = statistics.with_blocks(t)
    block, w = np.asarray(t.block), np.asarray(statistics.weights(t), float)
    drawn = np.asarray(jr.exponential(key, (refits, int(block.max()) + 1), float))
    return jnp.stack([jnp.stack([e(reweighted(t, w * v[block])).value for e in estimators]) for v in drawn])

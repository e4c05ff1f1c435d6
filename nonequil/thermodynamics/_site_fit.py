"""Fits to the flips of every spin at one strength of the ridge, judged on the rows that did not choose them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ._site_ascent import SiteOptimum, ascend, first_steps, project
from ._site_batches import Batch, Folds, batches
from ._site_flips import Flips, SiteFlips
from ._site_judges import AbstractSiteJudge, SiteValue

TOLERANCE, TOLERANCE_POPULATION = 1e-5, 1e-10  # largest component of the gradient, in units of x_i x_j
LOOSER = 10.0  # the same of folds over that: their values hardly change
MAX_STEPS = 200

Solve = Callable[[Batch, np.ndarray, np.ndarray], tuple[SiteOptimum, np.ndarray]]
"""Coefficients of the spins of a batch and the currents of their flips, from starting points and ridges."""


class SiteFits(NamedTuple):
    """Ridge of each spin, where its fits ended (leading axes n, columns), and what it adds in each fold (n, folds)."""

    ridge: np.ndarray
    optimum: SiteOptimum
    value: SiteValue


def fit_sites(
    flips: Flips,
    g: SiteFlips,
    folds: Folds,
    judge: AbstractSiteJudge,
    solve: Solve,
    ridge: np.ndarray,
    *,
    start: np.ndarray | None = None,
    active: np.ndarray | None = None,
) -> SiteFits:
    """Coefficients of the `active` spins by `solve`, judged fold by fold; without folds on all rows, which chose them.

    A fold of a spin is sound if its fit ended, too. Spins that never flip, or are not active, say nothing.
    """
    fits = nothing(flips.n_units, g.size(flips.n_units), folds)
    fold = folds.of if folds.count else np.zeros_like(folds.of)
    for b in batches(flips, g, folds, active):
        phi = np.zeros((len(b.x), folds.columns, fits.optimum.phi.shape[2]))
        if start is not None:
            phi[: len(b.sites)] = start[b.sites]
        optimum, currents = solve(b, phi, ridge)
        for whole, part in zip(fits.optimum, optimum, strict=True):
            np.asarray(whole)[b.sites] = np.asarray(part)[: len(b.sites)]
        for site, rows, j in b.undealt(np.asarray(currents, float)):
            found = judge.value(j, flips.w[rows], fold[rows], len(fits.value.value[0]), flips.pairs.population)
            for table, entry in zip(fits.value, found, strict=True):
                table[site] = entry
    ended = fits.optimum.finite[:, 1:] if folds.count else fits.optimum.finite
    return SiteFits(ridge, fits.optimum, fits.value._replace(sound=fits.value.sound & ended))


def nothing(n: int, d: int, folds: Folds) -> SiteFits:
    """Room for the fits of n spins; those that never flip stay like this."""
    shape, held = (n, folds.columns), (n, max(1, folds.count))
    room: dict[str, Any] = {name: np.zeros(shape) for name in SiteOptimum._fields}
    room |= {"phi": np.zeros((*shape, d)), "steps": np.zeros(n, int), "finite": np.ones(shape, bool)}
    optimum = SiteOptimum(**room | {"ess": np.full(shape, np.inf)})
    none, sound = np.zeros(held), np.ones(held, bool)
    value = SiteValue(none, none.copy(), np.full(held, np.inf), sound, np.zeros((*held, 3)))
    return SiteFits(np.zeros(n), optimum, value)


def maximum(b: Batch, phi: np.ndarray, ridge: np.ndarray) -> tuple[SiteOptimum, np.ndarray]:
    """Coefficients at the largest F, and the current of each flip under those fitted without it."""
    tolerance = np.full(b.n.shape[1], LOOSER * TOLERANCE)
    tolerance[0] = TOLERANCE if b.w.dtype == np.float32 else TOLERANCE_POPULATION
    return jax.device_get(_maximum(b.x, b.places, b.w, b.n, phi, penalty(b, ridge), b.fold, tolerance, MAX_STEPS))


def one_step(b: Batch, phi: np.ndarray, ridge: np.ndarray) -> tuple[SiteOptimum, np.ndarray]:
    """The same for one Newton step from zero."""
    return jax.device_get(_one_step(b.x, b.places, b.w, b.n, penalty(b, ridge), b.fold))


def penalty(b: Batch, ridge: np.ndarray) -> np.ndarray:
    """The ridges, which are those of theta = phi / 2, over the number of flips."""
    return np.divide(ridge[b.places, None] / 4, b.n, out=np.zeros_like(b.n), where=b.n > 0)


@jax.jit
def _maximum(
    x: Any, site: Any, w: Any, n: Any, phi: Any, penalty: Any, fold: Any, tolerance: Any, max_steps: Any
) -> Any:
    def one(x: Any, site: Any, w: Any, n: Any, phi: Any, penalty: Any, fold: Any) -> Any:
        y = observables(x, site, w.dtype)
        optimum = ascend(y, w, n, phi, penalty, tolerance, max_steps)
        return optimum, held_out(y, optimum.phi, fold)

    return each_site(one, x, site, w, n, phi, penalty, fold)


@jax.jit
def _one_step(x: Any, site: Any, w: Any, n: Any, penalty: Any, fold: Any) -> Any:
    def one(x: Any, site: Any, w: Any, n: Any, penalty: Any, fold: Any) -> Any:
        y = observables(x, site, w.dtype)
        optimum = first_steps(y, w, n, penalty)
        return optimum, held_out(y, optimum.phi, fold)

    return each_site(one, x, site, w, n, penalty, fold)


def observables(x: jax.Array, site: jax.Array, dtype: Any) -> jax.Array:
    """Half of g, -x_i x_j, of the flips of one spin: zero in its own column."""
    own = jnp.take(x, site, axis=2)[..., None]
    others = jnp.arange(x.shape[2]) != site
    return jnp.where(others, -own * x, 0).astype(dtype)


def each_site(one: Callable, *arguments: Any) -> Any:
    """Spins one after the other on a CPU, which each needs whole; side by side elsewhere."""
    if jax.default_backend() == "cpu":
        return jax.lax.map(lambda a: one(*a), arguments)
    return jax.vmap(one)(*arguments)


def held_out(y: jax.Array, phi: jax.Array, fold: jax.Array) -> jax.Array:
    """The current phi . y of each flip in the column that was fitted without it."""
    mine = fold[:, None] == jnp.arange(phi.shape[0], dtype=fold.dtype)[None, :, None]
    return jnp.sum(jnp.where(mine, project(y, phi), 0), 1)

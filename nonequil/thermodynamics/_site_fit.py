"""Fits to the flips of every spin, to all rows and to all but those of one fold, and what the folds say of them."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ._cross_fit import FEW_HELD_OUT, HeldOut
from ._site_ascent import SiteOptimum, ascend, first_steps, project
from ._site_batches import Batch, Folds, batches
from ._site_flips import Flips, SiteFlips

TOLERANCE, TOLERANCE_POPULATION = 1e-5, 1e-10  # largest component of the gradient, in units of x_i x_j
LOOSER = 10.0  # the same of folds over that: their values hardly change
MAX_STEPS = 200


class SiteValue(NamedTuple):
    """What one spin adds, a number a fold, and the influence of each of its flips, which averages to it."""

    value: np.ndarray
    psi: np.ndarray
    ess: np.ndarray
    sound: np.ndarray


SiteJudge = Callable[[np.ndarray, np.ndarray, np.ndarray, int, bool], SiteValue]
"""The value of currents phi . y with weights w in folds."""


@dataclasses.dataclass(frozen=True)
class SiteFits:
    """Where the fits of all spins ended (arrays with leading axis n), and the value of each fold."""

    ridge: float
    optimum: SiteOptimum
    folds: tuple[HeldOut, ...]

    @property
    def values(self) -> np.ndarray:
        """Held-out value of each fold."""
        return np.array([fold.value for fold in self.folds])


def fit_sites(
    flips: Flips, g: SiteFlips, folds: Folds, judge: SiteJudge, solve: Callable, ridge: float, start: Any = None
) -> SiteFits:
    """Coefficients of every spin by `solve`, judged on the rows that did not choose them.

    Without folds they are judged on the rows that did: the value of a population, or the value in sample.
    """
    tally, n, d = Tally(flips, folds), flips.n_units, g.size(flips.n_units)
    found = nothing(n, d, folds.columns)
    for b in batches(flips, g, folds):
        phi = np.zeros((len(b.y), folds.columns, d))
        if start is not None:
            phi[: len(b.sites)] = start[b.sites]
        optimum, currents = solve(b, phi, ridge)
        for whole, part in zip(found, optimum, strict=True):
            whole[b.sites] = np.asarray(part)[: len(b.sites)]
        for site, rows, j in b.undealt(np.asarray(currents, float)):
            tally.add(site, rows, j, found.finite[site], judge)
    return SiteFits(ridge, found, tally.folds())


def nothing(n: int, d: int, columns: int) -> SiteOptimum:
    """Room for the fits of n spins; those that never flip stay like this."""
    zeros = lambda: np.zeros((n, columns))  # noqa: E731
    finite = np.ones((n, columns), bool)
    phi: Any = np.zeros((n, columns, d))
    return SiteOptimum(phi, zeros(), zeros(), zeros(), np.full((n, columns), np.inf), zeros(), np.zeros(n, int), finite)


class Tally:
    """Sums over the spins of what each says."""

    def __init__(self, flips: Flips, folds: Folds) -> None:
        self.flips, self.count = flips, max(1, folds.count)
        self.of = folds.of if folds.count else np.zeros_like(folds.of)
        self.fitted = slice(1, None) if folds.count else slice(None)
        self.weight = np.bincount(self.of, flips.w, self.count)
        self.v, self.value = np.zeros(len(flips.w)), np.zeros(self.count)
        self.ess = np.full(self.count, np.inf)
        self.left_out: list[list[int]] = [[] for _ in range(self.count)]

    def add(self, site: int, rows: np.ndarray, j: np.ndarray, finite: np.ndarray, judge: SiteJudge) -> None:
        """One spin; in folds where its value cannot be trusted it adds nothing and is named."""
        w, fold, A = self.flips.w[rows], self.of[rows], self.flips.attempts
        site_weight = np.bincount(fold, w, self.count)
        found = judge(j, w, fold, self.count, self.flips.pairs.population)
        held = site_weight > 0
        sound = found.sound & finite[self.fitted] & held
        self.value += np.where(sound, site_weight * np.where(sound, found.value, 0), 0) / (A * self.weight)
        self.v[rows] += np.where(sound[fold], found.psi, 0) / A
        self.ess = np.minimum(self.ess, np.where(held, found.ess, np.inf))
        for f in np.flatnonzero(held & ~sound):
            self.left_out[f].append(site)

    def folds(self) -> tuple[HeldOut, ...]:
        """The sums, a fold at a time."""
        return tuple(
            HeldOut(
                float(self.value[f]),
                np.where(self.of == f, self.v - self.value[f], 0),
                float(self.weight[f]),
                float(self.ess[f]),
                True,
                tuple(self.left_out[f]),
            )
            for f in range(self.count)
        )


def sums_by(fold: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """Sum of the values in each fold."""
    return np.bincount(fold, values, count)


def judged_site(j: np.ndarray, w: np.ndarray, fold: np.ndarray, count: int, population: bool) -> SiteValue:
    """F of the flips of one spin in each fold: the mean of j = phi . y less ln <exp(-j)>."""
    weight = np.maximum(sums_by(fold, w, count), 1e-300)
    n = np.full(count, np.inf) if population else weight**2 / np.maximum(sums_by(fold, w * w, count), 1e-300)
    top = np.max(-j)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        log_z = np.log(sums_by(fold, w * np.exp(-j - top), count) / weight) + top
        value = sums_by(fold, w * j, count) / weight - log_z
        share = np.exp(-j - log_z[fold])
        ess = n / (sums_by(fold, w * share**2, count) / weight)
    sound = np.isfinite(value) & (ess > FEW_HELD_OUT) & (value <= np.log(n))
    return SiteValue(value, j - log_z[fold] - share + 1, ess, sound)


def uncertainty_of_site(j: np.ndarray, w: np.ndarray, fold: np.ndarray, count: int, population: bool) -> SiteValue:
    """ln(1 + U) of the current j in each fold, U = 2 <j>**2 / Var j less its bias 2 / n."""
    weight = np.maximum(sums_by(fold, w, count), 1e-300)
    n = np.full(count, np.inf) if population else weight**2 / np.maximum(sums_by(fold, w * w, count), 1e-300)
    mean = sums_by(fold, w * j, count) / weight
    deviation = j - mean[fold]
    variance = sums_by(fold, w * deviation**2, count) / weight
    still = variance <= 1e-12 * (variance + mean**2)
    safe = np.where(still, 1, variance)
    u = np.where(still, 0, 2 * (mean**2 / safe - 1 / n))
    value = np.log1p(u)
    a, b = 4 * mean / safe, 2 * (mean / safe) ** 2
    influence = a[fold] * deviation - b[fold] * (deviation**2 - variance[fold])
    psi = value[fold] + np.where(still, 0, 1 / (1 + u))[fold] * influence
    return SiteValue(value, psi, n, ~still | (mean == 0))


def maximum(b: Batch, phi: np.ndarray, ridge: float) -> tuple[SiteOptimum, np.ndarray]:
    """Coefficients at the largest F, and the current of each flip under those fitted without it."""
    tolerance = np.full(b.n.shape[1], LOOSER * TOLERANCE)
    tolerance[0] = TOLERANCE if b.w.dtype == np.float32 else TOLERANCE_POPULATION
    return jax.device_get(_maximum(b.y, b.w, b.n, phi, penalty(b, ridge), b.fold, tolerance, MAX_STEPS))


def one_step(b: Batch, phi: np.ndarray, ridge: float) -> tuple[SiteOptimum, np.ndarray]:
    """The same for one Newton step from zero."""
    return jax.device_get(_one_step(b.y, b.w, b.n, penalty(b, ridge), b.fold))


def penalty(b: Batch, ridge: float) -> np.ndarray:
    """The ridge, which is one of theta = phi / 2, over the number of flips."""
    return np.divide(ridge / 4, b.n, out=np.zeros_like(b.n), where=b.n > 0)


@jax.jit
def _maximum(y: Any, w: Any, n: Any, phi: Any, penalty: Any, fold: Any, tolerance: Any, max_steps: Any) -> Any:
    def one(y: Any, w: Any, n: Any, phi: Any, penalty: Any, fold: Any) -> Any:
        y = y.astype(w.dtype)
        optimum = ascend(y, w, n, phi, penalty, tolerance, max_steps)
        return optimum, held_out(y, optimum.phi, fold)

    return jax.vmap(one)(y, w, n, phi, penalty, fold)


@jax.jit
def _one_step(y: Any, w: Any, n: Any, penalty: Any, fold: Any) -> Any:
    def one(y: Any, w: Any, n: Any, penalty: Any, fold: Any) -> Any:
        y = y.astype(w.dtype)
        optimum = first_steps(y, w, n, penalty)
        return optimum, held_out(y, optimum.phi, fold)

    return jax.vmap(one)(y, w, n, penalty, fold)


def held_out(y: jax.Array, phi: jax.Array, fold: jax.Array) -> jax.Array:
    """The current phi . y of each flip in the column that was fitted without it."""
    return jnp.take_along_axis(project(y, phi), fold[:, None], axis=1)[:, 0]

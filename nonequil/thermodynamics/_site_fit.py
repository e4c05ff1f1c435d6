"""Fits to the flips of every spin at one strength of the ridge, judged on the rows that did not choose them."""

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from ._site_ascent import Columns
from ._site_data import SiteData
from ._site_judges import AbstractSiteJudge, SiteValue, judged
from ._site_objectives import AbstractSiteObjective, LogMean, Parabola
from ._site_schedule import Arrived, ascended

TOLERANCE, TOLERANCE_POPULATION = 1e-5, 1e-10  # largest component of the gradient, in units of x_i x_j
LOOSER = 10.0  # the same of folds over that: their values hardly change
FEW = 5.0  # an effective number of tilted flips below this says that the optimum is not there
OVERFLOW = 500.0  # no probability that can be written down has a larger log-ratio


class SiteOptimum(NamedTuple):
    """Where the ascents ended, leading axes n, columns.

    `value` is F without its penalty, `gradient_max` the largest component of its gradient in the units of y, `ess` the
    effective number of tilted flips, `largest` the largest tilted weight, `steps` the number of gradients.
    """

    phi: np.ndarray
    value: np.ndarray
    log_z: np.ndarray
    gradient_max: np.ndarray
    ess: np.ndarray
    largest: np.ndarray
    steps: np.ndarray
    finite: np.ndarray


class SiteFits(NamedTuple):
    """Ridge of each spin, where its fits ended, and what it adds in each fold (n, folds)."""

    ridge: np.ndarray
    optimum: SiteOptimum
    value: SiteValue


@dataclasses.dataclass(frozen=True)
class Solve:
    """What is maximised, how much sooner a fold may end, and whether the logarithm of the flips bounds it."""

    objective: AbstractSiteObjective
    looser: float
    bounded: bool

    def columns(self, data: SiteData, sites: np.ndarray, left_out: np.ndarray, ridge: np.ndarray) -> Columns:
        """Problems of spins without a fold; the ridges are those of theta = phi / 2, over the number of flips."""
        weight, n, mean = data.column_moments(sites, left_out)
        penalty = np.divide(ridge[sites] / 4, n, out=np.zeros_like(n), where=n > 0)
        unbounded = (penalty > 0) | (not self.bounded)
        ceiling = np.where(unbounded, np.inf, np.minimum(np.log(np.maximum(n, 1)), OVERFLOW))
        tolerance = TOLERANCE if data.real is np.float32 else TOLERANCE_POPULATION
        tolerances = np.where(left_out < 0, tolerance, tolerance * self.looser)
        tolerances = np.where(weight > 0, tolerances, np.inf)  # without flips there is nothing to do
        return Columns(sites, left_out, mean, 1 / np.where(weight > 0, weight, 1), penalty, ceiling, tolerances)

    def optimum(self, columns: Columns, n: np.ndarray, found: Arrived) -> SiteOptimum:
        """What is reported of the columns."""
        value, ess = np.sum(found.phi * columns.mean, 1) - found.log_z, n * found.share
        inside = (columns.penalty > 0) | (not self.bounded) | ((value <= columns.ceiling) & (ess > FEW))
        gradient_max, finite = np.max(np.abs(found.gradient), 1), np.isfinite(value) & inside
        return SiteOptimum(found.phi, value, found.log_z, gradient_max, ess, found.largest, found.looks, finite)


maximum = Solve(LogMean(), LOOSER, bounded=True)
one_step = Solve(Parabola(), 1.0, bounded=False)


def fit_sites(
    data: SiteData,
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
    chosen = data.flips.counts > 0 if active is None else (data.flips.counts > 0) & active
    sites, count, optimum = np.flatnonzero(chosen), data.folds.columns, nothing(data)
    if len(sites):
        site, left_out = np.repeat(sites, count), np.tile(np.arange(-1, count - 1, dtype=np.int32), len(sites))
        columns = solve.columns(data, site, left_out, ridge)
        found = ascended(data, solve.objective, columns, None if start is None else start[sites].reshape(-1, data.d))
        parts = solve.optimum(columns, data.column_moments(site, left_out)[1], found)
        for whole, part in zip(optimum, parts, strict=True):
            whole[sites] = part.reshape(len(sites), count, *part.shape[1:])
    value = judged(data, judge, optimum.phi, optimum.log_z, sites)
    ended = optimum.finite[:, 1:] if data.folds.count else optimum.finite
    return SiteFits(ridge, optimum, value._replace(sound=value.sound & ended))


def nothing(data: SiteData) -> SiteOptimum:
    """Room for the fits of all spins; those that never flip stay like this."""
    shape = (data.flips.n_units, data.folds.columns)
    room: dict[str, Any] = {name: np.zeros(shape) for name in SiteOptimum._fields}
    room |= {"phi": np.zeros((*shape, data.d)), "steps": np.zeros(shape, int), "finite": np.ones(shape, bool)}
    return SiteOptimum(**room | {"ess": np.full(shape, np.inf)})

"""What currents of one spin's flips are worth: F, or the uncertainty relation."""

import abc
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ..numerics import one_thread
from ._cross_fit import FEW_HELD_OUT
from ._site_data import SiteData, parts


class SiteValue(NamedTuple):
    """What one spin adds, a number a fold: the value of its flips, their weight, the effective number of tilted ones.

    `sound` tells whether the value can be trusted; `shape` holds what `influence` needs.
    """

    value: np.ndarray
    weight: np.ndarray
    ess: np.ndarray
    sound: np.ndarray
    shape: np.ndarray


class AbstractSiteJudge(abc.ABC):
    """A value of currents j = phi . y of flips, from sums over them, and the influence of each flip on it."""

    @abc.abstractmethod
    def sums(self, j: np.ndarray, flipped: np.ndarray, w: np.ndarray, top: np.ndarray) -> np.ndarray:
        """Sums over rows of weights w (rows,) of functions of j (rows, n) where a spin flips; `top` is near ln Z."""

    @abc.abstractmethod
    def value(self, sums: np.ndarray, weight: np.ndarray, n: np.ndarray, top: np.ndarray) -> SiteValue:
        """The values from these sums over all flips of a spin, their weight and effective number."""

    @abc.abstractmethod
    def influence(self, j: np.ndarray, value: np.ndarray, shape: np.ndarray) -> np.ndarray:
        """What each flip says, (rows, n); its weighted mean is the value. `value` (n,) and `shape` (n, 3) of a fold."""


class Bound(AbstractSiteJudge):
    """F: the mean of j less ln <exp(-j)>."""

    def sums(self, j: np.ndarray, flipped: np.ndarray, w: np.ndarray, top: np.ndarray) -> np.ndarray:
        """Of j, exp(-j - top) and its square."""
        with np.errstate(over="ignore", invalid="ignore"):
            q = np.exp(flipped * (-j - top)) * flipped  # a choice by `where` takes longer than the exponential
            return np.stack([w @ (j * flipped), w @ q, w @ (q * q)])

    def value(self, sums: np.ndarray, weight: np.ndarray, n: np.ndarray, top: np.ndarray) -> SiteValue:
        """Sound above 10 effective tilted flips and below ln n."""
        mean, z, squares = sums / weight
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            log_z = np.log(z) + top
            value, ess = mean - log_z, n * z**2 / squares
            sound = (np.isfinite(value) & (ess > FEW_HELD_OUT) & (value <= np.log(n))) | (n == 0)
        zero = np.zeros_like(value)
        ess = np.where(n > 0, np.nan_to_num(ess), np.inf)
        return SiteValue(value, weight * (n > 0), ess, sound, np.stack([log_z, zero, zero], -1))

    def influence(self, j: np.ndarray, value: np.ndarray, shape: np.ndarray) -> np.ndarray:
        """J - ln Z + 1 - exp(-j) / Z."""
        log_z = shape[:, 0]
        return j - log_z + 1 - np.exp(-j - log_z)


class Uncertainty(AbstractSiteJudge):
    """ln(1 + U), U = 2 <j>**2 / Var j less its bias 2 / n."""

    def sums(self, j: np.ndarray, flipped: np.ndarray, w: np.ndarray, top: np.ndarray) -> np.ndarray:
        """Of j and its square."""
        j = j * flipped
        return np.stack([w @ j, w @ (j * j)])

    def value(self, sums: np.ndarray, weight: np.ndarray, n: np.ndarray, top: np.ndarray) -> SiteValue:
        """Sound unless the current has a mean but never fluctuates."""
        mean, square = sums / weight
        variance = np.maximum(square - mean**2, 0)
        still = variance <= 1e-12 * (variance + mean**2)
        safe = np.where(still, 1, variance)
        u = np.where(still, 0, 2 * (mean**2 / safe - 1 / np.maximum(n, 1)))
        sound = ~still | (mean == 0)
        shape = np.stack([mean, np.where(still, np.inf, safe), np.where(still, np.inf, 1 + u)], -1)
        return SiteValue(np.log1p(u), weight * (n > 0), np.where(n > 0, n, np.inf), sound, shape)

    def influence(self, j: np.ndarray, value: np.ndarray, shape: np.ndarray) -> np.ndarray:
        """The value and the derivative of ln(1 + U) with respect to mean and variance."""
        mean, variance, scale = shape.T
        deviation = j - mean
        change = 4 * mean / variance * deviation - 2 * (mean / variance) ** 2 * (deviation**2 - variance)
        return value + change / scale


@one_thread
def judged(
    data: SiteData, judge: AbstractSiteJudge, phi: np.ndarray, log_z: np.ndarray, sites: np.ndarray
) -> SiteValue:
    """Values of some spins in every fold under the coefficients fitted without it, (n, folds)."""
    n_units, count = data.flips.n_units, max(1, data.folds.count)
    shape = (n_units, count)
    none, sound = np.zeros(shape), np.ones(shape, bool)
    found = SiteValue(none, none.copy(), np.full(shape, np.inf), sound, np.zeros((*shape, 3)))
    chosen = slice(None) if len(sites) == n_units else sites  # a view, where that will do
    for fold in range(count):
        column = fold + bool(data.folds.count)
        v, top, w = precise(data, phi[:, column], log_z[sites, column], data.flips.w)
        sums = np.zeros(())
        for rows in parts(data.rows_of(fold)):
            j, flipped = data.flips.currents(v, rows, chosen), data.flips.flipped[rows][:, chosen]
            sums = sums + judge.sums(j, flipped, w[rows], top).astype(float)
        weight, squares = (m[fold, sites] for m in data.moments[:2])
        n = np.divide(weight**2, squares, out=np.zeros_like(weight), where=squares > 0)
        n = np.where(n > 0, np.inf, 0) if data.flips.pairs.population else n
        value = judge.value(sums, np.where(weight > 0, weight, 1), n, log_z[sites, column])
        for table, entry in zip(found, value, strict=True):
            table[sites, fold] = entry
    return found


def precise(data: SiteData, *arrays: np.ndarray) -> Iterator[np.ndarray]:
    """Arrays in the precision of products."""
    return (a.astype(data.real) for a in arrays)

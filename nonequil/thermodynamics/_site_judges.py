"""What currents of one spin's flips are worth: F, or the uncertainty relation."""

import abc
from typing import NamedTuple

import numpy as np

from ._cross_fit import FEW_HELD_OUT


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
    """A value of currents j = phi . y of flips, and the influence of each flip on it."""

    @abc.abstractmethod
    def value(self, j: np.ndarray, w: np.ndarray, fold: np.ndarray, count: int, population: bool) -> SiteValue:
        """The value in each of `count` folds, from the flips of one spin with weights `w`."""

    @abc.abstractmethod
    def influence(self, j: np.ndarray, value: np.ndarray, shape: np.ndarray) -> np.ndarray:
        """What each flip says, (rows, n); its weighted mean is the value. `value` (n,) and `shape` (n, 3) of a fold."""


class Bound(AbstractSiteJudge):
    """F: the mean of j less ln <exp(-j)>."""

    def value(self, j: np.ndarray, w: np.ndarray, fold: np.ndarray, count: int, population: bool) -> SiteValue:
        """Sound above 10 effective tilted flips and below ln n."""
        weight, mean, n = _sums(j, w, fold, count, population)
        top = np.max(-j)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            q = w * np.exp(-j - top)
            z, squares = np.bincount(fold, q, count), np.bincount(fold, q * q / w, count)
            log_z = np.log(z / weight) + top
            value, ess = mean - log_z, n * z**2 / (weight * squares)
        sound = (np.isfinite(value) & (ess > FEW_HELD_OUT) & (value <= np.log(n))) | (n == 0)
        zero = np.zeros_like(value)
        return SiteValue(
            value,
            weight * (n > 0),
            np.where(n > 0, np.nan_to_num(ess), np.inf),
            sound,
            np.stack([log_z, zero, zero], 1),
        )

    def influence(self, j: np.ndarray, value: np.ndarray, shape: np.ndarray) -> np.ndarray:
        """J - ln Z + 1 - exp(-j) / Z."""
        log_z = shape[:, 0]
        return j - log_z + 1 - np.exp(-j - log_z)


class Uncertainty(AbstractSiteJudge):
    """ln(1 + U), U = 2 <j>**2 / Var j less its bias 2 / n."""

    def value(self, j: np.ndarray, w: np.ndarray, fold: np.ndarray, count: int, population: bool) -> SiteValue:
        """Sound unless the current has a mean but never fluctuates."""
        weight, mean, n = _sums(j, w, fold, count, population)
        variance = np.bincount(fold, w * (j - mean[fold]) ** 2, count) / weight
        still = variance <= 1e-12 * (variance + mean**2)
        safe = np.where(still, 1, variance)
        u = np.where(still, 0, 2 * (mean**2 / safe - 1 / np.maximum(n, 1)))
        sound = ~still | (mean == 0)
        shape = np.stack([mean, np.where(still, np.inf, safe), np.where(still, np.inf, 1 + u)], 1)
        return SiteValue(np.log1p(u), weight * (n > 0), np.where(n > 0, n, np.inf), sound, shape)

    def influence(self, j: np.ndarray, value: np.ndarray, shape: np.ndarray) -> np.ndarray:
        """The value and the derivative of ln(1 + U) with respect to mean and variance."""
        mean, variance, scale = shape.T
        deviation = j - mean
        change = 4 * mean / variance * deviation - 2 * (mean / variance) ** 2 * (deviation**2 - variance)
        return value + change / scale


def _sums(
    j: np.ndarray, w: np.ndarray, fold: np.ndarray, count: int, population: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weight, mean current and effective number of flips of each fold, 0 where there is none."""
    weight, squares = np.bincount(fold, w, count), np.bincount(fold, w * w, count)
    n = np.divide(weight**2, squares, out=np.zeros(count), where=squares > 0)
    weight = np.where(n > 0, weight, 1)
    return weight, np.bincount(fold, w * j, count) / weight, np.where(n > 0, np.inf, 0) if population else n

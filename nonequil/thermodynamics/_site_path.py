"""The strength of the ridge of every spin, chosen by what its flips are worth in folds that chose nothing."""

from typing import NamedTuple

import numpy as np

from ._cross_fit import WORSE, HeldOut
from ._site_data import Folds, SiteData
from ._site_fit import SiteFits, fit_sites, maximum
from ._site_flips import Flips
from ._site_judges import AbstractSiteJudge, Bound, SiteValue

RIDGES = 10 ** np.arange(-2.5, 1.01, 0.25)  # over the number of flips: from hardly felt to nothing left
ROWS = 8192  # of the states whose influence is computed at a time


class Chosen(NamedTuple):
    """For every spin the place of the best fit in the path, (n,), and of the fit that the other folds prefer."""

    best: np.ndarray
    by_others: np.ndarray


def ridge_path(data: SiteData) -> list[SiteFits]:
    """Fits from no ridge up to 10 n; a spin leaves where all its folds are sound and stronger ridges gain nothing."""
    flips = data.flips
    each = flips.sums[1] ** 2 / np.maximum(flips.sums[2], np.finfo(float).tiny)
    path = [fit_sites(data, Bound(), maximum, 0 * each)]
    active = going(path)
    for ridge in RIDGES:
        if not np.any(active):
            break
        last = path[-1].optimum
        start = np.where(last.finite[..., None], last.phi, 0)
        path.append(fit_sites(data, Bound(), maximum, ridge * each, start=start, active=active))
        active = active & going(path)
    return path


def going(path: list[SiteFits]) -> np.ndarray:
    """Which spins may still gain by a stronger ridge."""
    gains = np.stack([np.sum(fit.value.weight * _held(fit.value), 1) for fit in path])
    whole = np.all(path[-1].value.sound, 1)
    return ~whole | (len(path) - 1 - np.argmax(gains, 0) < WORSE)


def choose(path: list[SiteFits]) -> Chosen:
    """The best ridge of each spin, and for each of its folds that which the other folds prefer.

    Ridges at which some fold is not sound are left out, unless that leaves none: then the strongest remains.
    """
    tried = np.stack([np.any(fit.value.weight > 0, 1) for fit in path])
    whole = np.stack([np.all(fit.value.sound, 1) for fit in path]) & tried
    last = np.arange(len(path))[:, None] == np.max(np.where(tried, np.arange(len(path))[:, None], 0), 0)
    allowed = np.where(np.any(whole, 0), whole, last)
    values = np.stack([fit.value.weight * np.where(fit.value.sound, fit.value.value, 0) for fit in path])
    values = np.where(allowed[..., None], values, -np.inf)
    total = values.sum(2)
    others = np.stack([np.delete(values, f, 2).sum(2) for f in range(values.shape[2])], 2)
    return Chosen(np.argmax(total, 0), np.argmax(others, 0))


def judged_folds(
    flips: Flips, folds: Folds, path: list[SiteFits], chosen: Chosen, judge: AbstractSiteJudge
) -> tuple[HeldOut, ...]:
    """Sums over the spins in every fold; a spin whose value cannot be trusted adds nothing there, and is named."""
    site, found = np.arange(flips.n_units), []
    for f in range(max(1, folds.count)):
        inside = folds.of == f if folds.count else np.ones(len(flips.w), bool)
        fit = chosen.by_others[:, f]
        here = SiteValue(*(np.stack([getattr(p.value, name)[:, f] for p in path])[fit, site] for name in _FIELDS))
        phi = np.stack([p.optimum.phi[:, f + bool(folds.count)] for p in path])[fit, site]
        total, sound = float(flips.w[inside].sum()), here.sound & (here.weight > 0)
        value = float(np.sum(np.where(sound, here.weight * here.value, 0)) / (flips.attempts * total))
        psi = np.zeros(len(flips.w))
        psi[inside] = row_sums(flips, phi, here, sound, judge, np.flatnonzero(inside)) - value
        left_out = tuple(np.flatnonzero((here.weight > 0) & ~here.sound).tolist())
        found.append(HeldOut(value, psi, total, float(np.min(here.ess)), True, left_out))
    return tuple(found)


def row_sums(
    flips: Flips, phi: np.ndarray, here: SiteValue, sound: np.ndarray, judge: AbstractSiteJudge, rows: np.ndarray
) -> np.ndarray:
    """What the flips of each row say, an attempt: all spins together, some rows at a time."""
    sums = np.zeros(len(rows))
    for start in range(0, len(rows), ROWS):
        part = rows[start : start + ROWS]
        with np.errstate(over="ignore", invalid="ignore"):
            psi = judge.influence(flips.currents(phi, part), here.value, here.shape)
        sums[start : start + ROWS] = np.sum(np.where(flips.flipped[part] & sound, psi, 0), 1)
    return sums / flips.attempts


_FIELDS = SiteValue._fields


def _held(value: SiteValue) -> np.ndarray:
    return np.where(value.sound, value.value, -np.inf)

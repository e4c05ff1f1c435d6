"""The bounds of the flips of every spin, summed."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from .._results import RESULTS, Estimate
from ..data import Attempts, Transitions
from ._bound import SCARCE, lower_bound
from ._cross_fit import fold_of_pairs, influence, pooled
from ._maxent import MaxEntBound, largest_bound
from ._one_step import OneStepNewton, ThermodynamicUncertainty, one_step_bound, uncertainty_bound
from ._site_data import Folds, SiteData
from ._site_fit import LOOSER, TOLERANCE, SiteFits, fit_sites, maximum, one_step
from ._site_flips import Flips, SiteFlips, read_flips
from ._site_judges import AbstractSiteJudge, Bound, Uncertainty
from ._site_path import Chosen, choose, judged_folds, ridge_path


@largest_bound.register
def _(g: SiteFlips, estimator: MaxEntBound, data: Any) -> Estimate:
    if estimator.fit is not None:
        raise ValueError(f"fit = {estimator.fit}: SiteFlips() has a ridge for each spin; leave fit out and pass ridge=")
    flips = read_flips(data, estimator.spins)
    if is_scarce(g, flips):
        return too_few(g, flips)
    with jax.enable_x64(True):
        folds = folds_of(flips, estimator.n_folds)
        if flips.pairs.population or estimator.ridge is not None:
            ridge = np.full(flips.n_units, estimator.ridge or 0.0)
            path = [fit_sites(SiteData(flips, g, folds), Bound(), maximum, ridge)]
        else:
            path = ridge_path(SiteData(flips, g, folds))
        found = answer(flips, g, folds, path, Bound())
    return lower_bound(*found)


@one_step_bound.register
def _(g: SiteFlips, estimator: OneStepNewton, data: Any) -> Estimate:
    return _from_one_step(g, estimator, data, Bound(), estimator.ridge)


@uncertainty_bound.register
def _(g: SiteFlips, estimator: ThermodynamicUncertainty, data: Any) -> Estimate:
    return _from_one_step(g, estimator, data, Uncertainty(), 0.0)


def _from_one_step(g: SiteFlips, estimator: Any, data: Any, judge: AbstractSiteJudge, ridge: float) -> Estimate:
    flips = read_flips(data, estimator.spins)
    if is_scarce(g, flips):
        return too_few(g, flips)
    with jax.enable_x64(True):
        folds = folds_of(flips, estimator.n_folds)
        fits = fit_sites(SiteData(flips, g, folds), judge, one_step, np.full(flips.n_units, ridge))
        found = answer(flips, g, folds, [fits], judge)
    return lower_bound(*found)


def folds_of(flips: Flips, count: int) -> Folds:
    """Folds of whole blocks; none of a population."""
    if flips.pairs.population:
        return Folds(np.zeros(len(flips.w), int), 0)
    fold = fold_of_pairs(flips.rows, flips.pairs, count)
    return Folds(fold, int(fold.max()) + 1)


def answer(flips: Flips, g: SiteFlips, folds: Folds, path: list[SiteFits], judge: AbstractSiteJudge) -> tuple:
    """Held-out values at the ridges that the other folds prefer, spin by spin, pooled: what an estimate reports."""
    chosen = choose(path)
    parts = judged_folds(flips, folds, path, chosen, judge)
    left_out = sorted({site for part in parts for site in part.left_out})
    if flips.pairs.population:
        value, stderr, n_eff = (np.inf if left_out else parts[0].value), 0.0, None
    else:
        value, stderr, n_eff = pooled(flips.rows, parts)
    details = {
        **details_of(flips, g, path, chosen),
        "left_out": left_out,
        "folds": np.array([part.value for part in parts]),
        "ess_held_out": min(part.ess for part in parts),
        "influence": influence(parts),
    }
    slow = details["gradient_max"] > LOOSER * TOLERANCE
    ended = RESULTS.max_steps_reached if bool(np.any(slow)) else RESULTS.successful
    result = RESULTS.no_finite_optimum if left_out else ended
    return value, stderr, flips.unit, result, floor_of(g, flips), details, n_eff


def details_of(flips: Flips, g: SiteFlips, path: list[SiteFits], chosen: Chosen) -> dict[str, Any]:
    """What was fitted to all rows, a number a spin."""
    n, at = flips.n_units, (chosen.best, np.arange(flips.n_units))

    def best(field: str) -> np.ndarray:
        return np.stack([getattr(fit.optimum, field) for fit in path])[at]

    values, theta, ridges = best("value")[:, 0], best("phi")[:, 0] / 2, np.stack([fit.ridge for fit in path])
    return {
        "observable": g,
        "theta": theta[:, :n],
        "theta_single": theta[:, n] if g.single else np.zeros(n),
        "log_z": best("log_z")[:, 0],
        "shares": flips.shares,
        "site_values": values,
        "in_sample": float(flips.shares @ np.where(np.isfinite(values), values, 0)),
        "ess": best("ess")[:, 0],
        "largest_weight": best("largest")[:, 0],
        "gradient_max": best("gradient_max")[:, 0],
        "steps": best("steps")[:, 0],
        "finite_optimum": path[0].optimum.finite[:, 0] if np.all(path[0].ridge == 0) else None,
        "ridge": ridges[at],
        "fold_ridges": ridges[chosen.by_others, np.arange(n)[:, None]],
        "d": g.parameters(n),
        "n": flips.n,
    }


def floor_of(g: SiteFlips, flips: Flips) -> float:
    """2 d / n an attempt: spin i pretends to see 2 d_i / n_i a flip, and flips in n_i of n attempts."""
    return 2 * g.parameters(flips.n_units) / flips.n_attempts


def is_scarce(g: SiteFlips, flips: Flips) -> bool:
    """Whether 2 d / n is above one half, n the number of flips."""
    return 2 * g.parameters(flips.n_units) > SCARCE * flips.n


def too_few(g: SiteFlips, flips: Flips) -> Estimate:
    """No number, and the largest number of units that as many flips a unit would do for."""
    each = flips.n / flips.n_units
    enough = (n for n in range(flips.n_units - 1, 0, -1) if 2 * g.parameters(n) <= SCARCE * each * n)
    details = {"d": g.parameters(flips.n_units), "n": flips.n, "largest_n_units": next(enough, 0)}
    return lower_bound(np.nan, np.nan, flips.unit, RESULTS.too_few_transitions, floor_of(g, flips), details)


def production_of_flips(details: dict[str, Any], data: Transitions | Attempts, spins: Callable) -> np.ndarray:
    """theta_i . g - ln <exp(-theta_i . g)> where spin i flips, 0 where none does: (states, n), or one a pair."""
    flips = read_flips(data, spins)
    phi = 2 * np.column_stack([details["theta"], details["theta_single"]])
    sigma = np.where(flips.flipped, flips.currents(phi, np.arange(len(flips.w))) - details["log_z"], 0)
    return sigma if flips.attempts > 1 else sigma.sum(1)

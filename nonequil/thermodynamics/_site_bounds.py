"""The bounds of the flips of every spin, summed."""

from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from .._results import RESULTS, Estimate
from ..data import Attempts, Transitions
from ._bound import SCARCE, lower_bound
from ._cross_fit import STEP, WEAKEST, WORSE, chosen_by_others, fold_of_pairs, influence, pooled
from ._maxent import MaxEntBound, largest_bound
from ._one_step import OneStepNewton, ThermodynamicUncertainty, one_step_bound, uncertainty_bound
from ._site_batches import Folds
from ._site_fit import LOOSER, TOLERANCE, SiteFits, fit_sites, judged_site, maximum, one_step, uncertainty_of_site
from ._site_flips import Flips, SiteFlips, read_flips


@largest_bound.register
def _(g: SiteFlips, estimator: MaxEntBound, data: Any) -> Estimate:
    flips = read_flips(data, estimator.spins)
    if is_scarce(g, flips):
        return too_few(g, flips)
    with jax.enable_x64(True):
        folds = folds_of(flips, estimator.n_folds)
        if flips.pairs.population or estimator.ridge is not None:
            fits = [fit_sites(flips, g, folds, judged_site, maximum, estimator.ridge or 0.0)]
        else:
            fits = ridge_path(flips, g, folds)
        return estimate(flips, g, fits)


@one_step_bound.register
def _(g: SiteFlips, estimator: OneStepNewton, data: Any) -> Estimate:
    return _from_one_step(g, estimator, data, judged_site, estimator.ridge)


@uncertainty_bound.register
def _(g: SiteFlips, estimator: ThermodynamicUncertainty, data: Any) -> Estimate:
    return _from_one_step(g, estimator, data, uncertainty_of_site, 0.0)


def _from_one_step(g: SiteFlips, estimator: Any, data: Any, judge: Any, ridge: float) -> Estimate:
    flips = read_flips(data, estimator.spins)
    if is_scarce(g, flips):
        return too_few(g, flips)
    with jax.enable_x64(True):
        fits = fit_sites(flips, g, folds_of(flips, estimator.n_folds), judge, one_step, ridge)
        return estimate(flips, g, [fits])


def folds_of(flips: Flips, count: int) -> Folds:
    """Folds of whole blocks; none of a population."""
    if flips.pairs.population:
        return Folds(np.zeros(len(flips.w), int), 0)
    fold = fold_of_pairs(flips.rows, flips.pairs, count)
    return Folds(fold, int(fold.max()) + 1)


def ridge_path(flips: Flips, g: SiteFlips, folds: Folds) -> list[SiteFits]:
    """Fits from no ridge up to the strongest, 10 n a spin, while that still gains held out."""
    fits = [fit_sites(flips, g, folds, judged_site, maximum, 0.0)]
    ridge = WEAKEST
    while ridge < 10 * STEP * flips.n / flips.n_units:
        last = fits[-1].optimum
        start = np.where(last.finite[..., None], last.phi, 0)
        fits.append(fit_sites(flips, g, folds, judged_site, maximum, ridge, start))
        means = [float(np.mean(fit.values)) for fit in fits]
        if len(fits) - 1 - int(np.argmax(means)) >= WORSE:
            break
        ridge *= STEP
    return fits


def estimate(flips: Flips, g: SiteFlips, fits: list[SiteFits]) -> Estimate:
    """Held-out values at the ridges that the other folds prefer, pooled."""
    best, folds, ridges = chosen_by_others(fits)
    left_out = sorted({site for fold in folds for site in fold.left_out})
    if flips.pairs.population:
        value, stderr, n_eff = (np.inf if left_out else folds[0].value), 0.0, None
    else:
        value, stderr, n_eff = pooled(flips.rows, folds)
    details = {
        **details_of(flips, g, best),
        "finite_optimum": np.asarray(fits[0].optimum.finite[:, 0]) if fits[0].ridge == 0 else None,
        "left_out": left_out,
        "folds": np.array([fold.value for fold in folds]),
        "ess_held_out": min(fold.ess for fold in folds),
        "influence": influence(folds),
        "fold_ridges": np.array(ridges),
    }
    result = result_of(best, bool(left_out))
    floor = 2 * g.parameters(flips.n_units) / flips.n_attempts
    return lower_bound(value, stderr, flips.unit, result, floor, details, n_eff)


def details_of(flips: Flips, g: SiteFlips, fit: SiteFits) -> dict[str, Any]:
    """What was fitted to all rows, a number a spin."""
    whole = {
        field: np.asarray(getattr(fit.optimum, field))[:, 0]
        for field in ("value", "log_z", "gradient_max", "ess", "largest")
    }
    n, theta = flips.n_units, fit.optimum.phi[:, 0] / 2
    return {
        "theta": theta[:, :n],
        "theta_single": theta[:, n] if g.single else np.zeros(n),
        "log_z": whole["log_z"],
        "shares": flips.shares,
        "in_sample": float(flips.shares @ np.where(np.isfinite(whole["value"]), whole["value"], 0)),
        "site_values": whole["value"],
        "ess": whole["ess"],
        "largest_weight": whole["largest"],
        "steps": fit.optimum.steps,
        "gradient_max": whole["gradient_max"],
        "ridge": fit.ridge,
        "d": g.parameters(n),
        "n": flips.n,
    }


def result_of(fit: SiteFits, left_out: bool) -> RESULTS:
    """How the fits ended."""
    if left_out:
        return RESULTS.no_finite_optimum
    slow = fit.optimum.finite & (np.asarray(fit.optimum.gradient_max) > 2 * LOOSER * TOLERANCE)
    return RESULTS.max_steps_reached if bool(np.any(slow)) else RESULTS.successful


def is_scarce(g: SiteFlips, flips: Flips) -> bool:
    """Whether 2 d / n is above one half, n the number of flips."""
    return 2 * g.parameters(flips.n_units) > SCARCE * flips.n


def too_few(g: SiteFlips, flips: Flips) -> Estimate:
    """No number, and the largest number of units that as many flips a unit would do for."""
    each = flips.n / flips.n_units
    enough = (n for n in range(flips.n_units - 1, 0, -1) if 2 * g.parameters(n) <= SCARCE * each * n)
    details = {"d": g.parameters(flips.n_units), "n": flips.n, "largest_n_units": next(enough, 0)}
    floor = 2 * g.parameters(flips.n_units) / flips.n_attempts
    return lower_bound(np.nan, np.nan, flips.unit, RESULTS.too_few_transitions, floor, details)


def trajectory_production(found: Estimate, data: Transitions | Attempts) -> Float[np.ndarray, "rows *sites"]:
    """Entropy production of each transition as a bound of `SiteFlips` sees it. Unit: nats.

    sigma = theta_i . g - ln <exp(-theta_i . g)> where spin i flips, 0 where none does: for `Attempts` a number a state
    and spin, for `Transitions` one a pair. Its mean over all attempts is F in sample. `found` is the estimate, `data`
    these transitions or others of the same spins. Raises ValueError for an estimate without `log_z`.
    Source: Aguilera, Ito & Kolchinsky, PRL 136, 077101 (2026).
    """
    if found.details is None or "log_z" not in found.details:
        raise ValueError("found holds no `log_z`: pass an estimate of MaxEntBound(SiteFlips()) or OneStepNewton")
    flips, theta = read_flips(data), found.details["theta"]
    x = flips.pairs.x.astype(float)
    currents = -2 * x * (x @ theta.T + found.details["theta_single"]) - found.details["log_z"]
    sigma = np.where(flips.flipped, currents, 0)
    return sigma if flips.attempts > 1 else sigma.sum(1)

"""The nonequilibrium maximum-entropy bound."""

import functools
from collections.abc import Callable
from typing import Any, TypeAlias

import equinox as eqx
import jax
import numpy as np

from .._results import RESULTS, Estimate
from ..data import Attempts, Transitions
from ._base import AbstractEstimator, unit_of
from ._bound import floor_of, is_scarce, lower_bound, too_few
from ._cross import Cross
from ._cross_fit import Views, fold_of_pairs, influence, pooled
from ._fit import AbstractFit
from ._lagged_paths import on_paths
from ._observable import AbstractObservable
from ._pairs import about_zero, newest, read_pairs, with_centre
from ._ridge import Ridge, check_strength
from ._single import Single
from ._site_flips import SiteFlips, as_observable_or_sites
from ._tilt import Optimum

Answer: TypeAlias = tuple[Any, Any, Any, RESULTS, dict[str, Any]]
"""Value, standard error, effective sample size, how it ended, details."""


class MaxEntBound(AbstractEstimator):
    """Largest lower bound on the entropy production that a set of observables allows. Unit: nats a pair.

    Sigma_g = max_theta F(theta),  F = theta . <g> - ln <exp(theta . g(x', x))>: the averages run over the pairs, those
    in the exponent over the reversed ones. On data it is cross-fitted: theta from all blocks but those of one fold, F
    on that fold, averaged over the folds by their weight; the standard error is that of the influence of each pair,
    between blocks: on F of its own fold, and with a ridge, to first order, on theta of the others (up to 1.5 times too
    large where nothing is driven and no ridge holds). Blocks are trials where declared, else 200 contiguous ones.
    Maximised by Newton's method with conjugate gradients, in double precision, without listing g for all pairs.

    - `observable`: `Cross() + Single()`, any sum of observables, a function g(x, x_next) of a pair of -1/+1 spins, or
      `SiteFlips()` for clocks that move one spin at a time: then a sum over spins, in `Attempts` or `Transitions`;
    - `ridge`: F - ridge |theta|**2 / (2 n) is maximised, theta the coefficients of products about the mean (about the
      commoner sign, i.e. of 0/1 spikes, for units active in less than 30 % of the bins or in more than 70 %). By
      default it is chosen by held-out value on a path from 10 n down, for each fold by the other folds, so that what
      cannot be seen comes out near 0 and not near -2 d / n. The path ends at no ridge at all if that optimum exists. It
      does not where some combination of observables only ever takes one sign: found by F > ln n, or by fewer than 5
      effective samples of the tilted law. A ridge at which a fold's value is above ln n, or hangs on fewer than 10
      effective samples, is not chosen; `no_finite_optimum` says that there was no other. Not used on a population;
    - `n_folds`: number of folds;
    - `spins`: reads the spins of a state, `dynamics.spins` where a state is more than spins;
    - `fit`: how theta is found in another way: `Lasso()`, `LowRank()`, `EarlyStopped()`, `TrustRegion()`; by default
      `Ridge(ridge)`. Each is a bound out of sample. `details` then say what it chose in the place of `ridge`.

    `floor` is 2 d / n. `details`: `theta` (of the given observables, which are the `observable` there; fitted to all
    pairs), `log_z` (the logarithm in F), `in_sample` (F there, biased upwards), `folds` (F of each), `ess` and
    `largest_weight` of the tilted pairs, `ess_held_out` (smallest of the folds), `influence` of each pair on the value,
    `steps`, `gradient_max` (in units of each observable's spread), `ridge`, `fold_ridges`, `finite_optimum` (whether
    the optimum without ridge exists), `d`, `n`. If 2 d / n > 1/2 the value is NaN, the result `too_few_transitions`,
    and `details["largest_n_units"]` the number of units that would do.

    For `SiteFlips`: sum_i p_i F_i per attempt, p_i the share of attempts in which spin i flips; solved in single
    precision to a gradient of 1e-5 (populations in double, to 1e-10), with a ridge for each spin, tried from none up. A
    spin whose flips have no finite optimum, or fewer than 10 effective samples held out, adds nothing to that fold: it
    is named in `left_out`, and the result is `no_finite_optimum` (the sum is still a bound; a population's value is
    infinite). `theta` is then (n, n), zero diagonal; theta_ij - theta_ji estimates J_ij - J_ji of an `Ising` network
    (beta folded in). `details` hold, a number a spin, `shares` p_i, `site_values` F_i, `log_z`, `ess`,
    `largest_weight`, `gradient_max`, `steps`, `ridge`, `finite_optimum`; n counts flips, `influence` is that of rows.

    Raises ValueError for spins that are not -1/+1, for fewer than two blocks, for `ridge` beside `fit`, and for `fit`
    with `SiteFlips`.
    Source: Aguilera, Ito & Kolchinsky, PRL 136, 077101 (2026); Donsker & Varadhan (1983) for the variational form.

    ```python
    estimate = nq.thermodynamics.MaxEntBound()(recording.bin(0.02).transitions())
    estimate.value, estimate.stderr, estimate.details["in_sample"]
    ```
    """

    observable: AbstractObservable | SiteFlips = eqx.field(
        converter=as_observable_or_sites, default_factory=lambda: Cross() + Single()
    )
    ridge: float | None = None
    n_folds: int = 5
    spins: Callable = newest
    fit: AbstractFit | None = None

    def __check_init__(self) -> None:
        check_strength(self.ridge, "ridge")
        if self.ridge is not None and self.fit is not None:
            raise ValueError(f"ridge = {self.ridge} and fit = {self.fit}: pass one of them; ridge=r means fit=Ridge(r)")
        if self.n_folds < 2:
            raise ValueError(f"n_folds = {self.n_folds}: cross-fitting needs at least two")

    def __call__(self, t: Transitions | Attempts) -> Estimate:
        """The estimate from these transitions (attempts, for `SiteFlips`)."""
        return on_paths(lambda e, t: largest_bound(e.observable, e, t), self, t)


@functools.singledispatch
def largest_bound(observable: Any, estimator: MaxEntBound, t: Any) -> Estimate:
    """The bound of a set of observables; `SiteFlips` brings its own."""
    pairs = read_pairs(t, estimator.spins)
    if is_scarce(observable, pairs):
        return too_few(observable, pairs, unit_of(t))
    with jax.enable_x64(True):
        g = with_centre(observable, pairs)
        fit, views = estimator.fit or Ridge(estimator.ridge), Views(g, pairs)
        if pairs.population:
            answer = _population(views, fit.of_population(views))
        else:
            answer = _sampled(fit, t, views, fold_of_pairs(t, pairs, estimator.n_folds))
    value, stderr, n_eff, result, details = answer
    return lower_bound(value, stderr, unit_of(t), result, floor_of(g, pairs), details, n_eff)


def _sampled(fit: AbstractFit, t: Transitions, views: Views, fold: np.ndarray) -> Answer:
    fitted = fit.of_sample(views, fold)
    details = _details(views, fitted.full, fitted.exists)
    if not fitted.folds:
        return np.nan, np.nan, None, RESULTS.no_finite_optimum, details
    details |= {
        "folds": np.array([part.value for part in fitted.folds]),
        "ess_held_out": min(part.ess for part in fitted.folds),
        "influence": influence(fitted.folds) + fitted.through_theta,
        **fitted.chosen,
    }
    result = _result(fitted.full) if all(part.sound for part in fitted.folds) else RESULTS.no_finite_optimum
    return *pooled(t, fitted.folds, fitted.through_theta), result, details


def _population(views: Views, optimum: Optimum) -> Answer:
    """The value itself: infinite where the optimum is."""
    value = optimum.value if optimum.finite else np.inf
    return value, 0.0, None, _result(optimum), _details(views, optimum, optimum.finite)


def _details(views: Views, optimum: Optimum, finite_optimum: bool | None) -> dict[str, Any]:
    observable, theta = about_zero(views.observable, optimum.theta, views.pairs.n_units)
    return {
        "observable": observable,
        "theta": theta,
        "log_z": float(optimum.theta @ views.problem(views.pairs.w, 0.0).mean - optimum.value),
        "in_sample": optimum.value,
        "ess": optimum.ess,
        "largest_weight": optimum.largest,
        "steps": optimum.steps,
        "gradient_max": optimum.gradient_max,
        "finite_optimum": finite_optimum,
        "d": len(theta),
        "n": views.pairs.n,
    }


def _result(optimum: Optimum) -> RESULTS:
    if not optimum.finite:
        return RESULTS.no_finite_optimum
    return RESULTS.successful if optimum.converged else RESULTS.max_steps_reached

"""Bounds from one linear problem: a single Newton step, and the thermodynamic uncertainty relation."""

import functools
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import numpy as np

from .._results import RESULTS, Estimate
from ..data import Attempts, Transitions
from ._antisymmetrised import antisymmetrised
from ._base import AbstractEstimator, unit_of
from ._bound import floor_of, is_scarce, lower_bound, too_few
from ._cross import Cross
from ._cross_fit import HeldOut, Views, fold_of_pairs, influence, judged, pooled, splits
from ._lagged_paths import on_paths
from ._observable import AbstractObservable
from ._pairs import about_zero, newest, read_pairs, with_centre
from ._single import Single
from ._site_flips import SiteFlips, as_observable_or_sites
from ._tilt import first_step

Judge = Callable[[Views, np.ndarray, np.ndarray], HeldOut]
"""A value of coefficients on the pairs of given weights."""


class OneStepNewton(AbstractEstimator):
    """Lower bound F(theta) at the coefficients of a single Newton step from zero. Unit: nats a pair.

    theta = Cov_r^-1 (<g> - <r>), r the observables of the reversed pairs: where F rests if g is Gaussian. F is that of
    `MaxEntBound`, and so is the cross-fitting over folds: any theta bounds from below on data that did not choose it.
    One linear solve in place of an ascent; far from equilibrium the step overshoots and the bound falls behind.

    - `observable`, `n_folds`, `spins`: as in `MaxEntBound`;
    - `ridge`: added to the covariance as ridge / n, as in `MaxEntBound`; 0 for none.

    `floor` is 2 d / n. `details`: `theta` (of the given observables, from all pairs), `in_sample`, `folds`,
    `ess_held_out`, `influence`, `d`, `n`. Too few pairs: NaN, as in `MaxEntBound`. Result `no_finite_optimum` where a
    fold's value hangs on fewer than 10 effective samples.
    Raises ValueError for spins that are not -1/+1, and for fewer than two blocks.
    Source: Aguilera, Ito & Kolchinsky, PRL 136, 077101 (2026).

    ```python
    nq.thermodynamics.OneStepNewton()(recording.bin(0.02).transitions())
    ```
    """

    observable: AbstractObservable | SiteFlips = eqx.field(
        converter=as_observable_or_sites, default_factory=lambda: Cross() + Single()
    )
    ridge: float = 0.0
    n_folds: int = 5
    spins: Callable = newest

    def __check_init__(self) -> None:
        if not 0 <= self.ridge < np.inf:
            raise ValueError(f"ridge = {self.ridge} must be finite and not negative")

    def __call__(self, t: Transitions | Attempts) -> Estimate:
        """The estimate from these transitions (attempts, for `SiteFlips`)."""
        _check_folds(self.n_folds)
        return on_paths(lambda e, t: one_step_bound(e.observable, e, t), self, t)


@functools.singledispatch
def one_step_bound(observable: Any, estimator: OneStepNewton, t: Any) -> Estimate:
    """The bound of a set of observables; `SiteFlips` brings its own."""
    return _cross_fitted(t, observable, estimator.spins, estimator.ridge, estimator.n_folds, judged)


class ThermodynamicUncertainty(AbstractEstimator):
    """Lower bound of the multidimensional thermodynamic uncertainty relation. Unit: nats a pair.

    ln(1 + U), U = 2 <j>^2 / Var j for the current j = theta . g that makes it largest, theta = Cov^-1 <g>: on a whole
    population U = 2 <g>^T Cov^-1 <g>. On data theta comes from all folds but one and U from that fold, less its bias 2
    / n; `QuadraticBound` is the other way to take the bias 2 d / n out of the same bound, without folds. Saturates far
    from equilibrium, where U is large.

    - `observable`, `n_folds`, `spins`: as in `MaxEntBound`; the antisymmetric part of the observable is used.

    `floor` is 2 d / n. `details`: `theta`, `in_sample` (biased up by 2 d / n), `folds`, `influence`, `d`, `n`. Too few
    pairs: NaN, as in `MaxEntBound`. Raises ValueError for spins that are not -1/+1, and for fewer than two blocks.
    Source: Hasegawa & Van Vu, PRL 123, 110602 (2019), eq. 8; Dechant, J. Phys. A 52, 035001 (2019), many currents.

    ```python
    nq.thermodynamics.ThermodynamicUncertainty(nq.thermodynamics.Cross())(transitions)
    ```
    """

    observable: AbstractObservable | SiteFlips = eqx.field(
        converter=as_observable_or_sites, default_factory=lambda: Cross() + Single()
    )
    n_folds: int = 5
    spins: Callable = newest

    def __call__(self, t: Transitions | Attempts) -> Estimate:
        """The estimate from these transitions (attempts, for `SiteFlips`)."""
        _check_folds(self.n_folds)
        return on_paths(lambda e, t: uncertainty_bound(e.observable, e, t), self, t)


@functools.singledispatch
def uncertainty_bound(observable: Any, estimator: ThermodynamicUncertainty, t: Any) -> Estimate:
    """The bound of a set of observables; `SiteFlips` brings its own."""
    return _cross_fitted(t, antisymmetrised(observable), estimator.spins, 0.0, estimator.n_folds, uncertainty)


def _check_folds(n_folds: int) -> None:
    if n_folds < 2:
        raise ValueError(f"n_folds = {n_folds}: cross-fitting needs at least two")


def uncertainty(views: Views, theta: np.ndarray, test: np.ndarray) -> HeldOut:
    """ln(1 + U) of the current theta . g on the pairs of weights `test`, less the bias of U."""
    j, total = views.project(theta)[0], test.sum()
    n = np.inf if views.pairs.population else float(total**2 / (test @ test))
    mean = float(test @ j / total)
    variance = float(test @ (j - mean) ** 2 / total)
    if variance <= 1e-12 * (variance + mean**2):  # no current, or one that never fluctuates
        value = 0.0 if mean == 0 else np.inf
        return HeldOut(value, np.zeros_like(j), float(total), n, value == 0)
    u = 2 * (mean**2 / variance - 1 / n)
    influence = 4 * mean / variance * (j - mean) - 2 * (mean / variance) ** 2 * ((j - mean) ** 2 - variance)
    psi = np.where(test > 0, influence / (1 + u), 0)
    return HeldOut(float(np.log1p(u)), psi, float(total), n, True)


def _cross_fitted(
    t: Transitions, observable: AbstractObservable, spins: Callable, ridge: float, n_folds: int, judge: Judge
) -> Estimate:
    """The first Newton step from all folds but one, judged on that fold; from a population, judged on itself."""
    pairs = read_pairs(t, spins)
    if is_scarce(observable, pairs):
        return too_few(observable, pairs, unit_of(t))
    with jax.enable_x64(True):
        g = with_centre(observable, pairs)
        views = Views(g, pairs)
        theta = first_step(views.problem(pairs.w, ridge))
        whole = judge(views, theta, pairs.w)
        folds: tuple[HeldOut, ...] = (whole,)
        if pairs.population:
            value, stderr, n_eff = whole.value, 0.0, None
        else:
            parts = splits(pairs.w, fold_of_pairs(t, pairs, n_folds))
            folds = tuple(judge(views, first_step(views.problem(train, ridge)), test) for train, test in parts)
            value, stderr, n_eff = pooled(t, folds)
        details = _details(about_zero(g, theta, pairs.n_units)[1], whole, folds, pairs.n)
    sound = (pairs.population and np.isfinite(value)) or all(part.sound for part in folds)
    result = RESULTS.successful if sound else RESULTS.no_finite_optimum
    return lower_bound(value, stderr, unit_of(t), result, floor_of(g, pairs), details, n_eff)


def _details(theta: np.ndarray, whole: HeldOut, folds: tuple[HeldOut, ...], n: float) -> dict[str, Any]:
    return {
        "theta": theta,
        "in_sample": whole.value,
        "folds": np.array([part.value for part in folds]),
        "ess_held_out": min(part.ess for part in folds),
        "influence": influence(folds),
        "d": len(theta),
        "n": n,
    }

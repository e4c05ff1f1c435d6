"""Coefficients held by their squares."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import numpy as np

from ._cross_fit import CrossFit, HeldOut, Views, cross_fit, path, splits
from ._fit import AbstractFit, Fitted, fitted_by
from ._tilt import Optimum, maximise, newton_direction, preconditioner, value_and_slope

STEP = 10**0.5  # from one ridge to the next
WEAKEST = 1.0  # the ridge of a prior of unit variance: weaker ones are not tried

Ascent: TypeAlias = Callable[..., Optimum]
"""What finds the optimum of a problem from a start: `maximise` or another with its arguments."""


class Ridge(AbstractFit):
    """Coefficients that maximise F - strength |theta|**2 / (2 n), by Newton's method: the fit by default.

    - `strength`: of the ridge, over the number n of pairs. By default chosen by held-out value, as told in
      `MaxEntBound`; 0 for none. Not used on a population.

    `details`: `ridge`, `fold_ridges`. Raises ValueError for a negative strength.
    Source: Hoerl & Kennard, Technometrics 12, 55 (1970); Aguilera, Ito & Kolchinsky, PRL 136, 077101 (2026).

    ```python
    nq.thermodynamics.MaxEntBound(fit=nq.thermodynamics.Ridge(strength=50.0))(transitions)
    ```
    """

    strength: float | None = None

    def __check_init__(self) -> None:
        check_strength(self.strength, "ridge")

    def of_sample(self, views: Views, fold: np.ndarray) -> Fitted:
        """The path of ridges, or the one given."""
        return fitted_by_ridge(views, fold, self.strength, maximise)

    def of_population(self, views: Views) -> Optimum:
        """The optimum itself."""
        return optimum_of_population(views, maximise)


def check_strength(strength: float | None, name: str) -> None:
    """Raises ValueError for a strength, called `name`, that is negative or not finite."""
    if strength is not None and not 0 <= strength < np.inf:
        raise ValueError(f"{name} = {strength} must be finite and not negative: leave it out to have it chosen")


def optimum_of_population(views: Views, ascent: Ascent) -> Optimum:
    """The optimum that nothing holds."""
    return ascent(views.problem(views.pairs.w, 0.0), np.zeros(views.backwards.size), tolerance=1e-14)


def fitted_by_ridge(views: Views, fold: np.ndarray, ridge: float | None, ascent: Ascent) -> Fitted:
    """With this ridge, or for None the path of ridges; no folds where there is to be none and no optimum."""
    plain = ascent(views.problem(views.pairs.w, ridge or 0.0), np.zeros(views.backwards.size), tolerance=1e-10)
    exists = None if ridge else plain.finite
    if ridge == 0 and not exists:
        return Fitted(plain, (), {}, exists)
    fits = _path(views, fold, plain, ascent) if ridge is None else [_cross_fit(views, fold, ridge, plain, ascent)]
    fitted = fitted_by("ridge", fits, exists)
    through = _through_theta(views, fold, fitted.folds, fitted.chosen["fold_ridges"])
    return dataclasses.replace(fitted, through_theta=through)


def _path(views: Views, fold: np.ndarray, plain: Optimum, ascent: Ascent) -> list[CrossFit]:
    """From the strongest ridge, 10 n, down; the last is no ridge at all, where that optimum, `plain`, exists."""

    def fitted(ridge: float, before: CrossFit | None) -> CrossFit:
        if ridge == 0:
            return _cross_fit(views, fold, ridge, plain, ascent)
        theta, solver = (
            (np.zeros_like(plain.theta), None) if before is None else (before.full.theta, before.full.solver)
        )
        full = ascent(views.problem(views.pairs.w, ridge), theta, tolerance=1e-10, solver=solver)
        return _cross_fit(views, fold, ridge, full, ascent)

    return path(_ridges(10 * views.pairs.n, plain.finite), fitted)


def _ridges(strongest: float, down_to_none: bool) -> Iterator[float]:
    ridge = strongest
    while ridge > WEAKEST:
        yield ridge
        ridge /= STEP
    if down_to_none:
        yield 0.0


def _cross_fit(views: Views, fold: np.ndarray, ridge: float, full: Optimum, ascent: Ascent) -> CrossFit:
    """Every fold starts from the coefficients of all pairs."""

    def fit(train: np.ndarray) -> Optimum:
        return ascent(views.problem(train, ridge), full.theta, tolerance=1e-10, solver=full.solver)

    return cross_fit(views, fold, ridge, full, fit)


def _through_theta(views: Views, fold: np.ndarray, parts: Sequence[HeldOut], ridges: np.ndarray) -> np.ndarray:
    """What each pair adds to the value by moving the coefficients that other folds are judged by, at their ridges.

    d theta / d w_k = (Cov_p(r) + ridge)^-1 [g_k - <g> - (p_k / w_k) (r_k - <r>_p)], by the implicit function theorem;
    F of a fold has a slope at coefficients that others chose (an infinitesimal jackknife of the whole estimate).
    """
    total, pairs = np.zeros(len(fold)), zip(splits(views.pairs.w, fold), parts, ridges.tolist(), strict=True)
    for (train, test), part, ridge in pairs:
        problem, theta = views.problem(train, ridge), np.asarray(part.theta)
        slope, p = value_and_slope(views.problem(test, 0.0), theta)[1], value_and_slope(problem, theta)[2]
        moved = newton_direction(problem, p, slope, preconditioner(problem, p), tolerance=1e-8)[0]
        forwards, backwards = views.project(moved)
        share = np.divide(p, problem.w, out=np.zeros_like(p), where=train > 0)
        each = forwards - problem.mean @ moved - share * (backwards - p @ backwards)
        total += np.where(train > 0, each * test.sum() / train.sum(), 0)
    return total

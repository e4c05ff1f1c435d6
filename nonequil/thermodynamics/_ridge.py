"""Coefficients held by their squares."""

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np

from ._cross_fit import CrossFit, Views, cross_fit, path
from ._fit import AbstractFit, Fitted, fitted_by
from ._tilt import Optimum, maximise

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
    if ridge is None:
        return fitted_by("ridge", _path(views, fold, plain, ascent), exists)
    return fitted_by("ridge", [_cross_fit(views, fold, ridge, plain, ascent)], exists)


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

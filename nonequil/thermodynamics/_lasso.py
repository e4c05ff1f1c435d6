"""Coefficients held by their absolute size: most of them are zero."""

import dataclasses

import numpy as np

from ._cross_fit import CrossFit, Views, cross_fit, path
from ._fit import AbstractFit, Fitted, fitted_by, refuse_population
from ._l_bfgs import minimise
from ._ridge import check_strength
from ._tilt import Optimum, Problem, optimum, spreads, value_and_slope

STRENGTHS = 2.0 ** -np.arange(0, 10.1, 0.5)  # of the one at which all coefficients vanish


class Lasso(AbstractFit):
    """Few observables: coefficients that maximise F - strength sum_j s_j |theta_j|, most of them exactly zero.

    s_j is the root mean square of observable j over the reversed pairs, so that the strength has no unit and does not
    depend on how an observable is scaled. At the optimum |<g_j> - <g_j>_tilted| <= strength s_j, with equality where
    theta_j is not zero; noise alone gives about 2 s_j / sqrt(n). F itself is reported, without the penalty.

    - `strength`: by default chosen by held-out value, for each fold by the other folds, on a path that starts where all
      coefficients vanish and goes down by sqrt(2) as long as that gains. Must be given for a population.

    Zeros are those of products about the centre that `MaxEntBound` takes: a product that is zero there is zero in
    `theta`, whose single-unit terms gather what the centre moves. `details`: `strength`, `fold_strengths`;
    `gradient_max` is by how much the conditions above fail, in units of s_j.
    Raises ValueError for a negative strength, and for a population without one.
    Source: Tibshirani, J. R. Stat. Soc. B 58, 267 (1996).

    ```python
    nq.thermodynamics.MaxEntBound(nq.thermodynamics.Cross(), fit=nq.thermodynamics.Lasso())(transitions)
    ```
    """

    strength: float | None = None

    def __check_init__(self) -> None:
        check_strength(self.strength, "strength")

    def of_sample(self, views: Views, fold: np.ndarray) -> Fitted:
        """The path of strengths, or the one given."""
        w = views.pairs.w

        def fitted(strength: float, before: CrossFit | None) -> CrossFit:
            start = np.zeros(views.backwards.size) if before is None else before.full.theta
            full = largest_sparse(views.problem(w, 0.0), strength, start)
            fit = lambda train: largest_sparse(views.problem(train, 0.0), strength, full.theta)  # noqa: E731
            return cross_fit(views, fold, strength, full, fit)

        strengths = strongest(views.problem(w, 0.0)) * STRENGTHS if self.strength is None else [self.strength]
        return fitted_by("strength", path(strengths, fitted))

    def of_population(self, views: Views) -> Optimum:
        """At the strength given."""
        if self.strength is None:
            refuse_population(self, "strength")
        return largest_sparse(views.problem(views.pairs.w, 0.0), self.strength, np.zeros(views.backwards.size))


def strongest(problem: Problem) -> float:
    """The strength from which on all coefficients vanish."""
    gradient = value_and_slope(problem, np.zeros(problem.backwards.size))[1]
    return float(np.max(np.abs(gradient) / spreads(problem)))


def largest_sparse(problem: Problem, strength: float, theta: np.ndarray) -> Optimum:
    """The penalised optimum, theta as a difference of two vectors that are not negative, each in units of 1 / s_j."""
    spread = spreads(problem)

    def loss(parts: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient, _ = value_and_slope(problem, _joined(parts, spread))
        slope = gradient / spread
        return strength * float(parts.sum()) - value, strength - np.concatenate([slope, -slope])

    start = np.concatenate([np.maximum(theta, 0) * spread, np.maximum(-theta, 0) * spread])
    parts, steps, converged = minimise(loss, start, ceiling=problem.ceiling, bounds=[(0, None)] * start.size)
    theta = _joined(parts, spread)
    value, gradient, p = value_and_slope(problem, theta)
    found = optimum(problem, theta, value, gradient, p, steps, converged)
    return dataclasses.replace(found, gradient_max=_failure(theta, gradient / spread, strength))


def _joined(parts: np.ndarray, spread: np.ndarray) -> np.ndarray:
    up, down = np.split(parts, 2)
    return (up - down) / spread


def _failure(theta: np.ndarray, slope: np.ndarray, strength: float) -> float:
    """By how much the conditions of the optimum fail."""
    at_zero = np.maximum(np.abs(slope) - strength, 0)
    return float(np.max(np.where(theta == 0, at_zero, np.abs(slope - strength * np.sign(theta)))))

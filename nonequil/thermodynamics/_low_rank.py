"""Coefficients of pairs that act through a few directions."""

import dataclasses

import numpy as np

from ._cross_fit import CrossFit, Views, cross_fit, path
from ._factors import AbstractFactors, factors_of
from ._fit import AbstractFit, Fitted, fitted_by, refuse_population
from ._l_bfgs import minimise
from ._ridge import check_strength
from ._tilt import Optimum, Problem, optimum, value_and_slope

STRENGTHS = 2.0 ** -np.arange(0, 10.1, 0.5)  # of the one at which all pairs vanish


class LowRank(AbstractFit):
    """Coefficients of pairs as a matrix of low rank: A B^T - B A^T for `Cross`, A B^T for `Delta`; others stay free.

    F - strength (|A|**2 + |B|**2 + |c|**2) / 2 is maximised over A and B, (n, rank) each, and the other coefficients c:
    2 n rank numbers for pairs in place of n (n - 1) / 2. The penalty is that of the nuclear norm of A B^T: it brings
    the rank down below the one allowed. A rank of `Cross` is a plane, in which activity along one direction pulls on
    that along another; n / 2 of them (n for `Delta`) hold every matrix. Not concave in A and B: the ascent starts from
    the planes in which the diagonal Newton step from zero is largest, and may end in a local optimum, which is a bound
    like any other. F itself is reported, without the penalty.

    - `rank`: the largest rank allowed;
    - `strength`: by default chosen by held-out value, for each fold by the other folds, on a path that starts where all
      pairs vanish and goes down by sqrt(2) as long as that gains. Must be given for a population; 0 for none.

    `details`: `strength`, `fold_strengths`; `gradient_max` is the largest derivative by A, B and c. Raises ValueError
    for a rank below one, a negative strength, observables without `Cross` or `Delta`, a population without a strength.
    Source: Aguilera, Ito & Kolchinsky, PRL 136, 077101 (2026), for the bound; Srebro, Rennie & Jaakkola, NIPS 17, 1329
    (2005), for the penalty; Burer & Monteiro, Math. Program. 95, 329 (2003), for ascent in factors.

    ```python
    nq.thermodynamics.MaxEntBound(fit=nq.thermodynamics.LowRank(rank=3))(transitions)
    ```
    """

    rank: int
    strength: float | None = None

    def __check_init__(self) -> None:
        check_strength(self.strength, "strength")
        if self.rank < 1:
            raise ValueError(f"rank = {self.rank} must be at least 1: 1 allows a single plane")

    def of_sample(self, views: Views, fold: np.ndarray) -> Fitted:
        """The path of strengths, or the one given."""
        w, factors = views.pairs.w, self._factors(views)

        def fitted(strength: float, before: CrossFit | None) -> CrossFit:
            fit = lambda weights: largest_of_rank(views.problem(weights, 0.0), strength, factors)  # noqa: E731
            return cross_fit(views, fold, strength, fit(w), fit)

        strengths = _strongest(views.problem(w, 0.0), factors) * STRENGTHS if self.strength is None else [self.strength]
        return fitted_by("strength", path(strengths, fitted))

    def of_population(self, views: Views) -> Optimum:
        """At the strength given."""
        if self.strength is None:
            refuse_population(self, "strength")
        return largest_of_rank(views.problem(views.pairs.w, 0.0), self.strength, self._factors(views))

    def _factors(self, views: Views) -> AbstractFactors:
        n, g = views.pairs.n_units, views.observable
        most = factors_of(g, n, 1).largest_rank
        if most == 0:
            raise ValueError(
                f"observable = {g} has no matrix of pairs that could be of low rank: add Cross() or Delta()"
            )
        return factors_of(g, n, min(self.rank, most))


def largest_of_rank(problem: Problem, strength: float, factors: AbstractFactors) -> Optimum:
    """The penalised optimum over the parameters of `factors`, from the diagonal Newton step at zero."""

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient, _ = value_and_slope(problem, factors.theta(parameters))
        penalty = strength * float(parameters @ parameters) / 2
        return penalty - value, strength * parameters - factors.pull(parameters, gradient)

    parameters, steps, converged = minimise(loss, _start(problem, factors), ceiling=problem.ceiling)
    theta = factors.theta(parameters)
    found = optimum(problem, theta, *value_and_slope(problem, theta), steps, converged)
    return dataclasses.replace(found, gradient_max=float(np.max(np.abs(loss(parameters)[1]))))


def _strongest(problem: Problem, factors: AbstractFactors) -> float:
    """The strength from which on all matrices vanish: the largest singular value of the gradient at zero."""
    return factors.norm(value_and_slope(problem, np.zeros(problem.backwards.size))[1])


def _start(problem: Problem, factors: AbstractFactors) -> np.ndarray:
    """Parameters of the diagonal Newton step, shortened to what gains most along it."""
    R, w = problem.backwards, problem.w
    second = R.squares(w)
    gradient = value_and_slope(problem, np.zeros(R.size))[1]
    theta = factors.theta(factors.nearest(np.where(second > 0, gradient / np.where(second > 0, second, 1), 0)))
    along = R.project(theta[:, None])[:, 0]
    spread = float(w @ along**2 - (w @ along) ** 2)
    return factors.nearest(theta * (float(gradient @ theta) / spread if spread > 0 else 0.0))

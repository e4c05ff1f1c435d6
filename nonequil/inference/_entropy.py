"""Entropy production of a fitted model, without the bias of judging a fit by its own data."""

from typing import Any

import numpy as np

from .. import statistics, thermodynamics
from .._results import KIND, RESULTS, Estimate, Unit
from ..data import Transitions
from ._bias import coupling_bias
from ._errors import bread_of, residual_chunks
from ._fit import check_penalties, default_tolerance, posed
from ._grams import groups
from ._halves import without
from ._identify import Problem
from ._newton import maximise
from ._passes import counts, device
from ._read import read
from ._rows import Rows


def fitted_entropy_production(
    transitions: Transitions, *, l2: float = 0.0, l1: float = 0.0, mask: Any = None, tolerance: float | None = None
) -> Estimate:
    """Entropy production of the kinetic Ising model behind the transitions (parallel clock), cross-fitted.

        sum_ij (J_ij - J_ji) D_ij,    D_ij = <x'_i x_j>,

    with couplings J from one half of the blocks and correlations D from the other, averaged over both choices: on its
    own data a fit is biased upward by about 2 d / n, d = n_units (n_units - 1) / 2 (the `floor`). The first-order bias
    of the couplings themselves (log-odds of a likelihood fit are too large) is taken off before, where the expansion
    holds (`details["uncorrected"]` counts the couplings of both fits where it does not). Blocks are the declared ones,
    else 200 contiguous stretches, dealt to the halves in turn. Nats per step of the transitions' clock.

    The standard error is that of the estimate's linearisation in both J and D, summed over blocks. `kind` is `sampled`
    without a penalty and `biased` with one, which shrinks couplings. `details`: `in_sample`, the value of one fit on
    all its own data; `halves`, the two values averaged; `infinite`, how many couplings of the two fits have no finite
    optimum (then `result` is `unidentified_parameters`, and each of them counts with +-3.5). On a whole population
    (weights that are probabilities) nothing is sampled: the value is exact.
    Raises as `fit` does.
    Source: Aguilera, Igarashi & Shimazaki, Nat. Commun. 14, 3685 (2023), for the stationary kinetic Ising model.
    """
    check_penalties(l2, l1)
    tolerance = default_tolerance() if tolerance is None else tolerance
    rows = read(transitions)
    whole = posed(rows, mask, None, l2, l1)
    first = maximise(whole, None, tolerance, 100)
    unit = Unit.per_step if transitions.unit is None else transitions.unit
    side = _Side(whole, first.theta)
    in_sample = side.production(side)
    if thermodynamics.is_population(transitions):
        result = _ended([(whole, first.residual)], tolerance)
        known = {"in_sample": float(in_sample)}
        return Estimate(device(in_sample), device(0.0), unit, KIND.exact, result, device(0.0), None, known)
    fold = np.asarray(statistics.folds(transitions, 2))
    parts = without(rows, fold, None if mask is None else np.asarray(mask), first.theta)
    solved = [part.solve(l2, l1, tolerance) for part in parts]
    biases = [coupling_bias(problem, solution.theta) for problem, solution in solved]
    sides = [
        _Side(problem, solution.theta, np.nan_to_num(bias))
        for (problem, solution), bias in zip(solved, biases, strict=True)
    ]
    values = [sides[0].production(sides[1]), sides[1].production(sides[0])]
    variance = _variance(sides, rows, fold, np.asarray(statistics.blocks(transitions)))
    details: dict[str, Any] = {
        "in_sample": float(in_sample),
        "halves": np.array(values),
        "uncorrected": int(sum(np.isnan(bias).sum() for bias in biases)),
        "infinite": int(sum((side.problem.infinite != 0).sum() for side in sides)),
    }
    return Estimate(
        value=device(float(np.mean(values))),
        stderr=device(np.sqrt(variance)),
        unit=unit,
        kind=KIND.sampled if l2 + l1 == 0 else KIND.biased,
        result=_ended([(problem, solution.residual) for problem, solution in solved], tolerance),
        floor=device(rows.n * (rows.n - 1) / rows.weight),
        n_eff=None,
        details=details,
    )


class _Side:
    """A fit of some pairs, its bias taken off, and their antisymmetric correlations K = D - D^T, D_ij = <x'_i x_j>."""

    def __init__(self, problem: Problem, theta: np.ndarray, bias: np.ndarray | float = 0.0):
        self.problem, self.theta = problem, theta
        n = problem.rows.n
        self.J = (theta - bias)[:, 1 : n + 1]
        D = counts(problem.rows)[1][:, 1 : n + 1] / problem.rows.weight
        self.K = D - D.T

    def production(self, other: "_Side") -> float:
        """Sum of (J_ij - J_ji) D_ij with couplings of this side and correlations of the other."""
        return float((self.J * other.K).sum())

    def influence(self, other: "_Side", pairs: Rows) -> np.ndarray:
        """First-order change of the mean of both productions with the weight of each pair of this side.

        Couplings answer by V_i z r_i, V_i the inverse Hessian of neuron i, z = (1, x), r = x' - tanh h.
        """
        rows, n, everyone = self.problem.rows, self.problem.rows.n, np.arange(self.problem.rows.n)
        gain = np.zeros_like(self.theta)
        for group in groups(everyone, rows.features):
            bread = bread_of(self.problem, self.theta, rows, 1.0, group)
            gain[group] = np.squeeze(bread[:, :, 1 : n + 1] @ other.K[group, :, None], axis=2)
        antisymmetric = other.J - other.J.T
        change = np.empty(len(pairs.x))
        for residual, z, at in residual_chunks(self.theta, pairs, everyone):
            lagged = ((z[:, 1 : n + 1] @ antisymmetric.T) * pairs.a[at]).sum(axis=1) - other.production(self)
            change[at] = (residual * (z @ gain.T)).sum(axis=1) + pairs.w[at] * lagged / rows.weight
        return change / 2


def _variance(sides: list[_Side], rows: Rows, fold: np.ndarray, block: np.ndarray) -> float:
    """Variance of the cross-fitted value: squared influence of each block, as blocks are independent."""
    total = 0.0
    for k, side in enumerate(sides):
        at = np.flatnonzero(fold != k)
        sums = np.bincount(block[at], side.influence(sides[1 - k], rows.pairs(at)))
        number = len(np.unique(block[at]))
        total += number / (number - 1) * (sums**2).sum() if number > 1 else np.nan
    return total


def _ended(fits: list[tuple[Problem, np.ndarray]], tolerance: float) -> RESULTS:
    if not all((residual <= tolerance).all() for _, residual in fits):
        return RESULTS.max_steps_reached
    unsure = any(problem.infinite.any() or problem.constant.any() or problem.null is not None for problem, _ in fits)
    return RESULTS.unidentified_parameters if unsure else RESULTS.successful

"""The nonequilibrium maximum-entropy bound."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .. import statistics
from .._results import KIND, RESULTS, Estimate
from ..data import Transitions
from ._base import AbstractEstimator, unit_of
from ._cross import Cross
from ._cross_fit import CrossFit, HeldOut, Views, chosen_by_others, cross_fit, ridge_path
from ._observable import AbstractObservable
from ._observables import as_observable
from ._pairs import Pairs, newest, read_pairs, with_centre
from ._scarce import floor_of, is_scarce, too_few
from ._single import Single
from ._tilt import Optimum, maximise


class MaxEntBound(AbstractEstimator):
    """Largest lower bound on the entropy production that a set of observables allows. Unit: nats a pair.

    Sigma_g = max_theta F(theta),  F = theta . <g> - ln <exp(theta . g(x', x))>: the averages run over the pairs, those
    in the exponent over the reversed ones. On data it is cross-fitted: theta from all blocks but those of one fold, F
    on that fold, averaged over the folds by their weight; the standard error is that of F's influence function,
    between blocks. Blocks are trials where they are declared, else 200 contiguous ones. Maximised by Newton's method with
    conjugate gradients, in double precision, without listing g for all pairs.

    - `observable`: `Cross() + Single()`, any sum of observables, or a function g(x, x_next) of a pair of -1/+1 spins;
    - `ridge`: F - ridge |theta|**2 / (2 n) is maximised, theta the coefficients of products about the mean (about the
      commoner sign, i.e. of 0/1 spikes, for units active in less than 30 % of the bins or in more than 70 %). By
      default 0 if that optimum exists. It does not where some observable only ever takes one sign: found by F > ln n, or by
      fewer than 5 effective samples of the tilted law, also held out. Then the ridge is chosen on a path from 1e4 down
      by held-out value, for each fold by the other folds. Not used on a population;
    - `n_folds`: number of folds;
    - `spins`: reads the spins of a state, `dynamics.spins` where a state is more than spins.

    `floor` is 2 d / n. `details`: `theta` (of the given observables, fitted to all pairs), `in_sample` (F there, biased
    upwards), `folds` (F of each), `ess` and `largest_weight` of the tilted pairs, `ess_held_out` (smallest of the
    folds), `steps`, `gradient_max` (in units of each observable's spread), `ridge`, `fold_ridges`, `finite_optimum`
    (whether the optimum without ridge exists), `d`, `n`. If 2 d / n > 1/2 the value is NaN, the result
    `too_few_transitions`, and `details["largest_n_units"]` the number of units that would do.

    Raises ValueError for spins that are not -1/+1, and for fewer than two blocks.
    Source: Aguilera, Ito & Kolchinsky, PRL 136, 077101 (2026); Donsker & Varadhan (1983) for the variational form.

    ```python
    estimate = nq.thermodynamics.MaxEntBound()(recording.bin(0.02).transitions())
    estimate.value, estimate.stderr, estimate.details["in_sample"]
    ```
    """

    observable: AbstractObservable = eqx.field(converter=as_observable, default_factory=lambda: Cross() + Single())
    ridge: float | None = None
    n_folds: int = 5
    spins: Callable = newest

    def __check_init__(self) -> None:
        if self.ridge is not None and not 0 <= self.ridge < np.inf:
            raise ValueError(f"ridge = {self.ridge} must be finite and not negative")
        if self.n_folds < 2:
            raise ValueError(f"n_folds = {self.n_folds}: cross-fitting needs at least two")

    def __call__(self, t: Transitions) -> Estimate:
        """The estimate from these transitions."""
        pairs = read_pairs(t, self.spins)
        if is_scarce(self.observable, pairs):
            return too_few(self.observable, pairs, unit_of(t))
        with jax.enable_x64(True):
            g = with_centre(self.observable, pairs)
            views, theta = Views(g, pairs), np.zeros(self.observable.size(pairs.n_units))
            if pairs.population:
                return self._population(t, g, maximise(views.problem(pairs.w, 0.0), theta, tolerance=1e-14), pairs)
            return self._sampled(t, g, views, theta, pairs)

    def _population(self, t: Transitions, g: AbstractObservable, optimum: Optimum, pairs: Pairs) -> Estimate:
        details = self._details(g, optimum, pairs, optimum.finite)
        value = optimum.value if optimum.finite else np.inf
        return _estimate(t, value, 0.0, _result(optimum), 0.0, None, details)

    def _sampled(
        self, t: Transitions, g: AbstractObservable, views: Views, theta: np.ndarray, pairs: Pairs
    ) -> Estimate:
        fold = _folds(t, pairs, self.n_folds)
        plain = cross_fit(views, fold, self.ridge or 0.0, theta)
        given = self.ridge is not None or plain.exists
        fits = [plain] if given else ridge_path(views, fold, theta)
        if not fits[0].folds:
            return self._nowhere(t, g, plain, pairs)
        best, folds, ridges = chosen_by_others(fits)
        value, stderr, n_eff = _pooled(t, folds)
        details = {
            **self._details(g, best.full, pairs, plain.exists if not self.ridge else None),
            "folds": np.array([part.value for part in folds]),
            "ess_held_out": min(part.ess for part in folds),
            "ridge": best.ridge,
            "fold_ridges": np.array(ridges),
        }
        result = _result(best.full) if all(part.sound for part in folds) else RESULTS.no_finite_optimum
        return _estimate(t, value, stderr, result, floor_of(g, pairs), n_eff, details)

    def _nowhere(self, t: Transitions, g: AbstractObservable, plain: CrossFit, pairs: Pairs) -> Estimate:
        """No ridge was allowed, and without one there is no optimum."""
        details = self._details(g, plain.full, pairs, False)
        return _estimate(t, np.nan, np.nan, RESULTS.no_finite_optimum, floor_of(g, pairs), None, details)

    def _details(
        self, g: AbstractObservable, optimum: Optimum, pairs: Pairs, finite_optimum: bool | None
    ) -> dict[str, Any]:
        theta = np.asarray(g.restored(jnp.asarray(optimum.theta), pairs.n_units)[0])
        return {
            "theta": jnp.asarray(theta, jnp.float64),
            "in_sample": optimum.value,
            "ess": optimum.ess,
            "largest_weight": optimum.largest,
            "steps": optimum.steps,
            "gradient_max": optimum.gradient_max,
            "finite_optimum": finite_optimum,
            "d": len(theta),
            "n": pairs.n,
        }


def _folds(t: Transitions, pairs: Pairs, count: int) -> np.ndarray:
    """Fold of each pair, at most one a block. Raises ValueError for a single block."""
    n_blocks = len(pairs.block_weights)
    if n_blocks < 2:
        raise ValueError(f"block = {n_blocks} block: cross-fitting needs at least two (leave `block` out to cut 200)")
    return np.asarray(statistics.folds(t, min(count, n_blocks)))


def _pooled(t: Transitions, folds: tuple[HeldOut, ...]) -> tuple[float, Any, Any]:
    """Held-out values averaged by weight, standard error between blocks of their influence, effective sample size."""
    value = float(np.average([part.value for part in folds], weights=[part.weight for part in folds]))
    psi = sum((part.psi for part in folds[1:]), folds[0].psi)
    _, stderr, n_eff = statistics.block_mean(jnp.asarray(psi), t)
    return value, stderr, n_eff


def _result(optimum: Optimum) -> RESULTS:
    if not optimum.finite:
        return RESULTS.no_finite_optimum
    return RESULTS.successful if optimum.converged else RESULTS.max_steps_reached


def _estimate(
    t: Transitions, value: float, stderr: Any, result: RESULTS, floor: float, n_eff: Any, details: Any
) -> Estimate:
    numbers = (jnp.asarray(v, jnp.float64) for v in (value, stderr))
    return Estimate(*numbers, unit_of(t), KIND.lower_bound, result, jnp.asarray(floor, jnp.float64), n_eff, details)

"""Fits on all blocks but those of one fold, judged on the blocks of that fold."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from .. import statistics
from ..data import Transitions
from ._design import AbstractDesign, design
from ._observable import AbstractObservable
from ._pairs import Pairs
from ._tilt import Optimum, Problem, log_mean_exp, tilted

FEW_HELD_OUT = 10.0  # an effective number of tilted samples of a fold below this says that its value hangs on a few
WORSE = 2  # number of strengths in a row without gain after which weaker ones are not tried


class Views:
    """The observables of the pairs forwards and backwards, as linear maps."""

    def __init__(self, g: AbstractObservable, pairs: Pairs) -> None:
        self.observable, self.pairs, self.backwards = g, pairs, design(g, pairs, backwards=True)
        self.forwards = None if g.antisymmetric else design(g, pairs)

    def project(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Value of theta . g of each pair, forwards and backwards."""
        back = self.backwards.project(theta[:, None])[:, 0]
        return (-back if self.forwards is None else self.forwards.project(theta[:, None])[:, 0]), back

    def problem(self, w: np.ndarray, ridge: float) -> Problem:
        """The variational problem of the pairs with weights `w`; the ridge is that of a prior, so it enters over n."""
        total = w.sum()
        n = np.inf if self.pairs.population else float(total**2 / (w @ w))
        w = w / total
        source: AbstractDesign = self.backwards if self.forwards is None else self.forwards
        mean = source.pull(w[:, None])[:, 0] * (-1 if self.forwards is None else 1)
        return Problem(self.backwards, mean, w, n, ridge / n)


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """F of a fold under the coefficients of the others.

    Its `value`, the influence `psi` of each pair (zero outside the fold), the weight of the fold, its effective number
    of tilted samples, and whether the number can be trusted: a fit that ended, enough tilted samples, a value below the
    logarithm of the fold's size. Where it is a sum, `left_out` names the parts that could not be trusted.
    `theta` are the coefficients, where they are of one problem.
    """

    value: float
    psi: np.ndarray
    weight: float
    ess: float
    sound: bool
    left_out: tuple[int, ...] = ()
    theta: np.ndarray | None = None


@dataclasses.dataclass(frozen=True)
class CrossFit:
    """The fit to all pairs and the held-out values at one strength of what holds the coefficients."""

    strength: float
    full: Optimum
    folds: tuple[HeldOut, ...]

    @property
    def values(self) -> np.ndarray:
        """Held-out value of each fold, -inf where it cannot be trusted."""
        return np.array([fold.value if fold.sound else -np.inf for fold in self.folds])


def cross_fit(
    views: Views, fold: np.ndarray, strength: float, full: Optimum, fit: Callable[[np.ndarray], Optimum]
) -> CrossFit:
    """Coefficients from all but one fold at a time, `fit` to the weights of these pairs; `full` is that of all."""
    parts = ((fit(train), test) for train, test in splits(views.pairs.w, fold))
    return CrossFit(strength, full, tuple(judged(views, part.theta, test, part.finite) for part, test in parts))


def splits(w: np.ndarray, fold: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Weights of the pairs outside, and of those inside, each fold."""
    return ((np.where(fold == f, 0, w), np.where(fold == f, w, 0)) for f in np.unique(fold))


def path(strengths: Iterable[float], fitted: Callable[[float, CrossFit | None], CrossFit]) -> list[CrossFit]:
    """Cross-fits from the strongest hold down to the weakest that still gains held out.

    `fitted(strength, before)` may start from the one before, None for the first.
    """
    fits: list[CrossFit] = []
    for strength in strengths:
        fits.append(fitted(strength, fits[-1] if fits else None))
        means = [float(np.mean(fit.values)) for fit in fits]
        if len(fits) - 1 - int(np.argmax(means)) >= WORSE:
            break
    return fits


def chosen_by_others(fits: Sequence[CrossFit]) -> tuple[CrossFit, tuple[HeldOut, ...], list[float]]:
    """The best fit overall; each fold's held-out part at the strength that the other folds prefer; that strength.

    Strengths at which some fold cannot be trusted are left out, unless that leaves none: then the strongest remains.
    """
    fits = [fit for fit in fits if all(fold.sound for fold in fit.folds)] or [fits[0]]
    values = np.stack([[fold.value for fold in fit.folds] for fit in fits])
    picked = [int(np.argmax(np.sum(np.delete(values, f, axis=1), axis=1))) for f in range(values.shape[1])]
    best = fits[int(np.argmax(values.sum(1)))]
    return best, tuple(fits[k].folds[f] for f, k in enumerate(picked)), [fits[k].strength for k in picked]


def judged(views: Views, theta: np.ndarray, test: np.ndarray, finite: bool = True) -> HeldOut:
    """F(theta) on the pairs of weights `test`, none of which chose theta; `finite` tells whether its fit ended."""
    forwards, backwards = views.project(theta)
    total, log_z = test.sum(), log_mean_exp(backwards, test)
    value = float(test @ forwards / total - log_z)
    p = tilted(backwards, test)
    share = np.divide(p * total, test, out=np.zeros_like(p), where=test > 0)
    psi = np.where(test > 0, forwards - log_z - share + 1 - value, 0)
    n = float(total**2 / (test @ test))
    ess = float(total / (test @ share**2) * n)
    sound = bool(finite and ess > FEW_HELD_OUT and value <= np.log(n))
    return HeldOut(value, psi, float(total), ess, sound, theta=theta)


def fold_of_pairs(t: Transitions, pairs: Pairs, count: int) -> np.ndarray:
    """Fold of each pair, at most one a block. Raises ValueError for a single block."""
    n_blocks = len(pairs.block_weights)
    if n_blocks < 2:
        raise ValueError(f"block = {n_blocks} block: cross-fitting needs at least two (leave `block` out to cut 200)")
    return np.asarray(statistics.folds(t, min(count, n_blocks)))


def pooled(t: Transitions, folds: Sequence[HeldOut], through_theta: np.ndarray | float = 0.0) -> tuple[float, Any, Any]:
    """Held-out values averaged by weight, standard error between blocks of their influence, effective sample size.

    `through_theta` is added to the influence: what pairs do to the value of folds that they are not in.
    """
    value = float(np.average([part.value for part in folds], weights=[part.weight for part in folds]))
    _, stderr, n_eff = statistics.block_mean(jnp.asarray(influence(folds) + through_theta), t)
    return value, np.asarray(stderr), np.asarray(n_eff)


def influence(folds: Sequence[HeldOut]) -> np.ndarray:
    """What each pair adds to the value, to first order: of each fold its own pairs."""
    return sum((part.psi for part in folds[1:]), folds[0].psi)

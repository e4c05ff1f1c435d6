"""Fits on all blocks but those of one fold, judged on the blocks of that fold."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from ._design import AbstractDesign, design
from ._observable import AbstractObservable
from ._pairs import Pairs
from ._tilt import FEW, Optimum, Problem, log_mean_exp, maximise, tilted

RIDGES = tuple(10 ** (4 - k / 2) for k in range(9))  # 1e4 down to 1: prior inverse variances of a coefficient
WORSE = 2  # number of ridges in a row without gain after which weaker ones are not tried


class Views:
    """The observables of the pairs forwards and backwards, as linear maps."""

    def __init__(self, g: AbstractObservable, pairs: Pairs) -> None:
        self.pairs, self.backwards = pairs, design(g, pairs, backwards=True)
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
    of tilted samples and whether the fit was sound.
    """

    value: float
    psi: np.ndarray
    weight: float
    ess: float
    sound: bool


@dataclasses.dataclass(frozen=True)
class CrossFit:
    """The fit to all pairs and the held-out values at one strength of the ridge."""

    ridge: float
    full: Optimum
    folds: tuple[HeldOut, ...]

    @property
    def exists(self) -> bool:
        """Whether an optimum was found for all pairs and for every fold's complement, and held up in the fold."""
        return self.full.finite and all(fold.sound and fold.ess > FEW for fold in self.folds)

    @property
    def values(self) -> np.ndarray:
        """Held-out value of each fold."""
        return np.array([fold.value for fold in self.folds])


def cross_fit(views: Views, fold: np.ndarray, ridge: float, theta: np.ndarray) -> CrossFit:
    """Coefficients from all pairs, and from all but one fold at a time, starting from those of all pairs."""
    w = views.pairs.w
    full = maximise(views.problem(w, ridge), theta, tolerance=1e-10)
    if not full.finite:
        return CrossFit(ridge, full, ())
    splits = ((np.where(fold == f, 0, w), np.where(fold == f, w, 0)) for f in np.unique(fold))
    return CrossFit(ridge, full, tuple(_held_out(views, train, test, ridge, full) for train, test in splits))


def ridge_path(views: Views, fold: np.ndarray, theta: np.ndarray) -> list[CrossFit]:
    """Cross-fits from the strongest ridge down to the weakest that still gains held out."""
    fits: list[CrossFit] = []
    for ridge in RIDGES:
        fits.append(cross_fit(views, fold, ridge, theta))
        theta = fits[-1].full.theta
        means = [float(np.mean(fit.values)) for fit in fits]
        if len(means) - 1 - int(np.argmax(means)) >= WORSE:
            break
    return fits


def chosen_by_others(fits: Sequence[CrossFit]) -> tuple[CrossFit, tuple[HeldOut, ...], list[float]]:
    """The best fit overall; and each fold's held-out part at the ridge that the other folds prefer, with that ridge."""
    values = np.stack([fit.values for fit in fits])
    picked = [int(np.argmax(np.sum(np.delete(values, f, axis=1), axis=1))) for f in range(values.shape[1])]
    best = fits[int(np.argmax(values.sum(1)))]
    return best, tuple(fits[k].folds[f] for f, k in enumerate(picked)), [fits[k].ridge for k in picked]


def _held_out(views: Views, train: np.ndarray, test: np.ndarray, ridge: float, full: Optimum) -> HeldOut:
    fit = maximise(views.problem(train, ridge), full.theta, tolerance=1e-10, solver=full.solver)
    forwards, backwards = views.project(fit.theta)
    total = test.sum()
    value = float(test @ forwards / total - log_mean_exp(backwards, test))
    p = tilted(backwards, test)
    share = np.divide(p * total, test, out=np.zeros_like(p), where=test > 0)
    psi = np.where(test > 0, forwards - share + 1 - value - log_mean_exp(backwards, test), 0)
    ess = float(total / (test @ share**2) * (total**2 / (test @ test)))
    return HeldOut(value, psi, float(total), ess, fit.finite)

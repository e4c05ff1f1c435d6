"""How the coefficients of a bound are found."""

import abc
import dataclasses
from typing import Any, NoReturn

import equinox as eqx
import numpy as np

from ._cross_fit import CrossFit, HeldOut, Views, chosen_by_others
from ._tilt import Optimum


@dataclasses.dataclass(frozen=True)
class Fitted:
    """The coefficients of all pairs and the folds' values under coefficients that they did not choose.

    `chosen` says by name what the fit decided; `exists` whether the optimum that nothing holds is finite, None where
    that was not asked; `through_theta` what each pair adds to the value, to first order, by the coefficients of folds
    that it is not in. No folds: there is no value.
    """

    full: Optimum
    folds: tuple[HeldOut, ...]
    chosen: dict[str, Any]
    exists: bool | None = None
    through_theta: np.ndarray | float = 0.0


class AbstractFit(eqx.Module):
    """How theta is found: what holds it, and how its strength is chosen."""

    @abc.abstractmethod
    def of_sample(self, views: Views, fold: np.ndarray) -> Fitted:
        """Coefficients of data, and what they are worth on folds of it."""

    @abc.abstractmethod
    def of_population(self, views: Views) -> Optimum:
        """Coefficients of a whole population, which has neither noise nor folds."""


def fitted_by(name: str, fits: list[CrossFit], exists: bool | None = None) -> Fitted:
    """The best of several strengths called `name`; each fold has the one that the other folds prefer."""
    best, folds, strengths = chosen_by_others(fits)
    return Fitted(best.full, folds, {name: best.strength, f"fold_{name}s": np.array(strengths)}, exists)


def refuse_population(fit: AbstractFit, argument: str) -> NoReturn:
    """Raise ValueError: what is chosen by held-out value must be given for a population."""
    name = type(fit).__name__
    raise ValueError(f"fit = {fit}: a population has no folds to choose the {argument}: pass {name}({argument}=...)")

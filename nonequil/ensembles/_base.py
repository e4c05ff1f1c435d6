"""What an ensemble is: a recipe for random models, read by simulations and by theories alike."""

import abc

import equinox as eqx
from equinox import AbstractVar
from jaxtyping import Array, Key

from ..models import AbstractSpinModel


class AbstractEnsemble(eqx.Module):
    """A model's recipe: `sample(key, n)` draws a network of n spins."""

    self_coupling: AbstractVar[bool]

    @abc.abstractmethod
    def sample(self, key: Key[Array, ""], n: int) -> AbstractSpinModel:
        """One network of n spins; beta is folded into its couplings and fields."""

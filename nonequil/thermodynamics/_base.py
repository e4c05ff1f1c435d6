"""What an estimator is: transitions in, one estimate out."""

import abc
import dataclasses
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped

from .._checks import spins as check_spins
from .._results import Estimate, Unit
from ..data import Transitions

SCARCE = 0.5  # above this value of 2 d / n an estimator with d parameters says nothing


class AbstractEstimator(eqx.Module):
    """An estimator of entropy production: `estimator(transitions) -> Estimate`."""

    @abc.abstractmethod
    def __call__(self, t: Transitions) -> Estimate:
        """The estimate from these transitions, in nats and the unit it names."""


def newest(x: Shaped[Array, " n"]) -> Shaped[Array, " n"]:
    """A state that is its own spins."""
    return x


def is_population(t: Transitions) -> bool:
    """Whether the pairs are a whole population: weights that are probabilities (they sum to one) and no blocks.

    `Enumeration.transitions()` is of this kind. A population has no sampling error, so nothing is cross-fitted on it.
    Under jit the weights are unknown, and the answer is no.
    """
    if t.weight is None or t.block is not None or isinstance(t.weight, jax.core.Tracer):
        return False
    return bool(jnp.abs(jnp.sum(jnp.asarray(t.weight)) - 1) < 1e-5)


def spin_pairs(t: Transitions, spins: Callable = newest) -> tuple[Shaped[Array, "pairs n"], Shaped[Array, "pairs n"]]:
    """Spins before and after each transition.

    Raises ValueError if they are not -1 or +1, or if a pair holds no row of spins.
    """
    before, after = (jax.vmap(spins)(jax.tree.map(jnp.asarray, x)) for x in (t.x, t.x_next))
    if before.ndim != 2:
        raise ValueError(f"x must hold one row of spins a pair, found shape {before.shape}: pass spins=dynamics.spins")
    return check_spins(before, "x"), check_spins(after, "x_next")


def unit_of(t: Transitions, default: Unit = Unit.per_step) -> Unit:
    """The clock of the pairs where they name one, else `default`."""
    return default if t.unit is None else t.unit


def sample_size(w: Float[Array, " pairs"]) -> Float[Array, ""]:
    """Effective number of pairs `(sum w)**2 / sum w**2`: the number of pairs not masked where weights are 0 or 1."""
    return jnp.sum(w) ** 2 / jnp.sum(w**2)


def unblocked(t: Transitions) -> Transitions:
    """The same pairs without their labels of blocks."""
    return dataclasses.replace(t, block=None)

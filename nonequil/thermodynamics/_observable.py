"""What an observable of a pair of spin states is."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped

from ._windows import half_shape

Spins = Shaped[Array, "pairs *half n"]
"""One end of each pair: a state, or half of the states of a path, counted from that end."""


class AbstractObservable(eqx.Module):
    """A vector g(x, x') of a transition, evaluated for a chunk of pairs (leading axis) of -1/+1 spins.

    An observable of longer paths (`steps` above one) gets the two halves of each in the place of its pair: reversal in
    time swaps them too. A subclass says how to list g, to project on it and to sum it. `project` and `pull` are what
    iterations use: a set with structure does them by matrix products and never lists g.
    """

    @property
    @abc.abstractmethod
    def antisymmetric(self) -> bool:
        """Whether g(x', x) = -g(x, x') for every pair."""

    @property
    @abc.abstractmethod
    def spans_single(self) -> bool:
        """Whether every x'_i - x_i is in the set, so that products may be taken about any centre."""

    @property
    @abc.abstractmethod
    def steps(self) -> int:
        """Number of steps of the paths that g reads: one for a pair."""

    @abc.abstractmethod
    def features(self, x: Spins, x_next: Spins) -> Float[Array, "pairs d"]:
        """G of each pair."""

    @abc.abstractmethod
    def project(self, theta: Float[Array, " d"], x: Spins, x_next: Spins) -> Float[Array, " pairs"]:
        """Theta . g of each pair."""

    @abc.abstractmethod
    def pull(self, w: Float[Array, " pairs"], x: Spins, x_next: Spins) -> Float[Array, " d"]:
        """Weighted sum of g over the pairs: the transpose of `project`."""

    @abc.abstractmethod
    def centred(self, centre: Float[Array, " n"]) -> "AbstractObservable":
        """The same set with products of spins taken about `centre`, up to single-unit terms x'_i - x_i."""

    @abc.abstractmethod
    def restored(self, theta: Float[Array, " d"], n: int) -> tuple[Float[Array, " d"], Float[Array, " n"]]:
        """Coefficients about centre zero of what `theta` means about the centre, and those it adds to x'_i - x_i."""

    def size(self, n: int) -> int:
        """Number d of observables of n spins."""
        pair = jax.ShapeDtypeStruct((1, *half_shape(self.steps), n), jnp.int8)
        return jax.eval_shape(self.features, pair, pair).shape[-1]

    def __add__(self, other: Any) -> "AbstractObservable":
        """Both sets together."""
        from ._observables import Observables  # a sum is itself an observable

        return Observables((self, other))


def real(x: Shaped[Array, "..."]) -> Float[Array, "..."]:
    """Spins as floating numbers of the default type."""
    return jnp.asarray(x).astype(jnp.result_type(float))


def about_centre(x: Spins, centre: Float[Array, " n"] | None) -> Float[Array, "pairs n"]:
    """(x - centre) / (1 + |centre|), at most one in size; the spins as numbers where there is no centre."""
    x = real(x)
    if centre is None:
        return x
    centre = centre.astype(x.dtype)
    return (x - centre[None]) / (1 + jnp.abs(centre))[None]

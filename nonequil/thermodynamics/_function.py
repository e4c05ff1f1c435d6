"""A user's function of a pair as an observable."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ._observable import AbstractObservable, Spins, real


class Function(AbstractObservable):
    """Any function of one pair, `g(x, x_next) -> vector`, of -1/+1 spins of shape (n,), antisymmetric or not.

    Estimators take a bare function and wrap it themselves. It is vmapped chunk by chunk; a scalar counts as d = 1.

    ```python
    def spikes(x, x_next):                                          # products of 0/1 spikes
        y, y_next = (x + 1) / 2, (x_next + 1) / 2
        return (jnp.outer(y_next, y) - jnp.outer(y, y_next))[jnp.triu_indices(x.size, 1)]

    nq.thermodynamics.QuadraticBound(spikes)(transitions)
    ```
    """

    function: Callable = eqx.field(static=True)

    antisymmetric = False  # unknown, so the reversed pair is evaluated too
    steps = 1
    spans_single = False

    def features(self, x: Spins, x_next: Spins) -> Float[Array, "pairs d"]:
        """G of each pair."""
        return real(jax.vmap(lambda a, b: jnp.ravel(self.function(a, b)))(real(x), real(x_next)))

    def project(self, theta: Float[Array, " d"], x: Spins, x_next: Spins) -> Float[Array, " pairs"]:
        """Theta . g of each pair."""
        return self.features(x, x_next) @ theta

    def pull(self, w: Float[Array, " pairs"], x: Spins, x_next: Spins) -> Float[Array, " d"]:
        """Weighted sum of g."""
        return w @ self.features(x, x_next)

    def centred(self, centre: Float[Array, " n"]) -> "Function":
        """A function is taken as it is."""
        return self

    def restored(self, theta: Float[Array, " d"], n: int) -> tuple[Float[Array, " d"], Float[Array, " n"]]:
        """A function is taken as it is."""
        return theta, jnp.zeros(n, theta.dtype)


def as_observable(observable: Any) -> AbstractObservable:
    """The observable itself, or a function of a pair made one. Raises ValueError for anything else."""
    if isinstance(observable, AbstractObservable):
        return observable
    if callable(observable) and not isinstance(observable, type):
        return Function(observable)
    raise ValueError(f"observable = {observable!r}: pass Cross(), Single(), a sum of them or a function g(x, x_next)")

"""Changes of single spins."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from ._observable import AbstractObservable, Spins, real


class Single(AbstractObservable):
    """Change of each spin: g_i = x'_i - x_i. d = n; no unit.

    Its mean vanishes in the steady state; it tightens a bound because it models log p(x) - log p(x').
    Source: Aguilera, Ito & Kolchinsky, PRL 136, 077101 (2026).
    """

    antisymmetric = True
    steps = 1
    spans_single = True

    def features(self, x: Spins, x_next: Spins) -> Float[Array, "pairs d"]:
        """G of each pair."""
        return real(x_next) - real(x)

    def project(self, theta: Float[Array, " d"], x: Spins, x_next: Spins) -> Float[Array, " pairs"]:
        """Theta . (x' - x)."""
        return self.features(x, x_next) @ theta

    def pull(self, w: Float[Array, " pairs"], x: Spins, x_next: Spins) -> Float[Array, " d"]:
        """sum_k w_k (x'_k - x_k)."""
        return w @ self.features(x, x_next)

    def centred(self, centre: Float[Array, " n"]) -> "Single":
        """A difference does not depend on the centre."""
        return self

    def restored(self, theta: Float[Array, " d"], n: int) -> tuple[Float[Array, " d"], Float[Array, " n"]]:
        """A difference does not depend on the centre."""
        return theta, jnp.zeros(n, theta.dtype)

"""Changes of one spin times another spin."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from ._observable import AbstractObservable, Spins, about_centre, real


class Delta(AbstractObservable):
    """Change of one spin times another: g_ij = (x'_i - x_i) x_j. d = n**2, row by row; no unit.

    Backwards it is (x_i - x'_i) x'_j, so the set is not antisymmetric where several spins change at once: it holds what
    `Cross` holds, and the symmetric products besides. Where one spin changes, its antisymmetric part is that spin's
    flips against all others. `centre` (n,) as in `Cross`: x_j - c_j over 1 + |c_j| in the place of x_j.
    Source: Aguilera, Ito & Kolchinsky, PRL 136, 077101 (2026).
    """

    centre: Float[Array, " n"] | None = None

    antisymmetric = False
    steps = 1
    spans_single = False

    def features(self, x: Spins, x_next: Spins) -> Float[Array, "pairs d"]:
        """G of each pair."""
        return (self._change(x, x_next)[:, :, None] * about_centre(x, self.centre)[:, None, :]).reshape(x.shape[0], -1)

    def project(self, theta: Float[Array, " d"], x: Spins, x_next: Spins) -> Float[Array, " pairs"]:
        """(x' - x)^T T x with the matrix T that `theta` fills."""
        n = x.shape[-1]
        return jnp.sum((self._change(x, x_next) @ theta.reshape(n, n)) * about_centre(x, self.centre), axis=-1)

    def pull(self, w: Float[Array, " pairs"], x: Spins, x_next: Spins) -> Float[Array, " d"]:
        """sum_k w_k (x'_k - x_k) x_k^T."""
        return ((self._change(x, x_next) * w[:, None]).T @ about_centre(x, self.centre)).reshape(-1)

    def centred(self, centre: Float[Array, " n"]) -> "Delta":
        """Products about `centre`."""
        return Delta(centre)

    def restored(self, theta: Float[Array, " d"], n: int) -> tuple[Float[Array, " d"], Float[Array, " n"]]:
        """(x'_i - x_i)(x_j - c_j) = g_ij - c_j (x'_i - x_i)."""
        if self.centre is None:
            return theta, jnp.zeros(n, theta.dtype)
        centre = self.centre.astype(theta.dtype)
        T = theta.reshape(n, n) / (1 + jnp.abs(centre))[None]
        return T.reshape(-1), -T @ centre

    def _change(self, x: Spins, x_next: Spins) -> Float[Array, "pairs n"]:
        return real(x_next) - real(x)

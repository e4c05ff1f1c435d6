"""Products of two spins at successive times."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from ._observable import AbstractObservable, Spins, about_centre


class Cross(AbstractObservable):
    """Products of two spins at successive times, antisymmetrised: g_ij = x'_i x_j - x_i x'_j for i < j.

    d = n (n - 1) / 2, row by row; no unit. `centre` (n,), where given, replaces x_i by (x_i - c_i) / (1 + |c_i|): with
    c = -1 these are products of 0/1 spikes. That spans another set unless `Single` is added: `Cross() + Single()` does
    not depend on the coding of the spins.
    Source: Aguilera, Ito & Kolchinsky, PRL 136, 077101 (2026); Lynn et al., PRL 129, 118101 (2022).
    """

    centre: Float[Array, " n"] | None = None

    antisymmetric = True
    steps = 1
    spans_single = False

    def features(self, x: Spins, x_next: Spins) -> Float[Array, "pairs d"]:
        """G of each pair."""
        before, after = about_centre(x, self.centre), about_centre(x_next, self.centre)
        i, j = _upper(x.shape[-1])
        return after[:, i] * before[:, j] - before[:, i] * after[:, j]

    def project(self, theta: Float[Array, " d"], x: Spins, x_next: Spins) -> Float[Array, " pairs"]:
        """x'^T A x with the antisymmetric matrix A that `theta` fills."""
        before, after = about_centre(x, self.centre), about_centre(x_next, self.centre)
        return jnp.sum((after @ _antisymmetric(theta, x.shape[-1])) * before, axis=-1)

    def pull(self, w: Float[Array, " pairs"], x: Spins, x_next: Spins) -> Float[Array, " d"]:
        """Upper triangle of M - M^T, M = sum_k w_k x'_k x_k^T."""
        before, after = about_centre(x, self.centre), about_centre(x_next, self.centre)
        M = (after * w[:, None]).T @ before
        return (M - M.T)[_upper(x.shape[-1])]

    def centred(self, centre: Float[Array, " n"]) -> "Cross":
        """Products about `centre`."""
        return Cross(centre)

    def restored(self, theta: Float[Array, " d"], n: int) -> tuple[Float[Array, " d"], Float[Array, " n"]]:
        """(x'_i - c_i)(x_j - c_j) - (x_i - c_i)(x'_j - c_j) = g_ij - c_j (x'_i - x_i) + c_i (x'_j - x_j)."""
        if self.centre is None:
            return theta, jnp.zeros(n, theta.dtype)
        i, j = _upper(n)
        centre = self.centre.astype(theta.dtype)
        scale = 1 + jnp.abs(centre)
        theta = theta / (scale[i] * scale[j])
        return theta, -_antisymmetric(theta, n) @ centre


def _upper(n: int) -> tuple[Array, Array]:
    return jnp.triu_indices(n, 1)


def _antisymmetric(theta: Float[Array, " d"], n: int) -> Float[Array, "n n"]:
    upper = jnp.zeros((n, n), theta.dtype).at[_upper(n)].set(theta)
    return upper - upper.T

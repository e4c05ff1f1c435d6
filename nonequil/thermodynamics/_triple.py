"""Products of three spins at successive times."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ._observable import AbstractObservable, Spins, real


class Triple(AbstractObservable):
    """Products of three spins, one later than two, antisymmetrised: g_ijk = x'_i x_j x_k - x_i x'_j x'_k, j < k.

    d = n**2 (n - 1) / 2, i slowest; no unit. Added to `Cross() + Single()` it is the next order of interaction: the
    bound grows by what it sees beyond pairs. For some tens of units at most. i may be j or k.
    Source: Aguilera, Ito & Kolchinsky, PRL 136, 077101 (2026).
    """

    antisymmetric = True
    steps = 1
    spans_single = False

    def features(self, x: Spins, x_next: Spins) -> Float[Array, "pairs d"]:
        """G of each pair."""
        before, after = real(x), real(x_next)
        j, k = np.triu_indices(x.shape[-1], 1)
        forwards = after[:, :, None] * (before[:, j] * before[:, k])[:, None, :]
        backwards = before[:, :, None] * (after[:, j] * after[:, k])[:, None, :]
        return (forwards - backwards).reshape(x.shape[0], -1)

    def project(self, theta: Float[Array, " d"], x: Spins, x_next: Spins) -> Float[Array, " pairs"]:
        """Theta . g of each pair."""
        return self.features(x, x_next) @ theta

    def pull(self, w: Float[Array, " pairs"], x: Spins, x_next: Spins) -> Float[Array, " d"]:
        """sum_k w_k g_k."""
        return w @ self.features(x, x_next)

    def centred(self, centre: Float[Array, " n"]) -> "Triple":
        """The same products: about another centre they would need those of pairs at equal times."""
        return self

    def restored(self, theta: Float[Array, " d"], n: int) -> tuple[Float[Array, " d"], Float[Array, " n"]]:
        """Products about zero."""
        return theta, jnp.zeros(n, theta.dtype)

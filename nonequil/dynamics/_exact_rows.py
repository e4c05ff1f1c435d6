"""Fields that are computed anew from the spins, exactly, by a matrix product."""

import functools as ft

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int, Shaped

from ..models import AbstractSpinModel, Ising


class ExactRows(eqx.Module):
    """Couplings as whole numbers whose sums over any set of spins are exact in floating point.

    h_i = H_i + unit_i (2 sum_j rows_ij [x_j = +1] - sum_j rows_ij). No partial sum needs more than the 24 bits of
    float32 (float64: 53), so a field does not depend on the order of its terms: neither on the matrix product of a
    device nor on how many states go through it. What is rounded are the couplings, once, to a step of about 2**-24
    (2**-53) of the sum of the positive or of the negative ones of their row, whichever is larger: fields are then off
    by less than n / 2 steps, by sqrt(n / 12) of them on average. Rows of zeros stay zeros.
    """

    rows: Float[Array, "n n"]
    middle: Float[Array, " n"]  # half the sum of each row
    steps: Float[Array, " n"]  # 1 / (2 unit)
    H: Float[Array, " n"]

    def __init__(self, model: Ising) -> None:
        J = jax.lax.stop_gradient(model.J)
        self.rows, unit = _whole_rows(J if J.dtype == jnp.float64 else J.astype(jnp.float32))
        self.middle = jnp.sum(self.rows, axis=1) / 2
        self.steps = 0.5 / unit
        self.H = jax.lax.stop_gradient(model.H).astype(self.rows.dtype)

    def init(self, x: Shaped[Array, "chains n"], sharing: int) -> Float[Array, "groups n sharing"]:
        """Spins that are up (1, else 0), by groups of consecutive chains: copies of the first fill the last group."""
        short = -x.shape[0] % sharing
        filled = jnp.concatenate([x, jnp.repeat(x[:1], short, axis=0)]) if short else x
        return (filled > 0).astype(self.rows.dtype).reshape(-1, sharing, x.shape[1]).swapaxes(1, 2)

    def spins(self, up: Float[Array, "groups n sharing"], dtype: DTypeLike = jnp.int8) -> Shaped[Array, "chains n"]:
        """The spins of all chains, the copies included."""
        return (2 * up - 1).astype(dtype).swapaxes(1, 2).reshape(-1, up.shape[1])

    def thresholds(
        self, sites: Int[Array, " block"], uniforms: Float[Array, "block chains"], push: Float[Array, " block"] | None
    ) -> Float[Array, "block chains"]:
        """What `sum_j rows_ij [x_j = +1]` must exceed for spin i to be up: above, the number is below sigmoid(2 h)."""
        constant = self.H[sites] if push is None else self.H[sites] + push
        wanted = jnp.log(uniforms / (1 - uniforms)) / 2  # -inf for 0
        return (wanted - constant[:, None]) * self.steps[sites][:, None] + self.middle[sites][:, None]


@ft.singledispatch
def exact_rows(model: AbstractSpinModel) -> ExactRows | None:
    """Couplings of a model whose fields can be summed exactly; None for other models."""
    return None


exact_rows.register(Ising, ExactRows)


def _whole_rows(J: Float[Array, "n n"]) -> tuple[Float[Array, "n n"], Float[Array, " n"]]:
    """Rows in a unit of their own, rounded, and the units."""
    positive = lambda x: jnp.where(x > 0, x, 1)  # noqa: E731
    largest = positive(jnp.max(jnp.abs(J), axis=1))
    scaled = J / largest[:, None]
    up, down = (jnp.sum(jnp.maximum(side, 0), axis=1) for side in (scaled, -scaled))
    most = 2.0 ** (int(jnp.finfo(J.dtype).nmant) + 1) - J.shape[1]  # each of n roundings may add one half
    size = positive(jnp.maximum(up, down)) / most
    return jnp.round(scaled / size[:, None]), largest * size

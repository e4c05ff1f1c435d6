"""The kinetic Ising network."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped

from .._checks import require
from .._types import Drive, Index
from ._base import AbstractSpinModel
import equinox as eqx


def _couplings(J: Float[Array, "n n"]) -> Float[Array, "n n"]:
    J = jnp.asarray(J)
    return require(J, jnp.isfinite(J), "J must be finite: J")


def _fields(H: Float[Array, " n"]) -> Float[Array, " n"]:
    H = jnp.asarray(H)
    return require(H, jnp.isfinite(H), "H must be finite: H")


class Ising(AbstractSpinModel):
    """Kinetic Ising couplings: each spin feels a weighted sum of all spins.

    h_i(x) = H_i + sum_j J_ij x_j,  p(x_i' = +1 | x) = sigmoid(2 h_i).  `J[i, j]` pulls from spin j on spin i (receiver
    first), shape (n, n); `H` shape (n,). Both have no unit: the inverse temperature is folded in.
    A drive adds to the field: an array of shape (n,).

    Raises ValueError (eager) or a run-time error (traced) if J or H is not finite; ValueError on mismatched shapes.
    Source: Little (1974); Glauber (1963).
    """

    J: Float[Array, "n n"] = eqx.field(converter=_couplings)
    H: Float[Array, " n"] = eqx.field(converter=_fields)

    def __check_init__(self) -> None:
        if self.J.ndim != 2 or self.J.shape != (*self.H.shape, *self.H.shape):
            raise ValueError(f"J has shape {self.J.shape}, H {self.H.shape}: J must be (n, n) and H (n,)")

    def field(self, x: Shaped[Array, " n"], drive: Drive = None) -> Float[Array, " n"]:
        """Half log-odds of +1 at each site: `H + J x (+ drive)`."""
        h = self.H + self.J @ x.astype(self.J.dtype)
        return h if drive is None else h + drive

    def site_field(self, x: Shaped[Array, " n"], i: Index, drive: Drive = None) -> Float[Array, ""]:
        """`field(x, drive)[i]`, at the cost of one row."""
        h = self.H[i] + self.J[i] @ x.astype(self.J.dtype)
        return h if drive is None else h + drive[i]

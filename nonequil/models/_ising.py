"""Kinetic Ising networks, of one lag and of several."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped

from .. import numerics
from .._checks import finite
from .._types import Drive, Index
from ._base import AbstractSpinModel, AbstractWindowModel


class Ising(AbstractSpinModel):
    """Kinetic Ising couplings: each spin feels a weighted sum of all spins.

    h_i(x) = H_i + sum_j J_ij x_j,  p(x_i' = +1 | x) = sigmoid(2 h_i).  `J[i, j]` pulls from spin j on spin i (receiver
    first), shape (n, n); `H` has shape (n,). Both have no unit: the inverse temperature is folded in.
    A drive, shape (n,), adds to the field.

    Raises ValueError (traced: a run-time error) if J or H is not finite; ValueError on mismatched shapes.
    Source: Glauber, J. Math. Phys. 4, 294 (1963); Little, Math. Biosci. 19, 101 (1974).

    ```python
    model = nq.Ising(J=jnp.array([[0.0, 0.8], [-0.8, 0.0]]), H=jnp.zeros(2))
    ```
    """

    J: Float[Array, "n n"] = eqx.field(converter=finite("J"))
    H: Float[Array, " n"] = eqx.field(converter=finite("H"))

    def __check_init__(self) -> None:
        if self.J.shape != (*self.H.shape, *self.H.shape) or self.H.ndim != 1:
            raise ValueError(f"J has shape {self.J.shape}, H {self.H.shape}: J must be (n, n) and H (n,)")

    @property
    def n(self) -> int:
        """Number of spins."""
        return self.H.shape[0]

    def field(self, x: Shaped[Array, " n"], drive: Drive = None) -> Float[Array, " n"]:
        """Half log-odds of +1 at each site: `H + J x (+ drive)`."""
        h = self.H + self.J @ x.astype(self.J.dtype)
        return h if drive is None else h + drive

    def fields(self, x: Shaped[Array, "n states"], drive: Drive = None) -> Float[Array, "n states"]:
        """`field` of many states side by side: their product with the couplings reads these as they lie in memory."""
        h = self.H[:, None] + self.J @ x.astype(self.J.dtype)
        return h if drive is None else h + drive[:, None]

    def site_field(self, x: Shaped[Array, " n"], i: Index, drive: Drive = None) -> Float[Array, ""]:
        """`field(x, drive)[i]`, at the cost of one row."""
        h = self.H[i] + numerics.ordered_sum(self.J[i] * x.astype(self.J.dtype))
        return h if drive is None else h + drive[i]


class LaggedIsing(AbstractWindowModel):
    """Kinetic Ising couplings that reach several steps back.

    h_i = H_i + sum_k sum_j J[k, i, j] s_j(t - k),  k = 0 the newest state: the window `x` has shape (lags, n), oldest
    first, so lag k is read from `x[-1 - k]`. `J` (lags, n, n) and `H` (n,) have no unit. A drive (n,) adds to the
    field.

    Raises ValueError (traced: a run-time error) if J or H is not finite; ValueError on mismatched shapes.
    """

    J: Float[Array, "lags n n"] = eqx.field(converter=finite("J"))
    H: Float[Array, " n"] = eqx.field(converter=finite("H"))

    def __check_init__(self) -> None:
        if self.J.ndim != 3 or self.J.shape[1:] != (*self.H.shape, *self.H.shape):
            raise ValueError(f"J has shape {self.J.shape}, H {self.H.shape}: J must be (lags, n, n) and H (n,)")

    @property
    def n(self) -> int:
        """Number of spins."""
        return self.H.shape[0]

    @property
    def lags(self) -> int:
        """Number of past states that a field reads."""
        return self.J.shape[0]

    def field(self, x: Shaped[Array, "lags n"], drive: Drive = None) -> Float[Array, " n"]:
        """Half log-odds of +1 at each site of the next state."""
        h = self.H + jnp.einsum("kij,kj->i", self.J, x[::-1].astype(self.J.dtype))
        return h if drive is None else h + drive

    def site_field(self, x: Shaped[Array, "lags n"], i: Index, drive: Drive = None) -> Float[Array, ""]:
        """`field(x, drive)[i]`, at the cost of one row a lag."""
        h = self.H[i] + numerics.ordered_sum((self.J[:, i] * x[::-1].astype(self.J.dtype)).reshape(-1))
        return h if drive is None else h + drive[i]

    def reverse_drive(self, drive: Drive) -> Drive:
        """The drive itself: a field of the step."""
        return drive

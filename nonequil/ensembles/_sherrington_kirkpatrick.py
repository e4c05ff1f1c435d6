"""The asymmetric Sherrington-Kirkpatrick ensemble."""

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Key

from .._checks import finite, nonnegative
from ..models import Ising
from ._base import AbstractEnsemble
from ._field_laws import AbstractFieldLaw, UniformFields


class SherringtonKirkpatrick(AbstractEnsemble):
    """Fully connected random couplings, J_ij and J_ji drawn independently.

    J_ij = beta (J0 / n + dJ g_ij / sqrt(n)), g_ij standard normal;  H_i = beta (H0 + dH u_i), u_i of the law `fields`
    (default: uniform on [-1, 1]). All five numbers are scalars; J0, dJ, H0, dH are in units of the temperature scale
    1 / beta. `self_coupling` keeps the diagonal of J (default: zero, right for every clock); `center_fields` takes
    the mean of the drawn u_i off, which removes a fluctuation of order n**(-1/2) that theories do not have.

    Raises ValueError (traced: a run-time error) for dJ, dH or beta below zero and for values that are not finite;
    ValueError for values that are not scalars.
    Source: Aguilera, Igarashi & Shimazaki, Nat. Commun. 14, 3685 (2023).

    ```python
    model = nq.SherringtonKirkpatrick(J0=0.0, dJ=1.0, H0=0.0, dH=0.2, beta=1.0).sample(jax.random.key(0), 64)
    ```
    """

    J0: Float[Array, ""] = eqx.field(converter=finite("J0"))
    dJ: Float[Array, ""] = eqx.field(converter=nonnegative("dJ"))
    H0: Float[Array, ""] = eqx.field(converter=finite("H0"), default=0.0)
    dH: Float[Array, ""] = eqx.field(converter=nonnegative("dH"), default=0.0)
    beta: Float[Array, ""] = eqx.field(converter=nonnegative("beta"), default=1.0)
    self_coupling: bool = eqx.field(static=True, default=False)
    center_fields: bool = eqx.field(static=True, default=False)
    fields: AbstractFieldLaw = UniformFields()

    def __check_init__(self) -> None:
        for name in ("J0", "dJ", "H0", "dH", "beta"):
            shape = jnp.shape(getattr(self, name))
            if shape != ():
                raise ValueError(
                    f"{name} has shape {shape}, not that of a scalar: use jax.vmap for many ensembles, "
                    "BlockSherringtonKirkpatrick for populations with parameters of their own"
                )

    def sample(self, key: Key[Array, ""], n: int) -> Ising:
        """One network of n spins; beta is folded into its couplings and fields."""
        return Ising(*_drawn(self, key, n))


@eqx.filter_jit
def _drawn(sk: SherringtonKirkpatrick, key: Key[Array, ""], n: int) -> tuple[Array, Array]:
    """Couplings and fields, in one program."""
    key_J, key_H = jr.split(key)
    J = sk.beta * (sk.J0 / n + sk.dJ / jnp.sqrt(n) * jr.normal(key_J, (n, n), sk.dJ.dtype))
    u = sk.fields.sample(key_H, n, sk.dH.dtype)
    u = u - jnp.mean(u) if sk.center_fields else u
    H = sk.beta * (sk.H0 + sk.dH * u)
    return J if sk.self_coupling else J * (1 - jnp.eye(n, dtype=J.dtype)), H

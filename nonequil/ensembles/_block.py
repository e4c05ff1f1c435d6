"""Populations of spins with random couplings whose strength depends on who sends and who receives."""

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int, Key

from .._checks import finite, nonnegative, require
from ..models import Ising
from ._base import AbstractEnsemble
from ._field_laws import AbstractFieldLaw, UniformFields


class BlockSherringtonKirkpatrick(AbstractEnsemble):
    """Fully connected random couplings among populations, J_ij and J_ji drawn independently.

    Spin i of population a, spin j of population b: J_ij = beta (J0[a, b] / n_b + dJ[a, b] g_ij / sqrt(n_b)), g_ij
    standard normal, n_b = fractions[b] n;  H_i = beta (H0[a] + dH[a] u_i), u_i of the law `fields`. `fractions` sum to
    one; row: receiving population. Populations lie one after the other, see `labels`.

    Raises ValueError (traced: a run-time error) for dJ, dH, beta below zero, fractions not above zero or not summing
    to one; ValueError for shapes that do not fit.

    ```python
    pair = nq.BlockSherringtonKirkpatrick(
        J0=[[2.0, -1.0], [1.5, 0.0]], dJ=[[0.5, 0.5], [0.3, 0.3]], H0=[0.0, 0.1], dH=[0.0, 0.0], fractions=[0.8, 0.2]
    )
    ```
    """

    J0: Float[Array, "p p"] = eqx.field(converter=finite("J0"))
    dJ: Float[Array, "p p"] = eqx.field(converter=nonnegative("dJ"))
    H0: Float[Array, " p"] = eqx.field(converter=finite("H0"))
    dH: Float[Array, " p"] = eqx.field(converter=nonnegative("dH"))
    fractions: Float[Array, " p"] = eqx.field(converter=nonnegative("fractions"))
    beta: Float[Array, ""] = eqx.field(converter=nonnegative("beta"), default=1.0)
    self_coupling: bool = eqx.field(static=True, default=False)
    fields: AbstractFieldLaw = UniformFields()

    def __check_init__(self) -> None:
        p = jnp.shape(self.fractions)[0]
        shapes = {"J0": (p, p), "dJ": (p, p), "H0": (p,), "dH": (p,), "beta": ()}
        for name, shape in shapes.items():
            if jnp.shape(getattr(self, name)) != shape:
                found = jnp.shape(getattr(self, name))
                raise ValueError(f"{name} has shape {found}: {p} fractions, so {p} populations, need {shape}")
        total = jnp.sum(self.fractions)
        require(total, jnp.abs(total - 1) < 1e-5, "fractions must sum to one: their sum")

    def labels(self, n: int) -> Int[Array, " n"]:
        """The population of each of n spins."""
        ends = jnp.cumsum(self.fractions)[:-1] * n
        return jnp.searchsorted(ends, jnp.arange(n, dtype=ends.dtype) + 0.5)

    def sample(self, key: Key[Array, ""], n: int) -> Ising:
        """One network of n spins; beta is folded into its couplings and fields."""
        return Ising(*_drawn(self, key, n))


@eqx.filter_jit
def _drawn(blocks: BlockSherringtonKirkpatrick, key: Key[Array, ""], n: int) -> tuple[Array, Array]:
    """Couplings and fields, in one program."""
    key_J, key_H = jr.split(key)
    at = blocks.labels(n)
    senders = blocks.fractions[at][None] * n
    mean, scale = blocks.J0[at][:, at] / senders, blocks.dJ[at][:, at] / jnp.sqrt(senders)
    J = blocks.beta * (mean + scale * jr.normal(key_J, (n, n), blocks.dJ.dtype))
    H = blocks.beta * (blocks.H0[at] + blocks.dH[at] * blocks.fields.sample(key_H, n, blocks.dH.dtype))
    return J if blocks.self_coupling else J * (1 - jnp.eye(n, dtype=J.dtype)), H

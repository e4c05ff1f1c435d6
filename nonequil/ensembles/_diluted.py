"""Random couplings on a sparse directed graph."""

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Key

from .._checks import nonnegative, require
from ..models import Ising
from ._base import AbstractEnsemble


class Diluted(AbstractEnsemble):
    """Random couplings on a random directed graph, without fields.

    J_ij = beta dJ g_ij / sqrt(k) with probability k / (n - 1), else 0; g_ij standard normal; k is the mean in-degree.
    `self_coupling` draws the diagonal like any other pair (default: zero).

    Raises ValueError (traced: a run-time error) for k, dJ or beta below zero; ValueError if k exceeds n - 1.
    Source: Aguilera, Ito & Kolchinsky, Phys. Rev. Lett. 136, 077101 (2026).
    """

    k: Float[Array, ""] = eqx.field(converter=nonnegative("k"))
    dJ: Float[Array, ""] = eqx.field(converter=nonnegative("dJ"), default=1.0)
    beta: Float[Array, ""] = eqx.field(converter=nonnegative("beta"), default=1.0)
    self_coupling: bool = eqx.field(static=True, default=False)

    def sample(self, key: Key[Array, ""], n: int) -> Ising:
        """One network of n spins; beta is folded into its couplings."""
        k = require(self.k, self.k <= n - 1, f"k must not exceed n - 1 = {n - 1}, the number of possible senders: k")
        return Ising(_drawn(eqx.tree_at(lambda d: d.k, self, k), key, n), jnp.zeros(n, k.dtype))


@eqx.filter_jit
def _drawn(diluted: Diluted, key: Key[Array, ""], n: int) -> Float[Array, "n n"]:
    """The couplings, in one program."""
    key_mask, key_J = jr.split(key)
    k = diluted.k
    linked = jr.uniform(key_mask, (n, n), k.dtype) < k / (n - 1)
    linked = linked if diluted.self_coupling else linked & ~jnp.eye(n, dtype=bool)
    scale = jnp.where(k > 0, diluted.beta * diluted.dJ / jnp.sqrt(jnp.where(k > 0, k, 1)), 0)
    return jnp.where(linked, scale * jr.normal(key_J, (n, n), k.dtype), 0)

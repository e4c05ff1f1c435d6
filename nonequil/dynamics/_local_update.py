"""Fields that are carried along while single spins flip."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key, Shaped

from .. import numerics
from .._types import Index
from ..models import Ising


class LocalUpdate(eqx.Module):
    """The fields of an Ising network under single flips: n additions a flip in place of fields computed anew."""

    model: Ising
    columns: Float[Array, "n n"]  # columns[j] = J[:, j], what a flip of spin j changes, in one stretch of memory

    def __init__(self, model: Ising) -> None:
        self.model = model
        self.columns = model.J.T

    def init(self, x: Shaped[Array, " n"]) -> Float[Array, " n"]:
        """Fields of a state."""
        return self.model.field(x)

    def flip(self, h: Float[Array, " n"], x: Shaped[Array, " n"], i: Index) -> Float[Array, " n"]:
        """Fields after spin i of `x` has changed sign."""
        return h - 2 * x[i].astype(h.dtype) * self.columns[i]


def sweep(
    local: LocalUpdate, x: Shaped[Array, " n"], attempts: Int[Array, " attempts"], *, key: Key[Array, ""]
) -> Shaped[Array, " n"]:
    """The state after the steps of `Sequential` numbered `attempts`: its random numbers, n additions a step.

    Fields start anew from `x`, so rounding adds up over one call only. A spin may differ from what single steps give
    where its field meets its random number to rounding.
    """
    n, dtype = x.shape[0], local.columns.dtype
    sites = jax.vmap(lambda index: numerics.integers(key, index, (), n))(attempts)
    u = jax.vmap(lambda index: numerics.uniforms(key, index, (), dtype))(attempts)
    thresholds = (jnp.log(u) - jnp.log1p(-u)) / 2  # u < sigmoid(2 h) where h is above

    def attempt(k: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        x, h = carry
        i = sites[k]
        redrawn = jnp.where(h[i] > thresholds[k], 1, -1).astype(x.dtype)
        return x.at[i].set(redrawn), jnp.where(redrawn == x[i], h, local.flip(h, x, i))

    return jax.lax.fori_loop(0, attempts.shape[0], attempt, (x, local.init(x)))[0]

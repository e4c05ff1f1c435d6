"""Fields that are carried along while single spins flip."""

import functools as ft

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int, Key, Shaped

from .. import numerics
from .._types import Index
from ..models import AbstractSpinModel, Ising


class LocalUpdate(eqx.Module):
    """The fields of an Ising network under single flips: n additions a flip in place of fields computed anew.

    Fields are carried as whole numbers, h_i = unit_i k_i, with the spin in the lowest bit: `h[i] = 2 k_i + (x_i > 0)`.
    Whole numbers add up without rounding, so carried fields never drift and do not depend on the order of the flips.
    What is rounded are the couplings, once, to a step of at most 2**-28 of |H_i| + sum_j |J_ij| (float64: 2**-60),
    which is finer than the rounding of a sum of n terms. Fields of rows whose sum is below 1e-29 count as zero.
    """

    columns: Int[Array, "n n"]  # columns[j]: what spin j adds when it turns up, in one stretch of memory
    down: Int[Array, " n"]  # h of the state with all spins down
    unit: Float[Array, " n"]

    def __init__(self, model: Ising) -> None:
        rows = jax.lax.stop_gradient(jnp.column_stack([model.J, model.H]))
        self.unit, whole = _whole_numbers(rows)
        J, H = whole[:, :-1], whole[:, -1]
        self.columns = 4 * J.T + jnp.eye(model.n, dtype=J.dtype)  # modulo 2**bits, like all sums: only h must fit
        self.down = 2 * (H - jnp.sum(J, axis=1, dtype=J.dtype))

    def init(self, x: Shaped[Array, "*chains n"]) -> Int[Array, "*chains n"]:
        """Carried fields of a state."""
        up = (x > 0).astype(self.columns.dtype) @ self.columns
        return jnp.broadcast_to(self.down, up.shape) + up

    def flip(self, h: Int[Array, " n"], x: Shaped[Array, " n"], i: Index) -> Int[Array, " n"]:
        """Carried fields after spin i of `x` has changed sign."""
        return h - x[i].astype(h.dtype) * self.columns[i]

    def field(self, h: Int[Array, " n"]) -> Float[Array, " n"]:
        """The fields that are carried, half log-odds of +1 at each site."""
        return (h >> 1).astype(self.unit.dtype) * self.unit

    def spins(self, h: Int[Array, "*chains n"], dtype: DTypeLike = jnp.int8) -> Shaped[Array, "*chains n"]:
        """The state whose fields are carried."""
        return (2 * (h & 1) - 1).astype(dtype)


@ft.singledispatch
def local_update(model: AbstractSpinModel) -> LocalUpdate | None:
    """How single flips change the fields of a model; None where its fields are to be computed anew."""
    return None


local_update.register(Ising, LocalUpdate)


def sweep(
    local: LocalUpdate, x: Shaped[Array, " n"], attempts: Int[Array, " attempts"], *, key: Key[Array, ""]
) -> Shaped[Array, " n"]:
    """The state of one chain after the steps of `Sequential` numbered `attempts`: n additions a step, for each flip.

    Its random numbers are those of the steps; a spin can differ from what single steps give only where its field meets
    its random number to rounding. For a chain alone: `attempts` takes many chains in less time each.
    """
    n, dtype = x.shape[0], local.unit.dtype
    sites = jax.vmap(lambda index: numerics.integers(key, index, (), n))(attempts)
    u = jax.vmap(lambda index: numerics.uniforms(key, index, (), dtype))(attempts)
    thresholds = (jnp.log(u) - jnp.log1p(-u)) / 2  # u < sigmoid(2 h) where h is above

    def attempt(k: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        x, h = carry
        i = sites[k]
        redrawn = jnp.where(local.field(h)[i] > thresholds[k], 1, -1).astype(x.dtype)
        return x.at[i].set(redrawn), jnp.where(redrawn == x[i], h, local.flip(h, x, i))

    return jax.lax.fori_loop(0, attempts.shape[0], attempt, (x, local.init(x)))[0]


def _whole_numbers(rows: Float[Array, "n columns"]) -> tuple[Float[Array, " n"], Int[Array, "n columns"]]:
    """A unit for each row, a power of two, and the row in it, whose magnitudes sum to less than 2**30 (2**62)."""
    double = rows.dtype == jnp.float64
    dtype, integer, bits = (jnp.float64, jnp.int64, 61) if double else (jnp.float32, jnp.int32, 29)
    largest = _power_of_two(jnp.max(jnp.abs(rows), axis=1).astype(dtype) / 2)
    scaled = rows.astype(dtype) / largest[:, None]
    total = _power_of_two(jnp.sum(jnp.abs(scaled), axis=1))
    whole = jnp.round(scaled * (2.0**bits / total)[:, None]).astype(integer)
    return (largest * (total * 2.0**-bits)).astype(rows.dtype), whole


def _power_of_two(x: Float[Array, " n"]) -> Float[Array, " n"]:
    """The nearest one, exactly; 1 for 0."""
    exponent = 11 if x.dtype == jnp.float64 else 8
    return jnp.where(x > 0, jax.lax.reduce_precision(x, exponent, 0), 1)

"""Sums in two words: counts of spins stay exact far beyond 2**24 in float32."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float

TERMS = 64  # most additions in a row


class Total(eqx.Module):
    """A running sum kept as `value = high + low`, exact for integers up to 2**47 in float32.

    Each addition keeps the rounding error of the high word in the low one (Knuth, TAOCP vol. 2, 4.2.2, theorem B),
    so sums of integers do not depend on the order or the size of the chunks they came in.
    """

    high: Float[Array, "..."]
    low: Float[Array, "..."]

    @classmethod
    def zeros(cls, shape: tuple[int, ...], dtype: DTypeLike | None = None) -> "Total":
        """A sum of nothing, in the default floating type unless told otherwise."""
        return cls(jnp.zeros(shape, dtype or float), jnp.zeros(shape, dtype or float))

    def add(self, x: Float[Array, "..."]) -> "Total":
        """The sum with `x` added."""
        total = self.high + x
        kept = total - self.high
        error = (self.high - (total - kept)) + (x - kept)
        low = self.low + error
        high = total + low  # renormalise: the low word stays below half a unit of the high one
        return Total(high, low - (high - total))

    @property
    def value(self) -> Float[Array, "..."]:
        """The sum, rounded once."""
        return self.high + self.low


def exact_parts(x: Float[Array, "terms *shape"], terms: int) -> Float[Array, "parts terms *shape"]:
    """`x` as a sum of parts, each so coarse that sums of up to `terms` of its values are exact, whatever their order.

    Values are rounded to a grid set by the largest of them (over the first axis), what is left over to a finer grid,
    and so on (Rump, Ogita & Oishi, SIAM J. Sci. Comput. 31, 189 (2008)): 2 parts in float64, 3 in float32 for 4096 of
    them.
    Sums of the parts, largest first, then agree bit for bit between batches and devices. Only the first part carries
    derivatives. Raises ValueError if there are too many terms for the type.
    """
    bits, room = jnp.finfo(x.dtype).nmant, max(1, (terms - 1).bit_length())
    if room > bits - 4:
        raise ValueError(f"terms = {terms}: too many for exact sums in {x.dtype}; use smaller chunks")
    largest = jax.lax.stop_gradient(jnp.max(jnp.abs(x), axis=0, keepdims=True, initial=0.0))
    exponent = jnp.frexp(largest)[1] + room
    parts = []
    for _ in range(-(-(bits + 1) // (bits - room))):
        grid = jnp.ldexp(jnp.asarray(1.5, x.dtype), exponent)
        parts.append((x + grid) - grid)
        x = x - parts[-1]
        exponent = exponent - (bits - room)
    return jnp.stack(parts)


def ordered_sum(x: Float[Array, "*shape n"]) -> Float[Array, "*shape"]:
    """Sum over the last axis in one order, written as additions: the same bits in every batch and on every device.

    A compiler may reorder a reduction or a matrix product, and does so differently for batches of different sizes.
    """
    n = x.shape[-1]
    while n > 1:
        lanes = -(-n // TERMS) if n > TERMS else (8 if n > 8 else 1)
        terms = -(-n // lanes)
        x = jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, terms * lanes - n)])
        total = x[..., :lanes]
        for k in range(1, terms):
            total = total + x[..., k * lanes : (k + 1) * lanes]
        x, n = total, lanes
    return x[..., 0]

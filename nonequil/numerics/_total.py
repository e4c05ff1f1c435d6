"""Sums in two words: counts of spins stay exact far beyond 2**24 in float32."""

import equinox as eqx
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float


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

"""The logarithm of probabilities that may vanish."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def extended_log(p: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """`log p`, -inf where p = 0, with derivatives that are zero there instead of NaN."""
    return jnp.where(p > 0, jnp.log(jnp.where(p > 0, p, 1)), -jnp.inf)

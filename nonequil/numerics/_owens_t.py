"""Owen's T function."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

NODES = 40  # of the Gauss-Legendre rule in the angle


def owens_t(h: Float[Array, "..."], x: Float[Array, "..."]) -> Float[Array, "..."]:
    """Owen's T function, T(h, x) = 1 / (2 pi) int_0^x exp(-h**2 (1 + t**2) / 2) / (1 + t**2) dt.

    The probability that a standard normal u exceeds h >= 0 while another one, v, lies between 0 and x u. `h` and `x`
    have one shape; every real value is allowed. To rounding, by Gauss-Legendre quadrature in arctan t below x = 1 and
    by reflection above. Derivatives of any order exist, in both arguments, forwards and in reverse.
    Source: Owen, Ann. Math. Statist. 27, 1075 (1956), eqs. 1.1 and 2.3.

    ```python
    nq.numerics.owens_t(jnp.array(0.5), jnp.array(0.8))
    ```
    """
    size = jnp.abs(x)
    steep = size > 1
    inverse = 1 / jnp.where(steep, size, 1)
    within = _quadrature(jnp.where(steep, h * size, h), jnp.where(steep, inverse, size))
    near, far = _upper(jnp.abs(h)), _upper(jnp.abs(h) * size)
    reflected = (near + far) / 2 - near * far - within
    return jnp.where(x < 0, -1, 1) * jnp.where(steep, reflected, within)


def _upper(h: Float[Array, "..."]) -> Float[Array, "..."]:
    """Probability that a standard normal exceeds h."""
    return jax.scipy.special.erfc(h / math.sqrt(2)) / 2


def _quadrature(h: Float[Array, "..."], x: Float[Array, "..."]) -> Float[Array, "..."]:
    u, weights = np.polynomial.legendre.leggauss(NODES)
    share = jnp.asarray((1 + u) / 2, x.dtype).reshape((1,) * x.ndim + (-1,))
    angle = jnp.arctan(x)
    values = jnp.exp(-((h[..., None] / jnp.cos(angle[..., None] * share)) ** 2) / 2)
    return angle * (values @ jnp.asarray(weights, x.dtype)) / (4 * np.pi)

"""Averages of a smooth step over a Gaussian variable, for any ratio of the step's width to the deviation."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ._trapezoid import Trapezoid

NARROW = Trapezoid(97)  # resolves slopes up to one
REACH, SPACING = 20.0, 0.2  # of the sum over the step's shape sech(y)**2 / 2, whose poles are pi / 2 off the real axis


def smooth_step(mean: Float[Array, ""], deviation: Float[Array, ""], width: Float[Array, ""]) -> Float[Array, ""]:
    """E tanh((mean + deviation z) / width) over a standard normal z, for all deviation, width >= 0 but both zero.

    Width zero is the sharp step, erf(mean / (sqrt(2) deviation)). A tanh is a sharp step at a random place of density
    sech(y)**2 / 2: where the deviation exceeds the width the sum runs over that place, elsewhere over z, and a fixed
    number of nodes is right to rounding for every ratio. Differentiable in all three.
    """
    return _average(jnp.tanh, lambda x: jax.scipy.special.erf(x / math.sqrt(2)), mean, deviation, width)[0]


def smooth_bell(mean: Float[Array, ""], deviation: Float[Array, ""], width: Float[Array, ""]) -> Float[Array, ""]:
    """The slope of `smooth_step` in the mean: E sech((mean + deviation z) / width)**2 / width.

    Width zero: 2 phi(mean / deviation) / deviation, phi the standard normal density. Differentiable in all three.
    """
    value, scale = _average(_sech_squared, lambda x: 2 * jax.scipy.stats.norm.pdf(x), mean, deviation, width)
    return value / scale


def smooth_modulus(mean: Float[Array, ""], deviation: Float[Array, ""], width: Float[Array, ""]) -> Float[Array, ""]:
    """The integral of `smooth_step` in the mean: E width ln 2 cosh((mean + deviation z) / width).

    Width zero: E |mean + deviation z|. Differentiable in all three.
    """
    sharp = lambda x: x * jax.scipy.special.erf(x / math.sqrt(2)) + 2 * jax.scipy.stats.norm.pdf(x)  # noqa: E731
    value, scale = _average(lambda x: jnp.logaddexp(x, -x), sharp, mean, deviation, width)
    return value * scale


def _sech_squared(x: Array) -> Array:
    return (1 - jnp.tanh(x)) * (1 + jnp.tanh(x))


def _average(
    smooth: Callable[[Array], Array], sharp: Callable[[Array], Array], mean: Array, deviation: Array, width: Array
) -> tuple[Array, Array]:
    """The average of `smooth` of the noisy argument, or of its sharp limit's; and the larger of the two scales."""
    noisy = deviation >= width
    scale = jnp.where(noisy, deviation, width)
    y = np.arange(0.0, REACH + SPACING / 2, SPACING)
    weights = SPACING / np.cosh(y) ** 2 / np.where(y == 0, 4, 2)
    shift = jnp.where(noisy, width, 0) * jnp.asarray(y, scale.dtype)
    places = (sharp((mean + shift) / scale) + sharp((mean - shift) / scale)) @ jnp.asarray(weights, scale.dtype)
    z, w = (jnp.asarray(table, scale.dtype) for table in NARROW.nodes_and_weights)
    return jnp.where(noisy, places, smooth((mean + jnp.where(noisy, 0, deviation) * z) / scale) @ w), scale

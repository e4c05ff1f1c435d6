"""Sums of powers, with derivatives that are sums of powers again."""

from functools import partial

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero
from jaxtyping import Array, Float


@jax.custom_jvp
def power_series(coefficients: Float[Array, " terms"], x: Float[Array, "..."]) -> Float[Array, "..."]:
    """sum_k coefficients_k x**k at each entry of `x`, by Horner's scheme.

    A change of the coefficients enters its derivative as a product with powers of x: the derivative of the scheme
    itself would be a far larger program.
    """
    return _horner(coefficients, x)


@partial(power_series.defjvp, symbolic_zeros=True)
def _power_series_jvp(primals: tuple, tangents: tuple) -> tuple[Array, Array]:
    (coefficients, x), (dc, dx) = primals, tangents
    if isinstance(dx, SymbolicZero):
        return power_series(coefficients, x), _powers(x, coefficients.shape[0]) @ dc
    value, slope = _with_slope(coefficients, x)
    return value, slope * dx if isinstance(dc, SymbolicZero) else slope * dx + _powers(x, coefficients.shape[0]) @ dc


@jax.custom_jvp
def _with_slope(coefficients: Float[Array, " terms"], x: Float[Array, "..."]) -> tuple[Array, Array]:
    """The series and its derivative in x, in one pass."""
    return jax.jvp(partial(_horner, coefficients), (x,), (jnp.ones_like(x),))


@_with_slope.defjvp
def _with_slope_jvp(primals: tuple, tangents: tuple) -> tuple[tuple, tuple]:
    (coefficients, x), (dc, dx) = primals, tangents
    value, slope = _with_slope(coefficients, x)
    _, bend = _with_slope(_derived(coefficients), x)
    powers = _powers(x, coefficients.shape[0])
    return (value, slope), (slope * dx + powers @ dc, bend * dx + powers[..., :-1] @ _derived(dc))


def _horner(coefficients: Float[Array, " terms"], x: Float[Array, "..."]) -> Float[Array, "..."]:
    return jnp.polyval(coefficients[::-1], x, unroll=16)


def _derived(coefficients: Float[Array, " terms"]) -> Float[Array, " fewer"]:
    return (jnp.arange(coefficients.shape[0], dtype=coefficients.dtype) * coefficients)[1:]


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _powers(x: Float[Array, "..."], terms: int) -> Float[Array, "... terms"]:
    return jax.vmap(lambda k: x**k, out_axes=-1)(jnp.arange(terms, dtype=x.dtype))


@_powers.defjvp
def _powers_jvp(terms: int, primals: tuple, tangents: tuple) -> tuple[Array, Array]:
    """By powers again, which at x = 0 the derivative of a power with a traced exponent is not."""
    powers, (dx,) = _powers(*primals, terms), tangents
    lower = jnp.roll(powers, 1, axis=-1) * dx[..., None]
    return powers, jax.vmap(jnp.multiply, (-1, 0), -1)(lower, jnp.arange(terms, dtype=dx.dtype))

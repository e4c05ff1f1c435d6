"""Products over correlated normal variables: Mehler's series against closed forms and plain sums."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate

from nonequil.numerics import HermiteSeries, Trapezoid


def parts(f, series):
    """Even and odd parts of a function at the nodes."""
    z = series.nodes
    return (f(z) + f(-z)) / 2, (f(z) - f(-z)) / 2


def test_coefficients_of_closed_form():
    series = HermiteSeries(40)
    a, b = (series.coefficients(*parts(f, series)) for f in (lambda z: jnp.exp(0.5 * z), lambda z: z**3))
    expected = [math.exp(0.125) * 0.5**k / math.sqrt(math.factorial(k)) for k in range(40)]
    np.testing.assert_allclose(a, expected, atol=1e-12)
    assert jnp.max(jnp.abs(b[4:])) < 1e-12
    np.testing.assert_allclose(b[:4], [0, 3, 0, math.sqrt(6)], atol=1e-12)  # x**3 = He_3 + 3 He_1
    assert HermiteSeries(39).coefficients(*parts(jnp.exp, series)).shape == (39,)


def test_the_orthant_probability():
    """E sign(x) sign(y) = (2 / pi) arcsin c, from the known coefficients of a sign reached by steep tanh."""
    series = HermiteSeries(512, Trapezoid(20_001, 12.0))
    a = series.coefficients(*parts(lambda z: jnp.tanh(400.0 * z), series))
    assert abs(jnp.polyval((a**2)[::-1], 0.6) - 2 / np.pi * np.arcsin(0.6)) < 1e-5


@pytest.mark.parametrize("c", [-0.9, 0.0, 0.3, 0.97])
def test_a_product_of_two_tanh(c):
    series = HermiteSeries()
    a, b = (series.coefficients(*parts(f, series)) for f in (left, right))
    assert abs(jnp.polyval((a * b)[::-1], c) - two(c)) < 1e-10


def left(z):
    return jnp.tanh(0.7 + 2 * z)


def right(z):
    return jnp.tanh(-0.2 + z)


def two(c):
    z, h = np.linspace(-9, 9, 1201, retstep=True)
    w = h * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    y = c * z[:, None] + np.sqrt(1 - c * c) * z
    return w @ (np.tanh(0.7 + 2 * z[:, None]) * np.tanh(-0.2 + y)) @ w


def test_the_mean_is_the_first_coefficient():
    series = HermiteSeries(8)
    even, odd = parts(lambda z: jnp.tanh(0.4 + z), series)
    assert abs(series.mean(even) - series.coefficients(even, odd)[0]) < 1e-15
    exact = scipy.integrate.quad(lambda z: math.tanh(0.4 + z) * math.exp(-z * z / 2) / math.sqrt(2 * math.pi), -12, 12)
    assert abs(series.mean(even) - exact[0]) < 1e-12


def test_high_orders_do_not_overflow_in_single_precision():
    series = HermiteSeries(2048, Trapezoid(1025, 12.0))
    odd = jnp.tanh(4 * series.nodes).astype(jnp.float32)
    a = jax.jit(series.coefficients)(jnp.zeros_like(odd), odd)
    assert a.dtype == jnp.float32
    assert jnp.all(jnp.isfinite(a))
    assert abs(jnp.sum(a**2) - series.mean(odd**2)) < 1e-5


def test_sizes_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="terms = 1"):
        HermiteSeries(1)
    with pytest.raises(ValueError, match=r"rule\.nodes = 64.*odd"):
        HermiteSeries(8, Trapezoid(64, 12.0))

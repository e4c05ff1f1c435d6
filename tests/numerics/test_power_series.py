"""Sums of powers and their derivatives, against NumPy's polynomials and automatic differentiation of plain products."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nonequil.numerics._power_series import power_series

C = np.array([0.3, -1.0, 0.5, 0.0, 2.0, -0.7])
X = np.array([-1.0, -0.4, 0.0, 0.3, 1.0])


def plain(c, x):
    """The same, power by power."""
    total = jnp.zeros_like(x)
    for k in range(c.shape[0] - 1, -1, -1):
        total = total * x + c[k]
    return total


@pytest.mark.parametrize("dtype, rtol", [(jnp.float64, 1e-14), (jnp.float32, 1e-5)])
def test_values_and_slopes_are_those_of_numpy(dtype, rtol):
    c, x = jnp.asarray(C, dtype), jnp.asarray(X, dtype)
    value, slope = jax.jvp(lambda x: power_series(c, x), (x,), (jnp.ones_like(x),))
    assert value.dtype == slope.dtype == dtype
    polynomial = np.polynomial.Polynomial(C)
    np.testing.assert_allclose(value, polynomial(X), rtol=rtol, atol=rtol)
    np.testing.assert_allclose(slope, polynomial.deriv()(X), rtol=rtol, atol=rtol)


@pytest.mark.parametrize("x", [-0.4, 0.0, 1.0])
def test_derivatives_to_third_order_in_both_arguments(x):
    found, expected, given = power_series, plain, (jnp.asarray(C), jnp.asarray(x))
    for derivative in (jax.jacfwd, jax.jacrev, jax.jacfwd):
        found, expected = derivative(found, (0, 1)), derivative(expected, (0, 1))
        pairs = zip(*(jax.tree.leaves(jax.jit(f)(*given)) for f in (found, expected)), strict=True)
        for a, b in pairs:
            np.testing.assert_allclose(a, b, atol=1e-12)

"""Even and odd parts of functions of a field, against the functions themselves, in both precisions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nonequil.meanfield._sk_parts import Deviations, tanh_parts

OFFSETS, B = np.array([-6.0, -0.4, 0.0, 1e-9, 0.3, 2.0, 11.0]), np.array([0.0, 1e-8, 0.2, 1.5, 9.0, 60.0])


@pytest.mark.parametrize("dtype, atol", [(jnp.float64, 1e-15), (jnp.float32, 3e-7)])
def test_parts_are_those_of_the_functions(dtype, atol):
    parts = tanh_parts(jnp.asarray(OFFSETS, dtype), Deviations.of(jnp.asarray(B, dtype)))
    plus, minus = OFFSETS[:, None] + B, OFFSETS[:, None] - B
    for name, f in {"even": np.tanh, "gain": gain, "log_partition": lambda x: np.logaddexp(x, -x)}.items():
        np.testing.assert_allclose(getattr(parts, name), (f(plus) + f(minus)) / 2, atol=atol, rtol=10 * atol)
    np.testing.assert_allclose(parts.odd, (np.tanh(plus) - np.tanh(minus)) / 2, atol=atol)


def gain(x):
    t = np.exp(-2 * np.abs(x))
    return 4 * t / (1 + t) ** 2


def derivatives(f):
    """The first three, in one program."""
    first, second = jax.jacfwd(f), jax.jacfwd(jax.jacfwd(f))
    return jax.jit(lambda g: (first(g), second(g), jax.jacfwd(second)(g)))


def test_derivatives_to_third_order_also_at_zero():
    b = Deviations.of(jnp.asarray([0.3, 2.0]))
    even = derivatives(lambda g: tanh_parts(g[None], b).even[0])
    direct = derivatives(lambda g: (jnp.tanh(g + b.b) + jnp.tanh(g - b.b)) / 2)
    for g in (0.0, 0.7, -0.7):
        for ours, plain in zip(even(jnp.asarray(g)), direct(jnp.asarray(g)), strict=True):
            np.testing.assert_allclose(ours, plain, atol=1e-13)

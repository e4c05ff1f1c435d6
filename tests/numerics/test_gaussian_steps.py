"""Owen's function and smooth steps against scipy, fine sums and their differential equations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from nonequil.numerics import owens_t, smooth_bell, smooth_step

Z = np.linspace(-9.5, 9.5, 200_001)
W = np.exp(-(Z**2) / 2) / np.sum(np.exp(-(Z**2) / 2))


def test_owens_function_against_scipy_everywhere():
    h, x = np.meshgrid(
        np.r_[np.linspace(-6, 6, 41), 0.02, 20.0], np.r_[np.linspace(-8, 8, 41), -1.0, 1.0, 1e-9, 1e-3, 50.0, 1e4]
    )
    np.testing.assert_allclose(owens_t(jnp.asarray(h), jnp.asarray(x)), scipy.special.owens_t(h, x), atol=3e-16, rtol=0)


def test_derivatives_of_owens_function_are_its_differential_equations():
    h, x = (jnp.asarray(a.ravel()) for a in np.meshgrid([-2.0, 0.0, 0.3, 3.0], [-3.0, -0.4, 0.0, 0.9, 1.1, 8.0]))
    by_h, by_x = jax.jit(jax.vmap(jax.grad(owens_t, (0, 1))))(h, x)
    slope = np.exp(-(h**2) * (1 + x**2) / 2) / (2 * np.pi * (1 + x**2))
    np.testing.assert_allclose(by_x, slope, atol=1e-15)
    fall = -np.exp(-(h**2) / 2) / np.sqrt(2 * np.pi) * scipy.special.erf(h * x / np.sqrt(2)) / 2
    np.testing.assert_allclose(by_h, fall, atol=1e-15)


@pytest.mark.parametrize("deviation", [0.0, 0.3, 0.999, 1.0, 1.001, 4.0, 60.0])
def test_steps_and_bells_against_fine_sums(deviation):
    means = jnp.array([-1.7, 0.0, 0.3])
    for f, exact in ((smooth_step, np.tanh), (smooth_bell, lambda x: 1 - np.tanh(x) ** 2)):
        found = BOTH[f](means / 5, deviation / 5, 0.2)
        scale = 1 if f is smooth_step else 0.2
        judge = np.array([np.sum(W * exact(mean + deviation * Z)) for mean in means])
        np.testing.assert_allclose(found * scale, judge, atol=1e-14)


BOTH = {f: jax.jit(jax.vmap(f, (0, None, None))) for f in (smooth_step, smooth_bell)}


def test_the_sharp_step_is_an_error_function_and_has_gradients():
    density = np.exp(-(0.6**2) / 2) / np.sqrt(2 * np.pi)
    value, slopes = jax.jit(jax.value_and_grad(smooth_step, (0, 1, 2)))(*jnp.array([0.3, 0.5, 0.0]))
    assert abs(value - scipy.special.erf(0.6 / np.sqrt(2))) < 1e-15
    np.testing.assert_allclose(slopes, [4 * density, -4 * density * 0.6, 0], atol=1e-15)

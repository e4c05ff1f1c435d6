"""Scalar fixed points against closed forms, the general seam and finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from nonequil import RESULTS
from nonequil.numerics import fixed_point, scalar_fixed_point


def sigmoid(m, given):
    J, h = given
    return jnp.tanh(J * m + h)


@jax.jit
@jax.vmap
def solved(J, h, start):
    return scalar_fixed_point(sigmoid, start, (J, h), bracket=(-1.0, 1.0), rising=J >= 0, throw=False)


def test_the_branch_is_that_of_plain_steps():
    cases = [(J, h, s) for J in (0.5, 1.2, 2.5) for h in (-0.2, 0.0, 0.1) for s in (-1.0, -0.3, 0.0, 0.05, 1.0)]
    J, h, start = jnp.array(cases).T
    found = solved(J, h, start)
    plain = jax.lax.fori_loop(0, 20_000, lambda _, m: jnp.tanh(J * m + h), start)
    assert jnp.all(found.result == RESULTS.successful)
    np.testing.assert_allclose(found.value, plain, atol=1e-14)
    np.testing.assert_allclose(found.spectral_radius, jnp.abs(J * (1 - found.value**2)), atol=1e-12)
    assert jnp.max(found.steps) < 60


def test_it_is_that_of_the_general_seam():
    one = scalar_fixed_point(sigmoid, 1.0, (jnp.array(1.4), jnp.array(0.0)), bracket=(-1.0, 1.0))
    other = fixed_point(sigmoid, jnp.array(1.0), (jnp.array(1.4), jnp.array(0.0)))
    assert abs(one.value - other.value) < 1e-15
    assert one.steps < other.steps


def test_the_omega_constant_of_a_falling_map():
    found = scalar_fixed_point(lambda x, _: jnp.exp(-x), 0.0, bracket=(0.0, 1.0), rising=False)
    assert abs(found.value - scipy.special.lambertw(1).real) < 1e-15


def test_falling_maps_that_plain_steps_leave():
    J, h = jnp.array([-2.0, -9.0, -60.0, -1e4]), jnp.array([0.3, 1.2, 5.0, 1.0])
    found = solved(J, h, jnp.ones(4))
    assert jnp.all(found.result == RESULTS.successful)
    np.testing.assert_allclose(found.value, jnp.tanh(J * found.value + h), atol=1e-13)


def test_gradients_in_arguments_and_closures():
    def value(J, h):
        return scalar_fixed_point(lambda m, J: jnp.tanh(J * m + h), 1.0, J, bracket=(-1.0, 1.0)).value

    J, h = 1.3, 0.1
    m = value(J, h)
    slope = J * (1 - m**2)
    expected = np.array([m, 1.0]) * (1 - m**2) / (1 - slope)
    np.testing.assert_allclose(jax.jit(jax.grad(value, (0, 1)))(J, h), expected, rtol=1e-12)
    np.testing.assert_allclose(jax.jit(jax.jacfwd(value, (0, 1)))(J, h), expected, rtol=1e-12)


def test_results_say_how_it_ended():
    marginal = solved(jnp.array([1.0]), jnp.array([0.0]), jnp.array([0.0])).result
    assert jnp.all(marginal == RESULTS.marginal)
    stopped = scalar_fixed_point(sigmoid, 1.0, (1.1, 0.0), bracket=(-1.0, 1.0), max_steps=3, throw=False)
    assert stopped.result == RESULTS.max_steps_reached
    broken = scalar_fixed_point(lambda x, _: jnp.nan * x, 1.0, bracket=(-1.0, 1.0), throw=False)
    assert broken.result == RESULTS.not_finite
    with pytest.raises(Exception, match="maximum number of steps"):
        scalar_fixed_point(sigmoid, 1.0, (1.1, 0.0), bracket=(-1.0, 1.0), max_steps=3)

"""Bracketed roots against scipy's Brent and finite differences."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from nonequil import RESULTS
from nonequil.numerics import root

CASES = {
    "cosine": (lambda x: jnp.cos(x) - x, np.cos, lambda x: np.cos(x) - x, (0.0, 2.0)),
    "flat": (lambda x: x**9, None, lambda x: x**9, (-1.0, 1.7)),
    "steep": (lambda x: jnp.expm1(50 * x) - 1, None, lambda x: np.expm1(50 * x) - 1, (-1.0, 2.0)),
    "saturated": (lambda x: jnp.tanh(200 * (x - 0.3)), None, lambda x: np.tanh(200 * (x - 0.3)), (-5.0, 9.0)),
    "reversed": (lambda x: x**3 - 2, None, lambda x: x**3 - 2, (4.0, -1.0)),
    "bent": (lambda x: jnp.arctan(x - 1e3), None, lambda x: np.arctan(x - 1e3), (0.0, 1e5)),
}


@pytest.mark.parametrize("f, _, judge, bracket", CASES.values(), ids=CASES)
def test_roots_against_brent(f, _, judge, bracket):
    found = root(lambda x, args: f(x), bracket)
    exact = scipy.optimize.brentq(judge, *sorted(bracket), xtol=1e-15, rtol=1e-15, maxiter=500)
    wide = max(map(abs, bracket))
    assert abs(found.value - exact) < (1e-13 * wide if judge(exact) == 0 or abs(exact) > 1e-6 else 1e-2)
    assert abs(judge(float(found.value))) <= 1e-11
    assert found.steps < 120


def test_newton_is_fast_where_it_can_be():
    assert root(lambda x, a: x**2 - a, (0.0, 2.0), jnp.asarray(2.0)).steps < 10


@pytest.mark.parametrize("bracket, value", [((0.0, 2.0), 0.0), ((-3.0, 0.0), 0.0), ((-1.0, 1.0), 0.0)])
def test_a_root_on_an_end_or_in_the_middle_is_found_at_once(bracket, value):
    found = root(lambda x, _: jnp.sinh(x), bracket)
    assert found.value == value
    assert found.steps == 0


def test_lanes_and_gradients_in_both_modes():
    def solve(V, g):
        return root(lambda m, args: jnp.tanh(args[1] - m * args[0]) - m, (-1.0, 1.0), (V, g)).value

    V, g = jnp.array([0.0, 0.5, 4.0, 16.0, 300.0]), jnp.array([0.3, -1.0, 2.0, 0.0, 5.0])
    m = jax.jit(jax.vmap(solve))(V, g)
    for k in range(5):
        exact = scipy.optimize.brentq(lambda x, k=k: np.tanh(g[k] - x * V[k]) - x, -1, 1, xtol=1e-15)
        assert abs(m[k] - exact) < 1e-13
    a = 1 - m**2
    for derivative in (jax.grad, jax.jacfwd):
        dV, dg = jax.jit(jax.vmap(derivative(solve, (0, 1))))(V, g)
        assert jnp.allclose(dV, -a * m / (1 + a * V), rtol=1e-11)
        assert jnp.allclose(dg, a / (1 + a * V), rtol=1e-11)


def test_second_derivatives_and_closures():
    slope = jax.jit(jax.grad(jax.grad(lambda a: root(lambda x, _: x**3 - a, (0.0, 4.0)).value)))
    assert abs(slope(2.0) + 2 / 9 * 2.0 ** (-5 / 3)) < 1e-13  # x = a**(1/3)


def test_the_bracket_has_no_gradient():
    assert jax.grad(lambda b: root(lambda x, _: x**3 - 2, (0.0, b)).value)(4.0) == 0


def test_results_tell_how_it_ended():
    def ended(f, bracket, **options):
        return root(lambda x, _: f(x), bracket, throw=False, **options)

    assert ended(lambda x: x**2 + 1, (-1.0, 2.0)).result == RESULTS.no_bracket
    assert ended(lambda x: x**2 + 1, (-1.0, 2.0)).value == -1  # the end with the smaller |f|
    assert ended(lambda x: 1 / x, (-1.0, 2.0)).result == RESULTS.no_bracket  # a pole is not a root
    assert ended(jnp.log, (-1.0, 2.0)).result == RESULTS.not_finite
    assert ended(lambda x: jnp.where(x > 0.2, jnp.nan, x), (-1.0, 1.7)).result == RESULTS.not_finite
    assert ended(lambda x: x**9, (-1.0, 1.7), max_steps=3).result == RESULTS.max_steps_reached
    lanes = jax.vmap(lambda c: ended(lambda x: x**2 - c, (0.0, 2.0)).result == RESULTS.successful)
    assert lanes(jnp.array([1.0, 9.0])).tolist() == [True, False]


def test_throw_raises_the_sentence():
    with pytest.raises(eqx.EquinoxRuntimeError, match="do not bracket a root"):
        jax.block_until_ready(root(lambda x, _: x**2 + 1, (-1.0, 2.0)).value)


def test_float32_and_bad_functions():
    found = root(lambda x, a: x**2 - a, (jnp.float32(0), jnp.float32(2)), jnp.float32(2))
    assert found.value.dtype == jnp.float32
    assert abs(float(found.value) - 2**0.5) < 3e-7
    with pytest.raises(ValueError, match="f must be a scalar function"):
        root(lambda x, _: jnp.stack([x, x]), (0.0, 1.0))

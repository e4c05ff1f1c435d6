"""Gaussian averages against closed forms, adaptive quadrature and finite differences."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.special

import nonequil as nq
from nonequil.numerics import Hermite, Trapezoid

RULES = {"trapezoid": Trapezoid(), "hermite": Hermite(40)}
both = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


def adaptive(f, mean, variance):
    """E f by scipy's adaptive quadrature."""

    def integrand(z):
        return math.exp(-z * z / 2) / math.sqrt(2 * math.pi) * f(mean + math.sqrt(variance) * z)

    return scipy.integrate.quad(integrand, -12, 12, epsabs=1e-13, epsrel=1e-13, limit=500)[0]


@both
def test_the_first_moments_are_exact(rule):
    z, w = rule.nodes_and_weights
    for power, moment in enumerate([1, 0, 1, 0, 3, 0, 15, 0, 105]):
        assert abs(np.sum(w * z**power) - moment) < 1e-12 * max(moment, 1) + rule.lost * np.max(z) ** power


@both
def test_closed_forms(rule):
    mean, variance = jnp.array([0.3, -1.2]), jnp.array([0.5, 0.09])
    value = rule.mean(lambda x: {"exp": jnp.exp(x), "cos": jnp.cos(x), "cube": x**3}, mean, variance)
    assert jnp.allclose(value["exp"], jnp.exp(mean + variance / 2), rtol=1e-12)
    assert jnp.allclose(value["cos"], jnp.cos(mean) * jnp.exp(-variance / 2), rtol=1e-12)
    assert jnp.allclose(value["cube"], mean**3 + 3 * mean * variance, rtol=1e-12)


@pytest.mark.parametrize("mean", [0.0, 0.4, 2.0])
@pytest.mark.parametrize("variance", [0.0, 1e-13, 0.1, 1.0, 9.0])
def test_averages_of_tanh_against_adaptive_quadrature(mean, variance):
    rule = Trapezoid()
    assert abs(rule.mean(jnp.tanh, mean, variance) - adaptive(math.tanh, mean, variance)) < 1e-12
    square = rule.mean(lambda x: 1 - jnp.tanh(x) ** 2, mean, variance)
    assert abs(square - adaptive(lambda x: 1 - math.tanh(x) ** 2, mean, variance)) < 1e-12


def test_a_logistic_average_of_large_variance_tends_to_the_probit():
    value = Trapezoid(4001).mean(jnp.tanh, 30.0, 60.0**2)
    assert abs(value - scipy.special.erf(30 / 60 / math.sqrt(2))) < 1e-3


@both
@pytest.mark.parametrize("variance", [0.3, 1e-4])
def test_gradients_against_finite_differences(rule, variance):
    @jax.jit
    def average(mean, variance, gain):
        return rule.mean(lambda x: jnp.tanh(gain * x), mean, variance)

    at, step = (0.4, variance, 0.8), 1e-3 * variance**0.5
    for argument in range(3):
        slope = jax.grad(average, argument)
        for order, gradient in ((1, jax.jit(slope)), (2, jax.jit(jax.grad(slope, argument)))):
            h = step if argument != 1 else 1e-2 * variance
            shift = lambda k: average(*(x + k * h * (i == argument) for i, x in enumerate(at)))  # noqa: E731
            first = (shift(-2) - 8 * shift(-1) + 8 * shift(1) - shift(2)) / (12 * h)
            second = (-shift(-2) + 16 * shift(-1) - 30 * shift(0) + 16 * shift(1) - shift(2)) / (12 * h * h)
            rounding = 1e-15 / h**order
            expected = first if order == 1 else second
            assert abs(gradient(*at) - expected) < 1e-7 * abs(expected) + 40 * rounding


@both
def test_derivatives_at_variance_zero_are_those_of_the_heat_equation(rule):
    @jax.jit
    def average(mean, variance):
        return rule.mean(jnp.tanh, mean, variance)

    second = jax.grad(jax.grad(jnp.tanh))
    fourth = jax.grad(jax.grad(second))
    assert average(0.7, 0.0) == jnp.tanh(0.7)
    assert jnp.allclose(jax.grad(average, 1)(0.7, 0.0), second(0.7) / 2, rtol=1e-13)
    assert jnp.allclose(jax.grad(jax.grad(average, 1), 1)(0.7, 0.0), fourth(0.7) / 4, rtol=1e-13)
    assert jnp.allclose(jax.grad(jax.grad(average, 1), 0)(0.7, 0.0), jax.grad(second)(0.7) / 2, rtol=1e-13)
    assert jnp.allclose(jax.jacfwd(average, 1)(0.7, 0.0), second(0.7) / 2, rtol=1e-13)
    mixed = jax.vmap(jax.grad(average, 1))(jnp.full(3, 0.7), jnp.array([0.0, 1e-11, 1e-2]))
    assert jnp.all(jnp.isfinite(mixed))
    assert jnp.allclose(mixed[:2], second(0.7) / 2, rtol=1e-8)


def test_the_series_meets_the_sum_where_it_ends():
    rule, edge = Trapezoid(), float(jnp.finfo(float).eps) ** 0.75
    below, above = (rule.mean(jnp.tanh, 0.7, edge * (1 + t)) for t in (-1e-6, 1e-6))
    assert abs(below - above) < 1e-15
    slopes = [jax.grad(lambda v: rule.mean(jnp.tanh, 0.7, v))(edge * (1 + t)) for t in (-1e-6, 1e-6)]
    assert abs(slopes[0] - slopes[1]) < 1e-8


def test_a_negative_variance_is_not_repaired():
    assert jnp.isnan(Trapezoid().mean(jnp.tanh, 0.3, -0.1))
    assert jnp.allclose(Trapezoid().mean(jnp.tanh, 0.3, -1e-17), jnp.tanh(0.3))


def test_float32_averages_keep_their_type():
    mean, variance = jnp.float32(0.3), jnp.float32(1.0)
    value, slope = jax.value_and_grad(lambda v: Trapezoid().mean(jnp.tanh, mean, v))(variance)
    assert value.dtype == slope.dtype == jnp.float32
    assert abs(float(value) - adaptive(math.tanh, float(mean), 1.0)) < 1e-6
    assert jnp.isfinite(jax.grad(lambda v: Trapezoid().mean(jnp.tanh, mean, v))(jnp.float32(0)))


SLOPES = (0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 16.0)
COARSE = {str(rule): rule for rule in (*map(Trapezoid, (9, 17, 33, 65, 129, 257)), *map(Hermite, (20, 50, 100)))}


def worst(rule, slope):
    """Largest error of E tanh(g + slope z) over offsets g, against a rule fifty times finer."""
    g, variance = jnp.linspace(0, 2, 41), jnp.full(41, slope**2)
    exact = Trapezoid(12_801, 12.0).mean(jnp.tanh, g, variance)
    return float(jnp.max(jnp.abs(rule.mean(jnp.tanh, g, variance) - exact)))


@pytest.mark.parametrize("rule", COARSE.values(), ids=COARSE)
def test_the_error_bound_holds_and_is_sharp(rule):
    for slope in SLOPES:
        error, bound = worst(rule, slope), float(rule.error(slope))
        assert error < 1.05 * bound + 2e-15
        if 1e-13 < bound < 1e-2 and slope >= 1:
            assert bound < 1.5 * error


def test_the_reference_rule_agrees_with_adaptive_quadrature():
    assert abs(Trapezoid(12_801, 12.0).mean(jnp.tanh, 0.7, 64.0) - adaptive(math.tanh, 0.7, 64.0)) < 1e-12


def test_what_a_narrow_rule_cuts_off_is_in_its_bound():
    narrow = Trapezoid(257, 3.0)
    error = worst(narrow, 1.0)
    assert 1e-4 < error < float(narrow.error(1.0)) < 20 * error


def test_a_coarse_rule_is_flagged_for_traced_slopes():
    check = jax.jit(lambda s: Trapezoid(65).check(s))
    assert check(jnp.array(1.0)) == nq.RESULTS.successful
    assert check(jnp.array(2.0)) == nq.RESULTS.quadrature_too_coarse
    assert check(jnp.array([0.5, 2.0])) == nq.RESULTS.quadrature_too_coarse  # any entry counts
    assert check(jnp.array(jnp.nan)) == nq.RESULTS.quadrature_too_coarse
    assert check(jnp.array(0.0)) == nq.RESULTS.successful
    assert Trapezoid().check(4.0, tolerance=1e-14) == nq.RESULTS.successful
    assert jax.vmap(lambda s: Trapezoid(65).check(s) == nq.RESULTS.successful)(jnp.array([1.0, 2.0])).tolist() == [
        True,
        False,
    ]


@pytest.mark.parametrize(
    "build, words",
    [
        (lambda: Trapezoid(2), "nodes = 2"),
        (lambda: Trapezoid(33, -1.0), "width = -1.0"),
        (lambda: Hermite(0), "degree = 0"),
        (lambda: Hermite(400), "degree = 400"),
    ],
)
def test_bad_rules_are_refused(build, words):
    with pytest.raises(ValueError, match=words):
        build()

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
    value = jax.jit(lambda *at: rule.mean(lambda x: {"exp": jnp.exp(x), "cos": jnp.cos(x), "cube": x**3}, *at))(
        mean, variance
    )
    assert jnp.allclose(value["exp"], jnp.exp(mean + variance / 2), rtol=1e-12)
    assert jnp.allclose(value["cos"], jnp.cos(mean) * jnp.exp(-variance / 2), rtol=1e-12)
    assert jnp.allclose(value["cube"], mean**3 + 3 * mean * variance, rtol=1e-12)


def test_averages_of_tanh_against_adaptive_quadrature():
    grid = [(m, v) for m in (0.0, 0.4, 2.0) for v in (0.0, 1e-13, 0.1, 1.0, 9.0)]
    mean, variance = jnp.array(grid).T
    both = jax.jit(lambda m, v: Trapezoid().mean(lambda x: (jnp.tanh(x), 1 - jnp.tanh(x) ** 2), m, v))(mean, variance)
    for k, (m, v) in enumerate(grid):
        assert abs(both[0][k] - adaptive(math.tanh, m, v)) < 1e-12
        assert abs(both[1][k] - adaptive(lambda x: 1 - math.tanh(x) ** 2, m, v)) < 1e-12


def test_a_logistic_average_of_large_variance_tends_to_the_probit():
    value = Trapezoid(4001).mean(jnp.tanh, 30.0, 60.0**2)
    assert abs(value - scipy.special.erf(30 / 60 / math.sqrt(2))) < 1e-3


def average(rule, mean, variance, gain=1.0):
    return rule.mean(lambda x: jnp.tanh(gain * x), mean, variance)


def test_derivatives_against_finite_differences():
    rule = Trapezoid(129)
    curve = jax.jit(lambda *at: average(rule, *at))
    slopes = jax.jit(jax.grad(lambda *at: average(rule, *at), (0, 1, 2)))
    curvatures = jax.jit(jax.hessian(lambda *at: average(rule, *at), (0, 1, 2)))
    for variance in (0.3, 1e-4):
        at = (0.4, variance, 0.8)
        for i in range(3):
            h = 1e-2 * variance if i == 1 else 1e-3 * variance**0.5
            f = [float(curve(*(x + k * h * (i == j) for j, x in enumerate(at)))) for k in (-2, -1, 0, 1, 2)]
            first = (f[0] - 8 * f[1] + 8 * f[3] - f[4]) / (12 * h)
            second = (-f[0] + 16 * f[1] - 30 * f[2] + 16 * f[3] - f[4]) / (12 * h * h)
            assert abs(slopes(*at)[i] - first) < 1e-7 * abs(first) + 4e-14 / h
            assert abs(curvatures(*at)[i][i] - second) < 1e-7 * abs(second) + 4e-14 / h**2


def test_derivatives_at_variance_zero_are_those_of_the_heat_equation():
    rule = Hermite(20)
    second = jax.grad(jax.grad(jnp.tanh))
    third = jax.grad(second)
    fourth = jax.grad(third)
    slopes = jax.jit(jax.vmap(jax.grad(lambda v: average(rule, 0.7, v))))(jnp.array([0.0, 1e-11]))
    hessian = jax.jit(jax.hessian(lambda m, v: average(rule, m, v), (0, 1)))(0.7, 0.0)
    assert jnp.allclose(slopes[0], second(0.7) / 2, rtol=1e-13)
    assert jnp.allclose(slopes[1], second(0.7) / 2, rtol=1e-8)
    assert jnp.allclose(hessian[0][1], third(0.7) / 2, rtol=1e-13)
    assert jnp.allclose(hessian[1][0], third(0.7) / 2, rtol=1e-13)
    assert jnp.allclose(hessian[1][1], fourth(0.7) / 4, rtol=1e-13)


def test_the_series_meets_the_sum_where_it_ends():
    edge = float(jnp.finfo(float).eps) ** 0.75
    both_sides = jax.jit(jax.vmap(jax.value_and_grad(lambda v: average(Trapezoid(), 0.7, v))))
    value, slope = both_sides(edge * (1 + jnp.array([-1e-6, 1e-6])))
    assert abs(value[0] - value[1]) < 1e-15
    assert abs(slope[0] - slope[1]) < 1e-8


def test_a_negative_variance_is_not_repaired():
    assert jnp.isnan(Trapezoid().mean(jnp.tanh, 0.3, -0.1))
    assert jnp.allclose(Trapezoid().mean(jnp.tanh, 0.3, -1e-17), jnp.tanh(0.3))


def test_float32_averages_keep_their_type():
    mean, variance = jnp.float32(0.3), jnp.float32(1.0)
    both_ways = jax.jit(jax.value_and_grad(lambda v: Trapezoid().mean(jnp.tanh, mean, v)))
    value, slope = both_ways(variance)
    assert value.dtype == slope.dtype == jnp.float32
    assert abs(float(value) - adaptive(math.tanh, float(mean), 1.0)) < 1e-6
    assert jnp.isfinite(both_ways(jnp.float32(0))[1])


SLOPES = (0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 16.0)
COARSE = {str(rule): rule for rule in (*map(Trapezoid, (9, 17, 33, 65, 129, 257)), *map(Hermite, (20, 50, 100)))}


FINE = Trapezoid(12_801, 12.0)


def on_grid(rule):
    """E tanh(g + slope z), (slopes, offsets g)."""
    g, variance = jnp.meshgrid(jnp.linspace(0, 2, 41), jnp.array(SLOPES) ** 2)
    return np.asarray(jax.jit(lambda m, v: average(rule, m, v))(g, variance))


@pytest.fixture(scope="module")
def exact():
    return on_grid(FINE)


@pytest.mark.parametrize("rule", COARSE.values(), ids=COARSE)
def test_the_error_bound_holds_and_is_sharp(rule, exact):
    errors = np.max(np.abs(on_grid(rule) - exact), axis=1)
    bounds = np.asarray(rule.error(jnp.array(SLOPES)))
    assert np.all(errors < 1.05 * bounds + 2e-15)
    tested = (bounds > 1e-13) & (bounds < 1e-2) & (np.array(SLOPES) >= 1)
    assert np.all(bounds[tested] < 1.5 * errors[tested])


def test_the_reference_rule_agrees_with_adaptive_quadrature():
    assert abs(average(FINE, 0.7, 64.0) - adaptive(math.tanh, 0.7, 64.0)) < 1e-12


def test_what_a_narrow_rule_cuts_off_is_in_its_bound(exact):
    narrow = Trapezoid(257, 3.0)
    error = np.max(np.abs(on_grid(narrow) - exact)[SLOPES.index(1.0)])
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

"""Cycles, their multipliers and where they lose their stability, against closed forms and NumPy's polynomials."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from nonequil import RESULTS
from nonequil.numerics import maps


class Logistic(eqx.Module):
    r: jax.Array

    def __call__(self, x):
        return self.r * x * (1 - x)


def henon(x):
    return jnp.stack([1 - 1.4 * x[0] ** 2 + x[1], 0.3 * x[0]])


def forced(x):
    """A map with a clock of three phases, pulled to another value in each."""
    x, phase = x
    return 0.5 * jnp.tanh(x) + jnp.array([1.0, -1.0, 0.3])[phase], (phase + 1) % 3


def test_a_two_cycle_in_closed_form():
    r = jnp.array([3.2, 3.4, 3.8])
    cycles = jax.vmap(lambda r: maps.periodic_orbit(Logistic(r), 0.5, 2))(r)
    half = jnp.sqrt((r - 3) * (r + 1))
    exact = jnp.stack([r + 1 - half, r + 1 + half], axis=1) / (2 * r)[:, None]
    assert np.allclose(np.sort(cycles.states, axis=1), exact, atol=1e-14)
    assert np.allclose(cycles.multipliers[:, 0].real, 4 + 2 * r - r**2, atol=1e-12)
    assert cycles.stable.tolist() == [True, True, False]
    assert np.all(cycles.result == RESULTS.successful)
    assert np.all(cycles.residual < 1e-14)


def test_unstable_cycles_of_full_chaos():
    """At r = 4 cycles of three steps are sin^2(pi k / 7) and sin^2(pi k / 9), with multipliers 8 and -8."""
    for denominator, multiplier in ((7, 8), (9, -8)):
        start = np.sin(np.pi / denominator) ** 2
        cycle = maps.periodic_orbit(Logistic(jnp.asarray(4.0)), start + 1e-3, 3)
        assert np.allclose(cycle.states, np.sin(np.pi * np.array([1.0, 2.0, 4.0]) / denominator) ** 2, atol=1e-13)
        assert abs(cycle.multipliers[0] - multiplier) < 1e-11
        assert cycle.least_period == 3


def test_a_saddle_and_its_multipliers():
    x = (np.sqrt(0.49 + 5.6) - 0.7) / 2.8
    cycle = maps.periodic_orbit(henon, jnp.array([0.6, 0.2]), 1)
    assert np.allclose(cycle.states[0], np.array([x, 0.3 * x]), atol=1e-15)
    exact = np.roots([1, 2.8 * x, -0.3])
    assert np.allclose(np.sort(cycle.multipliers.real), np.sort(exact), atol=1e-13)
    assert np.abs(cycle.multipliers[0]) > 1 > np.abs(cycle.multipliers[1])  # largest first
    assert not cycle.stable
    assert np.allclose(maps.floquet(henon, cycle.states[0], 1), cycle.multipliers, atol=1e-13)


def test_a_forced_cycle_keeps_its_clock_and_may_be_taken_twice():
    x = 0.0
    for step in range(300):
        x = 0.5 * np.tanh(x) + (1.0, -1.0, 0.3)[step % 3]
    cycle = maps.periodic_orbit(forced, (jnp.asarray(0.0), jnp.asarray(0)), 6)
    states, phases = cycle.states
    assert abs(states[0] - x) < 1e-14
    assert phases.tolist() == [0, 1, 2, 0, 1, 2]
    assert cycle.least_period == 3
    slopes = np.prod(0.5 * (1 - np.tanh(np.asarray(states)) ** 2))
    assert np.allclose(cycle.multipliers, [slopes], rtol=1e-12)  # the clock has no multiplier


def test_a_clock_that_does_not_come_back_is_refused():
    start = jnp.asarray(0.0), jnp.asarray(0)
    with pytest.raises(ValueError, match="period = 2: the leaves of x0 that are not floating"):
        maps.periodic_orbit(forced, start, 2)
    with pytest.raises(eqx.EquinoxRuntimeError, match="do not come back"):
        jax.block_until_ready(eqx.filter_jit(lambda x: maps.periodic_orbit(forced, x, 2).states[0])(start))


@pytest.mark.parametrize(
    "f, x0, result, words",
    [
        (lambda x: x + 1, 0.5, RESULTS.max_steps_reached, "maximum number of steps"),
        (lambda x: x + x**2 + 1e-3, 0.5, RESULTS.max_steps_reached, "maximum number of steps"),
        (lambda x: x / 0, 0.5, RESULTS.not_finite, "infinite or not a number"),
        (lambda x: jnp.sin(x), 0.0, RESULTS.marginal, "marginally stable"),
    ],
    ids=["drift", "after a fold", "infinite", "marginal"],
)
def test_results_tell_how_it_ended(f, x0, result, words):
    cycle = maps.periodic_orbit(f, x0, 1, throw=False)
    assert cycle.result == result
    assert not cycle.stable
    with pytest.raises(eqx.EquinoxRuntimeError, match=words):
        jax.block_until_ready(maps.periodic_orbit(f, x0, 1).states)


def test_derivatives_of_a_cycle_in_closed_form():
    def parts(r):
        cycle = maps.periodic_orbit(Logistic(r), 0.8, 2)
        return jnp.stack([cycle.states[0], cycle.multipliers[0].real])

    r = 3.3
    half = np.sqrt((r - 3) * (r + 1))
    value = (1 + (r - 1) / half) / (2 * r) - (r + 1 + half) / (2 * r**2)
    assert np.allclose(jax.jacfwd(parts)(r), [value, 2 - 2 * r], rtol=1e-12)


def test_a_flip_with_its_gradient():
    def critical(scale):
        return maps.critical_value(lambda r: Logistic(scale * r), 0.5, (3.2, 3.6), period=2).value

    value, slope = jax.value_and_grad(critical)(1.0)
    assert abs(value - (1 + 6**0.5)) < 1e-13
    assert abs(slope + value) < 1e-11  # scale * r is what matters


def test_a_complex_pair_of_a_delayed_map():
    """x_t = tanh of b C mean of the last L: lambda^L = (b mu / L)(lambda^(L-1) + ... + 1), mu an eigenvalue of C."""
    window = 4
    C = np.array([[0.5377954, -0.7135415], [0.7135415, 0.5377954]])
    mu = complex(C[0, 0], C[1, 0])

    def growth(b):
        return np.max(np.abs(np.roots([1.0, *[-b * mu / window] * window]))) - 1

    judged = scipy.optimize.brentq(growth, 0.5, 2.5, xtol=1e-14)

    def critical(C):
        def family(b):
            return lambda x: jnp.concatenate([jnp.tanh(b * C @ jnp.mean(x, axis=0))[None], x[:-1]])

        return maps.critical_value(family, jnp.zeros((window, 2)), (0.8, 1.9)).value

    value, slope = jax.value_and_grad(critical)(jnp.asarray(C))
    assert abs(value - judged) < 1e-12
    assert abs(np.sum(slope * C) + value) < 1e-10  # b C is what matters, whatever multipliers of zero are defective


def test_no_critical_value_without_a_cycle_or_a_change():
    ended = lambda bracket: maps.critical_value(Logistic, 0.5, bracket, period=2, throw=False)  # noqa: E731
    assert ended((3.2, 3.3)).result == RESULTS.no_bracket
    folded = maps.critical_value(lambda r: lambda x: r + x**2, 0.4, (0.1, 0.3), throw=False)
    assert folded.result == RESULTS.not_finite


def test_bad_periods_are_refused():
    for call in (maps.periodic_orbit, maps.floquet):
        with pytest.raises(ValueError, match="period = 0: take at least 1"):
            call(henon, jnp.zeros(2), 0)


def test_the_period_of_van_der_pol():
    """Published: 6.66328685932 at mu = 1; its other multiplier is exp of the mean divergence mu (1 - x**2)."""
    drift = lambda x: jnp.array([x[1], (1 - x[0] ** 2) * x[1] - x[0]])  # noqa: E731
    find = jax.jit(lambda x0: maps.flow_cycle(drift, x0, transient=50.0, longest=10.0, steps=1024))
    cycle = find(jnp.array([1.0, 0.0]))
    assert jnp.isclose(cycle.period, 6.66328685932, atol=1e-7)
    assert abs(cycle.multipliers[0] - 1) < 1e-9
    divergence = jnp.mean(1 - cycle.states[:, 0] ** 2) * cycle.period
    assert jnp.isclose(cycle.multipliers[1].real, jnp.exp(divergence), rtol=1e-6)
    assert cycle.stable
    assert jnp.isclose(jnp.max(cycle.states[:, 0]), 2.00861986, atol=1e-4)

"""Continuous time: waiting times, time-dependent fields by thinning, and the same rate of entropy as attempts."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
import scipy.integrate
import scipy.stats
from drawn import network

import nonequil as nq
from nonequil import numerics

N = 3
MODEL = network(N, 3, dJ=1.2, H0=0.1, dH=0.4)
SPINS = jnp.array([1, -1, 1], jnp.int8)


def rates(spins, h, rate=1.0):
    """Glauber's rates, written out: (rate / 2) (1 - x_i tanh h_i)."""
    return rate / 2 * (1 - spins * np.tanh(h))


def test_waiting_times_are_exponential():
    """Holds drawn by `hold` and on arrival by `step`, times the total rate of the state held, against Exp(1)."""
    dynamics = nq.ContinuousTime(MODEL, rate=1.7)
    keys = numerics.chain_keys(jr.key(0), 50_000)
    first = jax.jit(jax.vmap(lambda key: dynamics.hold(SPINS, key=key)))(keys)
    after = jax.jit(jax.vmap(lambda x, key: dynamics.step(x, 0, key=key)))(first, keys)
    for spins, held in (first, after):
        total = rates(np.asarray(spins), np.asarray(jax.vmap(MODEL.field)(spins)), 1.7).sum(axis=1)
        assert scipy.stats.kstest(np.asarray(held) * total, "expon").pvalue > 1e-3
    assert abs(np.corrcoef(first[1], after[1])[0, 1]) < 4 / np.sqrt(50_000)


def test_the_density_of_a_hold_integrates_to_one():
    dynamics = nq.ContinuousTime(MODEL, rate=0.8)
    held = jnp.linspace(0, 60, 60_001)
    states, _ = dynamics.outcomes((SPINS, jnp.ones(())))
    to = jax.jit(jax.vmap(lambda s, t: jnp.exp(dynamics.log_prob((SPINS, jnp.ones(())), (s, t))), in_axes=(None, 0)))
    density = sum(to(s, held) for s in states[0])
    assert np.isclose(scipy.integrate.simpson(density, x=held), 1, atol=1e-9)


def test_the_density_of_a_thinned_attempt_integrates_to_one():
    protocol = lambda t: jnp.sin(3 * t) * jnp.array([1.0, 0.5, -2.0])  # noqa: E731
    dynamics = nq.Thinning(MODEL, protocol, rate=1.3)
    later = 0.7 + jnp.linspace(0, 12, 40_001)
    outcomes = [SPINS, *jnp.where(jnp.eye(N, dtype=bool), -SPINS[None], SPINS[None])]
    to = jax.jit(jax.vmap(lambda s, t: jnp.exp(dynamics.log_prob((SPINS, jnp.array(0.7)), (s, t))), in_axes=(None, 0)))
    density = sum(to(s, later) for s in outcomes)
    assert np.isclose(scipy.integrate.simpson(density, x=later), 1, atol=1e-8)


def test_thinning_solves_the_master_equation_of_a_moving_field():
    """The law at time 2.5 of 40,000 chains against the integrated master equation: chi-square of 8 states."""
    strength, end, chains = np.array([1.5, -1.0, 0.7]), 2.5, 40_000
    protocol = lambda t: jnp.asarray(strength) * jnp.sin(4 * t)  # noqa: E731
    dynamics = nq.Thinning(MODEL, protocol, rate=1.4)

    def until(key):
        def attempt(carry):
            x, _, i = carry
            return dynamics.step(x, i, key=key), x[0], i + 1

        first = ((SPINS, jnp.zeros(())), SPINS, 0)
        return jax.lax.while_loop(lambda carry: carry[0][1] < end, attempt, first)[1]

    spins = jax.jit(jax.vmap(until))(numerics.chain_keys(jr.key(8), chains))
    states = np.asarray(nq.Parallel(MODEL).states())
    J, H = np.asarray(MODEL.J), np.asarray(MODEL.H)

    def change(t, p):
        h = H + states @ J.T + strength * np.sin(4 * t)
        flow = p[:, None] * rates(states, h, 1.4)
        dp = -flow.sum(axis=1)
        for i in range(N):
            np.add.at(dp, np.arange(8) ^ (1 << i), flow[:, i])
        return dp

    start = np.zeros(8)
    start[0b101] = 1
    law = scipy.integrate.solve_ivp(change, (0, end), start, rtol=1e-10, atol=1e-12).y[:, -1]
    seen = np.bincount(np.asarray(jax.vmap(nq.Parallel(MODEL).index)(spins)), minlength=8)
    assert scipy.stats.chisquare(seen, chains * law / law.sum()).pvalue > 1e-3
    still = scipy.integrate.solve_ivp(lambda _, p: change(0.0, p), (0, end), start, rtol=1e-10).y[:, -1]
    assert scipy.stats.chisquare(seen, chains * still / still.sum()).pvalue < 1e-10  # the field matters


def test_attempts_of_thinning_come_at_their_rate():
    dynamics = nq.Thinning(MODEL, lambda t: jnp.zeros(N), rate=2.0)
    keys = numerics.chain_keys(jr.key(1), 50_000)
    _, later = jax.jit(jax.vmap(lambda key: dynamics.step((SPINS, jnp.asarray(5.0)), 0, key=key)))(keys)
    assert scipy.stats.kstest(np.asarray(later - 5) * 2 * N, "expon").pvalue > 1e-3


@pytest.mark.parametrize("rate", [1.0, 2.5])
def test_entropy_of_flips_and_of_attempts_is_the_same_per_time(rate):
    """Per unit of time, one flip after another or n attempts: the same production, and the same law in time."""
    flips, attempts = nq.ContinuousTime(MODEL, rate=rate), nq.Sequential(MODEL)
    production = []
    for dynamics in (flips, attempts):
        t = nq.enumerate_states(dynamics).transitions()
        flow = jax.jit(jax.vmap(lambda a, b, d=dynamics: nq.thermodynamics.entropy_flow(d, a, b)))(t.x, t.x_next)
        production.append(jnp.sum(t.weight * flow) / jnp.sum(t.weight * t.dt))
    assert jnp.allclose(production[0], rate * production[1], rtol=1e-12)
    held = nq.statistics.TimeWeighted(nq.Moments(flips.spins))
    (in_time,) = nq.fold((held,), nq.enumerate_states(flips).transitions())
    (by_attempt,) = nq.fold((nq.Moments(),), nq.enumerate_states(attempts).transitions())
    assert jnp.allclose(in_time.m, by_attempt.m, atol=1e-12)
    assert jnp.allclose(in_time.C, by_attempt.C, atol=1e-12)


def test_a_constant_drive_is_a_field():
    drive = jnp.array([0.5, -0.3, 0.2])
    moved = nq.Ising(MODEL.J, MODEL.H + drive)
    one, other = nq.enumerate_states(nq.ContinuousTime(MODEL), drive), nq.enumerate_states(nq.ContinuousTime(moved))
    assert jnp.allclose(one.stationary, other.stationary, atol=1e-13)
    assert jnp.allclose(one.transitions().dt, other.transitions().dt, atol=1e-13)


def test_correlations_at_small_lags_follow_from_the_fields():
    """Stationary continuous time, no self-coupling: <x_i> = <tanh h_i> over time."""
    e = nq.enumerate_states(nq.ContinuousTime(MODEL))
    spins, held = e.states[0].astype(float), e.states[1]
    law = e.stationary * held / jnp.sum(e.stationary * held)
    assert jnp.allclose(law @ spins, law @ jnp.tanh(jax.vmap(MODEL.field)(spins)), atol=1e-13)

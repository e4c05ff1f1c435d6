"""Continuous time at fixed intervals, against the exponential of a generator and a decay in closed form."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from drawn import network
from scipy.linalg import expm
from scipy.stats import chisquare

import nonequil as nq

N, DT, RATE = 4, 1.3, 0.7
MODEL = network(N, 1, J0=0.5, dJ=1.3, H0=0.1, dH=0.4, self_coupling=True)
CLOCK = nq.Snapshots(MODEL, DT, RATE)
DRIVE = jnp.array([0.3, -0.2, 0.0, 0.5])
KEY = jr.key(2)


def law(dt):
    """exp(Q dt), Q[a, b] the rate of the one flip that leads from a to b."""
    states = np.array([[1 if number >> i & 1 else -1 for i in range(N)] for number in range(2**N)])
    Q = np.zeros((2**N, 2**N))
    for a, x in enumerate(states):
        h = np.asarray(MODEL.H) + np.asarray(MODEL.J) @ x + np.asarray(DRIVE)
        for i in range(N):
            Q[a, a ^ (1 << i)] = RATE / (1 + np.exp(2 * x[i] * h[i]))
        Q[a, a] = -Q[a].sum()
    return expm(Q * dt)


def test_the_law_of_an_interval_is_the_exponential_of_the_generator():
    times, states = jnp.array([0.0, 0.01, DT, 40.0]), CLOCK.states()
    laws = lambda dt: jax.vmap(lambda x: nq.Snapshots(MODEL, dt, RATE).outcomes(x, DRIVE)[1])(states)  # noqa: E731
    found = jax.jit(jax.vmap(laws))(times)
    for dt, logarithms in zip(times, found, strict=True):
        assert jnp.allclose(jnp.exp(logarithms), law(float(dt)), atol=1e-13, rtol=1e-9)
    assert jnp.allclose(jnp.sum(jnp.exp(found), axis=-1), 1, atol=1e-12)
    assert jnp.isclose(CLOCK.log_prob(states[3], states[9], DRIVE), found[2, 3, 9], rtol=1e-12)


def test_runs_are_those_of_single_steps():
    x0, drive = nq.random_spins(jr.key(3), (5, N)), jr.normal(jr.key(4), (9, N))
    seen = nq.simulate(CLOCK, x0, steps=7, burn_in=2, key=KEY, drive=drive, observers=(nq.Record(),))[1][0]
    keys, x, path = nq.numerics.chain_keys(KEY, 5), x0, []
    step = jax.jit(lambda x, index: jax.vmap(lambda x, key: CLOCK.step(x, index, key=key, drive=drive[index]))(x, keys))
    for index in range(9):
        x = step(x, index)
        path.append(x)
    assert np.array_equal(seen.x_next.reshape(5, 7, N), np.stack(path[2:], axis=1))
    assert np.array_equal(seen.x.reshape(5, 7, N), np.stack(path[1:-1], axis=1))
    assert jnp.allclose(seen.dt, DT)


def test_two_intervals_follow_the_law():
    start, chains = jnp.array([1, -1, 1, 1], jnp.int8), 8000
    drive = jnp.tile(DRIVE, (2, 1))
    seen = nq.simulate(CLOCK, jnp.tile(start, (chains, 1)), steps=2, key=KEY, drive=drive, observers=(nq.Record(),))[1][
        0
    ]
    early, late = np.asarray(jax.vmap(CLOCK.index)(seen.x_next)).reshape(chains, 2).T
    expected = law(DT)[int(CLOCK.index(start))][:, None] * law(DT) * chains
    counts = np.zeros((2**N, 2**N))
    np.add.at(counts, (early, late), 1)
    likely = expected >= 5
    both = [np.append(table[likely], table[~likely].sum()) for table in (counts, expected)]
    assert likely.sum() > 100
    assert chisquare(*both).pvalue > 1e-3


@pytest.mark.parametrize("dt", [0.05, 2.0])
def test_free_spins_forget_at_their_rate(dt):
    """<s(0) s(dt)> = exp(-rate dt), whether an interval holds half an attempt or 20."""
    n, chains = 10, 2000
    clock = nq.Snapshots(nq.Ising(jnp.zeros((n, n)), jnp.zeros(n)), dt, RATE)
    x0 = nq.random_spins(jr.key(5), (chains, n))
    last, _ = nq.simulate(clock, x0, steps=1, key=KEY)
    mean = np.exp(-RATE * dt)
    error = np.sqrt((1 - mean**2) / (chains * n))
    assert abs(np.mean(np.asarray(last, float) * np.asarray(x0)) - mean) < 4 * error


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="dt must be finite and not negative"):
        nq.Snapshots(MODEL, -1.0)
    eleven = nq.Snapshots(nq.Ising(jnp.zeros((11, 11)), jnp.zeros(11)), 1.0)
    with pytest.raises(ValueError, match="n = 11 spins"):
        eleven.log_prob(jnp.ones(11), jnp.ones(11))

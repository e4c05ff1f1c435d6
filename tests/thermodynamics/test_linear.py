"""Linear Langevin systems: closed forms, published values, and what simulation shows."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import nonequil as nq

th = nq.thermodynamics


def rotation(k, w):
    return nq.OrnsteinUhlenbeck(jnp.array([[-k, w], [-w, -k]]), jnp.eye(2))


def beads(T):
    """Beads between heat baths of temperatures T, joined by springs."""
    n = len(T)
    return nq.OrnsteinUhlenbeck(
        -2 * jnp.eye(n) + jnp.eye(n, k=1) + jnp.eye(n, k=-1), jnp.diag(jnp.sqrt(jnp.asarray(T, float)))
    )


def active(k, v0, g, eps):
    """An active particle in a trap: position and self-propulsion, both even under time reversal."""
    return nq.OrnsteinUhlenbeck(jnp.array([[-k, v0], [0.0, -g]]), jnp.diag(jnp.sqrt(jnp.array([eps, g]))))


@pytest.mark.parametrize(
    "process, value, tolerance",
    [
        (rotation(1.0, 2.0), 8.0, 1e-12),
        (rotation(0.3, 0.5), 2 * 0.25 / 0.3, 1e-12),
        (beads((10.0, 1.0)), 2.025, 1e-12),
        (beads((2.0, 1.0)), 0.125, 1e-12),
        (beads(np.linspace(10, 1, 5)), 0.6298172795, 1e-9),
        (active(1.0, 0.5, 0.1, 0.1), 0.25 * 0.1 / (0.1 * 1.1), 1e-12),
        (active(0.05, 0.2, 0.1, 0.1), 0.26666666666667, 1e-12),
    ],
    ids=["rotation", "slow rotation", "beads 10 1", "beads 2 1", "five beads", "active", "active, weak trap"],
)
def test_closed_forms(process, value, tolerance):
    found = th.linear_entropy_production(process)
    np.testing.assert_allclose(found.value, value, rtol=tolerance)
    np.testing.assert_allclose(jnp.sum(found.details["coordinates"]), found.value, rtol=1e-12)
    assert np.all(found.details["coordinates"] >= -1e-15)
    assert found.unit is nq.Unit.per_second


@pytest.mark.published
@pytest.mark.parametrize(
    "n, coldest, value",
    [(8, 0.416997, 1.000001), (64, 0.05171, 1.000067)],
)
def test_chains_of_beads_that_produce_one(n, coldest, value):
    """Kim, Bae, Lee & Jeong, PRL 125, 140604 (2020): coldest temperatures chosen so that the rate is one."""
    found = th.linear_entropy_production(beads(np.linspace(coldest, 10, n))).value
    np.testing.assert_allclose(found, value, atol=2e-6)


def test_shares_of_the_active_particle():
    shares = th.linear_entropy_production(active(0.05, 0.2, 0.1, 0.1)).details["coordinates"]
    np.testing.assert_allclose(shares, [0.2346666666667, 0.032], atol=1e-12)


def test_equilibrium_and_instability():
    A = jr.normal(jr.key(0), (4, 4))
    symmetric = nq.OrnsteinUhlenbeck(-(A @ A.T) - jnp.eye(4), jnp.eye(4))
    assert abs(th.linear_entropy_production(symmetric).value) < 1e-12
    unstable = th.linear_entropy_production(nq.OrnsteinUhlenbeck(jnp.eye(2), jnp.eye(2)))
    assert unstable.result == nq.RESULTS.not_finite
    assert np.isnan(unstable.value)


def test_a_lag_hides_production():
    """Sigma(t) / t falls with t from the rate; at a lag it is the mean flow of simulated pairs."""
    A = -jnp.eye(10) + 0.2 * jr.normal(jr.key(1), (10, 10))
    lags = jnp.array([1e-3, 0.05, 0.2, 0.5, 1.0, 2.0])
    seen = jax.vmap(lambda dt: th.linear_entropy_production_at_lag(nq.OrnsteinUhlenbeck(A, jnp.eye(10), dt)).value / dt)
    rates = seen(lags)
    assert np.all(np.diff(rates) < 0)
    np.testing.assert_allclose(
        rates[0], th.linear_entropy_production(nq.OrnsteinUhlenbeck(A, jnp.eye(10))).value, rtol=2e-3
    )


def test_simulated_pairs_show_what_the_lag_lets_through():
    process = nq.OrnsteinUhlenbeck(jnp.array([[-1.0, 1.0], [-1.0, -1.0]]), jnp.eye(2), dt=0.3)
    _, (record,) = nq.simulate(
        process, jnp.zeros((64, 2)), steps=400, burn_in=30, key=jr.key(2), observers=(nq.Record(),)
    )
    estimate = th.MeanFlow(process)(record)
    exact = th.linear_entropy_production_at_lag(process).value
    assert abs(estimate.value - exact) < 4 * estimate.stderr < 0.3 * exact

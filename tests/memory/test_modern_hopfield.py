"""The modern continuous Hopfield network against finite differences, bounds and published attention regimes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import nonequil as nq


def test_energy_never_increases_and_keeps_its_bounds():
    rng = np.random.default_rng(0)
    xi, x = rng.normal(size=(1000, 6, 5)), rng.normal(size=(1000, 5))
    largest = np.linalg.norm(xi, axis=2).max(1)
    x *= (largest / np.linalg.norm(x, axis=1))[:, None] * rng.random((1000, 1))
    beta = 10 ** rng.uniform(-1, 1, 1000)

    def energies(xi, beta, x):
        net = nq.ModernHopfield(xi, beta)
        return jnp.stack([net.energy(x), net.energy(net.update(x))])

    before, after = np.asarray(jax.jit(jax.vmap(energies))(xi, beta, x)).T
    assert np.all(after <= before + 1e-12)
    assert np.all(before >= -1e-12)
    assert np.all(before <= 2 * largest**2 + 1e-12)


def test_jacobian_and_drift_are_finite_differences():
    rng = np.random.default_rng(1)
    net, x, h = nq.ModernHopfield(jnp.asarray(rng.normal(size=(4, 3))), 1.3), jnp.asarray(rng.normal(size=3)), 1e-5
    steps = h * jnp.eye(3)
    slopes = jnp.stack([(net.update(x + e) - net.update(x - e)) / (2 * h) for e in steps], axis=1)
    np.testing.assert_allclose(net.jacobian(x), slopes, atol=1e-8)
    slope = jnp.stack([(net.energy(x + e) - net.energy(x - e)) / (2 * h) for e in steps])
    np.testing.assert_allclose(net.drift(x), -slope, atol=1e-8)


def test_separation_by_hand():
    net = nq.ModernHopfield(jnp.array([[2.0, 0.0], [1.0, 1.0], [0.0, 3.0]]), 1.0)
    np.testing.assert_allclose(net.separation(), [2.0, -1.0, 6.0])


@pytest.mark.parametrize(("beta", "number"), [(1e-6, 4.0), (30.0, 2.0), (1e6, 1.0)], ids=["all", "cluster", "one"])
def test_staircase_of_effective_patterns(beta, number):
    angle = jnp.array([0.0, 1e-2, 2.0, 2.01])
    net = nq.ModernHopfield(jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=1), beta)
    np.testing.assert_allclose(net.effective_patterns(net.patterns[0]), number, rtol=1e-3)


@pytest.mark.parametrize("beta", [0.0, -1.0, np.nan, np.inf])
def test_beta_must_be_positive_and_finite(beta):
    with pytest.raises(ValueError, match="beta"):
        nq.ModernHopfield(jnp.eye(2), beta)
    with pytest.raises(Exception, match="beta"):
        jax.block_until_ready(jax.jit(lambda b: nq.ModernHopfield(jnp.eye(2), b).beta)(beta))


def test_shapes_are_refused():
    with pytest.raises((ValueError, TypeError), match="patterns"):  # TypeError where annotations are checked
        nq.ModernHopfield(jnp.ones(3), 1.0)
    with pytest.raises((ValueError, TypeError), match="x"):
        nq.ModernHopfield(jnp.eye(2), 1.0).update(jnp.ones((4, 2)))

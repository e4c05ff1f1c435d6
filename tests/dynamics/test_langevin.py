"""Langevin steps against the exact law of a linear force, and the virial theorem of a memory's energy."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from drawn import normal

import nonequil as nq


class Linear(nq.models.AbstractForce):
    A: jax.Array

    def drift(self, x, drive=None):
        return self.A @ x


ROTATION = jnp.array([[-1.0, 2.0], [-2.0, -1.0]])


def test_densities_tend_to_those_of_the_exact_process():
    """The mean flow over pairs of the exact process is 2 w**2 / k a unit of time, here to order dt."""
    exact, x = nq.OrnsteinUhlenbeck(ROTATION, jnp.eye(2), dt=1e-4), normal((2,), 0)
    euler = nq.Langevin(Linear(ROTATION), T=1.0, dt=1e-4)
    x_next = x + 0.01 * normal((2,), 1)
    assert np.isclose(euler.log_prob(x, x_next), exact.log_prob(x, x_next), atol=1e-3)
    z = (x_next - x - ROTATION @ x * 1e-4) / np.sqrt(2e-4)
    assert np.isclose(euler.log_prob(x, x_next), -z @ z / 2 - np.log(2 * np.pi * 2e-4), atol=1e-10)


def simulated(force, x0, T, dt=0.02):
    """Means along 256 chains, 400 steps after 200: of x.drift(x), and of the entropy flow."""
    clock = nq.Langevin(force, T=T, dt=dt)
    observers = (
        nq.Mean(lambda x, x_next: x_next @ force.drift(x_next)),
        nq.Mean(lambda x, x_next: nq.thermodynamics.entropy_flow(clock, x, x_next)),
    )
    return nq.simulate(clock, x0, steps=400, burn_in=200, key=jr.key(0), observers=observers)[1]


def test_virial_and_dissipation_of_a_memory():
    """<x.drift> = -n T where the force is minus a gradient, to order dt, without dissipation; a readout dissipates."""
    xi, n = 2 * normal((5, 3), 2), 3
    x0 = normal((256, n), 3)
    for readout in (None, jnp.roll(xi, 1, axis=0)):
        virial, flow = simulated(nq.ModernHopfield(xi, 0.8, readout), x0, 0.5)
        if readout is None:
            assert abs(virial.value + n * 0.5) < 4 * virial.stderr + 0.02
            assert abs(flow.value) < 4 * flow.stderr + 1e-3
        else:
            assert flow.value > 10 * flow.stderr
            assert flow.value > 0.002


def test_bad_input():
    force = Linear(ROTATION)
    for bad in ({"T": 0.0}, {"T": -1.0}, {"T": 1.0, "dt": 0.0}):
        name = list(bad)[-1]
        with pytest.raises(ValueError, match=f"{name} must be finite and positive"):
            nq.Langevin(force, **bad)
    with pytest.raises((ValueError, TypeError)):  # a spin model is no force: refused where annotations are checked
        nq.Langevin(nq.Ising(jnp.eye(2), jnp.zeros(2)), T=1.0).step(jnp.ones(2), 0, key=jr.key(0)).block_until_ready()

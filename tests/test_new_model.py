"""A user's own model, in 20 lines, goes through simulation, exact solution, fit and entropy production."""

import dataclasses

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from drawn import normal

import nonequil as nq


class Gated(nq.models.AbstractSpinModel):
    """Few patterns steer the network: each reads the spins through `keys` and pulls on them through `values`."""

    keys: jax.Array  # (patterns, n)
    values: jax.Array  # (patterns, n)

    @property
    def n(self):
        return self.keys.shape[1]

    def field(self, x, drive=None):
        h = jnp.tanh(self.keys @ x.astype(self.keys.dtype)) @ self.values
        return h if drive is None else h + drive

    def site_field(self, x, i, drive=None):
        h = jnp.tanh(self.keys @ x.astype(self.keys.dtype)) @ self.values[:, i]
        return h if drive is None else h + drive[i]


N = 4
MODEL = Gated(keys=0.6 * normal((2, N), 0), values=1.2 * normal((2, N), 1))


@pytest.mark.parametrize("clock, fits", [(nq.Parallel, True), (nq.Sequential, False)], ids=["parallel", "sequential"])
def test_a_new_model_goes_through_everything(clock, fits):
    dynamics = clock(MODEL)
    x0 = nq.random_spins(jr.key(2), (256, N))
    observers = (nq.Moments(), nq.Record())
    _, (moments, record) = nq.simulate(dynamics, x0, steps=160, burn_in=40, every=4, key=jr.key(3), observers=observers)

    (population,) = nq.fold((nq.Moments(),), nq.enumerate_states(dynamics).transitions())
    assert jnp.all(jnp.abs(moments.m - population.m) < 5 / np.sqrt(256 * 20))
    exact = nq.thermodynamics.exact(dynamics)
    assert exact.value > 0.05
    sampled = nq.thermodynamics.MeanFlow(dynamics)(record)
    assert abs(sampled.value - exact.value) < 4 * sampled.stderr
    assert sampled.stderr < 0.1 * exact.value
    assert sampled.unit is exact.unit is dynamics.unit

    if not fits:
        return
    start = dataclasses.replace(dynamics, model=jax.tree.map(lambda leaf: 0.5 * leaf, MODEL))
    fitted = nq.inference.fit_gradient(start, record).params
    likelihood = lambda dynamics: nq.inference.negative_log_likelihood(dynamics, record)  # noqa: E731
    gain = float(likelihood(dynamics) - likelihood(fitted)) * len(record)
    assert 0 <= gain < 26  # twice the gain is chi-square with at most 16 degrees of freedom: p = 1e-5 beyond
    assert likelihood(start) - likelihood(fitted) > 0.01
    again = nq.thermodynamics.exact(fitted)
    assert abs(again.value - exact.value) < 0.2 * exact.value


def test_its_site_field_is_its_field():
    x = nq.random_spins(jr.key(4), (N,))
    sites = jax.vmap(lambda i: MODEL.site_field(x, i))(jnp.arange(N))
    assert jnp.allclose(sites, MODEL.field(x), atol=1e-14)

"""Published cycles of the mean field, from the first token and from random windows; all regimes: `scripts/verify`."""

import dataclasses

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import nonequil as nq

PERIODS = {1.1: 4, 1.25: 16, 1.26451: 44, 1.45: 60, 3.0: 24}


@pytest.fixture(scope="module")
def found():
    """Periods of shape (betas, starts): the first token, then four windows."""
    net = nq.attention.standard(n_bits=2)
    windows = jr.uniform(jr.key(0), (4, 4, 1, 3), minval=-1.0)
    starts = jax.vmap(lambda window: nq.attention.state_of_window(net, window))(windows)
    first = nq.attention.MeanField().init(net)
    starts = jax.tree.map(lambda a, b: jnp.concatenate([a[None], b]), first, starts)

    def period(beta, start):
        at = dataclasses.replace(net, beta=beta)
        orbit = nq.attention.trajectory(at, steps=512, transient=30_000, start=start)
        return nq.numerics.maps.period(orbit.attention, tolerance=1e-7)

    return jax.jit(jax.vmap(jax.vmap(period, (None, 0)), (0, None)))(jnp.array(list(PERIODS)), starts)


@pytest.mark.published
@pytest.mark.parametrize("beta", PERIODS)
def test_published_cycles_from_several_starts(beta, found):
    row = np.asarray(found[list(PERIODS).index(beta)])
    assert row[0] == PERIODS[beta]
    assert np.mean(row == PERIODS[beta]) > 0.5  # other cycles may be there too

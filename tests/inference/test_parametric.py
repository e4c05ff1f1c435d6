"""Replicates of a fitted network: their spread is the error that the linearisation gives, their mean the truth."""

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from networks import network, recording

import nonequil as nq
from nonequil import statistics
from nonequil.inference import fitted_entropy_production, parametric_bootstrap
from nonequil.inference._parametric import _replicate

DRAWS = 24


def test_replicates_spread_as_the_linearisation_says():
    t = recording(network(5, 0.3, 0.8, jr.key(0)), 4000, jr.key(1))
    fitted = nq.fit(t)
    found = parametric_bootstrap(fitted.model, t, key=jr.key(2), draws=DRAWS)
    linear = fitted_entropy_production(t).stderr
    assert abs(jnp.log(found.stderr / linear)) < 4 / np.sqrt(2 * DRAWS)
    assert abs(found.bias) < 4 * found.bias_stderr
    assert found.bias_stderr < linear
    exact = nq.thermodynamics.exact(nq.Parallel(fitted.model)).value
    assert abs(found.truth - exact) < 4 * found.truth_stderr
    assert found.values.shape == (DRAWS,)


def test_a_replicate_has_the_blocks_of_the_recording():
    model, sizes = network(4, 0.3, 0.8, jr.key(3)), np.array([3, 50, 20])
    t = _replicate(model, sizes, jr.key(4))
    np.testing.assert_array_equal(np.bincount(np.asarray(statistics.blocks(t))), sizes)
    inside = np.diff(t.block) == 0
    np.testing.assert_array_equal(t.x[1:][inside], t.x_next[:-1][inside])  # one step after the other


def test_a_single_draw_has_no_spread():
    t = recording(network(4, 0.3, 0.8, jr.key(5)), 500, jr.key(6))
    with pytest.raises(ValueError, match="draws = 1"):
        parametric_bootstrap(network(4, 0.3, 0.8, jr.key(5)), t, key=jr.key(0), draws=1)

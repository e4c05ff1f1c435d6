"""Entropy production of very many spins: from the mean field, beside numbers of spins and exact zeros."""

import dataclasses

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import nonequil as nq

BITS = tuple(np.random.default_rng(1).choice([-1.0, 1.0], (4, 3, 2)))
PATTERNS = np.random.default_rng(2).choice([-1.0, 1.0], (4, 3, 5))
NET = nq.attention.from_patterns(*PATTERNS, bits=BITS, beta=1.7, gamma=4.0, eps=0.3)


def production(net, steps=80, transient=400):
    return nq.attention.entropy_production(net, steps=steps, transient=transient)


def test_numbers_of_spins_approach_it():
    """A simulation of n spins: the flow a spin, whose distance is that of fluctuations, of order 1 / n."""
    estimate = production(NET)
    assert estimate.result == nq.RESULTS.successful
    assert estimate.unit is nq.Unit.per_step_per_spin
    assert estimate.value > 0.003
    found = []
    for n in (20_000, 2_000_000):
        clock = nq.attention.ClassCounts(NET, NET.class_sizes(jr.key(0), n))
        flow = nq.Mean(lambda x, y, drive, clock=clock: nq.thermodynamics.entropy_flow(clock, x, y, drive), driven=True)
        x0 = jnp.broadcast_to(clock.first_window(), (40, *clock.first_window().shape))
        run = {"steps": 80, "burn_in": 400, "key": jr.key(1), "drive": nq.attention.Positions(4)}
        (mean,) = nq.simulate(clock, x0, observers=(flow,), **run)[1]
        found.append((mean.value / n - estimate.value, mean.stderr / n, 20 / n))
    for apart, stderr, finite in found:
        assert abs(apart) < 4 * stderr + finite
    assert found[1][1] < 0.01 * estimate.value


@pytest.mark.parametrize("eps", [0.0, 0.3])
def test_nothing_is_produced_without_softmax_by_tied_values(eps):
    tied = nq.attention.from_patterns(*PATTERNS[[0, 0, 2, 3]], bits=BITS, beta=1.7, gamma=0.0, eps=eps)
    assert abs(production(tied, transient=6000).value) < 1e-14


def test_softmax_makes_them_produce():
    tied = nq.attention.from_patterns(*PATTERNS[[0, 0, 2, 3]], bits=BITS, beta=1.7, gamma=4.0, eps=0.3)
    assert production(tied).value > 1e-4


def test_gradients_against_differences():
    value = jax.jit(lambda b: production(dataclasses.replace(NET, beta=b)).value)
    slope = (value(1.7 + 1e-5) - value(1.7 - 1e-5)) / 2e-5
    assert np.isclose(jax.jit(jax.grad(value))(1.7), slope, rtol=1e-6)


def test_sizes_are_checked():
    with pytest.raises(ValueError, match="steps = 0"):
        production(NET, steps=0)

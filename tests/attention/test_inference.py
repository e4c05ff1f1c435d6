"""Maximum likelihood from tokens: the pattern table of the output and the inverse temperature of the softmax."""

import dataclasses

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

import nonequil as nq

NET = nq.attention.standard(n_bits=2, beta=1.0, gamma=6.0, eps=0.1)
SIZES = jnp.full(3, 40.0)
TRUE = {"sigma": NET.sigma, "gamma": NET.gamma}


def clock(params):
    return nq.attention.ClassCounts(dataclasses.replace(NET, **params), SIZES)


def loss(params, tokens):
    return nq.inference.negative_log_likelihood(clock(params), tokens)


@pytest.fixture(scope="module")
def tokens():
    """60 runs of 50 tokens after the window is full, each with its position."""
    run = {"steps": 50, "burn_in": 4, "key": jr.key(1), "drive": nq.attention.Positions(4)}
    x0 = jnp.broadcast_to(clock(TRUE).first_window(), (60, 4, 3))
    return nq.simulate(clock(TRUE), x0, observers=(nq.Record(),), **run)[1][0]


def test_the_gradient_of_the_likelihood_is_its_slope(tokens):
    start, unravel = ravel_pytree(jax.tree.map(lambda x: 0.7 * x + 0.1, TRUE))
    value = jax.jit(lambda flat: loss(unravel(flat), tokens))
    direction = jnp.asarray(np.random.default_rng(0).normal(size=start.size))
    slope = (value(start + 1e-5 * direction) - value(start - 1e-5 * direction)) / 2e-5
    assert np.isclose(jax.jit(jax.grad(value))(start) @ direction, slope, rtol=1e-7)


def test_tables_come_back_within_their_errors(tokens):
    start = {"sigma": jnp.zeros((3, 1, 3)), "gamma": jnp.asarray(3.0)}
    found = nq.numerics.minimise(loss, start, (tokens,), tolerance=1e-6)
    assert found.result == nq.RESULTS.successful
    best, unravel = ravel_pytree(found.params)
    information = len(tokens) * jax.jit(jax.hessian(lambda flat: loss(unravel(flat), tokens)))(best)
    stderr = jnp.sqrt(jnp.diagonal(jnp.linalg.inv(information)))
    z = (best - ravel_pytree(TRUE)[0]) / stderr
    assert np.all(np.abs(z) < 4)
    assert z @ z < 10 + 4 * np.sqrt(2 * 10)  # chi squared of ten parameters
    assert np.all(stderr < 0.5 * np.abs(best))
    assert loss(found.params, tokens) < loss(TRUE, tokens)

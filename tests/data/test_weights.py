"""Weights of 0/1 spikes against couplings of -1/+1 spins."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
from jax.nn import log_sigmoid

import nonequil as nq


def test_the_two_codings_give_the_same_probabilities(getkey):
    n = 3
    W, b = jax.random.normal(getkey(), (n, n)), jax.random.normal(getkey(), (n,))
    J, H = nq.data.couplings_from_weights(W, b)
    dynamics = nq.Parallel(nq.Ising(J, H))
    for y, y_next in itertools.product(itertools.product([0, 1], repeat=n), repeat=2):
        u = b + W @ jnp.array(y, float)
        expected = sum(log_sigmoid(u[i]) if y_next[i] else log_sigmoid(-u[i]) for i in range(n))
        x, x_next = (jnp.array(2 * np.array(side) - 1, jnp.int8) for side in (y, y_next))
        np.testing.assert_allclose(dynamics.log_prob(x, x_next), expected, rtol=1e-12)


def test_there_and_back(getkey):
    W, b = np.asarray(jax.random.normal(getkey(), (5, 5))), np.asarray(jax.random.normal(getkey(), (5,)))
    back = nq.data.weights_from_couplings(*nq.data.couplings_from_weights(W, b))
    np.testing.assert_allclose(back[0], W, rtol=1e-14)
    np.testing.assert_allclose(back[1], b, atol=1e-13)

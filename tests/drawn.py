"""Networks and states drawn on the host: to read a module of tests, as every worker does, compiles nothing."""

import jax.numpy as jnp
import numpy as np

import nonequil as nq


def normal(shape, seed):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape))


def spins(shape, seed):
    return jnp.asarray(np.random.default_rng(seed).choice(np.array([-1, 1], np.int8), size=shape))


def network(n, seed, *, J0=0.0, dJ=1.0, H0=0.0, dH=0.0, self_coupling=False):
    """Gaussian couplings of mean J0 / n and variance dJ^2 / n, fields spread evenly over H0 - dH ... H0 + dH."""
    rng = np.random.default_rng(seed)
    J = J0 / n + dJ * rng.normal(size=(n, n)) / np.sqrt(n)
    H = H0 + dH * rng.uniform(-1, 1, size=n)
    return nq.Ising(jnp.asarray(J if self_coupling else J * (1 - np.eye(n))), jnp.asarray(H))

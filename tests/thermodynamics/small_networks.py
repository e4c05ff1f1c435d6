"""Networks small enough to enumerate, shared by the tests of this folder."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

import nonequil as nq


@functools.partial(jax.jit, static_argnames=("n", "self_coupling"))
def network(n, seed=0, H0=-0.3, self_coupling=False):
    key = jax.random.key(seed)
    J = jax.random.normal(key, (n, n)) / np.sqrt(n)
    J = J if self_coupling else J * (1 - jnp.eye(n))
    return nq.Ising(J, H0 + 0.3 * jax.random.normal(jax.random.fold_in(key, 1), (n,)))


def simulated_spins(dynamics, chains, steps, seed=0, burn_in=100):
    """Consecutive states of independent chains, chains first."""
    n = dynamics.model.n

    def advance(x, index):
        keys = jax.random.split(jax.random.fold_in(jax.random.key(seed), index), chains)
        after = jax.vmap(lambda x, key: dynamics.step(x, index, key=key))(x, keys)
        return after, (x, after)

    start = nq.random_spins(jax.random.key(seed + 1), (chains, n))
    pairs = jax.lax.scan(advance, start, jnp.arange(burn_in + steps))[1]
    return tuple(s[burn_in:].swapaxes(0, 1) for s in pairs)


def by_chain(x, x_next, unit=None):
    """Pairs on the host, a block a chain."""
    chains, steps, n = x.shape
    block = np.repeat(np.arange(chains), steps)
    return nq.Transitions(*(np.asarray(s).reshape(-1, n) for s in (x, x_next)), block=block, unit=unit)


def simulated(dynamics, chains, steps, seed=0):
    """Pairs of consecutive states of independent chains, a block a chain."""
    return by_chain(*simulated_spins(dynamics, chains, steps, seed), dynamics.unit)

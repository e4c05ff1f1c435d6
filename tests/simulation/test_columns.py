"""Parallel steps of chains that lie side by side, against single steps, in batches of any size and alone."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import nonequil as nq
from nonequil.simulation._columns import SPINS, filled_up

KEY = jr.key(3)


def network(n):
    return nq.SherringtonKirkpatrick(J0=0.2, dJ=1.0, H0=0.1, dH=0.3).sample(jr.key(n), n)


@eqx.filter_jit
def single_steps(dynamics, x0, steps, drive):
    """States of all chains after each step, steps first, by `Parallel.step`."""
    keys = nq.numerics.chain_keys(KEY, x0.shape[0])

    def step(x, index):
        x = jax.vmap(lambda x, key: dynamics.step(x, index, key=key, drive=drive[index]))(x, keys)
        return x, x

    return jax.lax.scan(step, x0, jnp.arange(steps))[1]


@pytest.mark.parametrize("n", [SPINS - 1, SPINS, SPINS + 1])
@pytest.mark.parametrize("chains", [1, 5])
def test_pairs_are_those_of_single_steps(n, chains):
    """In double precision no field meets its random number to rounding in so few steps."""
    dynamics, x0 = nq.Parallel(network(n)), nq.random_spins(jr.key(2), (chains, n))
    drive = 0.5 * jr.normal(jr.key(4), (3 + 12, n))
    settings = {"observers": (nq.Record(),), "every": 3, "drive": drive}
    final, (seen,) = nq.simulate(dynamics, x0, steps=12, burn_in=3, key=KEY, **settings)
    path = np.concatenate([x0[None], single_steps(dynamics, x0, 15, drive)])
    assert final.dtype == x0.dtype
    assert np.array_equal(final, path[-1])
    assert np.array_equal(seen.x_next.reshape(chains, -1, n), path[6::3].swapaxes(0, 1))
    assert np.array_equal(seen.x.reshape(chains, -1, n), path[5::3].swapaxes(0, 1))


def test_a_lone_chain_takes_the_place_of_itself_only():
    wide, narrow = (nq.Parallel(network(n)) for n in (SPINS, 8))
    assert [filled_up(wide, chains) for chains in (1, 2, 64, 65)] == [1, 64, 64, 128]
    assert [filled_up(narrow, chains) for chains in (1, 2, 16, 17)] == [1, 16, 16, 32]


@pytest.mark.compiled
@pytest.mark.parametrize("n", [40, SPINS, 300])
def test_batches_of_any_size_have_the_same_bits(n):
    """In float32, where fields that were summed in another order would turn a spin and, soon, many."""
    with jax.enable_x64(False):
        dynamics, x0 = nq.Parallel(network(n)), nq.random_spins(jr.key(2), (700, n))
        run = lambda x0: nq.simulate(dynamics, x0, steps=200, key=KEY)[0]  # noqa: E731
        whole = run(x0)
        for chains in (2, 200):
            assert jnp.array_equal(run(x0[:chains]), whole[:chains]), chains


@pytest.mark.compiled
@pytest.mark.parametrize("n", [100, SPINS])
def test_a_lone_chain_differs_only_where_a_field_meets_its_random_number(n):
    """One step in float32 from each of 100 states, alone and with a copy: all spins are those of exact fields."""
    with jax.enable_x64(False):
        model, keys = network(n), jr.split(KEY, 100)
        x0 = nq.random_spins(jr.key(2), (100, n))
        step = lambda x, key: nq.simulate(nq.Parallel(model), x, steps=1, key=key)[0][0]  # noqa: E731
        alone = np.stack([step(x[None], key) for x, key in zip(x0, keys, strict=True)])
        paired = np.stack([step(jnp.stack([x, x]), key) for x, key in zip(x0, keys, strict=True)])
        u = jax.vmap(lambda key: nq.numerics.uniforms(jr.fold_in(key, 0), 0, (n,)))(keys)
    h = np.asarray(model.H, float) + np.asarray(x0, float) @ np.asarray(model.J, float).T
    above = 1 / (1 + np.exp(-2 * h)) - np.asarray(u, float)
    sure = np.abs(above) > 3e-6  # all but a few in a million
    assert np.mean(sure) > 0.999
    for spins in (alone, paired):
        assert np.array_equal(spins[sure], np.sign(above[sure]))

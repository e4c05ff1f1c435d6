"""Attempts in blocks on carried fields against single steps that compute each field anew."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from drawn import network, spins

import nonequil as nq
from nonequil.dynamics import LocalUpdate, attempts

N, CHAINS, STEPS, BURN_IN = 12, 3, 90, 7
MODEL = network(N, 1, J0=0.5, dJ=1.5, H0=0.1, dH=0.4, self_coupling=True)
X0 = spins((CHAINS, N), 2)
KEY = jr.key(3)


@eqx.filter_jit
def single_steps(dynamics, x0, steps, drive=None):
    """States of all chains after each step, steps first."""
    keys = nq.numerics.chain_keys(KEY, x0.shape[0])

    def step(x, index):
        now = None if drive is None else drive[index]
        x = jax.vmap(lambda x, key: dynamics.step(x, index, key=key, drive=now))(x, keys)
        return x, x

    return jax.lax.scan(step, x0, jnp.arange(steps))[1]


@pytest.mark.parametrize("every", [1, 40])
def test_pairs_are_those_of_single_steps(every):
    """At n = 12 most blocks draw a site twice; the self-couplings make a spin feel its own last flip."""
    drive = 0.5 * jr.normal(jr.key(4), (BURN_IN + STEPS, N))
    dynamics, settings = nq.Sequential(MODEL), {"observers": (nq.Record(),), "every": every, "drive": drive}
    final, (seen,) = nq.simulate(dynamics, X0, steps=STEPS, burn_in=BURN_IN, key=KEY, **settings)
    path = np.concatenate([X0[None], single_steps(dynamics, X0, BURN_IN + STEPS, drive)])
    assert np.array_equal(final, path[-1])
    last = np.arange(BURN_IN + every, BURN_IN + STEPS + 1, every)
    assert np.array_equal(seen.x_next.reshape(CHAINS, -1, N), path[last].swapaxes(0, 1))
    assert np.array_equal(seen.x.reshape(CHAINS, -1, N), path[last - 1].swapaxes(0, 1))
    assert np.any(seen.x != seen.x_next)


def test_float32_runs_are_those_of_single_steps_in_long_runs():
    """A field that met its random number within rounding would turn a spin and, soon, all that follow."""
    with jax.enable_x64(False):
        model = nq.SherringtonKirkpatrick(J0=0.0, dJ=1.0).sample(jr.key(5), 24)
        x0 = nq.random_spins(jr.key(6), (16, 24))
        final, _ = nq.simulate(nq.Sequential(model), x0, steps=5000, key=KEY)
        assert final.dtype == jnp.int8
        assert jnp.array_equal(final, single_steps(nq.Sequential(model), x0, 5000)[-1])


def correctly_rounded_field(model, x):
    J, H = np.asarray(model.J, float), np.asarray(model.H, float)
    return np.array([math.fsum([*(row * x), constant]) for row, constant in zip(J, H, strict=True)])


@pytest.mark.parametrize("wide", [False, True], ids=["float32", "float64"])
def test_carried_fields_are_sums_to_rounding_and_never_drift(wide):
    """Rows of very different size, each to the rounding of its own magnitudes; after 3000 flips still the same bits."""
    n = 40
    with jax.enable_x64(wide):
        flips = jr.randint(jr.key(7), (3000,), 0, n)
        drawn = nq.SherringtonKirkpatrick(J0=0.0, dJ=1.0, dH=1.0, self_coupling=True).sample(jr.key(8), n)
        size = 10.0 ** jnp.linspace(-20, 30, n, dtype=drawn.J.dtype)
        model = nq.Ising(drawn.J * size[:, None], (drawn.H * size).at[3].set(0))
        local, x = LocalUpdate(model), nq.random_spins(jr.key(9), (n,))

        def flip(carry, i):
            x, h = carry
            return (x.at[i].multiply(-1), local.flip(h, x, i)), None

        (x_last, h), _ = jax.jit(lambda carry: jax.lax.scan(flip, carry, flips))((x, local.init(x)))
        assert jnp.array_equal(h, local.init(x_last))
        assert jnp.array_equal(local.spins(h), x_last)
        assert jnp.any(x_last != x)
        magnitude = np.abs(np.asarray(model.H, float)) + np.sum(np.abs(np.asarray(model.J, float)), axis=1)
        error = np.abs(np.asarray(local.field(h), float) - correctly_rounded_field(model, np.asarray(x_last, float)))
        assert np.all(error <= jnp.finfo(model.J.dtype).eps * magnitude)


def test_whole_numbers_hold_the_extremes():
    """Rows of zeros, of the largest floats, of a single coupling; dyadic couplings are exact."""
    with jax.enable_x64(False):
        huge, x = float(jnp.finfo(jnp.float32).max) / 4, jnp.array([1, -1, 1, 1], jnp.int8)
        J = jnp.array([[0, 0, 0, 0], [huge, -huge, huge, 0], [0, 1e-20, 0, 0], [0.5, -0.25, 2.0, 0]], jnp.float32)
        local = LocalUpdate(nq.Ising(J, jnp.zeros(4)))
        assert jnp.array_equal(local.field(local.init(x)), jnp.array([0.0, 3 * huge, -1e-20, 2.75], jnp.float32))


def test_models_side_by_side_and_the_gradient_of_an_observer():
    """Under vmap each model makes its own run; an observer's gradient in J goes past the spins, which have none."""
    scale = jnp.array([0.5, 1.0, 2.0])

    def run(scale):
        dynamics = nq.Sequential(nq.Ising(scale * MODEL.J, MODEL.H))
        flow = nq.Mean(dynamics.log_prob)
        final, (seen,) = nq.simulate(dynamics, X0, steps=40, every=4, key=KEY, observers=(flow,))
        return seen.value, final

    (value, finals), slope = jax.vmap(jax.value_and_grad(run, has_aux=True))(scale)
    for k in range(3):
        path = single_steps(nq.Sequential(nq.Ising(scale[k] * MODEL.J, MODEL.H)), X0, 40)
        assert jnp.array_equal(finals[k], path[-1])
    x, x_next = (jnp.concatenate([X0[None], path])[k::4][:10].reshape(-1, N) for k in (3, 4))
    replay = lambda s: jnp.mean(jax.vmap(nq.Sequential(nq.Ising(s * MODEL.J, MODEL.H)).log_prob)(x, x_next))  # noqa: E731
    assert jnp.allclose(value[2], replay(2.0), atol=1e-12)
    assert jnp.allclose(slope[2], (replay(2.0 + 1e-5) - replay(2.0 - 1e-5)) / 2e-5, atol=1e-8)
    assert abs(slope[2]) > 0.01


@pytest.mark.compiled
def test_no_attempt_follows_the_last_number_of_a_step():
    """A block at the end of the 32-bit count of steps goes no further than it is asked to."""
    local, keys = LocalUpdate(MODEL), nq.numerics.chain_keys(KEY, CHAINS)
    stop = jnp.asarray(2**31 - 1, jnp.int32)
    run = jax.jit(lambda first: attempts(local, local.init(X0), first, stop, keys=keys))
    before, after = (local.spins(h) for h in run(stop - 1))
    step = lambda x, key: nq.Sequential(MODEL).step(x, stop - 1, key=key)  # noqa: E731
    assert jnp.array_equal(before, X0)
    assert jnp.array_equal(after, jax.vmap(step)(X0, keys))

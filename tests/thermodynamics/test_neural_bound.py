"""The learned bound against exact values: a ratchet, a linear system, a process with memory."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
import pytest
from test_balance import ratchet
from test_linear import beads

import nonequil as nq

th = nq.thermodynamics


def one_up(x):
    return jax.nn.one_hot(x, 6)


def pairs_of(chain, pairs, seed=0):
    """Independent stationary pairs of a chain."""
    t = nq.enumerate_states(chain).transitions()
    w = np.asarray(t.weight)
    drawn = np.random.default_rng(seed).choice(len(w), pairs, p=w / w.sum())
    return nq.Transitions(np.asarray(t.x)[drawn], np.asarray(t.x_next)[drawn], unit=chain.unit)


@pytest.fixture(scope="module")
def trained():
    net = th.PathMLP(6, width=32, depth=1, encode=one_up, key=jr.key(0))
    chain = ratchet(3.0)
    return chain, pairs_of(chain, 300_000), net


@pytest.mark.parametrize("gain", [th.neural_gain, th.donsker_varadhan_gain])
def test_the_ratchet_within_five_percent(trained, gain):
    """Kim, Bae, Lee & Jeong (2020): 0.3982 nats a jump."""
    chain, t, net = trained
    bound = th.NeuralBound(net, gain, steps=800, batch=1024, evaluations=8, optimiser=optax.adam(1e-2))
    estimate = bound(t, key=jr.key(1))
    exact = th.exact(chain).value
    assert abs(estimate.value - exact) < 0.05 * exact
    assert abs(estimate.value - exact) < 4 * estimate.stderr + 0.01 * exact
    assert estimate.stderr < 0.03 * exact
    assert estimate.result == nq.RESULTS.successful
    assert estimate.kind is nq.KIND.lower_bound
    learned = [th.path_production(estimate.details["net"], jnp.array(pair)) for pair in ((0, 1), (1, 0), (2, 5))]
    P, p = chain.P, nq.enumerate_states(chain).stationary
    truth = [jnp.log(p[a] * P[a, b] / (p[b] * P[b, a])) for a, b in ((0, 1), (1, 0), (2, 5))]
    np.testing.assert_allclose(learned, truth, atol=0.15)  # trajectory by trajectory
    assert learned[0] == -learned[1]


def test_the_value_does_not_come_from_what_was_learned_on():
    """Fair spins, few of them, a network that can learn them by heart: in sample far above, held out not above zero."""
    spins = np.random.default_rng(0).choice([-1, 1], (601, 8)).astype(np.int8)
    net = th.PathMLP(8, width=64, depth=1, key=jr.key(0))
    bound = th.NeuralBound(net, steps=400, batch=128, evaluations=4, optimiser=optax.adam(1e-2))
    estimate = bound(nq.Transitions(spins[:-1], spins[1:]))
    assert estimate.value < 3 * estimate.stderr
    assert estimate.details["history"][-1] < 0  # it got worse where it was not trained


def test_a_linear_system_at_a_lag():
    process = nq.OrnsteinUhlenbeck(*(lambda b: (b.A, b.B))(beads((10.0, 1.0))), dt=0.3)
    S = process.covariance
    x = jr.multivariate_normal(jr.key(2), jnp.zeros(2), S, (100_000,))
    keys = nq.numerics.chain_keys(jr.key(3), len(x))
    y = jax.jit(jax.vmap(lambda x, key: process.step(x, 0, key=key)))(x, keys)
    scale = 1 / jnp.sqrt(jnp.diagonal(S))
    t = nq.Transitions(x * scale[None], y * scale[None])
    net = th.PathMLP(2, width=32, depth=2, key=jr.key(4))
    estimate = th.NeuralBound(net, steps=1500, batch=512, evaluations=10, optimiser=optax.adam(5e-3))(t)
    exact = th.linear_entropy_production_at_lag(process).value
    assert abs(estimate.value - exact) < 4 * estimate.stderr + 0.03 * exact
    assert estimate.stderr < 0.05 * exact


def test_longer_paths_see_memory():
    """Two driven rings that take turns: neighbours are independent, each second state is a ring's next one."""
    rng, a, b = np.random.default_rng(2), 0.6, 0.2
    moves = rng.choice([1, 2, 0], (20_000, 2), p=[a, b, 1 - a - b])
    x = (np.cumsum(moves, 0) % 3).reshape(-1).astype(np.int32)
    t = nq.Transitions(x[:-1], x[1:])
    encode = lambda x: jax.nn.one_hot(x, 3)  # noqa: E731
    pairs, triples = (
        th.NeuralBound(net, steps=600, batch=512, evaluations=6, optimiser=optax.adam(1e-2), length=length)(t)
        for net, length in (
            (th.PathMLP(3, width=16, depth=1, encode=encode, key=jr.key(0)), 2),
            (th.PathGRU(3, width=16, encode=encode, key=jr.key(1)), 3),
        )
    )
    ring = (a - b) * np.log(a / b)
    assert abs(pairs.value) < 3 * pairs.stderr + 0.005
    assert abs(triples.value - ring / 2) < 4 * triples.stderr + 0.03 * ring
    assert triples.stderr < 0.1 * ring


def test_the_donsker_varadhan_form_is_never_below():
    s, w = 3 * jr.normal(jr.key(0), (50, 40)), jnp.full(40, 1 / 40)
    neural, varadhan = (
        jax.vmap(lambda s, gain=gain: gain(s, w))(s) for gain in (th.neural_gain, th.donsker_varadhan_gain)
    )
    assert np.all(varadhan >= neural)


@pytest.mark.parametrize(
    "options, words",
    [({"length": 1}, "length = 1"), ({"n_folds": 2}, "n_folds = 2"), ({"evaluations": 0}, "evaluations = 0")],
)
def test_bad_arguments_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        th.NeuralBound(th.PathMLP(6, key=jr.key(0)), **options)


def test_paths_need_a_recording():
    t = pairs_of(ratchet(3.0), 20)
    scattered = nq.Transitions(t.x, t.x_next, block=np.arange(20))
    with pytest.raises(ValueError, match="no 2 transitions follow one another"):
        th.NeuralBound(th.PathMLP(6, encode=one_up, key=jr.key(0)), length=3)(scattered)


def test_too_few_paths_give_no_number_but_the_number_that_would_do():
    t = pairs_of(ratchet(3.0), 40)
    bound = th.NeuralBound(th.PathMLP(6, width=4, depth=1, encode=one_up, key=jr.key(0)), steps=2, evaluations=1)
    estimate = bound(t)
    assert jnp.isnan(estimate.value)
    assert jnp.isnan(estimate.stderr)
    assert estimate.result == nq.RESULTS.too_few_transitions
    assert estimate.details["n"] == 40
    enough = bound(pairs_of(ratchet(3.0), estimate.details["least_n"]))
    assert jnp.isfinite(enough.value)

"""Networks of finite size: fields written out in numpy, other models as their limits, laws of steps, bad input."""

import dataclasses

import attention_reference as reference
import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
import scipy.special
import scipy.stats

import nonequil as nq

N, M, HEADS = 5, 3, 2
RNG = np.random.default_rng(0)
W, P = RNG.normal(size=(4, HEADS, M, N)), RNG.choice([-1.0, 1.0], (4, HEADS, M, 2))
GAMMA = np.array([0.7, 6.0])


def network(**given):
    given = {"beta": 1.3, "gamma": GAMMA, "eps": 0.2, "bits": tuple(P)} | given
    return nq.attention.from_patterns(*W, **given)


MODEL = network().sample(jr.key(0), N)
TOKENS = nq.random_spins(jr.key(1), (4, N))


@pytest.mark.parametrize("index", [0, 1, 2, 7])
def test_fields_against_sums_written_out(index):
    """Real patterns, two heads, positions; the window is not full before the fourth step."""
    drive = np.asarray(nq.attention.Positions(4)(index))
    assert drive.tolist() == [t % 4 if t >= 0 else -1 for t in range(index - 3, index + 1)]
    there = drive >= 0
    expected = reference.field(W, P, 1.3, GAMMA, 0.2, np.asarray(TOKENS)[there], drive[there])
    field = eqx.filter_jit(MODEL.field)(TOKENS, drive)
    assert np.allclose(field, expected, rtol=0, atol=1e-14)
    sites = jax.jit(jax.vmap(lambda i: MODEL.site_field(TOKENS, i, drive)))(jnp.arange(N))
    assert np.allclose(sites, expected, rtol=0, atol=1e-14)


def test_without_softmax_it_is_an_asymmetric_hopfield_network_of_averaged_delays():
    net = network(gamma=0.0, eps=0.0, bits=None, window=4)
    J = np.einsum("hmi,hmj->ij", W[0], W[1]) / (4 * N)  # receiver first
    delayed = nq.LaggedIsing(jnp.asarray(np.stack([1.3 * J] * 4)), jnp.zeros(N))
    assert np.allclose(net.sample(jr.key(0), N).field(TOKENS), delayed.field(TOKENS), rtol=0, atol=1e-14)


def test_one_step_with_tied_patterns_is_the_update_of_a_modern_hopfield_network():
    """xi' = X softmax(gamma X^T xi): the stored patterns X are the tokens, xi the newest, both seen through W."""
    tied = W[0, 0]
    net = nq.attention.from_patterns(*[tied] * 4, window=4, beta=1.0, gamma=2.5)
    X = tied @ np.asarray(TOKENS).T / N
    update = X @ scipy.special.softmax(2.5 * X.T @ X[:, -1])
    model = net.sample(jr.key(0), N)
    assert np.allclose(model.attention(TOKENS)[0], update, rtol=0, atol=1e-15)
    assert np.allclose(model.field(TOKENS), tied.T @ update, rtol=0, atol=1e-15)


def test_a_large_softmax_reads_one_token():
    net = network(gamma=1e4, eps=0.0, bits=None, window=4)
    overlaps = np.einsum("ahmn,ln->alhm", W, np.asarray(TOKENS)) / N
    best = np.argmax(np.einsum("hm,lhm->lh", overlaps[2, -1], overlaps[3]), axis=0)
    expected = np.stack([overlaps[1, best[h], h] for h in range(HEADS)])
    assert np.allclose(net.sample(jr.key(0), N).attention(TOKENS), expected, rtol=0, atol=1e-14)


def test_samples_repeat_the_columns_in_proportion_to_their_weights():
    net = nq.attention.standard()
    model = net.sample(jr.key(0), 99)
    assert np.array_equal(model.W[:, 0], np.repeat(nq.ensembles._attention_segments.SEGMENTS, 33, axis=2))
    sizes = np.stack([net.class_sizes(jr.key(seed), 100) for seed in range(60)])
    assert np.all(sizes.sum(axis=1) == 100)
    assert set(np.unique(sizes)) == {33.0, 34.0}
    assert np.all(np.abs(sizes.mean(axis=0) - 100 / 3) < 4 * np.sqrt(2 / 9 / 60))
    same = network().sample(jr.key(3), N)
    assert np.array_equal(same.W, W)


def test_sampling_under_jit_grad_and_vmap():
    net = network()
    many = jax.jit(jax.vmap(lambda key: net.sample(key, 12).W))(jr.split(jr.key(0), 3))
    assert many.shape == (3, 4, HEADS, M, 12)
    twice = jnp.repeat(TOKENS, 2, axis=1)
    energy = jax.jit(lambda net: jnp.sum(net.sample(jr.key(0), 2 * N).field(twice, jnp.arange(4)) ** 2))
    value, slope = jax.value_and_grad(energy)(net)
    assert np.isclose(value, 2 * np.sum(np.asarray(MODEL.field(TOKENS, jnp.arange(4))) ** 2), rtol=1e-12)
    either = [energy(dataclasses.replace(net, beta=1.3 + step)) for step in (1e-5, -1e-5)]
    assert np.isclose(slope.beta, (either[0] - either[1]) / 2e-5, rtol=1e-8)


def test_random_segments_are_signs_of_the_asked_shape():
    net = nq.attention.random_segments(key=jr.key(0), n_bits=3, features=2, segments=4, heads=2)
    assert (net.classes, net.window, net.sigma.shape) == (4, 8, (4, 2, 2))
    assert set(np.unique(net.omega)) == {-1.0, 1.0}
    assert np.array_equal(net.omega[0], net.sigma)


SMALL = nq.Autoregressive(
    nq.attention.from_patterns(
        *RNG.normal(size=(4, M, 2)), bits=tuple(RNG.choice([-1.0, 1.0], (4, M, 1))), beta=0.8, gamma=2.0, eps=0.3
    ).sample(jr.key(0), 2)
)


@pytest.mark.parametrize("index", [0, 4], ids=["filling", "full"])
def test_steps_follow_log_prob(index):
    """400,000 steps from all 16 windows; chi-square of the outcomes."""
    drive, states = nq.attention.Positions(2)(index), SMALL.states()

    @jax.jit
    def both():
        log_p = jax.vmap(lambda x: jax.vmap(lambda y: SMALL.log_prob(x, y, drive))(states))(states)
        draw = jax.vmap(lambda x, i: SMALL.index(SMALL.step(x, i, key=jr.key(5), drive=drive)), (None, 0))
        reached = jax.vmap(draw)(states, jnp.arange(16 * 25_000).reshape(16, -1))
        return log_p, jax.vmap(lambda row: jnp.zeros(16).at[row].add(1))(reached)

    log_p, seen = (np.asarray(x) for x in both())
    p = np.exp(log_p)
    assert np.allclose(p.sum(axis=1), 1, atol=1e-12)
    possible = p > 0
    assert possible.sum() == 16 * 4
    assert seen[~possible].sum() == 0
    chi2 = ((seen - 25_000 * p)[possible] ** 2 / (25_000 * p[possible])).sum()
    assert 1e-3 < scipy.stats.chi2.sf(chi2, 16 * 3) < 1 - 1e-3


def test_reversal_keeps_the_position_of_each_token():
    drive = jnp.array([3, 0, 1, 2])  # tokens t - 3, ..., t; token t + 1 has position 3
    x, x_next = TOKENS, jnp.concatenate([TOKENS[1:], -TOKENS[:1]])
    clock = nq.Autoregressive(MODEL)
    before, after, back = clock.reverse(x, x_next, drive)
    assert back.tolist() == [3, 2, 1, 0]
    position = {tuple(np.asarray(s)): int(p) for s, p in zip(x, drive, strict=True)}
    position[tuple(np.asarray(x_next[-1]))] = 3
    assert [position[tuple(np.asarray(s))] for s in before] == back.tolist()
    assert eqx.tree_equal(clock.reverse(before, after, back), (x, x_next, drive))


BAD_VALUES = {"beta": [-0.1, jnp.nan, jnp.inf], "gamma": [-1.0, jnp.nan], "eps": [1.5, -0.1, jnp.nan]}
MESSAGES = {name: f"{name} must be finite and not negative" for name in ("beta", "gamma")} | {
    "eps": "eps must be between"
}


@pytest.mark.parametrize("name, value", [(name, value) for name, values in BAD_VALUES.items() for value in values])
@pytest.mark.parametrize("owner", [network(), MODEL], ids=["network", "model"])
def test_bad_values_are_refused(owner, name, value):
    with pytest.raises(ValueError, match=MESSAGES[name]):
        dataclasses.replace(owner, **{name: value})


@pytest.mark.parametrize("name", BAD_VALUES)
@pytest.mark.parametrize("owner", [network(), MODEL], ids=["network", "model"])
def test_bad_values_are_refused_when_traced(owner, name):
    read = jax.jit(lambda value: getattr(dataclasses.replace(owner, **{name: value}), name))
    assert read(0.5) == 0.5
    with pytest.raises(Exception, match=MESSAGES[name]):
        jax.block_until_ready(read(BAD_VALUES[name][0]))


OTHER = np.ones((M, N))
BAD_SHAPES = {
    "patterns differ": (
        lambda: network_of(OTHER, OTHER, OTHER, np.ones((M, 4))),
        r"the patterns have shapes .*\(3, 4\)",
    ),
    "no window": (lambda: network_of(), "window is None"),
    "window of another code": (lambda: network(window=5), "window = 5, but the positional code has 4 positions"),
    "bits of other features": (
        lambda: network_of(bits=[np.ones((2, 1))] * 4),
        r"bits have shape .*\(heads, features\) = \(1, 3\)",
    ),
    "no tokens": (lambda: network_of(window=0), "window = 0"),
    "positions of another window": (
        lambda: dataclasses.replace(MODEL, window=3),
        r"positions has shape \(4, 4, 2, 3\): a window of 3 tokens .* need \(4, 3, 2, 3\)",
    ),
    "gamma of other heads": (lambda: network(gamma=np.ones(3)), r"gamma has shape \(3,\): .* each of 2 heads"),
    "weights": (lambda: network_of(window=2, weights=np.ones(N)), "weights must sum to one: their sum"),
    "published bits": (lambda: nq.attention.standard(n_bits=3), r"n_bits = 3: the published networks have \[2, 5\]"),
    "tables": (
        lambda: nq.attention.from_correlations(np.zeros((4, 3, 3)), window=2, beta=1.0, gamma=1.0),
        r"tables has shape \(4, 3, 3\): 3 features have 4 odd sets",
    ),
    "window of a state": (
        lambda: MODEL.field(TOKENS[:3], jnp.arange(4)),
        r"x has shape \(3, 5\).* windows of .*\(4, 5\)",
    ),
    "no positions": (lambda: MODEL.field(TOKENS), "drive is None, but the network has a positional code"),
    "positions of fewer tokens": (lambda: MODEL.field(TOKENS, jnp.arange(3)), r"drive has shape \(3,\)"),
    "real positions": (lambda: MODEL.field(TOKENS, jnp.ones(4)), "dtype float64: it must be the position"),
    "lags": (lambda: nq.Autoregressive(MODEL, lags=3), "lags = 3, but the model reads windows of 4"),
}


def network_of(*patterns, beta=1.0, gamma=1.0, **given):
    return nq.attention.from_patterns(*(patterns or [OTHER] * 4), beta=beta, gamma=gamma, **given)


@pytest.mark.parametrize("make, message", BAD_SHAPES.values(), ids=BAD_SHAPES)
def test_bad_shapes_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
    with pytest.raises(Exception, match=message):  # a value, once traced, is an error of the run
        jax.block_until_ready(jax.jit(lambda: jax.tree.leaves(eqx.filter(make(), eqx.is_array)))())


def test_gradients_of_log_prob_in_every_leaf():
    clock, drive = nq.Autoregressive(MODEL), jnp.array([1, 2, 3, 0])
    x_next = jnp.concatenate([TOKENS[1:], -TOKENS[:1]])
    flat, rebuild = jax.flatten_util.ravel_pytree(MODEL)
    value = jax.jit(lambda flat: nq.Autoregressive(rebuild(flat)).log_prob(TOKENS, x_next, drive))
    direction = np.asarray(jr.normal(jr.key(2), flat.shape))
    gradient = jax.grad(value)(flat)
    assert jnp.all(gradient[jnp.argsort(jnp.abs(gradient))[-10:]] != 0)
    slope = (value(flat + 1e-6 * direction) - value(flat - 1e-6 * direction)) / 2e-6
    assert np.isclose(gradient @ direction, slope, rtol=1e-6)
    assert clock.log_prob(TOKENS, -x_next, drive) == -jnp.inf

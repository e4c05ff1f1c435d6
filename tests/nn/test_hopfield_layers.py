"""Layers of associative memory against attention written out, finite differences, and each sample by itself."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from drawn import normal

import nonequil as nq

FEATURES, HEADS, STATES, STORED = 6, 2, 4, 5
S, R, Y = (normal((tokens, FEATURES), seed) for tokens, seed in ((STORED, 1), (STATES, 2), (STORED, 3)))


def layer(scale=25.0, **options):
    """A layer whose weights are large enough to single patterns out."""
    made = nq.nn.HopfieldAssociation(FEATURES, heads=HEADS, key=jr.key(0), **options)
    maps = lambda m: (m.query.weight, m.key.weight, m.value.weight, m.out.weight)  # noqa: E731
    return eqx.tree_at(maps, made, tuple(scale * weight for weight in maps(made)))


answer = eqx.filter_jit(lambda made, *inputs, **options: made(*inputs, **options))


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def attention(layer, updates, stored=S, state=R, projection=Y, *, norm=True, seen=None):
    """The published steps, head by head, in NumPy."""
    normal_rows = lambda x: (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)  # noqa: E731
    inputs = [normal_rows(np.asarray(x)) if norm else np.asarray(x) for x in (state, stored, projection)]
    maps = (layer.query, layer.key, layer.value)
    q, k, v = (x @ np.asarray(m.weight).T + np.asarray(m.bias) for x, m in zip(inputs, maps, strict=True))
    answers = []
    for h, (qh, kh, vh) in enumerate(zip(*(np.split(x, HEADS, axis=1) for x in (q, k, v)), strict=True)):
        beta = float(layer.beta[h])
        look = lambda q, kh=kh, beta=beta: softmax(np.where(True if seen is None else seen, beta * q @ kh.T, -1e30))  # noqa: E731
        for _ in range(updates):
            qh = look(qh) @ kh
        answers.append(look(qh) @ vh)
    return np.concatenate(answers, axis=1) @ np.asarray(layer.out.weight).T + np.asarray(layer.out.bias)


@pytest.mark.parametrize("updates", [0, 1, 4])
@pytest.mark.parametrize("norm", [True, False], ids=["normalised", "plain"])
def test_attention_written_out(updates, norm):
    """No update is attention, n updates are n + 1 soft-maxes, with a beta of its own in each head."""
    made = layer(updates=updates, norm=norm, beta=[0.4, 1.7])
    assert np.allclose(answer(made, S, R, Y), attention(made, updates, norm=norm), atol=1e-10)


def test_attention_of_jax():
    made = layer(norm=False)
    q, k, v = (x @ m.weight.T for x, m in ((R, made.query), (S, made.key), (Y, made.value)))
    heads = lambda x: x.reshape(1, len(x), HEADS, -1)  # noqa: E731
    with jax.numpy_dtype_promotion("standard"):
        answers = jax.nn.dot_product_attention(heads(q), heads(k), heads(v))[0].reshape(STATES, -1)
    assert np.allclose(answer(made, S, R, Y), answers @ made.out.weight.T, atol=1e-10)


def test_masks():
    """A row that sees nothing is answered by the shift alone; other rows are those of attention over what they see."""
    made = eqx.tree_at(lambda m: m.out.bias, layer(updates=2), normal((FEATURES,), 4))
    seen = np.random.default_rng(5).random((STATES, STORED)) < 0.6
    seen[0], seen[1] = False, True
    answers = answer(made, S, R, Y, seen=jnp.asarray(seen))
    assert np.allclose(answers[1:], attention(made, 2, seen=seen)[1:], atol=1e-10)
    assert np.array_equal(answers[0], made.out.bias)
    a = jax.jit(lambda seen: made.associations(S, R, Y, seen=seen)[0])(jnp.asarray(seen))
    assert np.all(np.asarray(a)[:, ~seen] == 0)
    assert np.allclose(a.sum(-1)[:, 1:], 1, atol=1e-12)
    slopes = jax.jit(jax.grad(lambda S: jnp.sum(made(S, R, Y, seen=jnp.asarray(seen)) ** 2)))(S)
    assert np.all(np.isfinite(slopes))
    assert np.all(np.isfinite(answer(layer(updates=None), S, R, Y, seen=jnp.asarray(seen))))


def test_a_sample_does_not_depend_on_the_others():
    """Also where each state goes on until it rests: the batch is the samples one by one."""
    made = layer(updates=None, beta=[0.5, 3.0])
    batch = normal((7, STORED, FEATURES), 6)
    together = eqx.filter_jit(eqx.filter_vmap(made))(batch)
    alone = jnp.stack([answer(made, sample) for sample in batch])
    assert np.allclose(together, alone, atol=1e-13)


def test_resting_states_are_those_of_many_updates():
    made = layer(updates=None)
    many = layer(updates=400)
    assert np.allclose(answer(made, S, R, Y), answer(many, S, R, Y), atol=1e-11)


@pytest.mark.parametrize("updates", [0, 1, 5, None], ids=["0", "1", "5", "resting"])
def test_gradients_are_finite_differences(updates):
    """In all weights, in beta, and in the three inputs; where states rest these only enter through what is stored."""
    made, probe = layer(updates=updates, beta=[0.6, 1.2]), normal((STATES, FEATURES), 7)
    weights, rest = eqx.partition((made, S, Y), eqx.is_inexact_array)

    @jax.jit
    def loss(weights):
        made, S, Y = eqx.combine(weights, rest)
        return jnp.sum(probe * made(S, R, Y))

    slopes = jax.jit(jax.grad(loss))(weights)
    leaves, tree = jax.tree.flatten(weights)
    along = tree.unflatten([normal(leaf.shape, 10 + k) for k, leaf in enumerate(leaves)])
    product = sum(jnp.sum(a * b) for a, b in zip(jax.tree.leaves(slopes), jax.tree.leaves(along), strict=True))
    moved = [loss(jax.tree.map(lambda x, d, h=h: x + h * d, weights, along)) for h in (1e-5, -1e-5)]
    assert np.isclose(product, (moved[0] - moved[1]) / 2e-5, rtol=1e-6, atol=1e-8)
    assert abs(product) > 1e-3
    assert jnp.any(slopes[0].beta != 0)


def test_pooling_and_lookup_are_associations():
    pool = nq.nn.HopfieldPooling(FEATURES, quantity=3, heads=HEADS, key=jr.key(1))
    pooled = answer(pool, S)
    assert np.allclose(pooled, attention(pool.association, 0, S, pool.states, S).ravel(), atol=1e-14)
    assert pooled.shape == (3 * FEATURES,)
    assert np.allclose(answer(pool, S[::-1]), pooled, atol=1e-14)  # a set has no order
    padded = jnp.concatenate([S, jnp.full((2, FEATURES), 9.0)])
    assert np.allclose(answer(pool, padded, seen=jnp.arange(STORED + 2) < STORED), pooled, atol=1e-14)

    shared = nq.nn.HopfieldLookup(FEATURES, quantity=9, heads=HEADS, key=jr.key(2))
    looked_up = answer(shared, R)
    assert np.allclose(looked_up, attention(shared.association, 0, shared.patterns, R, shared.patterns), atol=1e-14)
    apart = nq.nn.HopfieldLookup(FEATURES, quantity=9, heads=HEADS, separate=True, key=jr.key(2))
    answers = answer(apart, R)
    assert np.allclose(answers, attention(apart.association, 0, apart.patterns, R, apart.targets), atol=1e-14)
    assert not np.allclose(answers, looked_up, rtol=1e-3)


def test_a_new_layer_averages_and_dropout_only_acts_with_a_key():
    made = nq.nn.HopfieldAssociation(FEATURES, heads=HEADS, key=jr.key(0), dropout=0.5)
    a = eqx.filter_jit(lambda made: made.associations(S, R)[0])(made)
    assert np.allclose(a, 1 / STORED, atol=0.01)
    assert made.beta[0] == (FEATURES // HEADS) ** -0.5
    plain = answer(made, S, R)
    assert np.allclose(plain, attention(made, 0, projection=S), atol=1e-14)
    assert not np.allclose(answer(made, S, R, key=jr.key(1)), plain)
    assert np.array_equal(answer(made, S, R, key=jr.key(1), inference=True), plain)


def test_a_layer_learns_to_look_up():
    """The pattern nearest to a noisy copy of it, by optax, from a small start: the loss falls tenfold."""
    import optax

    targets = normal((4, FEATURES), 20)
    states = targets + 0.1 * normal((4, FEATURES), 21)
    lookup = nq.nn.HopfieldLookup(FEATURES, quantity=12, key=jr.key(3), separate=True, norm=False)
    optimiser = optax.adam(0.03)
    trained, rest = eqx.partition(lookup, eqx.is_inexact_array)
    loss = lambda trained: jnp.mean((eqx.combine(trained, rest)(states) - targets) ** 2)  # noqa: E731

    def step(carry, _):
        trained, state = carry
        value, slopes = jax.value_and_grad(loss)(trained)
        moves, state = optimiser.update(slopes, state)
        return (optax.apply_updates(trained, moves), state), value

    with jax.numpy_dtype_promotion("standard"):  # of optax
        _, values = jax.jit(lambda c: jax.lax.scan(step, c, length=400))((trained, optimiser.init(trained)))
    assert values[-1] < 0.1 * values[0], values[::40]


BAD = {
    "heads that do not divide": (lambda: nq.nn.HopfieldAssociation(5, heads=2, key=jr.key(0)), "heads = 2"),
    "negative updates": (lambda: layer(updates=-1), "updates = -1"),
    "beta": (lambda: layer(beta=[0.3, -1.0]), "beta must be finite and positive"),
    "beta of other shape": (lambda: layer(beta=[0.3] * 3), "beta has shape"),
    "no features": (lambda: layer(hidden=0), "hidden = 0"),
    "dropout": (lambda: layer(dropout=1.0), "dropout = 1"),
    "tolerance": (lambda: layer(updates=None, tolerance=0.0)(S), "tolerance = 0"),
    "a batch": (lambda: layer()(S[None]), "stored"),
    "features": (lambda: layer()(S[:, :4]), "stored"),
    "projection rows": (lambda: layer()(S, R, Y[:2]), "projection"),
    "seen": (lambda: layer()(S, R, seen=jnp.ones((2, 2), bool)), "seen"),
    "no state": (lambda: nq.nn.HopfieldPooling(4, quantity=0, key=jr.key(0)), "quantity = 0"),
    "no pattern": (lambda: nq.nn.HopfieldLookup(4, quantity=0, key=jr.key(0)), "quantity = 0"),
}


@pytest.mark.parametrize("call, message", BAD.values(), ids=BAD)
def test_bad_input_is_refused(call, message):
    with pytest.raises((ValueError, TypeError), match=message):  # TypeError where annotations are checked
        call()

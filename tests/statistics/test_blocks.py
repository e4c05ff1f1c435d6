"""Blocks, folds, bootstrap and surrogates: what data can say of their own uncertainty."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import nonequil as nq
from nonequil import statistics

TRIALS, LENGTH = 60, 70


@functools.cache
def trials():
    """Trials of equal length of a network of three."""
    model = nq.SherringtonKirkpatrick(J0=0.0, dJ=1.5).sample(jr.key(0), 3)
    x0 = nq.random_spins(jr.key(1), (TRIALS, 3))
    _, (record,) = nq.simulate(nq.Parallel(model), x0, steps=LENGTH, key=jr.key(2), observers=(nq.Record(),))
    return jax.tree.map(np.asarray, record)


def series():
    """Trials of 10 to 69 pairs."""
    return trials()[np.arange(TRIALS * LENGTH) % LENGTH < 10 + trials().block]


def arrow(t):
    return t.x_next[:, 0] * t.x[:, 1] - t.x[:, 0] * t.x_next[:, 1]


def test_standard_error_covers_correlated_series():
    """Means of 400 sets of 20 trials of an AR(1) series: their spread is the mean standard error."""
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((400, 20, 50))
    x = np.zeros_like(noise)
    for k in range(1, 50):
        x[..., k] = 0.9 * x[..., k - 1] + noise[..., k]
    pair = np.ones((1000, 1))
    t = nq.Transitions(pair, pair, block=np.repeat(np.arange(20), 50))
    means, errors, sizes = jax.jit(jax.vmap(lambda v: statistics.block_mean(v, t)))(jnp.asarray(x.reshape(400, -1)))
    assert np.isclose(np.std(means), np.sqrt(np.mean(errors**2)), rtol=0.1)
    naive = np.sqrt(np.var(x.reshape(400, -1), axis=1) / 1000)
    assert np.mean(errors) > 2 * np.mean(naive)
    assert np.mean(sizes) < 300


def test_block_mean_is_the_same_under_jit_with_gaps_and_masks():
    t = series()
    values = jnp.asarray(arrow(t), float)
    t = dataclasses.replace(t, block=7 * t.block + 3, weight=np.where(t.block == 4, 0.0, 1.5))
    eager, traced = statistics.block_mean(values, t), jax.jit(statistics.block_mean)(values, t)
    assert all(jnp.allclose(a, b, rtol=1e-12) for a, b in zip(eager, traced, strict=True))
    kept = t[np.asarray(t.weight) > 0]
    apart = statistics.block_mean(values[np.asarray(t.weight) > 0], kept)
    assert all(jnp.allclose(a, b, rtol=1e-12) for a, b in zip(eager, apart, strict=True))


def test_one_block_has_no_known_error():
    t = dataclasses.replace(series(), block=np.zeros(len(series()), int))
    assert jnp.isnan(statistics.block_mean(jnp.asarray(arrow(t), float), t)[1])


def test_contiguous_blocks_where_none_are_declared():
    pair = np.ones((1003, 1))
    block = np.asarray(statistics.with_blocks(nq.Transitions(pair, pair), 10).block)
    assert np.array_equal(np.unique(block), np.arange(10))
    assert np.all(np.diff(block) >= 0)
    assert np.ptp(np.bincount(block)) <= 1
    assert np.asarray(statistics.blocks(nq.Transitions(pair[:3], pair[:3]))).max() == 2


def test_folds_keep_blocks_whole_and_balanced():
    t = series()
    fold = np.asarray(statistics.folds(t, 4))
    assert all(len(set(fold[t.block == b])) == 1 for b in np.unique(t.block))
    assert np.ptp(np.bincount(fold)) < 70
    with pytest.raises(ValueError, match="count = 61 folds"):
        statistics.folds(t, 61)


def test_bootstrap_of_a_mean_is_its_standard_error():
    t = series()
    values, block = arrow(t).astype(float), np.asarray(t.block)
    sums, sizes = (np.bincount(block, weights=w) for w in (values, np.ones_like(values)))
    sums, sizes = jnp.asarray(sums), jnp.asarray(sizes)
    drawn = statistics.bootstrap(lambda k: (k @ sums) / (k @ sizes), 60, key=jr.key(0), draws=2000)
    _, stderr, _ = statistics.block_mean(jnp.asarray(values), t)
    assert np.isclose(drawn.stderr, stderr, rtol=4 / np.sqrt(2 * 2000) + 1 / 60)
    assert np.all(np.asarray(statistics.multiplicities(60, key=jr.key(0), draws=5)).sum(axis=1) == 60)
    with pytest.raises(ValueError, match="blocks = 1"):
        statistics.bootstrap(lambda k: k, 1, key=jr.key(0))


def test_reversed_blocks_are_the_same_trials_read_backwards():
    t = series()
    turned = statistics.time_reversed_blocks(t, key=jr.key(5))
    changed = 0
    for b in np.unique(t.block):
        here = t.block == b
        same = np.array_equal(turned.x[here], t.x[here]) and np.array_equal(turned.x_next[here], t.x_next[here])
        back = np.array_equal(turned.x[here], t.x_next[here][::-1]) and np.array_equal(
            turned.x_next[here], t.x[here][::-1]
        )
        assert same or back
        changed += back and not same
    assert 15 < changed < 45
    flows = [arrow(statistics.time_reversed_blocks(t, key=jr.key(k))).mean() for k in range(200)]
    assert abs(np.mean(flows)) < 4 * np.std(flows) / np.sqrt(200)
    assert abs(arrow(t).mean()) > 3 * np.std(flows)


def test_a_trial_shuffle_keeps_each_unit_and_breaks_pairs():
    t = trials()
    shuffled = statistics.trial_shuffle(t, key=jr.key(6))
    for unit in range(3):
        pairs = lambda t, unit=unit: sorted(zip(t.x[:, unit].tolist(), t.x_next[:, unit].tolist(), strict=True))  # noqa: E731
        assert pairs(shuffled) == pairs(t)
    (before, after) = (nq.fold((nq.Moments(),), s)[0] for s in (t, shuffled))
    assert jnp.allclose(jnp.diag(after.D), jnp.diag(before.D), atol=1e-12)
    cross = ~np.eye(3, dtype=bool)
    assert np.abs(before.D[cross]).max() > 0.3
    assert np.abs(after.D[cross]).max() < 4 / np.sqrt(TRIALS)
    with pytest.raises(ValueError, match="needs trials"):
        statistics.trial_shuffle(dataclasses.replace(t, block=None), key=jr.key(0))


def test_a_trial_shuffle_of_ragged_trials_uses_only_that_units_pairs():
    t = series()
    shuffled = statistics.trial_shuffle(t, key=jr.key(7))
    assert np.array_equal(shuffled.block, t.block)
    for unit in range(3):
        rate = lambda t, unit=unit: (t.x[:, unit] > 0).mean()  # noqa: E731
        assert abs(rate(shuffled) - rate(t)) < 0.1

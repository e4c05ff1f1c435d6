"""Observers against sums written out in NumPy, and their exactness where float32 stops counting."""

import dataclasses

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import nonequil as nq
from nonequil import statistics

N, PAIRS = 3, 500


def recording(seed=0, blocks=True):
    """A correlated series of spins cut into trials of unequal length, with weights 0, 1 and 2."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((PAIRS + 1, N)).cumsum(axis=0)
    spins = np.where(np.sin(noise / 3) > 0.2, 1, -1).astype(np.int8)
    block = np.repeat(np.arange(7), [10, 90, 100, 50, 1, 149, 100]) if blocks else None
    return nq.Transitions(spins[:-1], spins[1:], weight=rng.integers(0, 3, PAIRS).astype(float), block=block)


def test_moments_against_numpy():
    t = recording()
    (seen,) = nq.fold((nq.Moments(),), t, chunk=64)
    x, x_next = t.x.astype(float), t.x_next.astype(float)
    mean = lambda a: np.average(a, axis=0, weights=t.weight)  # noqa: E731
    assert np.allclose(seen.m, mean(x_next), atol=1e-14)
    assert np.allclose(seen.m_before, mean(x), atol=1e-14)
    for matrix, later, earlier in ((seen.C, x_next, x_next), (seen.D, x_next, x)):
        expected = mean(later[:, :, None] * earlier[:, None]) - np.outer(mean(later), mean(earlier))
        assert np.allclose(matrix, expected, atol=1e-14)


@pytest.mark.compiled
@pytest.mark.parametrize("chunk", [7, 499, 10_000])
def test_chunks_do_not_change_a_bit(chunk):
    t = dataclasses.replace(recording(), weight=None)
    observers = (nq.Moments(), nq.Lagged((0, 1, 5)))
    whole, pieces = nq.fold(observers, t, chunk=PAIRS), nq.fold(observers, t.chunks(chunk))
    assert all(jnp.array_equal(a, b) for a, b in zip(*map(jax.tree.leaves, (whole, pieces)), strict=True))
    padded = nq.fold(observers, t, chunk=chunk)
    assert all(jnp.array_equal(a, b) for a, b in zip(*map(jax.tree.leaves, (whole, padded)), strict=True))


@pytest.mark.parametrize("blocks", [True, False])
def test_lags_stay_within_their_block(blocks):
    t = recording(blocks=blocks)
    lags = (0, 1, 4, 60)
    (seen,) = nq.fold((nq.Lagged(lags),), t, chunk=33)
    block = np.zeros(PAIRS) if t.block is None else np.asarray(t.block)
    for k, lag in enumerate(lags):
        pairs = [(p + lag, p) for p in range(PAIRS - lag) if block[p] == block[p + lag]]
        later, earlier = (np.array(side) for side in zip(*pairs, strict=True))
        w = t.weight[later] * t.weight[earlier]
        x = t.x_next.astype(float)
        mean = lambda a, w=w: np.average(a, axis=0, weights=w)  # noqa: E731
        assert np.allclose(seen.pairs[k], w.sum())
        assert np.allclose(seen.m_later[k], mean(x[later]), atol=1e-13)
        expected = mean(x[later][:, :, None] * x[earlier][:, None]) - np.outer(mean(x[later]), mean(x[earlier]))
        assert np.allclose(seen.C[k], expected, atol=1e-13)


def test_a_lag_without_pairs_is_unknown():
    (seen,) = nq.fold((nq.Lagged((1, 200)),), recording())
    assert seen.pairs[1] == 0
    assert np.all(np.isnan(seen.C[1]))
    assert np.all(np.isfinite(seen.C[0]))


@pytest.mark.compiled
def test_moments_count_beyond_float32():
    """20,971,523 pairs: float32 alone holds integers up to 16,777,216."""
    with jax.enable_x64(False):
        x = jnp.ones((2**22, 1), jnp.int8)
        many, few = nq.Transitions(x, x), nq.Transitions(-x[:3], x[:3])
        observer = nq.Moments()
        total, update = observer.init(many), jax.jit(observer.update)
        assert {part.high.dtype for part in total} == {jnp.dtype(jnp.float32)}
        for t in (many, many, many, many, few, many):
            total = update(total, t)
        sums, *products = (np.asarray(part.high, np.float64) + np.asarray(part.low, np.float64) for part in total)
        assert np.array_equal(sums, 5 * 2**22 + np.array([3, 3, -3]))  # weight, later, earlier
        assert np.array_equal(np.ravel(products), 5 * 2**22 + np.array([3, -3]))


def test_mean_and_its_error_between_blocks():
    t = recording()
    f = lambda x, x_next: {"a": x_next[0] * x[1], "b": jnp.exp(0.3 * x_next.astype(float))}  # noqa: E731
    (seen,) = nq.fold((nq.Mean(f),), t, chunk=100)
    values = jax.vmap(f)(jnp.asarray(t.x), jnp.asarray(t.x_next))
    mean, stderr, _ = statistics.block_mean(values["a"].astype(float), t)
    assert np.isclose(seen.value["a"], mean, rtol=1e-13)
    assert np.isclose(seen.stderr["a"], stderr, rtol=1e-12)
    assert np.allclose(seen.value["b"], np.average(values["b"], axis=0, weights=t.weight), rtol=1e-14)


def test_mean_without_blocks_has_no_known_error_and_masked_pairs_do_not_count():
    t = recording(blocks=False)
    (seen,) = nq.fold((nq.Mean(lambda x, x_next: jnp.where(x[0] > 0, jnp.nan, 1.0)),), t)
    assert jnp.isnan(seen.value)
    masked = dataclasses.replace(t, weight=np.where(t.x[:, 0] > 0, 0, t.weight))
    (seen,) = nq.fold((nq.Mean(lambda x, x_next: jnp.where(x[0] > 0, jnp.nan, 1.0)),), masked)
    assert seen.value == 1
    assert jnp.isnan(seen.stderr)


@pytest.mark.compiled
def test_exact_parts_sum_alike_in_any_order():
    for dtype, parts in ((jnp.float32, 3), (jnp.float64, 2)):
        x = (jr.normal(jr.key(1), (4096,)) * 10.0 ** jr.uniform(jr.key(2), (4096,), minval=-6, maxval=3)).astype(dtype)
        split = np.asarray(nq.numerics.exact_parts(x, 4096))
        assert len(split) == parts
        assert np.allclose(split.astype(np.float64).sum(axis=0), x, atol=float(jnp.finfo(dtype).eps * jnp.abs(x).max()))
        orders = [np.random.default_rng(k).permutation(4096) for k in range(5)]
        sums = {tuple(np.add.accumulate(part[order])[-1] for part in split) for order in orders}
        assert len(sums) == 1
        assert len({np.add.accumulate(np.asarray(x)[order])[-1] for order in orders}) > 1


@pytest.mark.parametrize("n", [1, 2, 9, 64, 65, 1000])
def test_ordered_sum_is_a_sum(n):
    x = jr.normal(jr.key(n), (2, n))
    assert jnp.allclose(nq.numerics.ordered_sum(x), x.sum(axis=-1), atol=1e-12)


def test_nothing_to_observe_is_said():
    with pytest.raises(ValueError, match="hold no pair"):
        nq.fold((nq.Moments(),), recording()[:0])
    with pytest.raises(ValueError, match="hold no pair"):
        nq.fold((nq.Moments(),), iter(()))
    with pytest.raises(ValueError, match="dt is None"):
        nq.fold((statistics.TimeWeighted(nq.Moments()),), recording())
    with pytest.raises(ValueError, match=r"lags = \(-1,\)"):
        nq.Lagged((-1,))

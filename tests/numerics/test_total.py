"""Sums in two words against exact integers."""

import fractions

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nonequil import numerics
from nonequil.numerics._total import exact_parts, ordered_sum

pytestmark = pytest.mark.compiled


def total_of(chunks, dtype=jnp.float32):
    zero = numerics.Total.zeros((), dtype)
    return jax.jit(lambda x: jax.lax.scan(lambda t, c: (t.add(c), None), zero, x)[0])(jnp.asarray(chunks, dtype))


def exactly(total):
    return int(np.float64(total.high)) + int(np.float64(total.low))


def test_a_float32_count_does_not_stop_at_two_to_the_24():
    ones = np.full(3, 2**24 - 1)
    chunks = np.concatenate([ones, np.ones(1001), ones])
    naive = np.float32(0)
    for chunk in chunks.astype(np.float32):
        naive += chunk
    assert exactly(total_of(chunks)) == 6 * (2**24 - 1) + 1001
    assert int(naive) != 6 * (2**24 - 1) + 1001  # what a single word would have given


def test_integers_are_exact_to_two_to_the_47_in_any_order(getkey):
    chunks = np.asarray(jax.random.randint(getkey(), (20_000,), -(2**24), 2**24))
    chunks = np.concatenate([chunks, np.full(5_000_000 // 100, 2**24)])
    expected = int(chunks.astype(np.int64).sum())
    assert expected < 2**47
    for order in (chunks, chunks[::-1], np.sort(chunks)):
        assert exactly(total_of(order)) == expected


def test_chunks_of_another_size_give_the_same_bits(getkey):
    counts = np.asarray(jax.random.randint(getkey(), (64, 256), 0, 2**16))
    by_row, by_pair = total_of(counts.sum(1)), total_of(counts.reshape(32, 512).sum(1))
    assert by_row.value == by_pair.value
    assert exactly(by_row) == int(counts.sum())


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_fractions_are_summed_with_twice_the_digits(getkey, dtype):
    chunks = np.asarray(jax.random.normal(getkey(), (20_000,), dtype) * jnp.asarray(1e3, dtype))
    exact = sum(map(fractions.Fraction, chunks.tolist()))
    total = total_of(chunks, dtype)
    error = abs(fractions.Fraction(float(total.high)) + fractions.Fraction(float(total.low)) - exact)
    scale = float(np.abs(chunks).sum())
    eps = float(jnp.finfo(dtype).eps)
    assert float(error) < 20_000 * eps**2 * scale
    assert total.value.dtype == dtype


def test_a_total_sums_arrays_entry_by_entry():
    total = numerics.Total.zeros((2, 3)).add(jnp.ones((2, 3))).add(2 * jnp.ones((2, 3)))
    assert jnp.array_equal(total.value, 3 * jnp.ones((2, 3)))


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_exact_parts_have_sums_without_an_order(getkey, dtype):
    x = jax.random.normal(getkey(), (4096,), dtype) * 10.0 ** jnp.asarray(jax.random.uniform(getkey(), (4096,), dtype))
    parts = exact_parts(x, 4096)
    left = jnp.abs(parts.astype(float).sum(0) - x.astype(float))
    assert jnp.max(left) <= float(jnp.max(jnp.abs(x))) * float(jnp.finfo(dtype).eps)
    shuffled = parts[:, jax.random.permutation(getkey(), 4096)]
    for part, other in zip(parts, shuffled, strict=True):
        exact = sum(map(fractions.Fraction, np.asarray(part, np.float64).tolist()))
        assert fractions.Fraction(float(part.sum())) == fractions.Fraction(float(other.sum())) == exact


def test_an_ordered_sum_does_not_depend_on_the_batch(getkey):
    x = jax.random.normal(getkey(), (7, 1000), jnp.float32)
    together = jax.jit(ordered_sum)(x)
    alone = jnp.stack([jax.jit(ordered_sum)(row) for row in x])
    assert jnp.array_equal(together, alone)
    assert np.allclose(together, np.asarray(x, np.float64).sum(1), atol=1e-3)

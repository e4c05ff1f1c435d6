"""Random numbers against published vectors, JAX's own generator and the uniform law."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from jax.extend.random import threefry_2x32

from nonequil import numerics

pytestmark = pytest.mark.compiled

VECTORS = {  # key, counter, output: the known answers that come with Random123
    "zeros": ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
    "ones": ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
    "pi": ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
}


@pytest.mark.published
@pytest.mark.parametrize("key, counter, output", VECTORS.values(), ids=VECTORS)
def test_threefry_gives_the_known_answers(key, counter, output):
    words = numerics.threefry(tuple(map(jnp.uint32, key)), tuple(map(jnp.uint32, counter)))
    assert tuple(int(word) for word in words) == output


def test_threefry_equals_jax(getkey):
    key = jax.random.key_data(getkey())
    counter = jax.random.bits(getkey(), (2, 1000), jnp.uint32)
    ours = jax.jit(numerics.threefry)((key[0], key[1]), (counter[0], counter[1]))
    theirs = threefry_2x32((key[0], key[1]), counter.reshape(-1)).reshape(2, 1000)
    assert jnp.array_equal(jnp.stack(ours), theirs)


@pytest.fixture(scope="module")
def sample():
    """Uniform numbers, (chains, steps, sites)."""
    keys = numerics.chain_keys(jax.random.key(7), 16)

    def draw(key):
        return jax.vmap(lambda step: numerics.uniforms(key, step, (64,), jnp.float32))(jnp.arange(1000))

    return np.asarray(jax.jit(jax.vmap(draw))(keys), np.float64)


def test_uniforms_are_uniform(sample):
    count = sample.size
    assert sample.min() >= 0
    assert sample.max() < 1
    assert abs(sample.mean() - 0.5) < 4 * np.sqrt(1 / 12 / count)
    assert abs(sample.var() - 1 / 12) < 4 * np.sqrt(1 / 180 / count)  # Var (u - 1/2)**2 = 1/80 - 1/144
    observed = np.histogram(sample, bins=256, range=(0, 1))[0]
    assert 1e-4 < scipy.stats.chisquare(observed).pvalue < 1 - 1e-4


SHIFTS = {"step": (0, 1, 0), "steps": (0, 2, 0), "site": (0, 0, 1), "chain": (1, 0, 0), "diagonal": (1, 1, 1)}


@pytest.mark.parametrize("shift", SHIFTS.values(), ids=SHIFTS)
@pytest.mark.parametrize("power", [1, 2])
def test_uniforms_do_not_correlate(sample, shift, power):
    u = (sample - 0.5) ** power
    u = u - (0 if power == 1 else 1 / 12)
    left = u[tuple(slice(None, -s or None) for s in shift)]
    right = u[tuple(slice(s, None) for s in shift)]
    variance = 1 / 12 if power == 1 else 1 / 180
    assert abs(np.mean(left * right)) < 4 * variance / np.sqrt(left.size)


@pytest.mark.parametrize("shift", SHIFTS.values(), ids=SHIFTS)
def test_pairs_of_neighbouring_numbers_fill_a_square_evenly(sample, shift):
    """Serial test; pairs overlap, so the chi-squares of both numbers alone come off (Good 1953): 31**2 freedoms."""
    left = sample[tuple(slice(None, -s or None) for s in shift)].ravel()
    right = sample[tuple(slice(s, None) for s in shift)].ravel()
    cells = np.histogram2d(left, right, bins=32, range=((0, 1), (0, 1)))[0]
    spread = lambda counts: np.sum((counts - counts.mean()) ** 2) / counts.mean()  # noqa: E731
    chi2 = spread(cells) - spread(cells.sum(axis=0)) - spread(cells.sum(axis=1))
    assert 1e-4 < scipy.stats.chi2.sf(chi2, 31**2) < 1 - 1e-4


def test_all_pairs_of_sites_and_chains_are_uncorrelated(sample):
    for series in (sample[0].T, sample[:, :, 0]):  # sites of a chain, one site of all chains: rows
        r = np.corrcoef(series)[np.triu_indices(len(series), 1)]
        chi = np.sum(r**2) * series.shape[1]
        assert 1e-4 < scipy.stats.chi2.cdf(chi, r.size) < 1 - 1e-4


def test_a_number_does_not_depend_on_the_layout(getkey):
    key = getkey()
    one = numerics.uniforms(key, 5, (12,))
    assert jnp.array_equal(one[:7], numerics.uniforms(key, 5, (7,)))
    assert jnp.array_equal(one.reshape(3, 4), numerics.uniforms(key, 5, (3, 4)))
    steps = jax.vmap(lambda step: numerics.uniforms(key, step, (12,)))(jnp.arange(3, 9))
    assert jnp.array_equal(one, steps[2])
    scanned = jax.lax.scan(lambda c, step: (c, numerics.uniforms(key, step, (12,))), 0, jnp.arange(6))[1]
    assert jnp.array_equal(one, scanned[5])


def test_a_chain_does_not_depend_on_the_number_of_chains(getkey):
    key = getkey()
    few, many = numerics.chain_keys(key, 3), numerics.chain_keys(key, 11)
    assert jnp.array_equal(jax.random.key_data(few), jax.random.key_data(many)[:3])
    draw = jax.vmap(lambda k: numerics.uniforms(k, 2, (5,)))
    assert jnp.array_equal(draw(few), draw(many)[:3])


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16, jnp.float32, jnp.float64])
def test_every_type_stays_below_one_and_is_a_multiple_of_its_last_bit(getkey, dtype):
    u = numerics.uniforms(getkey(), 0, (20_000,), dtype)
    assert u.dtype == dtype
    wide = np.asarray(u, np.float64)
    assert wide.max() < 1
    scaled = wide * 2.0 ** (jnp.finfo(dtype).nmant + 1)
    assert np.array_equal(scaled, np.round(scaled))
    step = 2.0 ** -(jnp.finfo(dtype).nmant + 1)  # the mean of the grid 0, step, ..., 1 - step
    assert abs(wide.mean() - (0.5 - step / 2)) < 4 * np.sqrt(1 / 12 / wide.size)


def test_the_low_word_of_a_double_is_random_too(getkey):
    u = np.asarray(numerics.uniforms(getkey(), 0, (100_000,), jnp.float64))
    low = np.mod(u * 2.0**27, 1)
    assert scipy.stats.kstest(low, "uniform").pvalue > 1e-4


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float32, jnp.float64])
def test_both_numbers_of_a_pair_are_uniform_and_independent(getkey, dtype):
    key, numbers, step = getkey(), jnp.arange(100_000), 2.0 ** -(jnp.finfo(dtype).nmant + 1)
    pair = numerics.uniform_pairs(key, 3, numbers, dtype)
    later = numerics.uniform_pairs(key, 4, numbers, dtype)
    assert all(u.dtype == dtype for u in pair)
    u = np.asarray([*pair, *later], np.float64)
    assert np.all((u >= 0) & (u < 1))
    assert np.array_equal(u / step, np.round(u / step))
    for number in u:
        assert scipy.stats.chisquare(np.histogram(number, bins=64, range=(0, 1))[0]).pvalue > 1e-4
    together = np.histogram2d(u[0], u[1], bins=16, range=[(0, 1), (0, 1)])[0]
    assert 1e-4 < scipy.stats.chisquare(together.ravel()).pvalue < 1 - 1e-4
    assert np.all(np.abs(np.corrcoef(u)[np.triu_indices(4, 1)]) < 4 / np.sqrt(u.shape[1]))
    assert np.all(np.abs(np.corrcoef(u[:2, :-1], u[:2, 1:])[:2, 2:]) < 4 / np.sqrt(u.shape[1]))


def test_a_pair_has_its_name_and_as_many_bits_as_its_type(getkey):
    key = getkey()
    for dtype in (jnp.float32, jnp.float64):
        all_pairs = jnp.stack(numerics.uniform_pairs(key, 3, jnp.arange(9), dtype))
        alone = jnp.stack(numerics.uniform_pairs(key, 3, jnp.asarray(5), dtype))
        assert jnp.array_equal(all_pairs[:, 5], alone)
        assert jnp.array_equal(all_pairs[0], numerics.uniforms(key, 3, (9,), dtype))
    low = np.mod(np.asarray(numerics.uniform_pairs(key, 0, jnp.arange(100_000), jnp.float64)) * 2.0**27, 1)
    assert all(scipy.stats.kstest(u, "uniform").pvalue > 1e-4 for u in low)


def test_exponentials_follow_their_law(getkey):
    t = np.asarray(numerics.exponentials(getkey(), 3, (100_000,)))
    assert scipy.stats.kstest(t, "expon").pvalue > 1e-4


@pytest.mark.parametrize("count", [2, 7, 100])
def test_integers_are_uniform(getkey, count):
    k = np.asarray(numerics.integers(getkey(), 1, (100_000,), count))
    observed = np.bincount(k, minlength=count)
    assert len(observed) == count
    assert 1e-4 < scipy.stats.chisquare(observed).pvalue < 1 - 1e-4


def test_integers_do_not_follow_the_uniform_numbers(getkey):
    key, size = getkey(), 100_000
    k = np.asarray(numerics.integers(key, 1, (size,), 50), np.float64)
    u = np.asarray(numerics.uniforms(key, 1, (size,), jnp.float32), np.float64)
    assert abs(np.corrcoef(k, u)[0, 1]) < 4 / np.sqrt(size)


def test_new_steps_compile_nothing(getkey):
    traces = []

    @jax.jit
    def draw(key, step):
        traces.append(step)
        return numerics.uniforms(key, step, (4,))

    a, b = draw(getkey(), jnp.asarray(0)), draw(getkey(), jnp.asarray(1))
    assert len(traces) == 1
    assert not jnp.array_equal(a, b)

"""Tokens as class counts: the same law as explicit spins, exactly, and the mean field of very many of them."""

import dataclasses

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
import scipy.stats

import nonequil as nq

NET = nq.attention.standard(n_bits=2, beta=0.8)


def small(sizes=(2, 1, 2)):
    """Five spins in three classes, a window of two."""
    rng = np.random.default_rng(0)
    S, bits = rng.normal(size=(4, 2, 3)), tuple(rng.choice([-1.0, 1.0], (4, 2, 1)))
    weights = np.array(sizes) / sum(sizes)
    return nq.attention.from_patterns(*S, weights=weights, bits=bits, beta=1.1, gamma=2.0, eps=0.2)


def counted(spins, sizes=(2, 1, 2)):
    label = np.repeat(np.arange(len(sizes)), sizes)
    return jnp.stack([jnp.sum(spins[..., label == c] > 0, axis=-1) for c in range(len(sizes))], axis=-1).astype(float)


def test_its_law_is_that_of_explicit_spins():
    """Every window of five spins: probabilities of the spins add up to those of their numbers."""
    net = small()
    spins, counts = (
        nq.Autoregressive(net.sample(jr.key(0), 5)),
        nq.attention.ClassCounts(net, jnp.array([2.0, 1.0, 2.0])),
    )
    drive = nq.attention.Positions(2)(3)
    windows = nq.random_spins(jr.key(1), (6, 2, 5))

    def both(x):
        outcomes, log_p = spins.outcomes(x, drive)
        numbers = counted(outcomes)
        return (
            numbers[:, 1],
            jnp.exp(log_p),
            jnp.exp(jax.vmap(lambda y: counts.log_prob(counted(x), y, drive))(numbers)),
        )

    numbers, p, grouped = (np.asarray(x) for x in jax.jit(jax.vmap(both))(windows))
    for row, (one, together) in enumerate(zip(p, grouped, strict=True)):
        for number in np.unique(numbers[row], axis=0):
            same = np.all(numbers[row] == number, axis=1)
            assert np.isclose(one[same].sum(), together[same][0], rtol=1e-12)


@pytest.mark.parametrize("size", [3, 60, 3000])
def test_steps_follow_the_binomial_law(size):
    """20,000 tokens after one window: Kolmogorov-Smirnov on each class, randomised within a number."""
    sizes = jnp.array([size, 2 * size, size + 1.0])
    clock = nq.attention.ClassCounts(small(), sizes)
    x = jnp.stack([jnp.floor(0.3 * sizes), jnp.floor(0.8 * sizes)])
    drive = nq.attention.Positions(2)(3)
    draw = jax.jit(jax.vmap(lambda i: clock.step(x, i, key=jr.key(4), drive=drive)[-1]))
    up = np.asarray(draw(jnp.arange(20_000)))
    p = 1 / (1 + np.exp(-2 * np.asarray(clock.field(x, drive))))
    u = np.random.default_rng(1).uniform(size=up.shape)
    law = scipy.stats.binom(np.asarray(sizes), p)
    ranks = law.cdf(up - 1) + u * law.pmf(up)
    assert min(scipy.stats.kstest(np.asarray(ranks[:, c]), "uniform").pvalue for c in range(3)) > 1e-3
    assert np.all(np.abs(np.corrcoef(ranks.T)[np.triu_indices(3, 1)]) < 4 / np.sqrt(20_000))


def test_its_reverse_is_an_involution_and_flows_are_those_of_the_spins():
    """A flow of numbers and one of spins differ by the ways to place the newest and the oldest token."""
    net = small()
    spins, counts = (
        nq.Autoregressive(net.sample(jr.key(0), 5)),
        nq.attention.ClassCounts(net, jnp.array([2.0, 1.0, 2.0])),
    )
    tokens, drive = nq.random_spins(jr.key(2), (3, 5)), nq.attention.Positions(2)(3)
    x, x_next = tokens[:2], tokens[1:]
    pair = counted(x), counted(x_next)
    assert all(
        np.array_equal(a, b) for a, b in zip(counts.reverse(*counts.reverse(*pair, drive)), (*pair, drive), strict=True)
    )
    ways = lambda token: np.log(scipy.special.comb([2, 1, 2], np.asarray(counted(token)))).sum()  # noqa: E731
    flow = nq.thermodynamics.entropy_flow(spins, x, x_next, drive) + ways(tokens[2]) - ways(tokens[0])
    assert np.isclose(nq.thermodynamics.entropy_flow(counts, *pair, drive), flow, rtol=1e-12)


@pytest.mark.published
@pytest.mark.parametrize("n", [30_000, 30_000_000])
def test_published_distance_from_the_mean_field(n):
    """Root mean square over 15 tokens, features and 100 runs, times sqrt(n): 1.28 +- 0.04 at beta = 0.8."""
    clock = nq.attention.ClassCounts(NET, NET.class_sizes(jr.key(0), n))
    x0 = jnp.broadcast_to(clock.first_window(), (100, 4, 3))
    _, (record,) = nq.simulate(
        clock, x0, steps=15, key=jr.key(1), drive=nq.attention.Positions(4), observers=(nq.Record(),)
    )
    mu = jax.vmap(clock.overlaps)(record.x_next[:, -1])[:, 0, 0].reshape(100, 15, 3)
    error = mu - nq.attention.trajectory(NET, steps=15).mu[None]
    scaled = np.sqrt(n) * np.sqrt(np.mean(np.asarray(error) ** 2, axis=(1, 2)))
    assert abs(np.sqrt(np.mean(scaled**2)) - 1.28) < 0.04 + 4 * scaled.std() / 10


def test_explicit_spins_of_the_same_size_are_as_far_from_the_mean_field():
    n, chains = 300, 200
    model = NET.sample(jr.key(0), n)
    x0 = jnp.broadcast_to(model.first_window(), (chains, 4, n))
    run = {"steps": 15, "key": jr.key(1), "drive": nq.attention.Positions(4), "observers": (nq.Record(),)}
    _, (record,) = nq.simulate(nq.Autoregressive(model), x0, **run)
    up = counted(record.x_next[:, -1], (100, 100, 100)).reshape(chains, 15, 3)
    clock = nq.attention.ClassCounts(NET, jnp.full(3, 100.0))
    _, (record,) = nq.simulate(clock, jnp.broadcast_to(clock.first_window(), (chains, 4, 3)), **run)
    numbers = record.x_next[:, -1].reshape(chains, 15, 3)
    for t in (0, 3, 14):
        for c in range(3):
            assert scipy.stats.ks_2samp(*(np.asarray(x[:, t, c]) for x in (up, numbers))).pvalue > 1e-3


def test_sizes_are_checked():
    for sizes in ([1.0, 2.5, 1.0], [1.0, 0.0, 1.0], [jnp.nan, 1.0, 1.0]):
        with pytest.raises(ValueError, match="sizes are numbers of spins, at least one in each class: sizes = "):
            nq.attention.ClassCounts(NET, sizes)
    with pytest.raises(ValueError, match=r"sizes has shape \(2,\): the network has 3 classes"):
        nq.attention.ClassCounts(NET, jnp.ones(2))
    clock = nq.attention.ClassCounts(NET, jnp.ones(3))
    with pytest.raises(ValueError, match=r"x has shape \(3, 3\)"):
        clock.field(jnp.ones((3, 3)), jnp.arange(4))
    with pytest.raises(ValueError, match="float64"), jax.enable_x64(False):
        nq.attention.ClassCounts(dataclasses.replace(NET, beta=jnp.float32(1)), np.ones(3, np.float32))

"""Orbits, sweeps, sections, branches and signals against plain Python, NumPy and SciPy."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
import scipy.signal

from nonequil.numerics import maps

GOLDEN = (5**0.5 - 1) / 2


class Logistic(eqx.Module):
    r: jax.Array

    def __call__(self, x):
        return self.r * x * (1 - x)


class Magnet(eqx.Module):
    """Two stable states in weak fields, one in strong ones."""

    h: jax.Array

    def __call__(self, m):
        return jnp.tanh(2 * m + self.h)


def turn(x):
    """A rotation of the circle beside a clock."""
    angle, t = x
    return (angle + GOLDEN) % 1, t + 1


def logistic(r, x, steps):
    orbit = []
    for _ in range(steps):
        x = r * x * (1 - x)
        orbit.append(x)
    return np.array(orbit)


def test_iterate_records_after_the_transient_every_so_often():
    judged = logistic(3.7, 0.3, 20)
    last, x = maps.iterate(Logistic(jnp.asarray(3.7)), 0.3, 12, transient=8, every=3, record=lambda x: {"twice": 2 * x})
    assert np.allclose(x["twice"], 2 * judged[10::3], rtol=1e-12)
    assert np.allclose(last, judged[-1], rtol=1e-12)
    assert np.allclose(maps.advance(Logistic(jnp.asarray(3.7)), 0.3, 20), judged[-1], rtol=1e-12)
    (angle, clock), _ = maps.iterate(turn, (jnp.asarray(0.0), jnp.asarray(0)), 0, transient=7)
    assert clock == 7
    assert abs(angle - 7 * GOLDEN % 1) < 1e-14


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda f: maps.iterate(f, 0.3, 10, every=3), "steps = 10 is no multiple of every = 3; take 12"),
        (lambda f: maps.iterate(f, 0.3, 10, every=0), "every = 0: take at least 1"),
        (lambda f: maps.iterate(f, 0.3, -1), "steps = -1: take at least 0"),
        (lambda f: maps.advance(f, 0.3, -1), "steps = -1: take at least 0"),
        (lambda f: maps.advance(f, 3, 1), "x0 must hold a floating array"),
        (lambda f: maps.advance(lambda x: jnp.stack([x, x]), 0.3, 1), "f must return what it takes"),
        (lambda f: maps.section(f, 0.3, f, width=0.1, steps=9, points=0), "points = 0: take at least 1"),
        (lambda f: maps.section(f, 0.3, f, width=0.1, steps=9, points=2, record=lambda x: x > 0), "record floating"),
        (lambda f: maps.continuation(Logistic, 0.3, jnp.ones(3), 1, start=3), "start = 3 is no index of the 3 values"),
        (lambda f: maps.period(jnp.zeros(6), longest=4), "the orbit has 6 steps: a period up to longest = 4 needs 8"),
        (lambda f: maps.power_spectrum(jnp.zeros(1)), "x has 1 steps"),
        (lambda f: maps.autocorrelation(jnp.zeros(4), 4), "longest = 4: take a lag from 0 to 3"),
    ],
)
def test_bad_input_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call(Logistic(jnp.asarray(3.7)))


def test_diagram_and_periods():
    r = jnp.array([2.9, 3.2, 3.5, 3.55, 3.83, 4.0])
    _, x = maps.bifurcation_diagram(Logistic, 0.4, r, 64, transient=2000)
    for lane in range(4):
        assert np.allclose(x[lane], logistic(float(r[lane]), 0.4, 2064)[2000:], atol=1e-9)
    assert jax.vmap(maps.period)(x).tolist() == [1, 2, 4, 8, 3, 0]
    assert jax.vmap(lambda x: maps.period((x, -x), 0.2, 8))(x).tolist() == [1, 2, 2, 2, 3, 0]  # to a fifth


def test_batches_change_nothing_but_the_order_of_work():
    r = jnp.linspace(2.9, 3.5, 7)
    (last, x), (batched, records) = (
        maps.bifurcation_diagram(Logistic, 0.4, r, 6, transient=100, batch=batch) for batch in (None, 3)
    )
    assert x.shape == records.shape == (7, 6)
    assert np.allclose(records, x, rtol=0, atol=1e-12)
    assert np.allclose(batched, last, rtol=0, atol=1e-12)
    with pytest.raises(ValueError, match="batch = 0"):
        maps.bifurcation_diagram(Logistic, 0.4, r, 6, batch=0)


def test_continuation_shows_both_branches_and_marches_outwards():
    h = np.linspace(-1, 1, 21)

    def march(order, m):
        found = {}
        for k in order:
            for _ in range(200):
                m = np.tanh(2 * m + h[k])
            found[k] = m
        return found

    outwards = march(range(5, 21), -0.9)
    outwards |= march(range(4, -1, -1), outwards[5])
    orders = {0: march(range(21), -0.9), -1: march(range(20, -1, -1), -0.9), 5: outwards}
    for start, judged in orders.items():
        last, m = maps.continuation(Magnet, -0.9, jnp.asarray(h), 50, start=start, transient=150, every=25)
        assert m.shape == (21, 2)
        assert np.allclose(last, [judged[k] for k in range(21)], atol=1e-12)
        assert np.allclose(m[:, 1], last, atol=1e-12)
    assert orders[0][10] < 0 < orders[-1][10]  # without a field both branches exist


def test_sections_are_gathered_in_order_up_to_their_size():
    start = jnp.asarray(0.0), jnp.asarray(0)
    run = jax.jit(
        lambda w: maps.section(
            turn,
            start,
            lambda x: x[0] - 0.5,
            width=w,
            steps=3000,
            points=40,
            transient=100,
            record=lambda x: {"angle": x[0], "time": x[1].astype(float)},
        )
    )
    angles = GOLDEN * np.arange(101, 3101) % 1
    for width, count in ((0.005, 30), (0.05, 40)):
        inside = np.flatnonzero(np.abs(angles - 0.5) <= width)
        found = run(width)
        assert found.count == min(len(inside), 40) == count
        assert np.array_equal(found.points["time"][:count], 101 + inside[:count])
        assert np.allclose(found.points["angle"][:count], angles[inside[:count]], atol=1e-10)
        assert np.isnan(found.points["angle"][count:]).all()


def test_branch_fractions_are_the_shares_of_the_basins():
    """x^2 + 0.1 rests, or runs away from starts outside its unstable point; the clock of the state is no feature."""

    def f(x):
        return x[0] ** 2 + 0.1, x[1] + 1

    def sample(key):
        return jr.uniform(key, minval=-2.0, maxval=2.0), jnp.asarray(0)

    found = maps.branch_fractions(f, sample, key=jr.key(0), starts=200, steps=16, transient=200)
    edge = (1 + 0.6**0.5) / 2
    bounded = jnp.abs(jax.vmap(sample)(jr.split(jr.key(0), 200))[0]) < edge
    assert found.count == 2
    inside = bounded.sum() / 200
    assert np.allclose(found.fraction, np.where(bounded, inside, 1 - inside), atol=1e-15)
    share = found.fraction[0]
    assert abs(found.stderr[0] - np.sqrt(share * (1 - share) / 200)) < 1e-15
    assert abs(inside - edge / 2) < 3 * found.stderr[0]
    at_rest = found.signature[jnp.argmax(bounded)]
    assert np.allclose(at_rest, np.array([1, 1 - edge, 1 - edge]), atol=1e-12)  # period, mean, rms
    assert np.all(found.final[1] == 216)


def test_branches_are_told_apart_by_what_is_asked():
    """Two resting points of one magnet, by the sign of its start, or not at all."""
    options = {"key": jr.key(1), "starts": 50, "steps": 4, "transient": 100}
    magnet = Magnet(jnp.asarray(0.0))
    apart = maps.branch_fractions(magnet, jr.normal, signature=lambda m: m[-1:], **options)
    starts = jax.vmap(jr.normal)(jr.split(jr.key(1), 50))
    first = {True: int(jnp.argmax(starts > 0)), False: int(jnp.argmax(starts < 0))}
    assert apart.label.tolist() == [first[bool(x)] for x in starts > 0]
    together = maps.branch_fractions(magnet, jr.normal, signature=lambda m: jnp.abs(m[-1:]), **options)
    assert together.count == 1
    assert np.all(together.fraction == 1)


@pytest.mark.parametrize("steps", [60, 61])
def test_power_is_the_variance_by_frequency(getkey, steps):
    x = jr.normal(getkey(), (steps,)) + jnp.cos(0.3 * jnp.arange(0.0, steps))
    found = maps.power_spectrum(x)
    frequency, power = scipy.signal.periodogram(np.asarray(x), scaling="spectrum", detrend="constant")
    assert np.allclose(found.frequency, frequency, atol=1e-15)
    assert np.allclose(found.power, power, atol=1e-14)
    assert abs(found.power.sum() - np.var(x)) < 1e-14


def test_autocorrelation_is_the_mean_over_pairs(getkey):
    x = jr.normal(getkey(), (50,))
    d = np.asarray(x - x.mean())
    judged = np.correlate(d, d, "full")[49:] / np.arange(50, 0, -1) / d.var()
    assert np.allclose(maps.autocorrelation(x, 49), judged, atol=1e-13)
    cycle = maps.autocorrelation(jnp.tile(x[:5], 10))
    assert cycle.shape == (26,)
    assert np.allclose(cycle[::5], 1, atol=1e-12)
    assert np.isnan(maps.autocorrelation(jnp.ones(50))).all()


def test_memory_of_a_section_does_not_grow_with_its_steps():
    def memory(steps):
        run = jax.jit(
            lambda x: maps.section(turn, x, lambda x: x[0], width=0.1, steps=steps, points=9, transient=steps)
        )
        lowered = run.lower((jnp.asarray(0.0), jnp.asarray(0)))
        return lowered.compile().memory_analysis().temp_size_in_bytes

    assert memory(100_000) == memory(1000) < 10_000

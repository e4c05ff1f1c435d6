"""Lyapunov exponents against closed forms, NumPy's own iteration and cycles solved by Newton."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import nonequil as nq
from nonequil import RESULTS
from nonequil.numerics import maps
from nonequil.numerics.maps import REGIMES
from nonequil.numerics.maps._exponents import drifting

GOLDEN = (5**0.5 - 1) / 2
regimes_of = jax.jit(jax.vmap(maps.classify))


class Logistic(eqx.Module):
    r: jax.Array

    def __call__(self, x):
        return self.r * x * (1 - x)


class Henon(eqx.Module):
    a: jax.Array

    def __call__(self, x):
        return jnp.stack([1 - self.a * x[0] ** 2 + x[1], 0.3 * x[0]])


class Circles(eqx.Module):
    """Two circle maps side by side."""

    K: jax.Array
    rotation: jax.Array

    def __call__(self, x):
        return (x + self.rotation - self.K * jnp.sin(2 * jnp.pi * x) / (2 * jnp.pi)) % 1


class Coupled(eqx.Module):
    """Two fully chaotic logistic maps that pull on each other."""

    pull: jax.Array

    def __call__(self, x):
        y = 4 * x * (1 - x)
        return y + self.pull * (y[::-1] - y)


def test_logistic_maps_have_their_exponents():
    r = jnp.array([4.0, 3.2, 2.5, 2.0])
    x0 = jnp.array([0.3, 0.3, 0.3, 0.5])
    found = jax.vmap(lambda r, x: maps.lyapunov(Logistic(r), x, steps=4000, transient=2000))(r, x0)
    chaos, cycle, rest, super_stable = found.value[:, 0]
    assert 0 < found.stderr[0, 0] < 0.01
    assert abs(chaos - np.log(2)) < 4 * found.stderr[0, 0]
    assert abs(cycle - np.log(4 + 2 * 3.2 - 3.2**2) / 2) < 1e-12
    assert abs(rest - np.log(0.5)) < 1e-12
    assert super_stable == -np.inf
    assert not found.drifting.any()
    assert np.all(found.result == RESULTS.successful)
    regimes = regimes_of(found)
    assert (regimes == REGIMES.chaotic).tolist() == [True, False, False, False]
    assert (regimes == REGIMES.periodic).tolist() == [False, True, True, True]


def test_henon_published_exponent_and_the_exact_sum():
    found = maps.lyapunov(Henon(jnp.asarray(1.4)), jnp.zeros(2), count=2, steps=20_000, transient=100)
    assert abs(found.value[0] - 0.41922) < 4 * found.stderr[0]  # Sprott, Chaos and Time-Series Analysis (2003)
    assert found.stderr[0] < 0.005
    assert np.allclose(found.blocks.sum(axis=1), np.log(0.3), atol=1e-13)  # det Df = -0.3 at every step
    assert np.array_equal(found.last, found.blocks[-1])
    assert found.resolved.all()


def test_exponents_of_cycles_are_their_floquet_multipliers():
    """A cycle of two and one of four steps, as cycles of four."""

    def both(a):
        start = maps.advance(Henon(a), jnp.zeros(2), 2000)
        cycle = maps.periodic_orbit(Henon(a), start, 4)
        exponents = maps.lyapunov(Henon(a), start, count=2, steps=800, transient=400, every=2)
        return exponents.value, jnp.log(jnp.abs(cycle.multipliers)) / 4, cycle.least_period

    exponents, multipliers, least = jax.vmap(both)(jnp.array([0.45, 0.95]))
    assert np.allclose(exponents, multipliers, atol=1e-11)
    assert least.tolist() == [2, 4]


def test_circle_maps_make_cycles_tori_and_chaos():
    K = jnp.array([[0.9, 0.8], [0.5, 0.9], [0.5, 0.3], [5.0, 0.5], [5.0, 4.0]])
    rotation = jnp.array([[0.0, 0.0], [GOLDEN, 0.0], [GOLDEN, 2**0.5 - 1], [0.6, GOLDEN], [0.6, 0.1]])
    run = lambda K, w: maps.lyapunov(Circles(K, w), 0.1 * jnp.ones(2), count=2, steps=20_000, blocks=10)  # noqa: E731
    found = jax.vmap(run)(K, rotation)
    assert np.allclose(found.value[0], np.log(np.array([0.2, 0.1])), atol=1e-12)
    assert np.allclose(found.value[1], np.array([0.0, np.log(0.1)]), atol=1e-4)
    regimes = jax.vmap(lambda e: maps.classify(e, 1e-3))(found)
    expected = ("periodic", "quasi_periodic", "doubly_quasi_periodic", "chaotic", "hyperchaotic")
    for lane, name in enumerate(expected):
        assert (regimes == getattr(REGIMES, name))[lane], name
    for lane in (3, 4):
        judged = sorted((alone(*map(float, pair)) for pair in zip(K[lane], rotation[lane], strict=True)), reverse=True)
        assert np.allclose(found.value[lane], judged, atol=0.03)


def alone(K, rotation):
    """Mean of log |f'| along one circle map, in plain Python."""
    x, total = 0.1234, 0.0
    for _ in range(20_000):
        total += math.log(abs(1 - K * math.cos(math.tau * x)))
        x = (x + rotation - K * math.sin(math.tau * x) / math.tau) % 1
    return total / 20_000


def test_coupled_chaos_apart_and_in_step():
    starts = jnp.array([[0.3, 0.41], [0.3, 0.3]])
    pulls = jnp.array([0.0, 0.1])
    found = jax.vmap(lambda p, x: maps.lyapunov(Coupled(p), x, count=2, steps=20_000, transient=50))(pulls, starts)
    assert np.all(np.abs(found.value[0] - np.log(2)) < 4 * found.stderr[0])
    in_step = found.blocks[1]
    assert np.allclose(in_step[:, 1] - in_step[:, 0], np.log(0.8), atol=1e-12)  # across the diagonal: 1 - 2 pull
    assert np.all(regimes_of(found) == REGIMES.hyperchaotic)


@pytest.mark.parametrize("count", [3, 9], ids=["written out", "factorised"])
def test_linear_maps_have_the_moduli_of_their_eigenvalues(getkey, count):
    basis = jax.random.normal(getkey(), (9, 9)) + 4 * jnp.eye(9)
    moduli = 0.9 ** jnp.arange(9.0)
    M = basis @ jnp.diag(moduli) @ jnp.linalg.inv(basis)
    found = maps.lyapunov(lambda x: M @ x, jnp.ones(9), count=count, steps=1000, blocks=2)
    assert np.allclose(found.value, np.log(moduli)[:count], atol=1e-9)


def test_a_closure_of_the_library(getkey):
    """The naive mean field of an asymmetric network comes to rest: eigenvalues of (1 - m^2) J."""
    J = 0.3 * jax.random.normal(getkey(), (5, 5))
    model, closure = nq.Ising(J, 0.2 * jax.random.normal(getkey(), (5,))), nq.meanfield.Independent()
    found = maps.lyapunov(
        lambda m: closure(m, model), closure.init(model), count=5, steps=2000, transient=500, blocks=2
    )
    m = np.asarray(found.final)
    assert np.allclose(m, np.tanh(np.asarray(model.H) + np.asarray(J) @ m), atol=1e-15)
    moduli = np.sort(np.abs(np.linalg.eigvals((1 - m[:, None] ** 2) * np.asarray(J))))[::-1]
    assert np.allclose(found.value, np.log(moduli), atol=5e-3)  # pairs turn: the mean over T steps is right to 1/T
    assert abs(found.value.sum() - np.log(moduli).sum()) < 1e-11


def late(x):
    """Chaos for 3500 steps, then a resting point with slope -1/2, beside a clock."""
    x, t = x
    return jnp.where(t < 3500, 4.0, 2.5) * x * (1 - x), t + 1


def test_an_attractor_reached_late_is_noticed():
    found = maps.lyapunov(late, (jnp.asarray(0.3), jnp.asarray(0)), steps=4000)
    assert found.drifting.all()
    assert found.value > 0.4
    assert abs(found.last - np.log(0.5)) < 1e-6
    assert found.final[1] == 4200  # one block more than the steps, in which tangents turn
    assert maps.classify(found) == REGIMES.undecided


def test_drift_has_few_false_alarms_and_power(getkey):
    noise = 1e-2 * jax.random.normal(getkey(), (20, 1000))
    assert jnp.mean(drifting(noise)) < 1e-3 + 3 * (1e-3 / 1000) ** 0.5
    last = jnp.arange(20)[:, None] == 19
    assert jnp.mean(drifting(noise + np.where(last, 0.1, 0.0))) > 0.9
    assert not drifting(1e-3 * noise + np.where(last, 1e-5, 0.0)).any()  # below what is resolved


def test_a_regime_is_undecided_within_two_errors_of_a_threshold():
    def regime(value, stderr):
        blocks, no = jnp.zeros((4, 2)), jnp.zeros(2, bool)
        found = maps.Exponents(value, stderr, value, no, ~no, blocks, None, RESULTS.successful)
        return maps.classify(found)

    cases = {
        "chaotic": ([0.01, 0.0], [1e-3, 1e-6]),
        "hyperchaotic": ([0.01, 0.01], [1e-3, 1e-3]),
        "periodic": ([-0.01, -0.02], [1e-3, 1.0]),
        "quasi_periodic": ([1e-5, -0.02], [1e-5, 1e-3]),
        "doubly_quasi_periodic": ([1e-5, -1e-5], [1e-5, 1e-5]),
    }
    for name, (value, stderr) in cases.items():
        assert regime(jnp.array(value), jnp.array(stderr)) == getattr(REGIMES, name)
    for value, stderr in (([2e-3, -1.0], [1e-3, 0.1]), ([5e-5, -1.0], [5e-5, 0.1]), ([0.01, 2e-4], [1e-3, 1e-4])):
        assert regime(jnp.array(value), jnp.array(stderr)) == REGIMES.undecided
    assert regime(jnp.array([jnp.nan, -1]), jnp.array([0.1, 0.1])) == REGIMES.undecided


def test_tangents_lost_to_rounding_are_named():
    contract = lambda x: jnp.array([[0.5, -1e-5], [0.7, 1e-5]]) @ x  # noqa: E731
    assert maps.lyapunov(contract, jnp.ones(2), count=2, steps=40).resolved.tolist() == [True, True]
    assert maps.lyapunov(contract, jnp.ones(2), count=2, steps=160, every=4).resolved.tolist() == [True, False]


def test_an_orbit_that_runs_away_is_not_finite():
    found = maps.lyapunov(lambda x: x**2, 2.0, steps=40)
    assert found.result == RESULTS.not_finite
    assert maps.classify(found) == REGIMES.undecided


def test_single_precision_is_refused_eager_and_traced():
    run = lambda x: maps.lyapunov(lambda x: 4 * x * (1 - x), x, steps=20).value  # noqa: E731
    for call in (run, jax.jit(run), jax.vmap(run)):
        with pytest.raises(ValueError, match="x0 is float32: exponents need float64"):
            call(jnp.full(1, 0.3, jnp.float32))


@pytest.mark.parametrize(
    "options, words",
    [
        ({"count": 3}, "count = 3, but the state has 2"),
        ({"count": 0}, "count = 0: take at least 1"),
        ({"steps": 50}, "steps = 50 is no multiple of blocks . every = 20; take 60"),
        ({"blocks": 1}, "blocks = 1: take at least 2"),
        ({"transient": -1}, "transient = -1: take at least 0"),
    ],
)
def test_bad_counts_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        maps.lyapunov(lambda x: x, jnp.zeros(2), **({"steps": 20} | options))


def test_one_compilation_for_all_values_and_no_memory_for_steps():
    traces = []

    class Counted(eqx.Module):
        r: jax.Array

        def __call__(self, x):
            traces.append(0)
            return self.r * x * (1 - x)

    maps.lyapunov(Counted(jnp.asarray(3.7)), 0.3, steps=40)
    count = len(traces)
    maps.lyapunov(Counted(jnp.asarray(3.8)), 0.4, steps=40)
    assert len(traces) == count + 1  # the check of shapes; the solver itself is not traced again

    def memory(steps):
        run = jax.jit(lambda r: maps.lyapunov(Logistic(r), 0.3, steps=steps).value)
        return run.lower(3.7).compile().memory_analysis().temp_size_in_bytes

    assert memory(200_000) == memory(2000) < 10_000

"""Bounds on paths of several steps, against laws of paths that are enumerated in NumPy."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_networks import network, simulated_spins
from test_bounds_on_populations import cross_rows, delta_rows, dense_bound
from test_estimators import newton_of, uncertainty_of

import nonequil as nq

th = nq.thermodynamics
ATOL = 1e-9
FOUR = 2 * np.array(np.meshgrid([0, 1], [0, 1], indexing="ij")).reshape(2, -1).T - 1  # states of two spins


def hidden():
    """A driven network of three spins, of which two are observed: its production, kernel, law and what is seen."""
    dynamics = nq.Parallel(network(3, seed=5, self_coupling=True))
    enumeration = nq.enumerate_states(dynamics)
    x = np.asarray(enumeration.states)
    P = np.exp(jax.vmap(lambda a: jax.vmap(lambda b: dynamics.log_prob(a, b))(x))(x))
    seen = np.all(x[:, None, :2] == FOUR[None], -1).astype(float)
    return float(th.exact(dynamics).value), P, np.asarray(enumeration.stationary), seen


@functools.cache
def law(steps):
    """Probability of each path of `steps` + 1 observed states, an axis a time."""
    _, P, p, seen = hidden()
    paths = (p[:, None] * seen).T  # (observed, hidden)
    for _ in range(steps):
        paths = np.einsum("...a,ab,bo->...ob", paths, P, seen)
    return paths.sum(-1)


@functools.cache
def paths(steps):
    """The observed paths (paths, time, 2), and their probabilities."""
    at = np.array(list(np.ndindex(*law(steps).shape)))
    return FOUR[at].astype(float), law(steps).ravel()


def population(x, w):
    """Paths in a row, a share of the probability on each step, and a pair of weight zero between two of them."""
    steps = x.shape[1] - 1
    before, after = (np.concatenate([s, x[:, :1]], 1).reshape(-1, x.shape[2]) for s in (x[:, :-1], x[:, 1:]))
    weight = np.repeat(w[:, None] / steps, steps + 1, 1) * (np.arange(steps + 1) < steps)
    return nq.Transitions(before.astype(np.int8), after.astype(np.int8), weight=weight.ravel(), unit=nq.Unit.per_step)


def divergence(p):
    reverse = p.transpose()
    return np.sum(p * np.log(p / reverse))


def along(rows, x, lag):
    return sum(rows(x[:, t], x[:, t + lag]) for t in range(x.shape[1] - lag))


def single_rows(x, y):
    return y - x


def product(x, y):
    """Not antisymmetric."""
    return jnp.stack([y[0] * x[1], y[0] * y[1] * x[0]])


def product_rows(x, y):
    return np.stack([y[:, 0] * x[:, 1], y[:, 0] * y[:, 1] * x[:, 0]], 1)


PAIRS = th.Cross() + th.Single()
SETS = {
    "pairs": (PAIRS, [(cross_rows, 1), (single_rows, 1)]),
    "two": (PAIRS + th.Lagged(2), [(cross_rows, 1), (single_rows, 1), (cross_rows, 2)]),
    "three": (
        PAIRS + th.Lagged(2) + th.Lagged(3, PAIRS),
        [(cross_rows, 1), (single_rows, 1), (cross_rows, 2), (cross_rows, 3), (single_rows, 3)],
    ),
    "delta": (
        th.Delta() + th.Lagged(2, th.Delta() + th.Single()),
        [(delta_rows, 1), (delta_rows, 2), (single_rows, 2)],
    ),
    "function": (th.Single() + th.Lagged(2, product), [(single_rows, 1), (product_rows, 2)]),
}


def rows(name, x):
    return np.hstack([along(one, x, lag) for one, lag in SETS[name][1]])


@pytest.mark.parametrize("name", ["two", "delta", "function"])
def test_bounds_on_an_exact_law_of_paths(name):
    """By dense maximisation, by the closed form of one step and by that of the uncertainty relation."""
    observable = SETS[name][0]
    x, w = paths(observable.steps)
    t, steps = population(x, w), observable.steps
    g, back = rows(name, x), rows(name, x[:, ::-1])
    sigma, odd = hidden()[0], (g - back) / 2
    expected = {
        th.MaxEntBound: dense_bound(g, back, w),
        th.OneStepNewton: newton_of(g, back, w),
        th.ThermodynamicUncertainty: uncertainty_of(odd, w),
        th.QuadraticBound: uncertainty_of(odd, w),
    }
    for bound, value in expected.items():
        estimate = bound(observable)(t)
        np.testing.assert_allclose(estimate.value, value / steps, atol=ATOL)
        assert estimate.value < divergence(law(steps)) / steps + ATOL < sigma
        assert (estimate.stderr, estimate.floor, estimate.unit) == (0, 0, nq.Unit.per_step)
        assert estimate.kind is nq.KIND.lower_bound
        assert estimate.result == nq.RESULTS.successful
        assert estimate.details["d"] == g.shape[1]


def test_longer_lags_see_more_of_what_is_hidden_on_the_same_paths():
    names, (x, w) = ("pairs", "two", "three"), paths(3)
    found = th.hierarchy([SETS[name][0] for name in names], population(x, w))
    expected = [dense_bound(rows(name, x), rows(name, x[:, ::-1]), w) / 3 for name in names]
    np.testing.assert_allclose(found.values, expected, atol=ATOL)
    np.testing.assert_array_equal(found.increment_stderr, 0)
    assert np.all(found.increments > 1e-5)
    assert found.values[-1] < divergence(law(3)) / 3 < hidden()[0]


def test_lags_add_nothing_to_a_complete_set_of_markov_spins():
    dynamics = nq.Parallel(network(2, seed=2))
    enumeration = nq.enumerate_states(dynamics)
    P = np.exp(jax.vmap(lambda a: jax.vmap(lambda b: dynamics.log_prob(a, b))(enumeration.states))(enumeration.states))
    p = np.asarray(enumeration.stationary)
    three = p[:, None, None] * P[:, :, None] * P[None]
    at = np.array(list(np.ndindex(4, 4, 4)))
    t = population(np.asarray(enumeration.states)[at], three.ravel())
    complete = th.Function(indicators)
    found = th.hierarchy((th.Cross(), complete, complete + th.Lagged(2, complete)), t)
    np.testing.assert_allclose(found.values[1:], th.exact(dynamics).value, atol=ATOL)
    np.testing.assert_allclose(divergence(three) / 2, th.exact(dynamics).value, atol=ATOL)
    assert found.increments[1] > 1e-3


def indicators(x, y):
    """Of all pairs of different states of two spins, antisymmetric."""
    k, l = (jnp.sum(jnp.where(s > 0, jnp.array([1, 2]), 0)) for s in (x, y))
    return jnp.zeros((4, 4)).at[k, l].add(1.0).at[l, k].add(-1.0)[jnp.triu_indices(4, 1)]


def test_words_of_an_exact_law_of_paths_are_the_difference_of_divergences():
    for order in (2, 3):
        estimate = th.WordCounts(order)(population(*paths(order)))
        np.testing.assert_allclose(estimate.value, divergence(law(order)) - divergence(law(order - 1)), atol=ATOL)


@functools.cache
def recording(chains=40, steps=500):
    """Two of three spins, a block a chain."""
    x, y = simulated_spins(nq.Parallel(network(3, seed=5, self_coupling=True)), chains, steps)
    flat = lambda s: np.asarray(s)[..., :2].reshape(-1, 2)  # noqa: E731
    return nq.Transitions(flat(x), flat(y), block=np.repeat(np.arange(chains), steps), unit=nq.Unit.per_step)


@pytest.mark.parametrize("bound", [th.MaxEntBound, th.ThermodynamicUncertainty, th.QuadraticBound])
def test_a_recording_agrees_with_the_law_of_its_paths_within_its_errors(bound):
    observable = SETS["two"][0]
    sample, truth = bound(observable)(recording()), bound(observable)(population(*paths(2)))
    assert abs(sample.value - truth.value) < 3.5 * sample.stderr
    assert 0 < sample.stderr < 0.2 * truth.value
    assert sample.details["n"] == 40 * 499  # no path crosses from one chain to the next
    assert jnp.isclose(sample.floor, 2 * sample.details["d"] / sample.details["n"])
    assert sample.result == nq.RESULTS.successful


def test_increments_of_a_recording_have_errors():
    sets = [SETS[name][0] for name in ("pairs", "two")]
    sample, truth = (th.hierarchy(sets, t, bound=th.OneStepNewton) for t in (recording(), population(*paths(2))))
    assert np.all(np.abs(sample.increments - truth.increments) < 3.5 * sample.increment_stderr)
    assert np.all(sample.increment_stderr > 0)
    assert sample.increment_stderr[1] < 0.5 * sample.stderr[1]


def test_paths_of_independent_spins_pretend_to_see_the_floor_at_most():
    """In sample: 2 d / n a step for sums over steps that share their noise, less for lags, whose terms do not."""
    rng, sets, n, d = np.random.default_rng(0), 12, 1000, 6
    spins = rng.choice([-1, 1], (sets, n + 2, 4)).astype(np.int8)
    for observable, expected in ((th.Lagged(1, path_steps=2), 2 * d / n), (th.Lagged(2), d / n)):
        found = [th.OneStepNewton(observable)(nq.Transitions(s[:-1], s[1:])) for s in spins]
        inside = np.array([e.details["in_sample"] for e in found])
        assert abs(inside.mean() - expected) < 4 * inside.std() / np.sqrt(sets) + 0.1 * expected
        assert all(np.isclose(e.floor, 2 * d / n) for e in found)


def test_spins_of_a_state_are_read_before_paths_are_cut():
    t = recording(12, 60)
    doubled = nq.Transitions({"spins": t.x}, {"spins": t.x_next}, block=t.block)
    plain = th.QuadraticBound(th.Lagged(2))(t)
    assert th.QuadraticBound(th.Lagged(2), spins=lambda state: state["spins"])(doubled).value == plain.value


READERS = {
    "MaxEntBound": lambda: th.MaxEntBound(th.Lagged(2)),
    "QuadraticBound": lambda: th.QuadraticBound(th.Lagged(2)),
    "WordCounts": lambda: th.WordCounts(order=2),
    "NeuralBound": lambda: th.NeuralBound(th.PathMLP(2, width=4, depth=1, key=jax.random.key(0)), length=3),
}


@pytest.mark.parametrize("reader", READERS)
def test_pairs_that_are_no_recording_are_refused(reader):
    estimator, t = READERS[reader](), recording(12, 100)
    order = np.random.default_rng(1).permutation(len(t))
    shuffled = nq.Transitions(t.x[order], t.x_next[order])
    enumerated = nq.enumerate_states(nq.Parallel(network(2))).transitions()
    silent = nq.Transitions(*(np.where(np.random.default_rng(k).random((2000, 2)) < 0.02, 1, -1) for k in (0, 1)))
    for pairs in (shuffled, enumerated, silent):
        with pytest.raises(ValueError, match=r"\d+ of \d+ transitions go on where the one before ended: shuffled"):
            estimator(pairs)
    with pytest.raises(ValueError, match="no 2 transitions follow one another"):
        estimator(nq.Transitions(t.x, t.x_next, block=np.arange(len(t))))


def test_gaps_of_a_recording_are_only_gaps():
    t = recording(12, 100)
    kept = np.random.default_rng(0).random(len(t)) < 0.9
    estimate = th.QuadraticBound(th.Lagged(2))(t[kept])
    joined = kept[:-1] & kept[1:] & (t.block[:-1] == t.block[1:])
    by_chance = np.sum(np.all(t[kept].x_next[:-1] == t[kept].x[1:], 1) & (t[kept].block[:-1] == t[kept].block[1:]))
    assert joined.sum() <= estimate.details["n"] == by_chance


def test_too_few_paths_give_no_number():
    spins = np.random.default_rng(3).choice([-1, 1], (50, 10)).astype(np.int8)
    for bound in (th.MaxEntBound, th.OneStepNewton, th.ThermodynamicUncertainty, th.QuadraticBound):
        estimate = bound(th.Lagged(2))(nq.Transitions(spins[:-1], spins[1:]))
        assert jnp.isnan(estimate.value)
        assert estimate.result == nq.RESULTS.too_few_transitions
        n = estimate.details["largest_n_units"]
        assert n * (n - 1) <= 0.5 * 48 < n * (n + 1)


def test_arguments_that_make_no_path_are_named():
    for make, words in (
        (lambda: th.Lagged(0), "lag = 0"),
        (lambda: th.Lagged(3, path_steps=2), "path_steps = 2 is below lag = 3"),
        (lambda: th.Lagged(2, th.Lagged(2)), "observable reads 2 steps"),
        (lambda: th.Lagged(2, 3), "observable = 3"),
        (lambda: th.SiteFlips() + th.Lagged(2), "unsupported"),
        (lambda: th.MaxEntBound(th.Lagged(2))(nq.Attempts(FOUR, FOUR > 0)), r"attempts\.transitions\(\)"),
    ):
        with pytest.raises((ValueError, TypeError), match=words):
            make()


def test_the_production_of_each_path_is_that_of_both_steps():
    """theta . G less the logarithm of its mean; on average twice the value in sample, which is that of a step."""
    t = recording()
    found = th.MaxEntBound(SETS["two"][0], ridge=0.0)(t)
    sigma = th.trajectory_production(found, t)
    path = np.stack([t.x[:-1], t.x[1:], t.x_next[1:]], 1)[t.block[:-1] == t.block[1:]].astype(float)
    theta, g = found.details["theta"], rows("two", path)
    log_z = np.log(np.mean(np.exp(-g @ theta)))
    np.testing.assert_allclose(sigma, g @ theta - log_z, atol=1e-8)
    np.testing.assert_allclose(np.mean(sigma), 2 * found.details["in_sample"], atol=1e-9)

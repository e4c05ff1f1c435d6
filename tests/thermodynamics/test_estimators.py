"""Every estimator on the same three exactly enumerated systems, against its population value found another way."""

import functools

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from scipy.special import logsumexp
from small_networks import network
from test_bounds_on_populations import cross_rows, delta_rows, dense_bound, triple_rows

import nonequil as nq
from nonequil.thermodynamics import (
    Cross,
    Delta,
    MaxEntBound,
    MeanFlow,
    OneStepNewton,
    QuadraticBound,
    Single,
    SiteFlips,
    ThermodynamicUncertainty,
    Triple,
    WordCounts,
    exact,
    trajectory_production,
)

ATOL = 1e-9
CHAIN = 0.05 + jr.uniform(jr.key(3), (5, 5))


@functools.cache
def system(name):
    """A dynamics, its exact population, its spins and its weights."""
    dynamics = {
        "parallel": lambda: nq.Parallel(network(4, 3, self_coupling=True)),
        "sequential": lambda: nq.Sequential(network(4, seed=1)),
        "chain": lambda: nq.MarkovChain(CHAIN / jnp.sum(CHAIN, 1, keepdims=True)),
    }[name]()
    t = nq.enumerate_states(dynamics).transitions()
    x, y = (np.asarray(jax.vmap(dynamics.spins)(s), float) for s in (t.x, t.x_next))
    return dynamics, t, x, y, np.asarray(t.weight)


def rows(x, y):
    return np.hstack([cross_rows(x, y), y - x])


def newton_of(g, back, w):
    """F at Cov(g backwards)^-1 (<g> - <g backwards>), with the pseudo-inverse."""
    K = (back.T * w) @ back - np.outer(w @ back, w @ back)
    theta = np.linalg.pinv(K, rcond=1e-10) @ (w @ g - w @ back)
    return w @ g @ theta - logsumexp(back @ theta, b=w)


def uncertainty_of(g, w):
    """The uncertainty relation of antisymmetric observables, with the pseudo-inverse."""
    return np.log1p(2 * w @ g @ np.linalg.pinv((g.T * w) @ g - np.outer(w @ g, w @ g), rcond=1e-10) @ (w @ g))


def newton(x, y, w):
    return newton_of(rows(x, y), rows(y, x), w)


def uncertainty(x, y, w):
    return uncertainty_of(rows(x, y), w)


def counted(x, y, w):
    """KL of pairs of states, each named by a number."""
    a, b = (np.unique(s, axis=0, return_inverse=True)[1].reshape(-1) for s in (x, y))
    joint = np.zeros((a.max() + 1, a.max() + 1))
    np.add.at(joint, (a, b), w)
    held = joint > 0
    return np.sum(joint[held] * np.log(joint[held] / joint.T[held]))


def by_site(dense):
    """Sum over spins of the share of steps in which a spin flips times `dense` of its flips against all others."""

    def value(x, y, w):
        total = 0.0
        for i in range(x.shape[1]):
            flips = (x[:, i] != y[:, i]) & (w > 0)
            g = -2 * x[flips, i : i + 1] * np.delete(x[flips], i, 1)
            share = w[flips] / np.sum(w[flips])
            total += np.sum(w[flips]) / np.sum(w) * dense(g, share)
        return total

    return value


def maxent(rows):
    return lambda x, y, w: dense_bound(rows(x, y), rows(y, x), w)


def changes(x, x_next):
    """Not antisymmetric: products of changes and states."""
    return (x_next - x)[:2] * x[1:3] * x[2]


ESTIMATORS = {
    "MeanFlow": (lambda d: MeanFlow(d), counted),
    "MaxEntBound": (lambda d: MaxEntBound(spins=d.spins), maxent(rows)),
    "MaxEntBound, Cross": (lambda d: MaxEntBound(Cross(), spins=d.spins), maxent(cross_rows)),
    "MaxEntBound, Single": (lambda d: MaxEntBound(Single(), spins=d.spins), maxent(lambda x, y: y - x)),
    "MaxEntBound, Delta": (lambda d: MaxEntBound(Delta(), spins=d.spins), maxent(delta_rows)),
    "MaxEntBound, Triple": (lambda d: MaxEntBound(Triple(), spins=d.spins), maxent(triple_rows)),
    "MaxEntBound, function": (
        lambda d: MaxEntBound(changes, spins=d.spins),
        maxent(lambda x, y: (y - x)[:, :2] * x[:, 1:3] * x[:, 2:3]),
    ),
    "MaxEntBound, SiteFlips": (
        lambda d: MaxEntBound(SiteFlips(), spins=d.spins),
        by_site(lambda g, p: dense_bound(g, -g, p)),
    ),
    "OneStepNewton": (lambda d: OneStepNewton(spins=d.spins), newton),
    "OneStepNewton, SiteFlips": (
        lambda d: OneStepNewton(SiteFlips(), spins=d.spins),
        by_site(lambda g, p: newton_of(g, -g, p)),
    ),
    "ThermodynamicUncertainty": (lambda d: ThermodynamicUncertainty(spins=d.spins), uncertainty),
    "ThermodynamicUncertainty, SiteFlips": (
        lambda d: ThermodynamicUncertainty(SiteFlips(), spins=d.spins),
        by_site(uncertainty_of),
    ),
    "QuadraticBound": (lambda d: QuadraticBound(spins=d.spins), uncertainty),
    "QuadraticBound, Single": (
        lambda d: QuadraticBound(Single(), spins=d.spins),
        lambda x, y, w: uncertainty_of(y - x, w),
    ),
    "WordCounts": (lambda d: WordCounts(spins=d.spins), counted),
}
SYSTEMS = ("parallel", "sequential", "chain")
CASES = [(e, s) for e in ESTIMATORS for s in SYSTEMS if "SiteFlips" not in e or s == "sequential"]  # one spin moves


@pytest.mark.parametrize("estimator, name", CASES)
def test_estimator_on_the_exact_population(estimator, name):
    dynamics, t, *arrays = system(name)
    make, reference = ESTIMATORS[estimator]
    estimate = make(dynamics)(t)
    np.testing.assert_allclose(estimate.value, reference(*arrays), atol=ATOL if "SiteFlips" not in estimator else 1e-8)
    assert estimate.stderr == 0
    assert estimate.unit is dynamics.unit
    assert estimate.result == nq.RESULTS.successful
    sigma = exact(dynamics).value
    if estimate.kind is nq.KIND.lower_bound:
        assert estimate.value < sigma + ATOL
    if name == "chain" and estimator == "MaxEntBound":  # one spin a state: products span every antisymmetric function
        np.testing.assert_allclose(estimate.value, sigma, atol=ATOL)


SAMPLED = {
    "OneStepNewton": lambda: OneStepNewton(),
    "ThermodynamicUncertainty": lambda: ThermodynamicUncertainty(),
    "WordCounts": lambda: WordCounts(),
}


@pytest.mark.parametrize("estimator", SAMPLED)
def test_samples_agree_with_the_population_within_their_errors(estimator):
    """Independent pairs, drawn from the exact law of the chain."""
    dynamics, population, x, y, w = system("chain")
    drawn = np.random.default_rng(0).choice(len(w), 20_000, p=w / w.sum())
    t = nq.Transitions(x[drawn].astype(np.int8), y[drawn].astype(np.int8), unit=dynamics.unit)
    sample = SAMPLED[estimator]()(t)
    truth = ESTIMATORS[estimator][0](dynamics)(population)
    assert abs(sample.value - truth.value) < 3.5 * sample.stderr
    assert 0 < sample.stderr < 0.1 * truth.value
    assert sample.result == nq.RESULTS.successful


@pytest.mark.parametrize("estimator", [OneStepNewton, ThermodynamicUncertainty])
def test_one_step_in_sample_is_biased_by_twice_the_number_of_observables(estimator):
    """Independent fair spins: 10 data sets; n U is chi-squared, so that in-sample values average 2 d / n."""
    rng = np.random.default_rng(0)
    n, sets, d = 1000, 10, 6 + 4
    spins = rng.choice([-1, 1], (sets, n, 2, 4)).astype(np.int8)
    estimates = [estimator()(nq.Transitions(s[:, 0], s[:, 1])) for s in spins]
    inside, outside = (np.array(v) for v in zip(*((e.details["in_sample"], e.value) for e in estimates), strict=True))
    assert abs(inside.mean() - 2 * d / n) < 4 * inside.std() / np.sqrt(sets) + 0.1 * 2 * d / n
    expected = -2 * d / (0.8 * n) if estimator is OneStepNewton else 0.0
    assert abs(outside.mean() - expected) < 4 * outside.std() / np.sqrt(sets) + 0.1 * 2 * d / n
    assert all(np.isclose(e.floor, 2 * d / n) for e in estimates)


@pytest.mark.parametrize("a, b", [(0.3, 0.3), (0.6, 0.2)])
def test_the_bias_of_counts_is_removed(a, b):
    """A ring of three states, independent pairs: three pairs of words, each with (1 + (u + 1/u) / 2) / n."""
    rng, n, sets = np.random.default_rng(1), 3000, 80
    here = rng.integers(0, 3, (sets, n))
    there = (here + rng.choice([1, 2, 0], (sets, n), p=[a, b, 1 - a - b])) % 3
    one_up = lambda states: np.where(states[..., None] == np.arange(3), 1, -1).astype(np.int8)  # noqa: E731
    estimates = [WordCounts()(nq.Transitions(*pair)) for pair in zip(one_up(here), one_up(there), strict=True)]
    plain, corrected = (np.array(v) for v in zip(*((e.details["plug_in"], e.value) for e in estimates), strict=True))
    moved = (there - here) % 3
    influence = np.array([0.0, np.log(a / b) + 1 - b / a, np.log(b / a) + 1 - a / b])
    linear = np.mean(influence[moved], 1)  # what plug-in values are to first order in the counts: mean `truth`
    truth, bias = (a - b) * np.log(a / b), 3 * (1 + (a / b + b / a) / 2) / n
    np.testing.assert_allclose(influence[1:] @ [a, b], truth)
    error = np.std(plain - linear) / np.sqrt(sets)
    assert abs(np.mean(plain - linear) - bias) < 3.5 * error
    assert abs(np.mean(corrected - linear)) < 3.5 * error
    assert bias > 7 * error
    if a != b:
        assert 0.75 < np.mean([float(e.stderr) for e in estimates]) / plain.std() < 1.25  # known to 8 percent


def test_words_of_a_process_with_memory():
    """A chain of order two, seen through pairs, hides part of what words of three show."""
    rng = np.random.default_rng(2)
    P = rng.dirichlet(np.full(3, 0.8), (3, 3))
    states = [0, 1]
    for u in rng.random(60_000):
        states.append(int(np.searchsorted(np.cumsum(P[states[-2], states[-1]]), u)))
    spins = np.where(np.array(states)[:, None] == np.arange(3), 1, -1).astype(np.int8)
    t = nq.Transitions(spins[:-1], spins[1:])
    pair_chain = np.zeros((9, 9))
    for i in range(3):
        for j in range(3):
            pair_chain[3 * i + j, 3 * j : 3 * j + 3] = P[i, j]
    law = np.linalg.matrix_power(pair_chain, 400)[0].reshape(3, 3)
    third = law[:, :, None] * P
    divergence = lambda p, q: np.sum(p * np.log(p / q))  # noqa: E731
    first, second = divergence(law, law.T), divergence(third, third.transpose(2, 1, 0))
    for order, truth in ((1, first), (2, second - first)):
        estimate = WordCounts(order)(t)
        assert abs(estimate.value - truth) < 3.5 * estimate.stderr
    assert second - first > first + 3 * estimate.stderr


def test_words_never_seen_backwards_are_infinite_unless_counted_in():
    spins = np.where(np.arange(300)[:, None] % 3 == np.arange(3), 1, -1).astype(np.int8)
    ring = nq.Transitions(spins[:-1], spins[1:])
    estimate = WordCounts()(ring)
    assert estimate.value == np.inf
    assert estimate.result == nq.RESULTS.not_finite
    added = WordCounts(pseudocount=1.0)(ring)
    assert np.isfinite(added.value)
    assert added.result == nq.RESULTS.successful


def test_too_little_data_and_bad_arguments_are_refused():
    spins = np.random.default_rng(3).choice([-1, 1], (50, 10)).astype(np.int8)
    few = nq.Transitions(spins[:-1], spins[1:])
    for estimator in (MaxEntBound(), OneStepNewton(), ThermodynamicUncertainty(), QuadraticBound(), WordCounts()):
        estimate = estimator(few)
        assert np.isnan(estimate.value)
        assert np.isnan(estimate.stderr)
        assert estimate.result == nq.RESULTS.too_few_transitions
        most = estimate.details["largest_n_units"]
        enough, more = (nq.Transitions(few.x[:, :k], few.x_next[:, :k]) for k in (most, most + 1))
        assert np.isfinite(estimator(enough).value) or estimator(enough).result == nq.RESULTS.not_finite
        assert estimator(more).result == nq.RESULTS.too_few_transitions
    for make, words in [
        (lambda: WordCounts(order=0), "order = 0"),
        (lambda: WordCounts(pseudocount=-1.0), "pseudocount = -1.0"),
        (lambda: OneStepNewton(ridge=-1.0), "ridge = -1.0"),
        (lambda: ThermodynamicUncertainty(n_folds=1)(few), "n_folds = 1"),
        (lambda: WordCounts(order=2)(system("parallel")[1]), "an enumerated population"),
        (lambda: nq.thermodynamics.hierarchy([Cross()], few, refits=1), "refits = 1"),
    ]:
        with pytest.raises(ValueError, match=words):
            make()


def test_theta_of_one_step_is_of_the_observables_as_they_were_given():
    _, t, x, y, w = system("parallel")
    estimate = OneStepNewton(Cross() + Single())(t)
    g, theta = rows(x, y), np.asarray(estimate.details["theta"])
    np.testing.assert_allclose(w @ g @ theta - logsumexp(-g @ theta, b=w), estimate.value, atol=ATOL)


def test_a_given_centre_is_that_of_theta_and_of_the_production_of_each_transition():
    """In a set that no centre may be chosen for, and in one where it may."""
    _, t, x, y, w = system("parallel")
    centre = jnp.array([0.5, -0.2, 0.1, -1.0])
    scale, i, j = 1 + np.abs(centre), *np.triu_indices(4, 1)
    about = lambda x, y: cross_rows(x, y, np.asarray(centre)) / (scale[i] * scale[j])  # noqa: E731
    for observable, of in ((Cross(centre), about), (Cross(centre) + Single(), rows), (Delta(), delta_rows)):
        estimate = MaxEntBound(observable)(t)
        theta = np.asarray(estimate.details["theta"])
        e = of(y, x) @ theta
        np.testing.assert_allclose(estimate.details["log_z"], logsumexp(e, b=w), atol=ATOL)
        sigma = trajectory_production(estimate, t)
        np.testing.assert_allclose(sigma, of(x, y) @ theta - logsumexp(e, b=w), atol=1e-8)
        np.testing.assert_allclose(w @ sigma / w.sum(), estimate.value, atol=ATOL)


def test_the_production_of_single_transitions_is_known_where_the_set_is_complete():
    """One spin a state: log p(a, b) - log p(b, a) itself; its mean on data is the value in sample."""
    _, t, x, y, w = system("chain")
    estimate = MaxEntBound()(nq.Transitions(x.astype(np.int8), y.astype(np.int8), weight=w))
    a, b = np.argmax(x, 1), np.argmax(y, 1)
    p = np.zeros((5, 5))
    np.add.at(p, (a, b), w)
    np.testing.assert_allclose(
        trajectory_production(estimate, nq.Transitions(x.astype(np.int8), y.astype(np.int8))),
        np.log(p[a, b] / p[b, a]),
        atol=1e-6,
    )
    with pytest.raises(ValueError, match="log_z"):
        trajectory_production(exact(system("chain")[0]), t)


SETS = (Cross(), Cross() + Single(), Cross() + Single() + Triple())


@pytest.mark.parametrize("bound", [MaxEntBound, OneStepNewton])
def test_a_hierarchy_splits_a_bound_into_what_each_set_adds(bound):
    t = nq.enumerate_states(nq.Parallel(network(4, seed=1))).transitions()
    whole = nq.thermodynamics.hierarchy(SETS, t, bound=bound)
    np.testing.assert_allclose(jnp.cumsum(whole.increments), [bound(s)(t).value for s in SETS], atol=1e-12)
    assert bound is OneStepNewton or np.all(whole.increments > -ATOL)


def test_errors_of_increments_are_those_of_repetitions():
    """Differences on the same pairs, less uncertain than the bounds themselves."""
    t = nq.enumerate_states(nq.Parallel(network(4, seed=1))).transitions()
    drawn = np.random.default_rng(0).choice(len(t), (12, 4000), p=np.asarray(t.weight) / t.weight.sum())
    pairs = [nq.Transitions(t.x[k], t.x_next[k]) for k in drawn]
    found = [nq.thermodynamics.hierarchy(SETS[:2], p, bound=OneStepNewton) for p in pairs]
    spread = np.std([h.increments for h in found], axis=0, ddof=1)
    reported = np.mean([h.increment_stderr for h in found], axis=0)
    ratio = reported / spread  # a spread of 12 is known to 21 percent
    assert np.all(ratio > 0.5)
    assert np.all(ratio < 2.0)
    assert reported[1] < 0.7 * np.mean([h.stderr[1] for h in found])


def test_errors_from_refits_hold_the_scatter_of_coefficients():
    """Strong driving, few pairs: errors at fixed coefficients fall short of the spread of repetitions."""
    model = network(4, seed=1)
    t = nq.enumerate_states(nq.Parallel(nq.Ising(1.5 * model.J, model.H))).transitions()
    drawn = np.random.default_rng(0).choice(len(t), (12, 600), p=np.asarray(t.weight) / t.weight.sum())
    pairs = [nq.Transitions(np.asarray(t.x)[k], np.asarray(t.x_next)[k]) for k in drawn]
    found = [nq.thermodynamics.hierarchy(SETS[:2], p, bound=OneStepNewton) for p in pairs]
    spread = np.std([h.increments for h in found], axis=0, ddof=1)  # known to 21 percent
    refitted = [nq.thermodynamics.hierarchy(SETS[:2], p, bound=OneStepNewton, refits=10) for p in pairs[:2]]
    fixed, free = (np.mean([h.increment_stderr for h in some], axis=0) / spread for some in (found, refitted))
    assert fixed[1] < 0.75 * free[1]
    assert np.all(free > 0.5)
    assert np.all(free < 2.2)
    np.testing.assert_array_equal(refitted[0].values, found[0].values)

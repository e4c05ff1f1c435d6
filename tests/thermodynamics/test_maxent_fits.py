import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_networks import network

import nonequil as nq
from nonequil.statistics import block_mean
from nonequil.thermodynamics import (
    Cross,
    Delta,
    EarlyStopped,
    Function,
    Lasso,
    LowRank,
    MaxEntBound,
    Ridge,
    Single,
    SiteFlips,
    TrustRegion,
    exact,
    hierarchy,
)
from nonequil.thermodynamics._cross_fit import Views
from nonequil.thermodynamics._factors import factors_of
from nonequil.thermodynamics._pairs import read_pairs
from nonequil.thermodynamics._tilt import maximise
from nonequil.thermodynamics._trust_region import maximise_in_region

HELD = [Ridge(20.0), TrustRegion(20.0), Lasso(0.1), LowRank(2, 0.1)]
CHOSEN = [Ridge(), TrustRegion(), Lasso(), LowRank(2, 0.05), EarlyStopped()]
NAMES = [str(fit) for fit in CHOSEN]


def drawn(J, chains, steps, seed=0, burn_in=30):
    """Pairs of parallel dynamics without fields, a block a chain; on the host, so that nothing is compiled."""
    rng, n = np.random.default_rng(seed), len(J)
    states = [rng.choice([-1, 1], (chains, n))]
    for _ in range(burn_in + steps):
        up = rng.random((chains, n)) < 1 / (1 + np.exp(-2 * states[-1] @ J.T))
        states.append(np.where(up, 1, -1))
    x = np.stack(states[burn_in:], 1).astype(np.int8)
    return nq.Transitions(x[:, :-1].reshape(-1, n), x[:, 1:].reshape(-1, n), block=np.repeat(np.arange(chains), steps))


def couplings(n, scale, seed=0):
    return scale * np.random.default_rng(seed).normal(size=(n, n)) / np.sqrt(n)


def products(t):
    """All x'_i x_j - x_i x'_j of all pairs."""
    x, y = np.asarray(t.x, float), np.asarray(t.x_next, float)
    i, j = np.triu_indices(x.shape[1], 1)
    return y[:, i] * x[:, j] - x[:, i] * y[:, j]


def slope(g, theta):
    """Value and gradient of F for antisymmetric observables."""
    e = -g @ theta
    weight = np.exp(e - e.max())
    value = theta @ g.mean(0) - e.max() - np.log(weight.mean())
    return value, g.mean(0) + weight @ g / weight.sum()


@functools.cache
def driven():
    return drawn(couplings(6, 0.8), 20, 60)


@functools.cache
def population():
    dynamics = nq.Parallel(network(4))
    return dynamics, nq.enumerate_states(dynamics).transitions()


def test_few_observables_meet_the_conditions_of_tibshirani_and_are_those_of_proximal_steps():
    t, strength = driven(), 0.15
    theta = MaxEntBound(Cross(), fit=Lasso(strength))(t).details["theta"]
    g = products(t)
    spread = np.sqrt(np.mean(g**2, 0))
    gradient = slope(g, theta)[1] / spread
    assert 2 < np.sum(theta == 0) < 13
    assert np.all(np.abs(gradient[theta == 0]) <= strength)
    assert np.allclose(gradient[theta != 0], strength * np.sign(theta[theta != 0]), atol=1e-6)
    u = np.zeros(15)
    for _ in range(2000):
        u = u + 0.2 * slope(g / spread, u)[1]
        u = np.sign(u) * np.maximum(np.abs(u) - 0.2 * strength, 0)
    assert np.allclose(theta, u / spread, atol=1e-6)


def test_observables_that_never_vary_have_no_coefficient():
    t = driven()
    x, x_next = (np.column_stack([s[:, :3], np.full((len(t), 2), -1, np.int8)]) for s in (t.x, t.x_next))
    silent = nq.Transitions(x, x_next, block=t.block)
    estimate = MaxEntBound(Cross() + Single(), fit=Lasso(0.1))(silent)
    pairs, singles = np.split(estimate.details["theta"], [10])
    heard = np.triu_indices(5, 1)[1] < 3
    assert np.all(pairs[~heard] == 0)
    assert np.all(singles[3:] == 0)
    assert np.any(pairs[heard] != 0)


def test_a_hold_that_leaves_nothing_is_worth_nothing():
    for fit in (Lasso(5.0), LowRank(2, 50.0)):
        estimate = MaxEntBound(Cross(), fit=fit)(driven())
        assert abs(estimate.value) < 1e-12
        assert estimate.result == nq.RESULTS.successful


@pytest.mark.parametrize("observable, n", [(Cross(), 5), (Delta(), 4), (Cross() + Single(), 5)])
def test_factors_are_the_nearest_of_their_rank_and_carry_gradients_back(observable, n):
    rng, d = np.random.default_rng(0), observable.size(n)
    theta, weight = rng.normal(size=(2, d))
    whole, one = factors_of(observable, n, n), factors_of(observable, n, 1)
    enough = factors_of(observable, n, whole.largest_rank)
    assert np.allclose(enough.theta(enough.nearest(theta)), theta, atol=1e-12)
    best = one.nearest(theta)
    assert np.allclose(one.theta(one.nearest(one.theta(best))), one.theta(best), atol=1e-10)
    steps = 1e-6 * np.eye(one.count)
    difference = [(weight @ one.theta(best + step) - weight @ one.theta(best - step)) / 2e-6 for step in steps]
    assert np.allclose(one.pull(best, weight), difference, atol=1e-7)
    pairs = theta[: n * (n - 1) // 2]
    if d < n * n:
        T = np.zeros((n, n))
        T[np.triu_indices(n, 1)] = pairs
        left, s, right = np.linalg.svd(T - T.T)
        expected = ((left[:, :2] * s[:2]) @ right[:2])[np.triu_indices(n, 1)]
    else:
        left, s, right = np.linalg.svd(theta.reshape(n, n))
        expected = (s[0] * np.outer(left[:, 0], right[0])).reshape(-1)
    assert np.allclose(one.theta(best)[: len(expected)], expected, atol=1e-10)


@pytest.mark.parametrize("observable", [Cross(), Cross() + Single(), Delta()])
def test_full_rank_is_the_optimum(observable):
    _, t = population()
    estimate = MaxEntBound(observable, fit=LowRank(4, 0.0))(t)
    assert abs(estimate.value - MaxEntBound(observable)(t).value) < 1e-8


def test_a_plane_is_recovered_from_few_pairs_better_than_by_all_coefficients():
    rng, n = np.random.default_rng(3), 24
    a, b = rng.normal(size=(2, n)) / np.sqrt(n)
    J = 0.25 * (np.outer(a, b) - np.outer(b, a))
    t, truth = drawn(J, 40, 40), (2 * J)[np.triu_indices(n, 1)]
    plane, ridge = (MaxEntBound(Cross(), fit=fit)(t) for fit in (LowRank(1), Ridge()))
    gain = block_mean(jnp.asarray(plane.details["influence"] - ridge.details["influence"]), t)[1]
    assert plane.value - ridge.value > 3 * gain
    likeness = [np.corrcoef(e.details["theta"], truth)[0, 1] for e in (plane, ridge)]
    assert likeness[0] > 0.85 > 0.8 > likeness[1]


def test_early_stopping_pays_no_price_where_there_is_no_arrow_of_time():
    t = drawn(np.zeros((12, 12)), 20, 50)
    free, stopped = MaxEntBound(Cross(), ridge=0.0)(t), MaxEntBound(Cross(), fit=EarlyStopped())(t)
    assert free.value < -0.7 * free.floor
    assert stopped.value > 0.1 * free.value
    assert stopped.value < 3 * stopped.stderr + 1e-12
    assert stopped.result == nq.RESULTS.successful


def test_early_stopping_sees_what_there_is():
    t = drawn(couplings(8, 0.6, seed=1), 20, 100)
    free, stopped = MaxEntBound(Cross(), ridge=0.0)(t), MaxEntBound(Cross(), fit=EarlyStopped())(t)
    assert stopped.value > 0.8 * free.value > 0
    assert np.all(stopped.details["fold_steps"] > 0)
    assert stopped.value < stopped.details["in_sample"]


def test_the_pairs_that_judge_early_stopping_chose_nothing():
    """Other pairs in a fold change its value, not the step that was picked for it."""
    t = driven()
    fold = np.asarray(nq.statistics.folds(t, 5))
    backwards = (fold == 0)[:, None]
    other = nq.Transitions(np.where(backwards, t.x_next, t.x), np.where(backwards, t.x, t.x_next), block=t.block)
    before, after = (EarlyStopped().of_sample(Views(Cross(), pairs), fold) for pairs in map(read_pairs, (t, other)))
    assert before.chosen["fold_steps"][0] == after.chosen["fold_steps"][0]
    assert not np.array_equal(before.chosen["fold_steps"], after.chosen["fold_steps"])
    assert before.folds[0].value > 0 > after.folds[0].value


@pytest.mark.parametrize("observable", [Cross(), Cross() + Single()])
def test_a_trust_region_finds_the_optimum_of_newton(observable):
    _, everything = population()
    for t, ridge in ((everything, None), (driven(), 0.0)):
        newton, region = MaxEntBound(observable, ridge)(t), MaxEntBound(observable, fit=TrustRegion(ridge))(t)
        assert abs(newton.details["in_sample"] - region.details["in_sample"]) < 1e-8
        assert abs(newton.value - region.value) < 1e-5  # held out, F is not stationary
        assert region.details["gradient_max"] < 1e-4


def test_a_trust_region_comes_back_from_where_newton_overflows():
    with jax.enable_x64(True):
        pairs = read_pairs(driven())
        problem = Views(Cross(), pairs).problem(pairs.w, 0.0)
        best = maximise(problem, np.zeros(15), tolerance=1e-12)
        far = 30 * np.random.default_rng(0).normal(size=15)
        with np.errstate(over="ignore", invalid="ignore"):
            lost, found = (ascent(problem, far, tolerance=1e-12) for ascent in (maximise, maximise_in_region))
    assert lost.value < best.value - 100
    assert not lost.converged
    assert abs(found.value - best.value) < 1e-8
    assert found.converged


@pytest.mark.parametrize("fit", [*HELD, LowRank(1, 0.0)], ids=str)
def test_no_fit_passes_the_entropy_production_of_a_population(fit):
    dynamics, t = population()
    for observable in (Cross(), Delta(), Cross() + Single()):
        estimate = MaxEntBound(observable, fit=fit)(t)
        assert -1e-12 < estimate.value < MaxEntBound(observable)(t).value + 1e-9 < exact(dynamics).value
        assert estimate.stderr == 0
        assert estimate.kind is nq.KIND.lower_bound


@pytest.mark.parametrize("fit", CHOSEN, ids=NAMES)
def test_every_fit_is_a_bound_out_of_sample(fit):
    J = couplings(4, 0.7, seed=2)
    t, dynamics = drawn(J, 40, 60), nq.Parallel(nq.Ising(jnp.asarray(J), jnp.zeros(4)))
    estimate = MaxEntBound(fit=fit)(t)
    assert 0.5 * exact(dynamics).value < estimate.value < exact(dynamics).value + 3 * estimate.stderr
    assert estimate.result == nq.RESULTS.successful
    assert estimate.details["theta"].shape == (10,)
    psi = block_mean(jnp.asarray(estimate.details["influence"]), t)
    assert np.isclose(psi[1], estimate.stderr)


@pytest.mark.parametrize("fit", [Ridge(10.0), TrustRegion(10.0)], ids=str)
def test_influence_is_what_the_value_gains_by_the_weight_of_a_pair(fit):
    """Two pairs of a block exchange some weight, so that those of all folds stay as they are."""
    t, bound = driven(), MaxEntBound(Cross(), fit=fit)
    psi = bound(t).details["influence"]
    for first, second in ((3, 40), (700, 715)):
        moved = 0.01 * (np.arange(len(t)) == first) - 0.01 * (np.arange(len(t)) == second)
        up, down = (bound(dataclasses.replace(t, weight=1 + sign * moved)).value for sign in (1, -1))
        assert np.isclose(len(t) * (up - down) / 0.02, psi[first] - psi[second], rtol=1e-3)


def test_increments_of_a_hierarchy_take_any_fit():
    levels = hierarchy((Single(), Cross() + Single()), driven(), bound=lambda g: MaxEntBound(g, fit=Lasso()))
    assert levels.increments[1] > 3 * levels.increment_stderr[1] > 0


def test_a_population_asks_for_what_it_cannot_choose():
    _, t = population()
    with pytest.raises(ValueError, match=r"fit = Lasso.*pass Lasso\(strength=...\)"):
        MaxEntBound(fit=Lasso())(t)
    with pytest.raises(ValueError, match=r"fit = LowRank.*pass LowRank\(strength=...\)"):
        MaxEntBound(fit=LowRank(1))(t)
    with pytest.raises(ValueError, match=r"EarlyStopped.*no validation pairs"):
        MaxEntBound(fit=EarlyStopped())(t)


def test_bad_options_are_named():
    with pytest.raises(ValueError, match=r"ridge = 1.0 and fit = Lasso"):
        MaxEntBound(ridge=1.0, fit=Lasso())
    with pytest.raises(ValueError, match=r"fit = Lasso.*SiteFlips"):
        MaxEntBound(SiteFlips(), fit=Lasso())(driven())
    for fit in (Ridge, Lasso, TrustRegion, functools.partial(LowRank, 1)):
        with pytest.raises(ValueError, match=r"= -1.0 must be finite and not negative"):
            fit(-1.0)
    with pytest.raises(ValueError, match="rank = 0"):
        LowRank(0)
    with pytest.raises(ValueError, match="patience = 0"):
        EarlyStopped(0)
    with pytest.raises(ValueError, match=r"radius = 0.0"):
        TrustRegion(radius=0.0)
    with pytest.raises(ValueError, match="add Cross\\(\\) or Delta\\(\\)"):
        MaxEntBound(Function(lambda x, y: y[:1] - x[:1]), fit=LowRank(1))(driven())
    with pytest.raises(ValueError, match="n_folds = 2"):
        MaxEntBound(n_folds=2, fit=EarlyStopped())(driven())

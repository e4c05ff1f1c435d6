import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse
from small_networks import by_chain, network, simulated, simulated_spins

import nonequil as nq
from nonequil.thermodynamics import Cross, Function, MaxEntBound, QuadraticBound, Single, reversal_null
from nonequil.thermodynamics._design import ChunkedDesign, SparseDesign, design
from nonequil.thermodynamics._pairs import read_pairs, with_centre
from nonequil.thermodynamics._surrogates import reversal_p_value

BOUNDS = [MaxEntBound, QuadraticBound]


def bernoulli(n, pairs, rate, seed=0):
    """Independent spikes: no arrow of time."""
    spins = 2 * (np.random.default_rng(seed).random((pairs + 1, n)) < rate).astype(np.int8) - 1
    return nq.Transitions(spins[:-1], spins[1:], unit=nq.Unit.per_bin)


def sparse_network(n=12, steps=400, chains=40):
    J = network(n).J
    return simulated(nq.Parallel(nq.Ising(J, jnp.sum(J, 1) - 1.6)), chains, steps)  # each unit active in about 4 %


@pytest.mark.parametrize("clock", [nq.Parallel, nq.Sequential])
def test_samples_agree_with_the_population_within_their_errors(clock):
    dynamics = clock(network(4))
    t = simulated(dynamics, chains=80, steps=200)
    everything = nq.enumerate_states(dynamics).transitions()
    for bound in BOUNDS:
        sample, truth = bound()(t), bound()(everything)
        assert abs(sample.value - truth.value) < 3.5 * sample.stderr
        assert 0 < sample.stderr < 0.2 * truth.value + 0.01
        assert jnp.isclose(sample.floor, 2 * 10 / 16_000)
        assert sample.result == nq.RESULTS.successful
        assert sample.unit is dynamics.unit
        if bound is MaxEntBound:
            assert sample.details["in_sample"] > sample.value - 1e-4
            assert sample.details["finite_optimum"]


@pytest.mark.parametrize("bound", BOUNDS)
def test_error_bars_are_those_of_repetitions(bound):
    model = network(4, seed=1)
    dynamics = nq.Parallel(nq.Ising(model.J / 2, model.H))
    draws = jax.jit(lambda seed: simulated_spins(dynamics, 50, 40, seed))
    estimates = [bound()(by_chain(*draws(10 * k))) for k in range(12)]
    spread = np.std([float(e.value) for e in estimates], ddof=1)
    reported = np.mean([float(e.stderr) for e in estimates])
    assert 0.5 < reported / spread < 1.8  # a spread of 12 draws is known to 21 percent


def test_independent_spikes_have_no_arrow_of_time():
    t = bernoulli(16, 20_000, 0.03)
    quadratic, maxent = QuadraticBound()(t), MaxEntBound()(t)
    assert abs(quadratic.value) < 3 * quadratic.stderr
    assert abs(quadratic.details["u"]) < 3 * quadratic.details["null_spread"]
    assert abs(maxent.value) < max(3 * maxent.stderr, 1e-3)
    assert maxent.details["in_sample"] > maxent.value
    assert quadratic.unit is nq.Unit.per_bin


def test_quadratic_estimate_is_the_double_sum_over_blocks_with_its_null_and_bootstrap():
    t = simulated(nq.Parallel(network(4)), 12, 90)
    ragged = t[np.arange(len(t)) % 90 < 20 + 5 * t.block]
    estimate = QuadraticBound(Cross(), draws=4000, resamples=4000)(ragged)
    x, y, block = ragged.x.astype(float), ragged.x_next.astype(float), ragged.block
    i, j = np.triu_indices(4, 1)
    g = y[:, i] * x[:, j] - x[:, i] * y[:, j]
    inverse = np.linalg.inv(np.cov(g.T, bias=True))
    S, sizes = np.stack([g[block == b].sum(0) for b in range(12)]), np.bincount(block)

    def double_sum(S, sizes):
        pairs = [(b, c) for b in range(12) for c in range(12) if b != c]
        return 2 * sum(S[b] @ inverse @ S[c] for b, c in pairs) / sum(sizes[b] * sizes[c] for b, c in pairs)

    assert abs(estimate.details["u"] - double_sum(S, sizes)) < 1e-12
    assert abs(estimate.value - np.log1p(double_sum(S, sizes))) < 1e-12
    null = [double_sum(S * s[:, None], sizes) for s in np.random.default_rng(0).choice([-1.0, 1.0], (400, 12))]
    assert abs(estimate.details["null_spread"] / np.std(null) - 1) < 0.2
    assert abs(estimate.details["null_mean"]) < 4 * np.std(null) / np.sqrt(4000)
    assert np.isclose(estimate.stderr, estimate.details["u_stderr"] / (1 + estimate.details["u"]))


def test_null_of_the_quadratic_bound_is_that_of_reversed_blocks():
    model = network(3)
    t = simulated(nq.Parallel(nq.Ising(model.J / 8, model.H)), 20, 60)  # weak, so that K hardly knows the direction
    bound = QuadraticBound(Single() + Cross(), resamples=10, draws=2000)
    values = reversal_null(bound, t, key=jax.random.key(5), draws=30)
    u = np.expm1(np.asarray(values))
    spread = bound(t).details["null_spread"]
    assert abs(u.mean()) < 4 * spread / np.sqrt(30)
    assert 0.6 < u.std() / spread < 1.6


def test_conjugate_gradients_agree_with_the_eigenvalues():
    t = sparse_network()
    formed, applied = QuadraticBound()(t), QuadraticBound(listed=0)(t)
    assert np.isclose(applied.details["u"], formed.details["u"], rtol=1e-7)
    assert applied.result == nq.RESULTS.successful
    assert formed.details["rank"] <= formed.details["d"] == 12 * 11 // 2 + 12


def test_weights_of_zero_mask_pairs():
    t = simulated(nq.Parallel(network(4)), 20, 60)
    kept = np.arange(len(t)) % 3 > 0
    masked = dataclasses.replace(t, weight=kept.astype(float))
    for bound in BOUNDS:
        assert np.isclose(bound()(masked).value, bound()(t[kept]).value, rtol=1e-6)


def test_sparse_and_chunked_maps_are_the_same_linear_map():
    pairs = read_pairs(sparse_network())
    with jax.enable_x64(True):
        g = with_centre(Cross() + Single(), pairs)
        dense = ChunkedDesign(g, pairs, False)
        listed = np.concatenate([rows for _, rows in dense.listed()])
        sparse = SparseDesign(scipy.sparse.csr_array(listed))
        rng = np.random.default_rng(0)
        theta, w, plain = rng.normal(size=(dense.size, 3)), rng.random((len(listed), 3)), np.ones(len(listed))
        for G in (dense, sparse):
            assert np.allclose(G.project(theta), listed @ theta, atol=1e-12)
            assert np.allclose(G.pull(w), listed.T @ w, atol=1e-9)
            for weight in (plain, w[:, 0]):
                assert np.allclose(G.second_moment(weight), (listed * weight[:, None]).T @ listed, atol=1e-9)
                assert np.allclose(G.squares(weight), weight @ listed**2, atol=1e-9)
            sums = np.stack([w[pairs.block == b, 0] @ listed[pairs.block == b] for b in range(40)])
            assert np.allclose(G.block_sums(w[:, 0], pairs.block), sums, atol=1e-9)
        quiet = read_pairs(bernoulli(30, 12_000, 0.02))
        assert isinstance(design(with_centre(Cross() + Single(), quiet), quiet), SparseDesign)


def test_a_runaway_optimum_is_flagged_and_held_by_a_ridge():
    t = sparse_network(chains=40, steps=60)
    never = MaxEntBound(ridge=0.0)(t)
    assert never.result == nq.RESULTS.no_finite_optimum
    assert jnp.isnan(never.value)
    held = MaxEntBound()(t)
    assert held.result == nq.RESULTS.successful
    assert held.details["finite_optimum"] is False
    assert held.details["ridge"] > 0
    assert jnp.isfinite(held.value)
    assert held.details["ess_held_out"] > 10
    assert held.details["gradient_max"] < 1e-4


def test_a_ridge_is_the_maximum_of_the_penalised_objective():
    t = simulated(nq.Parallel(network(4)), 20, 100)
    theta = MaxEntBound(Function(product), ridge=50.0)(t).details["theta"]
    g, n = np.asarray(jax.vmap(product)(t.x * 1.0, t.x_next * 1.0)), len(t)
    p = np.exp(-g @ theta)
    gradient = g.mean(0) + p @ g / p.sum() - 50 / n * theta
    assert np.max(np.abs(gradient)) < 1e-5


def product(x, y):
    return jnp.stack([y[0] * x[1] - x[0] * y[1], y[2] * x[3] - x[2] * y[3]])


@pytest.mark.parametrize("bound", BOUNDS)
def test_too_few_transitions_give_no_number_but_the_number_of_units_that_would_do(bound):
    estimate = bound()(bernoulli(40, 1000, 0.3))
    assert jnp.isnan(estimate.value)
    assert estimate.result == nq.RESULTS.too_few_transitions
    assert jnp.isclose(estimate.floor, 2 * 820 / 1000)
    n = estimate.details["largest_n_units"]  # d = n (n + 1) / 2 for Cross + Single
    assert n * (n + 1) <= 0.5 * 1000 < (n + 1) * (n + 2)


@pytest.mark.parametrize("bound", BOUNDS)
def test_bad_input_is_named(bound):
    t = bernoulli(4, 300, 0.4)
    with pytest.raises(ValueError, match="x must hold spins -1 or \\+1"):
        bound()(nq.Transitions((t.x + 1) // 2, (t.x_next + 1) // 2))
    with pytest.raises(ValueError, match="x_next must hold spins"):
        bound()(nq.Transitions(t.x, np.where(t.x_next > 0, 2, -1).astype(np.int8)))
    with pytest.raises(ValueError, match="one row of spins a pair"):
        bound()(nq.Transitions(t.x[:, 0], t.x_next[:, 0]))
    with pytest.raises(ValueError, match="at least two"):
        bound()(dataclasses.replace(t, block=np.zeros(300, int)))
    with pytest.raises(ValueError, match="no pair"):
        bound()(t[:0])
    with pytest.raises(ValueError, match="weight must be finite"):
        bound()(dataclasses.replace(t, weight=np.full(300, -1.0)))
    with pytest.raises(ValueError, match="observable = 3"):
        bound(3)


def test_options_out_of_range_are_named():
    with pytest.raises(ValueError, match="ridge = -1"):
        MaxEntBound(ridge=-1.0)
    with pytest.raises(ValueError, match="n_folds = 1"):
        MaxEntBound(n_folds=1)


def test_the_p_value_is_that_of_second_moments_which_no_reversal_changes():
    """Against sums over blocks written out, with the second moment in place of the covariance."""
    t = simulated(nq.Parallel(network(4)), 12, 60)
    x, y, block = (np.asarray(a) for a in (t.x, t.x_next, t.block))
    i, j = np.triu_indices(4, 1)
    g = (y[:, i] * x[:, j] - x[:, i] * y[:, j]).astype(float)
    S, n_b = np.stack([g[block == b].sum(0) for b in range(12)]), np.full(12, 60.0)
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (499, 12))

    def through_second_moments(sign):
        flipped = g * sign[block, None]
        T = np.linalg.inv(flipped.T @ flipped / len(g))
        return sum(sign[b] * sign[c] * S[b] @ T @ S[c] for b in range(12) for c in range(12) if b != c)

    drawn = np.array([through_second_moments(sign) for sign in signs])
    expected = (1 + np.sum(drawn >= through_second_moments(np.ones(12)))) / 500
    gram = S @ np.linalg.inv(np.cov(g.T, bias=True)) @ S.T
    assert reversal_p_value(gram, n_b, signs) == expected
    assert QuadraticBound(Cross(), draws=499)(t).details["p_value"] < 0.01  # strongly driven

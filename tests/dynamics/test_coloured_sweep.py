"""The coloured sweep against products of single-site kernels, its arrow of time, and its many chains against steps."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
import scipy.stats

import nonequil as nq
from nonequil.dynamics import Backwards, ColouredChains

N, KEY = 5, jr.key(3)
RING = [(i, (i + step) % N) for i in range(N) for step in (1, N - 1)]  # an odd ring: three colours


def ring(symmetric=False, self_coupling=False, scale=1.3):
    """Couplings along a ring, different in the two directions unless `symmetric`."""
    J = np.zeros((N, N))
    draws = np.random.default_rng(0).normal(size=len(RING))
    for (i, j), draw in zip(RING, draws, strict=True):
        J[i, j] = scale * draw
    J = (J + J.T) / 2 if symmetric else J
    J += np.diag(np.linspace(0.3, -0.8, N)) * self_coupling
    return nq.SparseIsing.from_matrix(J, jnp.linspace(-0.4, 0.5, N))


def site_kernel(model, i, drive=None):
    """Transition matrix of redrawing spin i alone, from the dense network, state by state."""
    J, H = np.asarray(model.dense().J), np.asarray(model.H) + (0 if drive is None else np.asarray(drive))
    P = np.zeros((2**N, 2**N))
    for a in range(2**N):
        x = np.array([1 if a >> k & 1 else -1 for k in range(N)])
        up = 1 / (1 + np.exp(-2 * (H[i] + J[i] @ x)))
        P[a, a | 1 << i] += up
        P[a, a & ~(1 << i)] += 1 - up
    return P


def sweep_kernel(clock, drive=None, backwards=False):
    """All sites one after the other, colour by colour, those of a colour in the order of their numbers."""
    P = np.eye(2**N)
    for sites in clock.sites[::-1] if backwards else clock.sites:
        for i in np.asarray(sites):
            P = P @ site_kernel(clock.model, i, drive)
    return P


@eqx.filter_jit
def log_prob_table(clock, drive=None):
    states = clock.states()
    return jax.vmap(lambda a: jax.vmap(lambda b: clock.log_prob(a, b, drive))(states))(states)


DRIVE = jnp.linspace(0.5, -0.7, N)
MODELS = {"asymmetric": ring(), "with itself": ring(self_coupling=True)}
models = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


@pytest.mark.parametrize(
    "name, drive, backwards",
    [("asymmetric", None, False), ("with itself", DRIVE, False), ("with itself", DRIVE, True)],
    ids=["free", "driven", "driven, backwards"],
)
def test_a_sweep_is_its_sites_one_after_the_other(name, drive, backwards):
    model = MODELS[name]
    clock = nq.ColouredSweep(model)
    assert len(clock.sites) == 3
    input = Backwards(drive) if backwards else drive
    expected = sweep_kernel(clock, drive, backwards)
    assert np.allclose(np.exp(log_prob_table(clock, input)), expected, atol=1e-13)
    e = nq.enumerate_states(clock, input)
    assert np.array_equal(e.next, np.broadcast_to(np.arange(2**N), (2**N, 2**N)))
    assert np.allclose(np.exp(e.log_p), expected, atol=1e-13)
    law = np.asarray(e.stationary)
    assert np.allclose(law @ expected, law, atol=1e-13)
    assert abs(law.sum() - 1) < 1e-13


def test_the_order_within_a_colour_does_not_matter_but_that_of_the_colours_does():
    clock = nq.ColouredSweep(ring())
    shuffled = eqx.tree_at(lambda c: c.sites, clock, tuple(sites[::-1] for sites in clock.sites))
    assert np.allclose(sweep_kernel(shuffled), sweep_kernel(clock), atol=1e-14)
    assert np.max(np.abs(sweep_kernel(clock, backwards=True) - sweep_kernel(clock))) > 0.01


def test_it_is_another_chain_than_random_sites():
    model = ring()
    sweep, attempt = (
        nq.enumerate_states(clock).stationary for clock in (nq.ColouredSweep(model), nq.Sequential(model))
    )
    assert 0.5 * jnp.sum(jnp.abs(sweep - attempt)) > 0.01
    model = ring(symmetric=True)
    sweep, attempt = (
        nq.enumerate_states(clock).stationary for clock in (nq.ColouredSweep(model), nq.Sequential(model))
    )
    assert jnp.allclose(sweep, attempt, atol=1e-13)  # both keep the Boltzmann law


def production(clock, backwards):
    """Entropy production from the product of kernels: sum p(a) P(a, b) log (P(a, b) / P~(b, a))."""
    P = sweep_kernel(clock)
    way_back = sweep_kernel(clock, backwards=backwards)
    law = np.asarray(nq.enumerate_states(clock).stationary)
    return np.sum(law[:, None] * P * np.log(P / way_back.T))


@models
def test_entropy_production_against_the_product_of_kernels(model):
    clock = nq.ColouredSweep(model)
    exact = nq.thermodynamics.exact(clock)
    assert exact.unit is nq.Unit.per_sweep
    assert abs(exact.value - production(clock, backwards=True)) < 1e-12
    assert abs(exact.value - production(clock, backwards=False)) > 0.01


def test_symmetric_couplings_have_no_arrow_of_time_if_the_way_back_reverses_the_colours():
    clock = nq.ColouredSweep(ring(symmetric=True))
    assert abs(nq.thermodynamics.exact(clock).value) < 1e-13
    assert production(clock, backwards=False) > 0.01  # the wrong number that the same order would give


def test_sampled_flow_and_moments_are_those_of_the_exact_law():
    clock, x0 = nq.ColouredSweep(ring()), nq.random_spins(jr.key(8), (256, N))
    settings = {"steps": 40, "burn_in": 40, "key": jr.key(9), "observers": (nq.Moments(), nq.Record())}
    _, (moments, record) = nq.simulate(clock, x0, **settings)
    exact, sampled = nq.thermodynamics.exact(clock), nq.thermodynamics.MeanFlow(clock)(record)
    assert abs(sampled.value - exact.value) < 4 * sampled.stderr
    assert sampled.stderr < 0.05 * exact.value
    assert sampled.unit is exact.unit
    (population,) = nq.fold((nq.Moments(),), nq.enumerate_states(clock).transitions())
    for ours, theirs in ((moments.m, population.m), (moments.C, population.C), (moments.D, population.D)):
        assert jnp.all(jnp.abs(ours - theirs) < 5 * 2 / np.sqrt(256 * 40))  # pairs of sweeps are nearly independent


def test_reverse_is_an_involution():
    clock, (x, x_next) = nq.ColouredSweep(ring()), nq.random_spins(jr.key(1), (2, N))
    for drive in (None, DRIVE, Backwards(DRIVE)):
        assert eqx.tree_equal(clock.reverse(*clock.reverse(x, x_next, drive)), (x, x_next, drive))


@pytest.mark.parametrize("drive", [DRIVE, Backwards(DRIVE)], ids=["forwards", "backwards"])
def test_steps_follow_log_prob(drive):
    """Chi-square of 200,000 steps from each of four states."""
    clock, chains, steps = nq.ColouredSweep(ring(self_coupling=True)), 400, 500
    starts = clock.states()[jnp.array([0, 7, 21, 30])]

    @jax.jit
    def counts(x):
        keys = nq.numerics.chain_keys(jr.key(5), chains)
        step = jax.vmap(lambda key: jax.vmap(lambda i: clock.step(x, i, key=key, drive=drive))(jnp.arange(steps)))
        reached = jax.vmap(jax.vmap(clock.index))(step(keys))
        return jnp.zeros(2**N, int).at[reached.reshape(-1)].add(1)

    for start in starts:
        law = sweep_kernel(clock, DRIVE, isinstance(drive, Backwards))[int(clock.index(start))]
        expected, seen = chains * steps * law, np.asarray(counts(start))
        common = expected > 5
        chi2 = ((seen - expected)[common] ** 2 / expected[common]).sum()
        assert 1e-4 < scipy.stats.chi2.sf(chi2, common.sum() - 1) < 1 - 1e-4


def graph(n, degree, seed=0, two_sided=False):
    """A random asymmetric network; spins have 0 to about `degree` neighbours, on the other of two sides if asked."""
    rng = np.random.default_rng(seed)
    J = rng.normal(size=(n, n)) * (rng.random((n, n)) < degree / n)
    J[3], J[:, 3] = 0, 0  # alone
    J *= (np.add.outer(np.arange(n), np.arange(n)) % 2) if two_sided else 1
    return nq.SparseIsing.from_matrix(J / np.sqrt(degree), 0.3 * rng.normal(size=n))


@eqx.filter_jit
def single_steps(clock, x0, steps, drive=None):
    """States of all chains after each step, steps first."""
    keys = nq.numerics.chain_keys(KEY, x0.shape[0])

    def step(x, index):
        now = None if drive is None else jax.tree.map(lambda leaf: leaf[index], drive)
        x = jax.vmap(lambda x, key: clock.step(x, index, key=key, drive=now))(x, keys)
        return x, x

    return jax.lax.scan(step, x0, jnp.arange(steps))[1]


@pytest.mark.parametrize("wide, backwards", [(True, False), (False, True)], ids=["float64", "float32, backwards"])
def test_many_chains_are_those_of_single_steps(wide, backwards):
    """A spin is turned only where its field meets its random number within rounding: here nowhere in 5,000 draws.

    Some spins have more neighbours than one pass reads, others none; a colour of an odd number leaves half a byte.
    """
    with jax.enable_x64(wide):
        n, chains, steps, burn_in, every = 23, 3, 90, 7, 2
        clock = nq.ColouredSweep(graph(n, 14, two_sided=True))
        assert clock.model.degree > 8
        assert jnp.min(jnp.sum(clock.model.there, axis=1)) == 0
        assert any(len(sites) % 2 for sites in clock.sites)
        x0 = nq.random_spins(jr.key(2), (chains, n))
        drive = 0.5 * jr.normal(jr.key(4), (burn_in + steps, n))
        drive = Backwards(drive) if backwards else drive
        settings = {"observers": (nq.Record(),), "burn_in": burn_in, "every": every, "drive": drive}
        final, (seen,) = nq.simulate(clock, x0, steps=steps, key=KEY, **settings)
        path = np.concatenate([x0[None], single_steps(clock, x0, burn_in + steps, drive)])
        assert final.dtype == jnp.int8
        assert np.array_equal(final, path[-1])
        last = np.arange(burn_in + every, burn_in + steps + 1, every)
        assert np.array_equal(seen.x_next.reshape(chains, -1, n), path[last].swapaxes(0, 1))
        assert np.array_equal(seen.x.reshape(chains, -1, n), path[last - 1].swapaxes(0, 1))
        assert np.mean(seen.x != seen.x_next) > 0.1


def test_a_spin_alone():
    n = 1
    clock = nq.ColouredSweep(nq.SparseIsing.from_matrix(np.zeros((n, n)), jnp.full(n, 0.4)))
    assert [len(sites) for sites in clock.sites] == [n]
    x0 = nq.random_spins(jr.key(0), (400, n))
    final, (moments,) = nq.simulate(clock, x0, steps=200, key=KEY, observers=(nq.Moments(),))
    assert np.array_equal(final, single_steps(clock, x0, 200)[-1])
    assert np.all(abs(moments.m - np.tanh(0.4)) < 5 / np.cosh(0.4) / np.sqrt(400 * 200))


def test_models_side_by_side():
    """Under vmap each model makes its own run."""
    scale, x0 = jnp.array([0.5, 2.0]), nq.random_spins(jr.key(6), (3, 23))
    clock = nq.ColouredSweep(graph(23, 3, two_sided=True))
    put = lambda s: eqx.tree_at(lambda c: c.model.weights, clock, s * clock.model.weights)  # noqa: E731
    finals = jax.vmap(lambda s: nq.simulate(put(s), x0, steps=30, key=KEY)[0])(scale)
    for s, final in zip(scale, finals, strict=True):
        assert np.array_equal(final, single_steps(put(s), x0, 30)[-1])
    assert not np.array_equal(*finals)


def test_a_chain_does_not_depend_on_the_number_of_chains():
    clock, x0 = nq.ColouredSweep(ring()), nq.random_spins(jr.key(10), (20, N))
    many, few = (nq.simulate(clock, x, steps=60, key=KEY)[0] for x in (x0, x0[:3]))
    assert np.array_equal(many[:3], few)
    assert not np.array_equal(few, x0[:3])


def test_bytes_hold_the_spins():
    @eqx.filter_jit
    def both_ways(clock, x):
        chains = ColouredChains(clock)
        return chains.init(x), chains.spins(chains.init(x))

    x = nq.random_spins(jr.key(7), (5, 23))
    parts, again = both_ways(nq.ColouredSweep(graph(23, 3, two_sided=True)), x)
    assert np.array_equal(again, x)
    assert sum(part.nbytes for part in parts) < 0.7 * x.nbytes


def lattice(side):
    at = np.arange(side**2).reshape(side, side)
    receivers = np.tile(at.ravel(), 4)
    senders = np.concatenate([np.roll(at, move, axis).ravel() for move in (1, -1) for axis in (0, 1)])
    return nq.SparseIsing.from_edges(receivers, senders, np.full(len(receivers), 0.3), np.zeros(side**2))


def test_colours_of_known_networks():
    """Two for a lattice of even side (as a chessboard) and for a tree; at most one more than the neighbours."""
    assert len(nq.ColouredSweep(lattice(6)).sites) == 2
    rng = np.random.default_rng(1)
    child = np.arange(1, 200)
    tree = nq.SparseIsing.from_edges(child, rng.integers(0, child), np.ones(199), np.zeros(200))
    assert len(nq.ColouredSweep(tree).sites) == 2
    for seed in range(2):
        model = graph(40, 5, seed)
        J = np.asarray(model.dense().J)
        clock = nq.ColouredSweep(model)
        same = np.asarray(clock.colours)[:, None] == np.asarray(clock.colours)
        assert not np.any(same & ((J != 0) | (J.T != 0)) & ~np.eye(40, dtype=bool))
        neighbours = ((J != 0) | (J.T != 0)).sum(axis=1).max()
        assert len(clock.sites) <= neighbours + 1
        assert np.array_equal(np.sort(np.concatenate(clock.sites)), np.arange(40))


def test_colours_that_do_not_fit_are_refused():
    model = nq.SparseIsing.from_edges([2], [0], [0.5], np.zeros(4))  # spin 0 pulls on spin 2
    assert len(nq.ColouredSweep(model, [0, 0, 1, 0]).sites) == 2
    with pytest.raises(ValueError, match=r"colours\[2\] = colours\[0\] = 1, but spin 0 pulls on spin 2: give them"):
        nq.ColouredSweep(model, [1, 0, 1, 0])
    with pytest.raises(ValueError, match=r"colours has shape \(3,\) .* make it 4 integers"):
        nq.ColouredSweep(model, [1, 0, 1])
    with pytest.raises(ValueError, match=r"dtype float64: make it 4 integers"):
        nq.ColouredSweep(model, np.arange(4.0))
    with pytest.raises(ValueError, match="colours are traced"):
        jax.jit(lambda colours: nq.ColouredSweep(model, colours).colours)(jnp.arange(4))


def test_clocks_of_traced_networks():
    model, x = ring(), jnp.ones(N, int)
    colours = nq.ColouredSweep(model).colours

    def value(model, colours=colours):
        return nq.ColouredSweep(model, colours).log_prob(x, x)

    many = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), model)
    assert jnp.allclose(jax.jit(jax.vmap(value))(many), value(model))
    assert jnp.any(eqx.filter_grad(value)(model).weights != 0)
    with pytest.raises(ValueError, match="neighbours are traced"):
        jax.jit(lambda model: nq.ColouredSweep(model).log_prob(x, x))(model)
    with pytest.raises(Exception, match="a spin pulls on another one of its colour"):
        jax.block_until_ready(jax.jit(lambda model: value(model, np.zeros(N, int)))(model))

"""Networks kept as lists of neighbours against the same networks with a full matrix."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
import scipy.sparse

import nonequil as nq

N = 5
J = np.random.default_rng(0).normal(size=(N, N)) * (np.random.default_rng(1).random((N, N)) < 0.5)
J[2] = 0  # nobody pulls on spin 2
H = np.linspace(-0.4, 0.5, N)
DENSE, SPARSE = nq.Ising(J, H), nq.SparseIsing.from_matrix(J, H)


def test_site_fields_and_fields_are_those_of_the_full_matrix(getkey):
    x, drive = nq.random_spins(getkey(), (N,)), jr.normal(getkey(), (N,))
    for push in (None, drive):
        assert jnp.allclose(SPARSE.field(x, push), DENSE.field(x, push), atol=1e-14)
        sites = jax.vmap(lambda i, push=push: SPARSE.site_field(x, i, push))(jnp.arange(N))
        assert jnp.allclose(sites, DENSE.field(x, push), atol=1e-14)


@pytest.mark.parametrize("clock", [nq.Parallel, nq.Sequential, nq.ContinuousTime])
def test_laws_are_those_of_the_full_matrix(clock):
    ours, theirs = (nq.enumerate_states(clock(model)) for model in (SPARSE, DENSE))
    assert jnp.allclose(ours.log_p, theirs.log_p, atol=1e-13)
    assert jnp.array_equal(ours.next, theirs.next)
    assert jnp.allclose(ours.stationary, theirs.stationary, atol=1e-13)
    ours, theirs = (nq.thermodynamics.exact(clock(model)).value for model in (SPARSE, DENSE))
    assert jnp.isclose(ours, theirs, atol=1e-12)
    assert ours > 0.01


@pytest.mark.parametrize("clock", [nq.Parallel, nq.Sequential])
def test_simulations_are_those_of_the_full_matrix(clock):
    x0 = nq.random_spins(jr.key(1), (7, N))
    ours, theirs = (nq.simulate(clock(model), x0, steps=100, key=jr.key(2))[0] for model in (SPARSE, DENSE))
    assert jnp.array_equal(ours, theirs)
    assert not jnp.array_equal(ours, x0)


def test_every_way_to_build_one_gives_the_same_network():
    receivers, senders = np.nonzero(J)
    order = np.random.default_rng(2).permutation(len(receivers))
    models = [
        SPARSE,
        nq.SparseIsing.from_matrix(scipy.sparse.csc_array(J), H),
        nq.SparseIsing.from_matrix(scipy.sparse.dok_matrix(J), H),
        nq.SparseIsing.from_matrix(jnp.asarray(J), jnp.asarray(H)),
        nq.SparseIsing.from_edges(receivers[order], senders[order], J[receivers, senders][order], H),
        nq.SparseIsing(np.tile(np.arange(N), (N, 1)), J, H),
    ]
    for model in models:
        assert jnp.array_equal(model.dense().J, DENSE.J)
        assert jnp.array_equal(model.H, DENSE.H)
        assert model.degree == (N if model is models[-1] else np.count_nonzero(J, axis=1).max())
    twice = nq.SparseIsing.from_edges([1, 0, 1], [0, 2, 0], [0.25, 1.0, 0.5], np.zeros(3))
    assert jnp.array_equal(twice.dense().J, jnp.array([[0, 0, 1.0], [0.75, 0, 0], [0, 0, 0]]))


def test_gradients_reach_the_couplings_there_are_and_no_others():
    def production(model):
        return nq.thermodynamics.exact(nq.Parallel(model)).value

    ours, theirs = eqx.filter_grad(production)(SPARSE), jax.grad(production)(DENSE)
    rows, there = np.arange(N)[:, None], np.asarray(SPARSE.there)
    assert jnp.allclose(ours.weights, jnp.where(there, theirs.J[rows, SPARSE.neighbours], 0), atol=1e-12)
    assert jnp.allclose(ours.H, theirs.H, atol=1e-12)
    assert jnp.max(jnp.abs(ours.weights)) > 0.1
    assert not np.all(there)


def test_constructors_under_jit_grad_and_vmap():
    receivers, senders = np.nonzero(J)
    x = jnp.array([1, -1, 1, 1, -1])

    def energy(weights):
        return jnp.sum(nq.SparseIsing.from_edges(receivers, senders, weights, H).field(x) ** 2)

    weights = jnp.asarray(J[receivers, senders])
    direct, slope = jax.jit(jax.value_and_grad(energy))(weights)
    assert jnp.isclose(direct, jnp.sum(DENSE.field(x) ** 2))
    step = 1e-6 * jnp.cos(jnp.arange(len(weights)))
    assert jnp.isclose(slope @ step, (energy(weights + step) - energy(weights - step)) / 2, rtol=1e-6)
    both = jax.jit(jax.vmap(energy))(jnp.stack([weights, 2 * weights]))
    assert jnp.allclose(both, jnp.stack([direct, energy(2 * weights)]))
    put = lambda neighbours: nq.SparseIsing(neighbours, SPARSE.weights, H).field(x)  # noqa: E731
    assert jnp.allclose(jax.jit(put)(SPARSE.neighbours), DENSE.field(x))
    with pytest.raises(Exception, match=r"neighbours must be spins 0, ..., 4"):
        jax.block_until_ready(jax.jit(put)(SPARSE.neighbours + 1))


BAD = {
    "too large": (lambda: nq.SparseIsing([[1], [2]], [[0.5], [0.5]], np.zeros(2)), r"neighbours = 2, at \[1, 0\]"),
    "below -1": (lambda: nq.SparseIsing([[1], [-2]], [[0.5], [0.5]], np.zeros(2)), r"neighbours = -2, at \[1, 0\]"),
    "no integers": (lambda: nq.SparseIsing([[1.0], [0.0]], [[0.5], [0.5]], np.zeros(2)), "neighbours has dtype float"),
    "weights": (lambda: nq.SparseIsing([[1], [0]], [[0.5], [np.inf]], np.zeros(2)), r"weights = inf, at \[1, 0\]"),
    "H": (lambda: nq.SparseIsing([[1], [0]], [[0.5], [0.5]], np.array([0, np.nan])), r"H = nan, at \[1\]"),
    "shapes": (lambda: nq.SparseIsing([[1], [0]], [[0.5, 1], [0.5, 1]], np.zeros(2)), r"weights \(2, 2\), H \(2,\)"),
    "no room": (lambda: nq.SparseIsing(np.zeros((2, 0), int), np.zeros((2, 0)), np.zeros(2)), "degree at least 1"),
    "not square": (lambda: nq.SparseIsing.from_matrix(np.zeros((2, 3)), np.zeros(2)), r"J has shape \(2, 3\)"),
    "receiver": (lambda: nq.SparseIsing.from_edges([0, 2], [1, 1], [1.0, 1.0], np.zeros(2)), r"receivers\[1\] = 2"),
    "sender": (lambda: nq.SparseIsing.from_edges([0], [-1], [1.0], np.zeros(2)), r"senders\[0\] = -1"),
    "edges": (lambda: nq.SparseIsing.from_edges([0], [1, 0], [1.0], np.zeros(2)), "make them equal"),
    "edge dtype": (lambda: nq.SparseIsing.from_edges([0.0], [1], [1.0], np.zeros(2)), "receivers has dtype float"),
    "traced": (lambda: jax.jit(lambda J: nq.SparseIsing.from_matrix(J, H).weights)(J), "list the couplings with from_"),
    "state": (
        lambda: nq.Parallel(SPARSE).log_prob(jnp.ones(N + 1), jnp.ones(N + 1)),
        "but the network has n = 5 spins",
    ),
}


@pytest.mark.parametrize("make, message", BAD.values(), ids=BAD)
def test_values_that_do_not_fit_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.compiled
def test_the_field_of_a_site_costs_one_list():
    """Ten times the spins, the same operations."""

    def flops(n):
        i = np.arange(n)
        model = nq.SparseIsing.from_edges(np.r_[i, i], np.r_[i - 1, i + 1] % n, np.ones(2 * n), np.zeros(n))
        field = eqx.filter_jit(lambda model, x, i: model.site_field(x, i))
        return field.lower(model, jnp.ones(n, jnp.int8), jnp.asarray(0)).compile().compiled.cost_analysis()["flops"]

    assert flops(10_000) < 1.1 * flops(1_000)

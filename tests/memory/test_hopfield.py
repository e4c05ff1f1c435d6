"""Classical Hopfield networks against their couplings written out, and against what patterns must do."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from drawn import normal, spins

import nonequil as nq

N, P = 6, 3
XI, MIXING, FIELDS = spins((P, N), 3), normal((P, P), 1), normal((N,), 2)
CLOCKS = {"parallel": nq.Parallel, "sequential": nq.Sequential, "continuous": nq.ContinuousTime}


def couplings(xi, A, self_coupling=False):
    """J_ij = (1/n) sum_{mu nu} xi_i^mu A_mu_nu xi_j^nu, entry by entry."""
    xi, A = np.asarray(xi, float), np.asarray(A)
    J = np.einsum("mi,mn,nj->ij", xi, A, xi) / xi.shape[1]
    return J if self_coupling else J * (1 - np.eye(len(J)))


@pytest.mark.parametrize("self_coupling", [False, True], ids=["hollow", "full"])
@pytest.mark.parametrize("A", [None, MIXING], ids=["hebb", "mixed"])
def test_every_field_is_that_of_the_couplings(A, self_coupling):
    memory, drive = nq.Hopfield(XI, A, 0.7, FIELDS, self_coupling), normal((N,), 5)
    J = couplings(XI, np.eye(P) if A is None else A, self_coupling)
    states = spins((8, N), 4)
    expected = 0.7 * (np.asarray(states) @ J.T + np.asarray(FIELDS)) + np.asarray(drive)
    field = lambda x: memory.field(x, drive)  # noqa: E731
    sites = lambda x: jax.vmap(lambda i: memory.site_field(x, i, drive))(jnp.arange(N))  # noqa: E731
    assert np.allclose(jax.jit(jax.vmap(field))(states), expected, atol=1e-14)
    assert np.allclose(jax.jit(jax.vmap(sites))(states), expected, atol=1e-14)
    assert np.allclose(memory.fields(states.T, drive), expected.T, atol=1e-14)
    assert np.allclose(memory.dense().J, 0.7 * J, atol=1e-15)
    update = nq.dynamics.OverlapUpdate(memory)
    x, carried, i = states[0], update.init(states[0]), 2
    assert np.allclose(update.site_field(carried, x, i), memory.site_field(x, i), atol=1e-14)
    assert np.array_equal(update.flip(carried, x, i), update.init(x.at[i].multiply(-1)))


@pytest.mark.parametrize("clock", [nq.Parallel, nq.Sequential], ids=["parallel", "sequential"])
@pytest.mark.parametrize("n", [60, 300])
def test_the_same_states_as_with_the_couplings_written_out(clock, n):
    """Large networks take the products of many states side by side, sequential steps carry the overlaps."""
    memory = nq.Hopfield(spins((5, n), 0), nq.memory.sequence(5) + 0.3 * jnp.eye(5), 1.1)
    x0 = spins((3, n), 1)
    run = lambda model: nq.simulate(clock(model), x0, steps=7 * n, key=jr.key(0), observers=(nq.Moments(),), every=n)  # noqa: E731
    (x, (moments,)), (x_dense, (expected,)) = run(memory), run(memory.dense())
    assert jnp.array_equal(x, x_dense)
    assert jnp.array_equal(moments.m, expected.m)


@pytest.mark.parametrize("clock", CLOCKS.values(), ids=CLOCKS)
def test_entropy_production_is_that_of_the_network_written_out(clock):
    """Exact, for both, and the bilinear form of stationary states: beta sum_ij (J_ij - J_ji) <s_i(t+1) s_j(t)>."""
    memory = nq.Hopfield(XI, MIXING, 0.8)
    dynamics = clock(memory)
    exact = nq.thermodynamics.exact(dynamics)
    assert jnp.allclose(exact.value, nq.thermodynamics.exact(clock(memory.dense())).value, rtol=1e-12)
    assert exact.value > 0.05
    enumeration = nq.enumerate_states(dynamics).transitions()
    w = np.asarray(enumeration.weight)
    x, x_next = (np.asarray(jax.vmap(dynamics.spins)(s), float) for s in (enumeration.x, enumeration.x_next))
    J = 0.8 * couplings(XI, MIXING)
    if clock is nq.Parallel:
        expected = np.einsum("k,ki,ij,kj->", w, x_next, J - J.T, x) / w.sum()
        assert np.isclose(exact.value, expected, rtol=1e-12)
    elif clock is nq.Sequential:
        h = x @ J.T
        expected = np.sum(w[:, None] * h * (np.tanh(h) - x)) / N / w.sum()
        assert np.isclose(exact.value, expected, rtol=1e-12)


@pytest.mark.parametrize("clock", CLOCKS.values(), ids=CLOCKS)
@pytest.mark.parametrize("A", [None, np.eye(2)[::-1]], ids=["hebb", "two-cycle"])
def test_symmetric_mixing_dissipates_nothing(clock, A):
    """Two patterns that recall each other do so symmetrically."""
    memory = nq.Hopfield(XI[: 2 if A is not None else P], A, 1.3)
    assert abs(nq.thermodynamics.exact(clock(memory)).value) < 1e-14


def test_patterns_of_a_pseudo_inverse_are_fixed_points():
    rng = np.random.default_rng(5)
    shared = rng.choice([-1.0, 1.0], size=40)
    xi = jnp.asarray(np.where(rng.random((6, 40)) < 0.7, shared, -shared))  # correlated: Hebb's rule fails
    full = nq.Hopfield(xi, nq.memory.pseudo_inverse(xi), self_coupling=True)
    assert jnp.allclose(jax.vmap(full.field)(xi), xi, atol=1e-12)
    assert jnp.allclose(full.dense().J, np.linalg.pinv(np.asarray(xi)) @ np.asarray(xi), atol=1e-12)
    hollow, hebb = nq.Hopfield(xi, nq.memory.pseudo_inverse(xi)), nq.Hopfield(xi)
    aligned = lambda memory: jnp.all(xi * jax.vmap(memory.field)(xi) > 0)  # noqa: E731
    assert aligned(hollow)
    assert not aligned(hebb)


def test_overlaps_of_chains_and_a_sequence_at_zero_temperature():
    """At beta = 1e6 and n >> p each parallel step leads to the next pattern."""
    memory = nq.Hopfield(spins((4, 2000), 7), nq.memory.sequence(4), 1e6)
    x = memory.xi[:1].astype(jnp.int8)
    for turn in (1, 2, 3, 0, 1):
        x = nq.simulate(nq.Parallel(memory), x, steps=1, key=jr.key(0))
        x = x[0] if isinstance(x, tuple) else x
        m = nq.memory.overlaps(memory, x)
        assert m.shape == (1, 4)
        assert m[0, turn] == 1
    assert jnp.allclose(m[0], memory.overlaps(x[0]))


def test_mixing_matrices_by_hand():
    assert jnp.array_equal(nq.memory.sequence(3), jnp.array([[0, 0, 1], [1, 0, 0], [0, 1, 0.0]]))
    assert jnp.array_equal(nq.memory.sequence(3, cyclic=False), jnp.array([[0, 0, 0], [1, 0, 0], [0, 1, 0.0]]))
    ensemble = nq.Hebbian(4, A=nq.memory.sequence(4), beta=1.2)
    memory = ensemble.sample(jr.key(0), 5000)
    assert jnp.all(jnp.abs(memory.xi @ memory.xi.T / 5000 - jnp.eye(4)) < 5 / np.sqrt(5000))
    columns, share = ensemble.columns()
    both = {tuple(sign * column) for column in np.asarray(columns).T for sign in (1, -1)}
    assert len(both) == 16
    assert jnp.sum(share) == 1
    m = jnp.array([0.2, 0.1, -0.4, 0.6])
    assert jnp.allclose(ensemble.pull(m), 1.2 * columns.T @ (ensemble.A @ m))


def test_gradients_in_mixing_and_temperature():
    def production(A, beta):
        return nq.thermodynamics.exact(nq.Parallel(nq.Hopfield(XI, A, beta))).value

    slopes = jax.jit(jax.grad(production, (0, 1)))(MIXING, jnp.array(0.8))
    step, along = 1e-5, normal((P, P), 9)
    difference = (production(MIXING + step * along, 0.8) - production(MIXING - step * along, 0.8)) / (2 * step)
    assert np.isclose(jnp.sum(slopes[0] * along), difference, rtol=1e-7)
    assert np.isclose(
        slopes[1], (production(MIXING, 0.8 + step) - production(MIXING, 0.8 - step)) / (2 * step), rtol=1e-7
    )


BAD = {
    "xi of zeros and ones": (lambda: nq.Hopfield(jnp.eye(3)), "xi must hold spins"),
    "xi a vector": (lambda: nq.Hopfield(jnp.ones(3)), "xi"),
    "no pattern": (lambda: nq.Hopfield(jnp.ones((0, 3))), "xi has shape"),
    "A of other shape": (lambda: nq.Hopfield(XI, jnp.eye(2)), "A"),
    "A not finite": (lambda: nq.Hopfield(XI, MIXING.at[0, 1].set(jnp.nan)), "A must be finite"),
    "negative beta": (lambda: nq.Hopfield(XI, beta=-1.0), "beta must be finite and not negative"),
    "H of other shape": (lambda: nq.Hopfield(XI, H=jnp.ones(2)), "H"),
    "dependent patterns": (
        lambda: nq.memory.pseudo_inverse(jnp.vstack([XI, -XI[1], spins((1, N), 8)])),
        r"patterns \[3\]",
    ),
    "p of an ensemble": (lambda: nq.Hebbian(0), "p = 0"),
    "A of an ensemble": (lambda: nq.Hebbian(3, A=jnp.eye(2)), "A has shape"),
    "too many columns": (lambda: nq.Hebbian(17).columns(), "too many to list"),
    "overlaps of others": (lambda: nq.memory.overlaps(nq.Hopfield(XI), jnp.ones(3)), "x has shape"),
    "empty sequence": (lambda: nq.memory.sequence(0), "p = 0"),
}


@pytest.mark.parametrize("make, message", BAD.values(), ids=BAD)
def test_bad_input_is_refused(make, message):
    with pytest.raises((ValueError, TypeError), match=message):  # TypeError where annotations are checked
        make()


@pytest.mark.parametrize(
    "make, bad, message",
    [
        (lambda v: nq.Hopfield(v).xi, XI.astype(float) / 2, "xi must hold spins"),
        (lambda v: nq.Hopfield(XI, v).A, MIXING.at[0, 0].set(jnp.inf), "A must be finite"),
        (lambda v: nq.Hopfield(XI, beta=v).beta, jnp.array(-0.1), "beta must be"),
        (lambda v: nq.memory.pseudo_inverse(v), jnp.asarray(np.vstack([XI, XI[:1]]), float), "depend on each other"),
    ],
    ids=["xi", "A", "beta", "dependent"],
)
def test_bad_input_is_refused_when_traced(make, bad, message):
    with pytest.raises(Exception, match=message):
        jax.block_until_ready(jax.jit(make)(bad))

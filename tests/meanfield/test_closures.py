"""Closures and where they rest, against enumeration, numpy, closed forms and finite differences."""

import dataclasses
import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import nonequil as nq
from nonequil import RESULTS
from nonequil.meanfield import TAP, Independent, solve, transient

CLOSURES = {"independent": Independent(), "tap": TAP()}
each = pytest.mark.parametrize("closure", CLOSURES.values(), ids=CLOSURES)


def network(seed=0, n=4, scale=0.5):
    rng = np.random.default_rng(seed)
    return nq.Ising(J=scale * rng.normal(size=(n, n)) / n**0.5, H=0.4 * rng.normal(size=n))


def ferromagnet(J, n=16):
    return nq.Ising(J=jnp.full((n, n), J / n), H=jnp.zeros(n))


def map_of(closure, model):
    """The closure in plain numpy."""
    J, H = np.asarray(model.J), np.asarray(model.H)

    def tap(m):
        reaction = np.array([sum(J[i, j] ** 2 * (1 - m[j] ** 2) for j in range(len(m))) for i in range(len(m))])
        return np.tanh(H + J @ m - m * reaction)

    return tap if closure is CLOSURES["tap"] else lambda m: np.tanh(H + J @ m)


@each
def test_transients_and_resting_points_against_numpy(closure):
    model = network()
    step, m = map_of(closure, model), np.ones(4)
    path = transient(closure, model, jnp.ones(4), 400)
    for k in range(400):
        m = step(m)
        assert np.allclose(path[k], m, atol=1e-13)
    found = solve(closure, model)
    assert np.allclose(found.q, m, atol=1e-12)
    assert found.residual < 1e-15
    assert found.steps < 60
    assert found.stable
    h = 1e-6
    jacobian = np.stack([(step(m + h * e) - step(m - h * e)) / (2 * h) for e in np.eye(4)], axis=1)
    assert abs(found.spectral_radius - np.max(np.abs(np.linalg.eigvals(jacobian)))) < 1e-8


@each
def test_gradients_in_every_leaf_against_finite_differences(closure):
    model = network(1, 4, 0.8)

    @eqx.filter_jit
    def readout(model):
        return jnp.sum(jnp.arange(1.0, 5.0) * solve(closure, model).q)

    backward = eqx.filter_jit(eqx.filter_grad(readout))(model)
    for name in ("J", "H"):
        leaf, h = np.asarray(getattr(model, name)), 1e-3
        numeric = np.zeros_like(leaf)
        for at in np.ndindex(leaf.shape):

            def shifted(k, at=at, leaf=leaf, name=name):
                moved = leaf.copy()
                moved[at] += k * h
                return float(readout(dataclasses.replace(model, **{name: moved})))

            numeric[at] = (shifted(-2) - 8 * shifted(-1) + 8 * shifted(1) - shifted(2)) / (12 * h)
        assert np.max(np.abs(getattr(backward, name) - numeric)) < 1e-8 * np.max(np.abs(numeric))
    tangent = jax.tree.map(lambda x: jnp.cos(jnp.arange(x.size, dtype=x.dtype)).reshape(x.shape), model)
    _, forward = eqx.filter_jvp(readout, (model,), (tangent,))
    paired = sum(jnp.sum(a * b) for a, b in zip(jax.tree.leaves(backward), jax.tree.leaves(tangent), strict=True))
    assert abs(forward - paired) < 1e-12


@each
def test_without_couplings_the_answer_is_tanh(closure):
    H = jnp.linspace(-2, 2, 4)
    found = solve(closure, nq.Ising(J=jnp.zeros((4, 4)), H=H))
    assert jnp.array_equal(found.q, jnp.tanh(H))
    assert found.spectral_radius == 0


@each
def test_a_paramagnet_rests_at_zero(closure):
    model = dataclasses.replace(network(), H=jnp.zeros(4))
    found = solve(closure, model)
    assert jnp.all(found.q == 0)
    J = np.asarray(model.J)
    slope = J - np.diag((J**2).sum(1)) if closure is CLOSURES["tap"] else J
    assert abs(found.spectral_radius - np.max(np.abs(np.linalg.eigvals(slope)))) < 1e-13


@pytest.mark.parametrize("J", [1.001, 1.2, 1.8])
@each
def test_a_ferromagnet_against_a_root_in_one_variable(closure, J):
    n, reaction = 16, closure is CLOSURES["tap"]
    if reaction and J == 1.001:
        J = 1.08  # the reaction term moves the critical point to J - J**2 / n = 1, J = 1.072
    onsager = J**2 / n if reaction else 0.0
    one = nq.numerics.root(lambda m, _: jnp.tanh(J * m - onsager * m * (1 - m**2)) - m, (1e-4, 1.0))
    found = solve(closure, ferromagnet(J, n), q0=0.8 * jnp.ones(n))
    assert jnp.allclose(found.q, one.value, rtol=1e-10)
    assert found.steps < 200
    down = solve(closure, ferromagnet(J, n), q0=-0.8 * jnp.ones(n))
    assert jnp.allclose(down.q, -one.value, rtol=1e-10)  # q0 picks the branch
    still = solve(closure, ferromagnet(J, n))
    assert jnp.all(still.q == 0)  # a symmetric start stays on the symmetric branch
    assert not still.stable


def test_the_gradient_near_the_critical_point():
    def m(J):
        return solve(Independent(), ferromagnet(J), q0=jnp.ones(16)).q[0]

    J = 1.0001
    found = m(J)
    expected = found * (1 - found**2) / (1 - J * (1 - found**2))
    assert abs(jax.grad(m)(J) / expected - 1) < 1e-8


def test_the_critical_point_is_marginal():
    found = solve(Independent(), ferromagnet(1.0), q0=jnp.ones(16), throw=False)
    assert found.result == RESULTS.marginal
    assert not found.stable
    with pytest.raises(eqx.EquinoxRuntimeError, match="marginally stable"):
        jax.block_until_ready(solve(Independent(), ferromagnet(1.0), q0=jnp.ones(16)).q)


def test_what_never_rests_is_flagged():
    turn = jnp.array([[0.0, 3.0], [-3.0, 0.0]])  # a four-cycle, twice
    swing = nq.Ising(J=jax.scipy.linalg.block_diag(turn, turn), H=jnp.array([0.1, 0.0, 0.0, 0.1]))
    found = solve(Independent(), swing, q0=jnp.ones(4), throw=False)
    assert found.result == RESULTS.max_steps_reached
    assert not found.stable
    with pytest.raises(eqx.EquinoxRuntimeError, match="maximum number of steps"):
        jax.block_until_ready(solve(Independent(), swing, q0=jnp.ones(4)).q)
    damped = solve(Independent(), swing, q0=jnp.ones(4), damping=0.1)
    assert np.allclose(map_of(CLOSURES["independent"], swing)(np.asarray(damped.q)), damped.q, atol=1e-14)
    assert damped.spectral_radius > 1  # found, but the closure's own dynamics leave it
    assert not damped.stable


def test_lanes_fail_one_by_one():
    def point(J):
        found = solve(Independent(), ferromagnet(J), q0=jnp.ones(16), throw=False, plain=500)
        return found.result == RESULTS.successful, found.result == RESULTS.marginal

    solved, marginal = jax.jit(jax.vmap(point))(jnp.array([0.5, 1.0, 1.5, -2.0]))
    assert solved.tolist() == [True, False, True, False]
    assert marginal.tolist() == [False, True, False, False]


def exact_magnetisations(model):
    """Stationary means of the parallel clock from its transition matrix, in numpy."""
    J, H = np.asarray(model.J), np.asarray(model.H)
    states = np.array(list(itertools.product([-1.0, 1.0], repeat=len(H))))
    h = H + states @ J.T
    log_p = (states[None] * h[:, None] - np.log(2 * np.cosh(h))[:, None]).sum(-1)
    values, vectors = np.linalg.eig(np.exp(log_p).T)
    p = np.real(vectors[:, np.argmax(np.real(values))])
    return states.T @ (p / p.sum())


def test_the_orders_of_the_closures_against_enumeration():
    errors = {name: [] for name in CLOSURES}
    for scale in (0.2, 0.1):
        model = network(3, 4, scale)
        exact = exact_magnetisations(model)
        for name, closure in CLOSURES.items():
            errors[name].append(np.max(np.abs(solve(closure, model).q - exact)))
    first, second = (np.log2(e[0] / e[1]) for e in errors.values())
    assert 1.8 < first < 2.2  # what is left is of second order in the couplings
    assert 2.8 < second < 3.3  # and of third


def test_constructors_and_solve_under_jit_grad_and_vmap():
    @jax.jit
    @jax.vmap
    def curves(beta):
        return jax.value_and_grad(lambda b: solve(TAP(), nq.Ising(J=b * network().J, H=b * network().H)).q.sum())(beta)

    value, slope = curves(jnp.array([0.0, 0.5, 1.0]))
    assert value[0] == 0
    assert jnp.allclose(value[2], solve(TAP(), network()).q.sum(), atol=1e-13)
    assert jnp.allclose(slope[0], network().H.sum(), atol=1e-13)


def test_float32_and_bad_steps():
    model = nq.Ising(J=jnp.asarray(network().J, jnp.float32), H=jnp.asarray(network().H, jnp.float32))
    found = solve(TAP(), model)
    assert found.q.dtype == jnp.float32
    assert jnp.allclose(found.q.astype(float), solve(TAP(), network()).q, atol=1e-6)
    with pytest.raises(ValueError, match="steps = -1"):
        transient(TAP(), model, found.q, -1)

"""Fixed points against closed forms, scipy, plain iteration and finite differences."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from nonequil import RESULTS
from nonequil.numerics import fixed_point, root, spectral_radius

EPS = float(jnp.finfo(float).eps)


def curie_weiss(m, J):
    return jnp.tanh(J * m)


def network(m, args):
    J, H = args
    return jnp.tanh(H + J @ m)


def drift(x, _):
    return x + 1


def square(x, _):
    return x**2


def ordered(x0, J):
    return fixed_point(curie_weiss, x0, J).value


slopes = jax.jit(jax.grad(ordered, (0, 1)))


def couplings(key, n=12, scale=0.8):
    a, b = jax.random.split(key)
    return scale * jax.random.normal(a, (n, n)) / n**0.5, 0.3 * jax.random.normal(b, (n,))


def positive(J):
    """The positive solution of m = tanh(J m), by scipy."""
    return scipy.optimize.brentq(lambda m: np.tanh(J * m) - m, 1e-7, 1, xtol=1e-16, rtol=4 * EPS)


@pytest.mark.parametrize("J", [1.001, 1.01, 1.1, 1.5, 3.0])
def test_the_ordered_branch(J):
    found = fixed_point(curie_weiss, 1.0, jnp.asarray(J))
    exact = positive(J)
    assert abs(found.value - exact) < 1e-13 / (J - 1)
    assert abs(found.spectral_radius - J * (1 - exact**2)) < 1e-11
    assert found.residual < 1e-15
    slope = J * (1 - exact**2)
    by_start, gradient = slopes(1.0, J)
    assert abs(gradient * (1 - slope) - exact * (1 - exact**2)) < 1e-11 / (J - 1)
    assert by_start == 0  # the start picks the branch and carries no gradient


def test_near_critical_points_take_few_steps():
    """Plain iteration needs log(1e-12) / log(slope) steps, here 7e5 and 1.4e6."""
    for J, x0 in ((1 + 1e-5, 1.0), (1 - 2e-5, 0.9)):
        found = fixed_point(curie_weiss, x0, jnp.asarray(J))
        assert found.steps < 100
        assert abs(1 - found.spectral_radius) < 1e-4
        assert abs(found.value - (positive(J) if J > 1 else 0)) < 1e-9


def test_a_network_against_scipy_and_plain_iteration(getkey):
    args = couplings(getkey())
    found = fixed_point(network, jnp.zeros(12), args)
    J, H = map(np.asarray, args)
    judge = scipy.optimize.root(lambda m: np.tanh(H + J @ m) - m, np.asarray(found.value) + 0.01, tol=1e-14).x
    plain = jax.lax.fori_loop(0, 3000, lambda _, m: network(m, args), jnp.zeros(12))
    assert np.allclose(found.value, judge, atol=1e-12)
    assert np.allclose(found.value, plain, atol=1e-12)
    jacobian = (1 - judge**2)[:, None] * J
    assert abs(found.spectral_radius - np.max(np.abs(np.linalg.eigvals(jacobian)))) < 1e-12


def test_the_branch_is_the_one_plain_steps_reach():
    """Symmetric networks with several stable states beside two-cycles: nobody ends elsewhere than plain iteration."""

    @jax.jit
    @jax.vmap
    @jax.vmap
    def both(J, H, m0):
        found = fixed_point(network, m0, (J, H), plain=3000, throw=False)
        plain = jax.lax.fori_loop(0, 3000, lambda _, m: network(m, (J, H)), m0)
        rests = jnp.max(jnp.abs(network(plain, (J, H)) - plain)) < 1e-12
        return found.result == RESULTS.successful, jnp.max(jnp.abs(found.value - plain)), rests, found.value

    keys = [jax.random.split(jax.random.fold_in(jax.random.key(0), seed), 3) for seed in (0, 0, 2)]
    J = jnp.stack([s * jax.random.normal(k[0], (10, 10)) for k, s in zip(keys, (1.0, 2.0, 1.5), strict=True)]) / 10**0.5
    J = (J + J.mT) / 2**0.5
    H = jnp.stack([0.06 * jax.random.normal(k[1], (10,)) for k in keys])
    starts = jnp.stack([jax.random.uniform(k[2], (16, 10), minval=-1.0) for k in keys])
    J, H = (jnp.broadcast_to(a[:, None], (3, 16, *a.shape[1:])) for a in (J, H))
    solved, distance, rests, values = both(J, H, starts)
    assert jnp.array_equal(solved, rests)  # two-cycles of the parallel map are reported, fixed points found
    assert jnp.all(jnp.where(rests, distance, 0) < 1e-8)
    for network_rests, network_values in zip(rests, values, strict=True):
        assert 1 < network_rests.sum() < 15
        assert len(np.unique(np.round(network_values[network_rests], 6), axis=0)) > 1


@pytest.mark.parametrize("x0", [1e-6, -1e-6, 1e-3])
def test_a_saddle_that_plain_steps_leave_is_not_an_answer(x0):
    found = fixed_point(curie_weiss, x0, jnp.asarray(1.05))
    assert abs(found.value - np.sign(x0) * positive(1.05)) < 1e-11
    assert found.spectral_radius < 1


def test_a_symmetric_start_stays_on_its_branch():
    found = fixed_point(curie_weiss, 0.0, jnp.asarray(1.5))
    assert found.value == 0
    assert abs(found.spectral_radius - 1.5) < 1e-14
    assert slopes(0.0, 1.5)[1] == 0


def test_a_bottleneck_without_a_fixed_point_is_passed():
    """x + x**2 + r has no fixed point for r > 0, but is slow near zero; beyond it the map is pulled to 3."""

    def f(x, r):
        return jnp.where(x < 1, x + x**2 + r, 3.0 + 0.5 * (x - 3.0))

    found = fixed_point(f, -0.5, jnp.asarray(1e-5))
    assert found.result == RESULTS.successful
    assert abs(found.value - 3) < 1e-12


def test_oscillations_are_reported_and_damping_tames_them():
    plain = fixed_point(curie_weiss, 0.3, jnp.asarray(-2.0), throw=False)
    assert plain.result == RESULTS.max_steps_reached
    assert plain.residual > 0.1
    assert abs(plain.spectral_radius - 2 * (1 - plain.value**2)) < 1e-13  # of the map where the steps ended
    tame = fixed_point(curie_weiss, 0.3, jnp.asarray(-2.0), damping=0.4)
    assert abs(tame.value) < 1e-13
    assert abs(tame.spectral_radius - 2) < 1e-13  # of the map itself, not of the damped one


def test_results_tell_how_it_ended():
    diverged = fixed_point(square, 2.0, throw=False)
    assert diverged.result == RESULTS.not_finite
    drifting = fixed_point(drift, 0.0, throw=False)
    assert drifting.result == RESULTS.max_steps_reached
    assert drifting.value == 10_000
    for J, x0 in ((1.0, 1.0), (1.0, 0.0), (1 + 1e-9, 0.5)):
        critical = fixed_point(curie_weiss, x0, jnp.asarray(J), throw=False)
        assert critical.result == RESULTS.marginal
        assert abs(critical.spectral_radius - 1) < 1e-7
    almost = fixed_point(curie_weiss, 1.0, jnp.asarray(1 - 1e-5), throw=False)
    assert almost.result == RESULTS.successful


@pytest.mark.parametrize(
    "f, x0, sentence",
    [
        (square, 2.0, "infinite or not a number"),
        (drift, 0.0, "maximum number of steps"),
        (curie_weiss, 1.0, "marginally stable"),
    ],
)
def test_throw_raises_the_sentence_of_the_result(f, x0, sentence):
    with pytest.raises(eqx.EquinoxRuntimeError, match=sentence):
        jax.block_until_ready(fixed_point(f, x0, jnp.asarray(1.0)).value)


def test_gradients_in_both_modes_against_finite_differences(getkey):
    J, H = couplings(getkey(), 4)
    m0 = jnp.zeros(4)

    def value(J, H):
        return jnp.sum(jnp.sin(jnp.arange(4.0)) * fixed_point(network, m0, (J, H)).value)

    backward = jax.jit(jax.grad(value, (0, 1)))(J, H)
    forward = jax.jit(jax.jacfwd(value, (0, 1)))(J, H)
    numeric = [np.zeros((4, 4)), np.zeros(4)]
    for leaf, entries in ((0, np.ndindex(4, 4)), (1, np.ndindex(4))):
        for at in entries:
            shifted = [(J, H)[leaf].at[at].add(h) for h in (-2e-3, -1e-3, 1e-3, 2e-3)]
            a, b, c, d = (value(s, H) if leaf == 0 else value(J, s) for s in shifted)
            numeric[leaf][at] = (a - 8 * b + 8 * c - d) / 12e-3
    for a, b, c in zip(backward, forward, numeric, strict=True):
        assert np.allclose(a, b, rtol=1e-11, atol=1e-13)
        assert np.max(np.abs(a - c)) < 1e-8 * np.max(np.abs(c))


def test_second_derivatives():
    h, J = 1e-4, 1.5
    numeric = (slopes(1.0, J + h)[1] - slopes(1.0, J - h)[1]) / (2 * h)
    backward = jax.jit(jax.grad(jax.grad(ordered, 1), 1))(1.0, J)
    forward = jax.jit(jax.jacfwd(jax.jacfwd(ordered, 1), 1))(1.0, J)
    assert abs(backward - numeric) < 1e-6 * abs(numeric)
    assert abs(backward - forward) < 1e-12 * abs(forward)


def test_what_the_map_closes_over_has_a_gradient():
    def closed(J):
        return fixed_point(lambda m, _: jnp.tanh(J * m), 1.0).value

    J = jnp.array([1.2, 1.5, 2.0])
    expected = jnp.stack([slopes(1.0, j)[1] for j in J.tolist()])
    assert jnp.allclose(jax.jit(jax.vmap(jax.grad(closed)))(J), expected, rtol=1e-12)


class Coupled(eqx.Module):
    J: jax.Array

    def __call__(self, x, args):
        return {"m": jnp.tanh(self.J * x["m"] + x["q"][0]), "q": (x["m"] ** 2 / 4,)}


def test_pytrees_modules_and_lanes():
    def value(J):
        found = fixed_point(Coupled(J), {"m": jnp.ones(2), "q": (jnp.zeros(2),)}, throw=False)
        return found.value["m"].sum(), found.result == RESULTS.successful

    lanes, solved = jax.jit(jax.vmap(value))(jnp.array([0.5, 1.5]))
    assert jnp.all(solved)
    for J, lane in zip((0.5, 1.5), lanes, strict=True):
        m = 1.0
        for _ in range(500):
            m = np.tanh(J * m + m**2 / 4)  # q is a function of m where both rest
        assert abs(lane - 2 * m) < 1e-13


def test_products_alone_solve_and_differentiate(getkey):
    J, H = couplings(getkey(), 12, 0.8)

    def value(args):
        found = fixed_point(network, jnp.zeros(12), args, dense=False)
        return jnp.sum(found.value), (found.value, found.spectral_radius)

    (dJ, dH), (m, radius) = jax.jit(jax.grad(value, has_aux=True))((J, H))
    exact = np.zeros(12)
    for _ in range(2000):
        exact = np.tanh(np.asarray(H) + np.asarray(J) @ exact)
    a = 1 - exact**2
    adjoint = a * np.linalg.solve(np.eye(12) - (a[:, None] * np.asarray(J)).T, np.ones(12))
    assert np.allclose(m, exact, atol=1e-13)
    assert np.allclose(dH, adjoint, rtol=1e-10)
    assert np.allclose(dJ, np.outer(adjoint, exact), rtol=1e-10, atol=1e-13)
    assert abs(radius - np.max(np.abs(np.linalg.eigvals(a[:, None] * np.asarray(J))))) < 1e-10


def test_the_radius_of_a_large_map_is_an_estimate_that_holds_where_few_eigenvalues_lead():
    eigenvalues = np.linspace(-0.5, 0.5, 700)
    eigenvalues[123] = -0.95
    found = fixed_point(scaled, jnp.ones(700), jnp.asarray(eigenvalues))
    assert abs(found.spectral_radius - 0.95) < 1e-8


def scaled(x, eigenvalues):
    return eigenvalues * x


def test_float32_reaches_its_own_rounding():
    found = fixed_point(curie_weiss, jnp.float32(1), jnp.float32(1.5))
    assert found.value.dtype == found.spectral_radius.dtype == jnp.float32
    assert abs(float(found.value) - positive(1.5)) < 1e-6


def test_one_compilation_for_all_values():
    traces = []

    def f(m, J):
        traces.append(0)
        return J * m

    fixed_point(f, 1.0, jnp.asarray(0.5))
    count = len(traces)
    fixed_point(f, 0.9, jnp.asarray(0.6))
    assert len(traces) == count + 1  # the check of shapes; the solver itself is not traced again


@pytest.mark.parametrize(
    "f, x0, words",
    [
        (lambda x, _: jnp.stack([x, x]), 0.5, "f must return what it takes"),
        (lambda x, _: x.astype(jnp.float32), 0.5, "f must return what it takes"),
        (lambda x, _: x, jnp.arange(3), "x0 must hold floating arrays"),
        (lambda x, _: x, None, "x0 must hold floating arrays"),
    ],
)
def test_bad_maps_are_refused(f, x0, words):
    with pytest.raises(ValueError, match=words):
        fixed_point(f, x0)


MATRICES = {
    "rotation": np.array([[0.0, -0.7], [0.7, 0.0]]),
    "jordan": np.array([[0.9, 5.0, 0.0], [0.0, 0.9, 5.0], [0.0, 0.0, 0.9]]),
    "nilpotent": np.array([[0.0, 3.0], [0.0, 0.0]]),
    "zero": np.zeros((3, 3)),
    "huge": 1e200 * np.array([[1.0, 2.0], [3.0, 4.0]]),
    "random": np.random.default_rng(0).normal(size=(40, 40)),
}


@pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES)
def test_spectral_radius_against_eigenvalues(matrix):
    exact = {"jordan": 0.9, "nilpotent": 0.0}.get(
        next(k for k, v in MATRICES.items() if v is matrix), np.max(np.abs(np.linalg.eigvals(matrix)))
    )
    assert abs(spectral_radius(jnp.asarray(matrix)) - exact) <= 1e-11 * exact


def test_a_fixed_point_is_a_root():
    found = root(lambda m, J: jnp.tanh(J * m) - m, (0.5, 1.0), jnp.asarray(1.3))
    assert abs(found.value - fixed_point(curie_weiss, 1.0, jnp.asarray(1.3)).value) < 1e-14

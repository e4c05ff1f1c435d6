"""The bounds on exact populations, against a dense maximisation in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
import scipy.sparse
from scipy.special import logsumexp
from small_networks import network

import nonequil as nq
from nonequil.thermodynamics import Cross, Delta, MaxEntBound, QuadraticBound, Single, Triple, exact
from nonequil.thermodynamics._design import SparseDesign
from nonequil.thermodynamics._tilt import Problem, maximise

ATOL = 1e-9


def spikes(x, x_next):
    """Products of 0/1 spikes."""
    y, y_next = (x + 1) / 2, (x_next + 1) / 2
    return (jnp.outer(y_next, y) - jnp.outer(y, y_next))[jnp.triu_indices(x.size, 1)]


def delayed(x, x_next):
    """Not antisymmetric."""
    return jnp.outer(x_next, x).ravel()


def cross_rows(x, y, centre=0.0):
    i, j = np.triu_indices(x.shape[1], 1)
    x, y = x - centre, y - centre
    return y[:, i] * x[:, j] - x[:, i] * y[:, j]


def triple_rows(x, y):
    j, k = np.triu_indices(x.shape[1], 1)
    back = lambda x, y: (x[:, :, None] * (y[:, j] * y[:, k])[:, None]).reshape(len(x), -1)  # noqa: E731
    return back(y, x) - back(x, y)


def delta_rows(x, y):
    return ((y - x)[:, :, None] * x[:, None, :]).reshape(len(x), -1)


SETS = {
    "Cross": (lambda: Cross(), cross_rows),
    "Cross+Single": (lambda: Cross() + Single(), lambda x, y: np.hstack([cross_rows(x, y), y - x])),
    "spikes": (lambda: spikes, lambda x, y: cross_rows(x, y, -1.0)),
    "spikes+Single": (
        lambda: nq.thermodynamics.Function(spikes) + Single(),
        lambda x, y: np.hstack([cross_rows(x, y, -1.0), y - x]),
    ),
    "Cross+Single+Triple": (
        lambda: Cross() + Single() + Triple(),
        lambda x, y: np.hstack([cross_rows(x, y), y - x, triple_rows(x, y)]),
    ),
    "Delta+Single": (lambda: Delta() + Single(), lambda x, y: np.hstack([delta_rows(x, y), y - x])),
    "delayed": (lambda: delayed, lambda x, y: (y[:, :, None] * x[:, None, :]).reshape(len(x), -1)),
}
NESTED = ("Cross", "Cross+Single", "spikes+Single", "Cross+Single+Triple")
SYSTEMS = {
    "parallel, no field": lambda: nq.Parallel(nq.Ising(network(4).J, jnp.zeros(4))),
    "parallel, strong": lambda: nq.Parallel(nq.Ising(1.5 * network(4, 3, self_coupling=True).J, network(4, 3).H)),
    "parallel, sparse": lambda: nq.Parallel(network(4, seed=2, H0=-1.2)),
    "sequential": lambda: nq.Sequential(network(4, seed=1)),
}


def population(system):
    t = nq.enumerate_states(SYSTEMS[system]()).transitions()
    return t, *(np.asarray(a, float) for a in (t.x, t.x_next, t.weight))


def dense_bound(g, reverse, w):
    """Largest F by a quasi-Newton method from SciPy, finished by Newton steps with the pseudo-inverse."""
    mean = w @ g

    def loss(theta):
        e = reverse @ theta
        log_z = logsumexp(e, b=w)
        p = w * np.exp(e - log_z)
        return log_z - theta @ mean, p @ reverse - mean

    theta = scipy.optimize.minimize(loss, np.zeros(g.shape[1]), jac=True, method="BFGS", options={"gtol": 1e-7}).x
    for _ in range(3):
        e = reverse @ theta
        p = w * np.exp(e - logsumexp(e, b=w))
        K = reverse.T @ (p[:, None] * reverse) - np.outer(p @ reverse, p @ reverse)
        theta = theta + np.linalg.pinv(K, rcond=1e-10) @ (mean - p @ reverse)
    return -loss(theta)[0]


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("name", [name for name in SETS if name != "spikes+Single"])  # judged below by its equality
def test_bounds_on_the_exact_population(system, name):
    t, x, y, w = population(system)
    observable, rows = SETS[name]
    sigma = exact(SYSTEMS[system]()).value
    maxent, quadratic = MaxEntBound(observable())(t), QuadraticBound(observable())(t)
    assert abs(maxent.value - dense_bound(rows(x, y), rows(y, x), w)) < ATOL
    g = rows(x, y) - rows(y, x)
    mean = w @ g
    u = 2 * mean @ np.linalg.pinv(g.T @ (w[:, None] * g) - np.outer(mean, mean), rcond=1e-10) @ mean
    assert abs(quadratic.details["u"] - u) < ATOL
    assert abs(quadratic.value - np.log1p(u)) < ATOL
    assert quadratic.value < maxent.value + ATOL or name in (
        "delayed",
        "Delta+Single",
    )  # the antisymmetric part is another set there
    for estimate in (maxent, quadratic):
        assert estimate.value < sigma + ATOL
        assert (estimate.stderr, estimate.floor) == (0, 0)
        assert estimate.kind is nq.KIND.lower_bound
        assert estimate.result == nq.RESULTS.successful
        assert estimate.unit is SYSTEMS[system]().unit


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("bound", [MaxEntBound, QuadraticBound])
def test_the_default_pair_does_not_depend_on_the_coding_and_larger_sets_bound_more(system, bound):
    t = population(system)[0]
    values = {name: float(bound(SETS[name][0]())(t).value) for name in NESTED}
    assert abs(values["Cross+Single"] - values["spikes+Single"]) < ATOL
    assert abs(values["Cross+Single"] - bound()(t).value) < 1e-14
    assert values["Cross"] < values["Cross+Single"] + ATOL
    assert values["Cross+Single"] < values["Cross+Single+Triple"] + ATOL


def test_theta_is_that_of_the_observables_as_they_were_given():
    t, x, y, w = population("parallel, sparse")
    estimate = MaxEntBound()(t)
    g = SETS["Cross+Single"][1](x, y)
    theta = np.asarray(estimate.details["theta"])
    assert abs(w @ g @ theta - logsumexp(-g @ theta, b=w) - estimate.value) < ATOL
    assert estimate.details["d"] == g.shape[1]
    assert estimate.details["finite_optimum"]


def test_every_observable_together_reaches_the_entropy_production():
    """Antisymmetric indicators of all pairs span the log-ratio itself."""
    model = network(2)

    def everything(x, y):
        k, l = (jnp.sum(jnp.where(s > 0, jnp.array([1, 2]), 0)) for s in (x, y))
        indicator = jnp.zeros((4, 4)).at[k, l].add(1.0).at[l, k].add(-1.0)
        return indicator[jnp.triu_indices(4, 1)]

    t = nq.enumerate_states(nq.Parallel(model)).transitions()
    assert abs(MaxEntBound(everything)(t).value - exact(nq.Parallel(model)).value) < ATOL


def test_without_dissipation_the_bounds_are_zero():
    model = network(4)
    t = nq.enumerate_states(nq.Parallel(nq.Ising(model.J + model.J.T, model.H))).transitions()
    assert abs(MaxEntBound()(t).value) < 1e-12
    assert abs(QuadraticBound()(t).value) < 1e-12


def test_gaussian_observables_give_twice_the_square_of_their_mean():
    """g ~ N(mu, I), reversed to -g: F is largest at 2 |mu|^2, here by Gauss-Hermite quadrature in two dimensions."""
    mu, (nodes, weights) = np.array([0.5, -0.3]), np.polynomial.hermite_e.hermegauss(60)
    g = np.stack(np.meshgrid(nodes, nodes), -1).reshape(-1, 2) + mu
    w = np.outer(weights, weights).ravel() / (2 * np.pi)
    problem = Problem(SparseDesign(scipy.sparse.csr_array(-g)), w @ g, w / w.sum(), np.inf)
    optimum = maximise(problem, np.zeros(2), tolerance=1e-14)
    assert abs(optimum.value - 2 * mu @ mu) < 1e-9
    assert np.allclose(optimum.theta, 2 * mu, atol=1e-6)


def test_states_that_are_more_than_spins_are_read_by_the_dynamics():
    dynamics = nq.ContinuousTime(network(4))
    t = nq.enumerate_states(dynamics).transitions()
    estimate = MaxEntBound(spins=dynamics.spins)(t)
    assert 0 < estimate.value < exact(dynamics).value
    with pytest.raises(ValueError, match=r"dynamics\.spins"):
        MaxEntBound()(t)


def test_an_infinite_bound_is_said_to_be_infinite():
    x = jnp.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    ring = nq.Transitions(x, jnp.roll(x, -1, axis=0), weight=jnp.full(4, 0.25))
    quadratic, maxent = QuadraticBound(Cross())(ring), MaxEntBound(Cross())(ring)
    assert quadratic.value == jnp.inf
    assert quadratic.result == nq.RESULTS.not_finite
    assert maxent.result == nq.RESULTS.no_finite_optimum


def test_single_precision_agrees_to_its_own_rounding():
    t = population("parallel, strong")[0]
    with jax.enable_x64(False):
        narrow = jax.tree.map(
            lambda leaf: jnp.asarray(np.asarray(leaf), np.float32 if leaf.dtype.kind == "f" else None), t
        )
        single = MaxEntBound()(narrow), QuadraticBound()(narrow)
    for one, double in zip(single, (MaxEntBound()(t), QuadraticBound()(t)), strict=True):
        assert one.value.dtype == jnp.float32
        assert abs(float(one.value) - float(double.value)) < 1e-6

"""Minima against scipy.optimize, closed forms and bad losses."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import optimistix as optx
import pytest
import scipy.optimize

from nonequil import RESULTS
from nonequil.numerics import Newton, NewtonCG, Optimistix, minimise

METHODS = {
    "lbfgs": optax.lbfgs(),
    "newton": Newton(),
    "newton damped": Newton(damping=1.0),
    "newton cg": NewtonCG(),
    "bfgs": Optimistix(optx.BFGS(rtol=0.0, atol=0.0)),
}
SECOND_ORDER = {name: METHODS[name] for name in ("newton", "newton cg")}
each = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
three = pytest.mark.parametrize("method", [optax.lbfgs(), Newton(), NewtonCG()], ids=["lbfgs", "newton", "newton cg"])
second_order = pytest.mark.parametrize("method", SECOND_ORDER.values(), ids=SECOND_ORDER)


def logistic(theta, z, s, l2):
    """Negative log-likelihood a transition of one row of a kinetic Ising model, with a ridge."""
    return -jnp.mean(jax.nn.log_sigmoid(2 * s * (z @ theta))) + l2 / 2 * jnp.sum(theta**2)


@pytest.fixture(scope="module")
def data():
    key, noise = jax.random.split(jax.random.key(3))
    z = jnp.where(jax.random.bernoulli(key, 0.3, (2000, 8)), 1.0, -1.0)
    h = z @ jnp.linspace(-0.8, 0.8, 8)
    return z, jnp.where(jax.random.bernoulli(noise, jax.nn.sigmoid(2 * h)), 1.0, -1.0)


@each
def test_a_convex_loss_against_scipy(method, data):
    args = (*data, jnp.asarray(0.01))
    tolerance = 1e-7 if isinstance(method, Optimistix) else 1e-9
    found = minimise(logistic, jnp.zeros(8), args, method=method, tolerance=tolerance)
    judge = scipy.optimize.minimize(
        jax.jit(jax.value_and_grad(lambda t: logistic(t, *args))), np.zeros(8), jac=True, method="BFGS", tol=1e-10
    )
    assert found.converged
    assert found.gradient_max <= tolerance
    assert np.allclose(found.params, judge.x, atol=1e-6)
    assert abs(found.value - judge.fun) < 1e-13


@three
def test_the_valley_of_rosenbrock(method):
    found = minimise(scipy_rosen, jnp.array([-1.2, 1.0, 0.5]), method=method, tolerance=1e-8)
    assert found.converged
    assert jnp.allclose(found.params, 1.0, atol=1e-6)


def scipy_rosen(x):
    return jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


@second_order
def test_saddles_and_negative_curvature_are_left(method):
    """The Hessian is indefinite at the start; the minima are at (+-1, 0)."""
    found = minimise(lambda p: p[0] ** 4 / 4 - p[0] ** 2 / 2 + p[1] ** 2, jnp.array([1e-3, 2.0]), method=method)
    assert found.converged
    assert jnp.allclose(jnp.abs(found.params), jnp.array([1.0, 0.0]), atol=1e-7)


@second_order
def test_second_order_methods_need_few_steps(method, data):
    found = minimise(logistic, jnp.zeros(8), (*data, jnp.asarray(0.0)), method=method, tolerance=1e-13)
    assert found.converged
    assert found.steps < 12


def test_first_order_transformations_with_schedules(data):
    schedule = optax.adam(optax.cosine_decay_schedule(0.1, 1500))
    found = minimise(
        logistic, jnp.zeros(8), (*data, jnp.asarray(0.01)), method=schedule, max_steps=1500, tolerance=1e-4
    )
    assert found.converged
    assert found.steps < 1500
    best = minimise(logistic, jnp.zeros(8), (*data, jnp.asarray(0.01)), method=Newton())
    assert jnp.allclose(found.params, best.params, atol=1e-3)


class Layer(eqx.Module):
    weight: jax.Array
    counts: jax.Array
    bias: jax.Array
    gain: float
    activation: object = eqx.field(static=True)

    def __call__(self):
        return self.gain * self.activation(self.weight * self.counts.astype(self.weight.dtype) + self.bias)


def distance(layer, target):
    return jnp.sum((layer() - target) ** 2)


@pytest.mark.parametrize("method", [optax.lbfgs(), Newton()], ids=["lbfgs", "newton"])
def test_modules_keep_what_is_not_a_floating_array(method):
    layer = Layer(jnp.full(2, 0.1), jnp.array([1, 2], jnp.int8), jnp.zeros(()), 2.0, jnp.arctan)
    target = jnp.array([0.3, 0.5])
    found = minimise(distance, layer, (target,), method=method)
    assert found.converged
    assert found.params.counts.dtype == jnp.int8
    assert found.params.gain == 2.0
    assert jnp.allclose(found.params(), target, atol=1e-6)


BAD = {
    "unbounded": (lambda x: -jnp.exp(jnp.sum(x)), 1.0),
    "invalid at the start": (lambda x: jnp.sum(jnp.log(x)), -1.0),
    "downhill into nothing": (lambda x: jnp.sum(jnp.where(x < 1.5, x**2 - 4 * x, jnp.nan)), 0.0),
    "zero times infinity in the gradient": (lambda x: jnp.sum(jnp.sqrt(x)) * 0, 0.0),
}


def bad(x, kind):
    return jax.lax.switch(kind, [loss for loss, _ in BAD.values()], x)


@three
def test_nothing_infinite_is_called_converged(method):
    starts = jnp.array([start for _, start in BAD.values()])

    def run(kind, start):
        found = minimise(bad, jnp.full(2, start), (kind,), method=method, max_steps=60)
        return found.converged, found.result == RESULTS.not_finite, jnp.all(jnp.isfinite(found.params))

    converged, not_finite, finite = (a.tolist() for a in jax.vmap(run)(jnp.arange(len(BAD)), starts))
    assert not any(converged)
    assert not_finite[1]
    assert not_finite[3]
    assert all(finite)  # the last finite point


@second_order
def test_a_loss_without_a_way_down_says_so(method):
    found = minimise(lambda x: jnp.sum(jnp.abs(x - 1)), jnp.array([1.0 + 1e-3, 1.0]), method=method, max_steps=500)
    assert not found.converged
    assert found.result == RESULTS.no_progress


def test_max_steps_is_reported():
    found = minimise(scipy_rosen, jnp.array([-1.2, 1.0]), method=optax.sgd(1e-4), max_steps=7)
    assert found.result == RESULTS.max_steps_reached
    assert found.steps == 7
    with pytest.raises(eqx.EquinoxRuntimeError, match="maximum number of steps"):
        jax.block_until_ready(
            minimise(scipy_rosen, jnp.ones(2) * 3, method=optax.sgd(1e-4), max_steps=7, throw=True).value
        )


def test_a_start_at_the_minimum_takes_no_step():
    found = minimise(scipy_rosen, jnp.ones(3))
    assert found.steps == 0
    assert found.converged


@pytest.mark.parametrize("method", [optax.lbfgs(), Newton()], ids=["lbfgs", "newton"])
def test_float32(method, data):
    z, s = (a.astype(jnp.float32) for a in data)
    found = minimise(logistic, jnp.zeros(8, jnp.float32), (z, s, jnp.float32(0.01)), method=method, tolerance=2e-6)
    best = minimise(logistic, jnp.zeros(8), (*data, jnp.asarray(0.01)), method=Newton())
    assert found.converged
    assert found.params.dtype == jnp.float32
    assert jnp.allclose(found.params.astype(float), best.params, atol=2e-5)


def test_lanes_of_vmap_end_one_by_one(data):
    def fitted(l2):
        found = minimise(logistic, jnp.zeros(8), (*data, l2), method=Newton(), tolerance=1e-12)
        return found.params, found.steps

    l2 = jnp.array([0.0, 10.0])
    lanes, steps = jax.jit(jax.vmap(fitted))(l2)
    assert jnp.allclose(lanes, jnp.stack([fitted(l2[0])[0], fitted(l2[1])[0]]), atol=1e-10)
    assert steps[0] > steps[1]


def test_new_data_compile_nothing(data):
    z, s = data
    traces = []

    def loss(theta, z, s):
        traces.append(0)
        return logistic(theta, z, s, 0.1)

    minimise(loss, jnp.zeros(8), (z, s), method=Newton())
    count = len(traces)
    minimise(loss, jnp.ones(8), (z, -s), method=Newton(), tolerance=1e-6, max_steps=50)
    assert len(traces) == count + 1  # the check of the loss's shape alone


@pytest.mark.parametrize(
    "loss, params, words",
    [
        (lambda x: x, jnp.zeros(2), "loss must return a real scalar"),
        (lambda x: jnp.sum(x) > 0, jnp.zeros(2), "loss must return a real scalar"),
        (lambda x: 1.0, {"a": jnp.arange(3)}, "params must hold at least one floating array"),
    ],
)
def test_bad_losses_are_refused(loss, params, words):
    with pytest.raises(ValueError, match=words):
        minimise(loss, params)

import dataclasses

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
import pytest
from sklearn.base import clone

import nonequil as nq
from nonequil.inference import fit_gradient, negative_log_likelihood


def start(n):
    """Parallel dynamics without couplings."""
    return nq.Parallel(nq.Ising(jnp.zeros((n, n)), jnp.zeros(n)))


@pytest.mark.parametrize("method", [optax.lbfgs(), nq.numerics.Newton()], ids=["lbfgs", "newton"])
def test_any_optimiser_reaches_the_optimum_of_the_fast_path(method, small):
    l2 = 4.0
    fast = nq.fit(small, l2=l2).model
    penalty = lambda dynamics: l2 / 2 * jnp.sum(dynamics.model.J**2) / len(small)  # noqa: E731
    found = fit_gradient(start(6), small, penalty=penalty, method=method, tolerance=1e-9)
    assert found.result == nq.RESULTS.successful
    np.testing.assert_allclose(found.params.model.J, fast.J, atol=1e-6)
    np.testing.assert_allclose(found.params.model.H, fast.H, atol=1e-6)


def test_first_order_optimiser_reaches_it_too(small):
    fast = nq.fit(small).model
    found = fit_gradient(start(6), small, method=optax.adam(0.02), max_steps=3000, tolerance=1e-7)
    np.testing.assert_allclose(found.params.model.J, fast.J, atol=1e-5)


@pytest.mark.parametrize("clock", [nq.Parallel, nq.Sequential])
def test_gradient_of_the_likelihood_is_its_slope(clock, getkey):
    model = nq.SherringtonKirkpatrick(J0=0.0, dJ=0.8, dH=0.3).sample(getkey(), 4)
    t = nq.enumerate_states(clock(model)).transitions()
    other = clock(nq.Ising(0.5 * jr.normal(getkey(), (4, 4)), 0.3 * jr.normal(getkey(), (4,))))
    loss = lambda d: negative_log_likelihood(d, t)  # noqa: E731
    slope, flat = jax.grad(loss)(other), jax.tree.leaves(other)
    direction = jax.tree.map(lambda leaf: jr.normal(getkey(), leaf.shape), other)
    move = lambda e: jax.tree.map(lambda a, b: a + e * b, other, direction)  # noqa: E731
    difference = (loss(move(1e-5)) - loss(move(-1e-5))) / 2e-5
    along = sum(jnp.sum(a * b) for a, b in zip(jax.tree.leaves(slope), jax.tree.leaves(direction), strict=True))
    assert len(flat) == 2
    assert jnp.allclose(along, difference, atol=1e-8)
    assert loss(clock(model)) < loss(other)
    assert max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(jax.grad(loss)(clock(model)))) < 1e-9


def test_another_clock_is_fitted(getkey):
    model = nq.SherringtonKirkpatrick(J0=0.0, dJ=0.8, dH=0.3).sample(getkey(), 4)
    t = nq.enumerate_states(nq.Sequential(model)).transitions()
    found = fit_gradient(nq.Sequential(nq.Ising(jnp.zeros((4, 4)), jnp.zeros(4))), t, tolerance=1e-9)
    off = ~jnp.eye(4, dtype=bool)
    np.testing.assert_allclose(found.params.model.J[off], model.J[off], atol=1e-5)


def test_weights_and_drive_enter_the_likelihood(small):
    drive, weight = np.linspace(-1, 1, 6 * len(small)).reshape(-1, 6), np.resize([0.0, 2.0], len(small))
    t = dataclasses.replace(small, drive=drive, weight=weight)
    model = nq.fit(small).model
    h = np.asarray(small.x) @ np.asarray(model.J).T + np.asarray(model.H) + drive
    expected = np.logaddexp(0, -2 * np.asarray(small.x_next) * h).sum(axis=1)[weight > 0].mean()
    assert jnp.allclose(negative_log_likelihood(nq.Parallel(model), t), expected)


def test_scikit_learn_manners(small, getkey):
    network = clone(nq.KineticIsing(l2=3.0)).set_params(l2=5.0)
    assert network.get_params()["l2"] == 5.0
    fitted = network.fit(small)
    direct = nq.fit(small, l2=5.0)
    assert fitted is network
    np.testing.assert_array_equal(network.J_, direct.model.J)
    np.testing.assert_array_equal(network.H_stderr_, direct.H_stderr)
    assert network.score(small) == pytest.approx(float(direct.log_likelihood) / len(small), rel=1e-12)
    chances = network.predict(small)
    h = np.asarray(small.x) @ np.asarray(network.J_).T + np.asarray(network.H_)
    np.testing.assert_allclose(chances, 1 / (1 + np.exp(-2 * h)), atol=1e-12)
    final, (moments,) = network.simulate(50, key=getkey(), observers=(nq.Moments(),))
    assert final.shape == (1, 6)
    assert moments.m.shape == (6,)


def test_scikit_learn_manners_with_spins(small):
    spins = np.concatenate([small.x[:1], small.x_next])
    np.testing.assert_array_equal(nq.KineticIsing().fit(spins).J_, nq.KineticIsing().fit(small).J_)
    with pytest.raises(ValueError, match="not fitted"):
        nq.KineticIsing().predict(spins)
    with pytest.raises(ValueError, match="lambda is no parameter"):
        nq.KineticIsing().set_params(**{"lambda": 1.0})

"""Exact laws against closed forms, NumPy's eigenvectors and finite differences."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import nonequil as nq
from nonequil import RESULTS
from nonequil.simulation import Enumeration


def network(n, seed=0, beta=1.0, symmetric=False, self_coupling=False):
    ensemble = nq.SherringtonKirkpatrick(J0=0.3, dJ=1.0, H0=0.1, dH=0.4, beta=beta, self_coupling=self_coupling)
    model = ensemble.sample(jr.key(seed), n)
    return nq.Ising((model.J + model.J.T) / 2, model.H) if symmetric else model


@eqx.filter_jit
def production(dynamics):
    t = nq.enumerate_states(dynamics).transitions()
    flow = jax.vmap(lambda a, b: nq.thermodynamics.entropy_flow(dynamics, a, b))(t.x, t.x_next)
    return jnp.sum(t.weight * flow)


def boltzmann(model, states):
    x = states.astype(float)
    return jax.nn.softmax(x @ model.H + jnp.einsum("si,ij,sj->s", x, model.J, x) / 2)


def little(model, states):
    """Stationary law of symmetric couplings, all spins redrawn at once: Peretto, Biol. Cybern. 50, 51 (1984)."""
    x = states.astype(float)
    return jax.nn.softmax(x @ model.H + jnp.log(2 * jnp.cosh(model.H[None] + x @ model.J.T)).sum(axis=1))


@pytest.mark.parametrize("n", [5, 10], ids=["eliminated", "iterated"])
@pytest.mark.parametrize("clock, law", [(nq.Sequential, boltzmann), (nq.Parallel, little)])
def test_law_of_symmetric_couplings(clock, law, n):
    model = network(n, symmetric=True)
    e = nq.enumerate_states(clock(model))
    assert e.result == RESULTS.successful
    assert jnp.allclose(e.stationary, law(model, e.states), atol=1e-12)


def test_law_of_flips_is_weighted_by_the_rate_of_leaving():
    model = network(10, symmetric=True)
    e = nq.enumerate_states(nq.ContinuousTime(model, rate=3.0))
    in_time = e.stationary * e.states[1]
    assert e.result == RESULTS.successful
    assert jnp.allclose(in_time / in_time.sum(), boltzmann(model, e.states[0]), atol=1e-12)


@pytest.mark.parametrize("clock", [nq.Parallel, nq.Sequential])
def test_law_against_the_leading_eigenvector(clock):
    e = nq.enumerate_states(clock(network(5, seed=3, beta=2.0, self_coupling=True)))
    P = np.zeros((32, 32))
    np.add.at(P, (np.arange(32)[:, None], np.asarray(e.next)), np.exp(np.asarray(e.log_p)))
    values, vectors = np.linalg.eig(P.T)
    law = np.real(vectors[:, np.argmax(np.real(values))])
    assert np.allclose(e.stationary, law / law.sum(), atol=1e-12)
    assert np.allclose(e.push(e.stationary), e.stationary, atol=1e-15)


def test_a_frozen_chain_is_exact_when_small_and_says_so_when_large():
    """Two wells that are left once in e**40 steps: elimination is right, iteration cannot be and says so."""
    wells = lambda n: nq.Sequential(nq.Ising(8 * (jnp.ones((n, n)) - jnp.eye(n)), 1e-3 * jnp.arange(float(n))))  # noqa: E731
    small, large = nq.enumerate_states(wells(6)), nq.enumerate_states(wells(10))
    assert small.result == RESULTS.successful
    assert jnp.allclose(small.stationary, boltzmann(wells(6).model, small.states), rtol=1e-9, atol=0)
    assert large.result == RESULTS.max_steps_reached


def test_a_window_of_one_lag_is_the_parallel_clock():
    model = network(3)
    J = jnp.stack([model.J, jnp.zeros((3, 3))])
    windows = nq.enumerate_states(nq.Autoregressive(nq.LaggedIsing(J, model.H), 2))
    plain = nq.enumerate_states(nq.Parallel(model))
    newest = jnp.arange(64) >> 3
    assert jnp.allclose(jax.ops.segment_sum(windows.stationary, newest, 8), plain.stationary, atol=1e-13)
    assert jnp.allclose(production(windows.dynamics), production(plain.dynamics), atol=1e-12)


@pytest.mark.parametrize("clock", [nq.Parallel, nq.Sequential, nq.ContinuousTime])
def test_gradient_of_the_production_against_finite_differences(clock):
    model = network(4, self_coupling=True)
    direction = jax.tree.map(lambda leaf: jr.normal(jr.key(leaf.size), leaf.shape), model)
    along = lambda s: production(clock(jax.tree.map(lambda a, b: a + s * b, model, direction)))  # noqa: E731
    gradient = eqx.filter_grad(lambda model: production(clock(model)))(model)
    slope = sum(jnp.sum(a * b) for a, b in zip(jax.tree.leaves(gradient), jax.tree.leaves(direction), strict=True))
    assert np.isclose(slope, (along(1e-5) - along(-1e-5)) / 2e-5, rtol=1e-7)


def test_gradient_of_an_iterated_law_is_its_susceptibility():
    """d<x_i>/dH_j = <x_i x_j> - <x_i><x_j> in equilibrium, through the iterated law of 1024 states."""
    model = network(10, symmetric=True, beta=0.5)
    states = nq.Sequential(model).states().astype(float)
    m = lambda H: nq.enumerate_states(nq.Sequential(nq.Ising(model.J, H))).stationary @ states[:, 2]  # noqa: E731
    law = boltzmann(model, states)
    covariance = law @ (states * states[:, 2:3]) - (law @ states) * (law @ states[:, 2])
    assert jnp.allclose(jax.grad(m)(model.H), covariance, atol=1e-10)


def test_population_is_traceable_and_maps_over_models():
    models = [network(3, seed) for seed in (1, 2)]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *models)
    both = eqx.filter_vmap(lambda model: production(nq.Parallel(model)))(stacked)
    assert jnp.allclose(both, jnp.array([production(nq.Parallel(model)) for model in models]), rtol=1e-12)


def test_transitions_are_the_whole_population():
    e = nq.enumerate_states(nq.Sequential(network(3, self_coupling=True)))
    assert isinstance(e, Enumeration)
    t = e.transitions()
    assert t.unit is nq.Unit.per_attempt
    assert len(t) == 8 * 4
    assert jnp.isclose(jnp.sum(t.weight), 1, atol=1e-14)
    assert jnp.allclose(t.dt, 1 / 3)
    before = jax.vmap(e.dynamics.index)(t.x)
    assert jnp.allclose(jax.ops.segment_sum(t.weight, before, 8), e.stationary, atol=1e-15)


@pytest.mark.parametrize(
    "clock, n, message",
    [
        (nq.Parallel, 13, r"n = 13 spins make 8192 states and 67108864 pairs under Parallel.*n = 12 for Parallel"),
        (nq.Sequential, 17, r"n = 17 spins have 2\*\*17 states.*limit is n = 16"),
        (nq.ContinuousTime, 30, r"n = 30 .*limit is n = 16"),
    ],
)
def test_too_large_systems_are_refused(clock, n, message):
    with pytest.raises(ValueError, match=message):
        nq.enumerate_states(clock(nq.Ising(jnp.zeros((n, n)), jnp.zeros(n))))

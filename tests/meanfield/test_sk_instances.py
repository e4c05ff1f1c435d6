"""The mean field of one network, against numpy, enumeration, simulation and finite differences."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import nonequil as nq
from nonequil import KIND, RESULTS, Unit
from nonequil.meanfield import MezardSakellariou
from nonequil.thermodynamics import mean_field_entropy_production

CLOSURE = MezardSakellariou()
CORRELATED = eqx.filter_jit(CLOSURE.delayed_correlations)
MAP = eqx.filter_jit(CLOSURE)
GAINS = eqx.filter_jit(CLOSURE.gains)
PRODUCTION = eqx.filter_jit(mean_field_entropy_production)


def network(seed=0, n=4, scale=0.5):
    rng = np.random.default_rng(seed)
    return nq.Ising(J=scale * rng.normal(size=(n, n)) / n**0.5, H=0.4 * rng.normal(size=n))


def averaged(f, mean, deviation):
    """E f(mean + deviation z) by a fine sum in numpy."""
    z = np.linspace(-9, 9, 4001)
    w = np.exp(-(z**2) / 2)
    return f(mean[:, None] + deviation[:, None] * z) @ w / w.sum()


def test_map_gains_and_resting_point_against_numpy():
    model = network(scale=1.2)
    J, H = np.asarray(model.J), np.asarray(model.H)

    def step(m, shift=0.0):
        deviation = np.sqrt([sum(J[i, j] ** 2 * (1 - m[j] ** 2) for j in range(4)) for i in range(4)])
        return averaged(np.tanh, H + shift + J @ m, deviation)

    m = np.array([0.3, -0.9, 1.0, 0.1])
    assert np.allclose(MAP(jnp.asarray(m), model), step(m), atol=1e-13)
    slopes = (step(m, 1e-5) - step(m, -1e-5)) / 2e-5
    assert np.allclose(GAINS(jnp.asarray(m), model), slopes, atol=1e-9)
    found = PRODUCTION(model).details
    for _ in range(300):
        m = step(m)
    assert np.allclose(found.q, m, atol=1e-12)
    C = np.cov(np.random.default_rng(1).normal(size=(4, 50)))
    D = np.diag(GAINS(found.q, model)) @ J @ C
    assert np.allclose(CORRELATED(found.q, model, jnp.asarray(C)), D, atol=1e-14)
    independent = CORRELATED(found.q, model, jnp.diag(1 - found.q**2))
    assert np.allclose(CORRELATED(found.q, model), independent, atol=1e-15)


def exact_moments(model):
    """Stationary m, connected C and D of the parallel clock from its transition matrix, in numpy."""
    J, H = np.asarray(model.J), np.asarray(model.H)
    states = np.array(list(itertools.product([-1.0, 1.0], repeat=len(H))))
    h = H + states @ J.T
    P = np.exp((states[None] * h[:, None] - np.log(2 * np.cosh(h))[:, None]).sum(-1))
    values, vectors = np.linalg.eig(P.T)
    p = np.real(vectors[:, np.argmax(np.real(values))])
    p = p / p.sum()
    m = states.T @ p
    return m, states.T @ np.diag(p) @ states - np.outer(m, m), states.T @ (p[:, None] * P).T @ states - np.outer(m, m)


def test_what_the_closure_leaves_out_is_of_higher_order_in_the_couplings():
    errors = []
    for scale in (0.2, 0.1):
        model = network(3, 4, scale)
        m, C, D = exact_moments(model)
        estimate = PRODUCTION(model, jnp.asarray(C))
        found, production = estimate.details.q, np.sum((model.J - model.J.T) * D)
        missed = np.max(np.abs(CORRELATED(found, model, jnp.asarray(C)) - D))
        errors.append([np.max(np.abs(found - m)), missed, abs(estimate.value - production)])
    orders = np.log2(errors[0]) - np.log2(errors[1])
    assert np.all(orders > [2.8, 1.8, 2.8])  # of m, of D (first order itself), of the production (second order)


def test_entropy_production_of_a_network_against_simulation():
    sk = nq.SherringtonKirkpatrick(J0=1.0, dJ=0.8, dH=0.4, beta=1.3)
    model = sk.sample(jax.random.key(2), 96)
    flow = nq.Mean(lambda x, y: nq.thermodynamics.stationary_flow(nq.Parallel(model), x, y))
    x0 = nq.random_spins(jax.random.key(0), (256, 96))
    _, (simulated, moments) = nq.simulate(
        nq.Parallel(model), x0, steps=64, key=jax.random.key(1), observers=(flow, nq.Moments()), burn_in=32
    )
    measured = PRODUCTION(model, moments.C)
    independent = PRODUCTION(model, jnp.diag(1 - measured.details.q**2))
    assert 0 < simulated.stderr < 0.003 * simulated.value
    off = [abs(estimate.value - simulated.value) for estimate in (measured, independent)]
    assert off[0] < 3 * simulated.stderr < off[1] < 0.05 * simulated.value  # correlations of equal time are not small
    spread = jnp.std(moments.m - measured.details.q) / jnp.std(moments.m)
    assert spread < 1 / np.sqrt(96)
    assert (measured.kind, measured.unit, measured.stderr) == (KIND.biased, Unit.per_step, 0)
    assert measured.result == RESULTS.successful


def test_symmetric_networks_produce_nothing_and_rules_too_coarse_are_flagged():
    model = network()
    assert PRODUCTION(model).value > 0.01
    assert abs(PRODUCTION(nq.Ising((model.J + model.J.T) / 2, model.H)).value) < 1e-15
    steep = nq.Ising(jnp.zeros((4, 4)).at[0, 1].set(200.0), model.H)
    assert PRODUCTION(steep).result == RESULTS.quadrature_too_coarse
    assert PRODUCTION(model).result == RESULTS.successful


def test_float32_without_promotion():
    single = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), network(scale=1.2))
    m = jnp.array([0.3, -0.9, 1.0, 0.1])
    after = MAP(m.astype(jnp.float32), single)
    assert after.dtype == jnp.float32
    assert jnp.allclose(after.astype(float), MAP(m, network(scale=1.2)), atol=1e-6)
    assert CLOSURE.check(after, single, 1e-4) == RESULTS.successful

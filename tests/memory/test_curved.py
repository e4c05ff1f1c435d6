"""Curved networks: exact laws at n = 8, published spinodals and overlaps, dissipation by enumeration."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from drawn import normal, spins

import nonequil as nq

N = 8
XI = spins((2, N), 4)
J = nq.Hopfield(XI).dense().J
FULL = nq.Hopfield(XI, self_coupling=True).dense().J
H = 0.2 * normal((N,), 1)
STATES = np.array([[1 if k >> i & 1 else -1 for i in range(N)] for k in range(2**N)], float)


def law(J, H, gamma, beta):
    """P(s) ~ (1 + gamma Q)^(n beta / gamma) over all states, in NumPy."""
    Q = (STATES @ np.asarray(H) + 0.5 * np.einsum("ki,ij,kj->k", STATES, np.asarray(J), STATES)) / N
    p = np.maximum(1 + gamma * Q, 0) ** (N * beta / gamma)
    return p / p.sum()


@pytest.mark.parametrize("gamma", [-0.6, 0.5], ids=["explosive", "soft"])
@pytest.mark.parametrize("clock", [nq.Sequential, nq.ContinuousTime], ids=["sequential", "continuous"])
def test_redrawing_single_spins_keeps_the_law_in_detailed_balance(gamma, clock):
    dynamics = clock(nq.CurvedIsing(J, H, gamma, beta=0.9))
    assert abs(nq.thermodynamics.exact(dynamics).value) < 1e-15
    if clock is nq.Sequential:
        enumeration = nq.enumerate_states(dynamics)
        assert np.allclose(enumeration.stationary, law(J, H, gamma, 0.9), atol=1e-13)
        weight = np.exp(np.asarray(jax.vmap(dynamics.model.log_weight)(enumeration.states)))
        assert np.allclose(weight / weight.sum(), law(J, H, gamma, 0.9), atol=1e-15)


def test_without_curvature_it_is_an_ising_network():
    x, plain = STATES[37], nq.Ising(0.9 * J, 0.9 * H)
    for gamma in (0.0, 1e-13):
        assert np.allclose(
            nq.CurvedIsing(J, H, gamma, 0.9).field(jnp.asarray(x)), plain.field(jnp.asarray(x)), atol=1e-12
        )
        assert np.allclose(
            nq.CurvedField(J, H, gamma, 0.9).field(jnp.asarray(x)), plain.field(jnp.asarray(x)), atol=1e-12
        )


def test_a_diagonal_is_another_gamma_and_beta():
    """The constant c = tr J / (2 n) = 0.125 of two patterns."""
    c = float(jnp.trace(FULL)) / (2 * N)
    assert np.isclose(c, 0.125)
    expected = law(J, H, -0.6, 0.9)
    room = 1 + -0.6 * c
    assert np.allclose(law(FULL, H, -0.6, 0.9), law(J, H, -0.6 / room, 0.9 / room), atol=1e-14)
    assert 0.5 * np.abs(law(FULL, H, -0.6, 0.9) - expected).sum() > 0.01
    model = nq.CurvedIsing(FULL, H, -0.6, 0.9, self_coupling=True)
    assert np.allclose(nq.enumerate_states(nq.Sequential(model)).stationary, law(FULL, H, -0.6, 0.9), atol=1e-13)


@pytest.mark.parametrize("make", [nq.CurvedIsing, nq.CurvedField], ids=["law", "field"])
def test_sites_are_rows_of_the_field(make):
    model, drive, x = make(J, H, -0.6, 0.9), normal((N,), 5), jnp.asarray(STATES[99])
    sites = jax.jit(jax.vmap(lambda i: model.site_field(x, i, drive)))(jnp.arange(N))
    assert np.allclose(sites, model.field(x, drive), atol=1e-13)


def test_simulation_carries_its_fields_along():
    """`simulate` against single steps, spin by spin, and the mean overlap against the exact law."""
    clock, x0 = nq.Sequential(nq.CurvedIsing(J, H, -0.6, 0.9)), spins((3, N), 6)
    keys = [nq.numerics.chain_keys(jr.key(0), 3)[c] for c in range(3)]
    x = nq.simulate(clock, x0, steps=50, key=jr.key(0))[0]
    step = jax.jit(lambda x, k, key: clock.step(x, k, key=key))
    for c in range(3):
        single = x0[c]
        for k in range(50):
            single = step(single, k, keys[c])
        assert jnp.array_equal(single, x[c])
    observer = nq.Mean(lambda x, x_next: jnp.mean(XI * x_next[None], axis=1) ** 2)
    many = nq.simulate(clock, spins((64, N), 7), steps=200 * N, burn_in=20 * N, key=jr.key(1), observers=(observer,))[
        1
    ][0]
    expected = law(J, H, -0.6, 0.9) @ (STATES @ np.asarray(XI, float).T / N) ** 2
    assert jnp.all(jnp.abs(many.value - expected) < 4.5 * many.stderr)
    assert jnp.all(many.stderr < 0.02)


def test_the_edge_of_the_domain():
    """Where the ordered state is impossible nothing is NaN: a spin that would reach it is never set so."""
    model = nq.CurvedIsing(J * 4, 0 * H, gamma=-0.9, beta=0.5)  # 1 + gamma Q < 0 on the patterns
    weight = np.asarray(jax.vmap(model.log_weight)(jnp.asarray(STATES)))
    impossible = np.isneginf(weight)
    assert 0 < impossible.sum() < 2**N
    fields = np.asarray(jax.vmap(model.field)(jnp.asarray(STATES)))
    assert not np.any(np.isnan(fields))
    for k in np.flatnonzero(~impossible)[::7]:
        for i in range(N):
            other = k ^ (1 << i)
            if impossible[other]:
                assert fields[k, i] == np.inf * STATES[k, i]
    near = jax.grad(lambda beta: nq.CurvedIsing(J * 4, 0 * H, -0.9, beta).field(jnp.asarray(STATES[1])).sum())(0.5)
    assert np.isfinite(near)


@pytest.mark.parametrize("symmetric", [True, False], ids=["symmetric", "asymmetric"])
@pytest.mark.parametrize("clock", [nq.Parallel, nq.Sequential], ids=["parallel", "sequential"])
def test_curved_fields_dissipate(symmetric, clock):
    """Their law is not p, and they dissipate with symmetric couplings too: the flow written out, weight by weight."""
    couplings = J if symmetric else J + 0.4 * normal((N, N), 8)
    model = nq.CurvedField(couplings, H, -0.6, 0.9)
    enumeration = nq.enumerate_states(clock(model))
    exact = nq.thermodynamics.exact(clock(model)).value
    h = np.asarray(jax.vmap(model.field)(enumeration.states))
    t = enumeration.transitions()
    w, x, x_next = (np.asarray(leaf, float) for leaf in (t.weight, t.x, t.x_next))
    index = lambda s: ((s > 0) @ (1 << np.arange(N))).astype(int)  # noqa: E731
    before, after = h[index(x)], h[index(x_next)]
    if clock is nq.Parallel:
        expected = w @ np.sum(x_next * before - x * after, axis=1)  # the normalisers cancel in the mean
    else:
        log_p = lambda h, s: -np.logaddexp(0, -2 * h * s)  # noqa: E731
        moved = x != x_next
        expected = w @ np.sum(np.where(moved, log_p(before, x_next) - log_p(after, x), 0), axis=1)
    assert np.isclose(exact, expected, rtol=1e-9, atol=1e-14)
    assert exact > 1e-5
    if symmetric:
        distance = 0.5 * np.abs(np.asarray(enumeration.stationary) - law(J, H, -0.6, 0.9)).sum()
        assert 0.02 < distance < 0.3


@pytest.mark.published
@pytest.mark.parametrize(
    "gamma, lower, m, coexistence",
    [(-1.2, 0.8363779161, 0.8669501859, 0.8867504922), (-1.5, 0.6229361244, 0.9473473, 0.7468888317)],
    ids=["-1.2", "-1.5"],
)
def test_spinodals_and_coexistence(gamma, lower, m, coexistence):
    found = nq.memory.spinodals(gamma)
    assert np.allclose([found.lower, found.coexistence], [lower, coexistence], atol=1e-9)
    assert np.isclose(found.m, m, atol=3e-8)  # of a minimum: published to half the digits
    assert found.upper == 1
    grid = np.linspace(0.3, 0.999, 20_001)
    beta = np.arctanh(grid) * (1 + gamma * grid**2 / 2) / grid
    assert np.isclose(found.lower, beta.min(), atol=1e-7)
    ordered = np.max(nq.memory.curved_potential(jnp.asarray(grid), coexistence, gamma))
    assert np.isclose(ordered, np.log(2), atol=1e-7)


def test_the_tricritical_point():
    """Just below -2/3 the jump vanishes; above, beta(m) rises from one and there is none."""
    assert nq.memory.spinodals(-0.668).m < 0.1
    m = np.linspace(1e-3, 0.5, 100)
    beta = np.array([nq.memory.curved_beta(x, -0.66) for x in m])
    assert np.all(np.diff(beta) > 0)
    with pytest.raises(ValueError, match="explosive for gamma < -2/3 only"):
        nq.memory.spinodals(-0.6)


@pytest.mark.published
def test_overlaps_of_one_pattern():
    memory, closure = nq.Hebbian(1, beta=0.9), nq.memory.CurvedMap(-1.2)
    stable = nq.meanfield.solve(closure, memory, jnp.array([1.0]))
    assert np.isclose(stable.q[0], 0.95757724, atol=1e-8)
    assert stable.stable
    unstable = nq.numerics.root(lambda m, _: nq.memory.curved_beta(m, -1.2) - 0.9, (0.1, 0.86))
    assert np.isclose(unstable.value, 0.61888963, atol=1e-8)
    assert np.allclose(closure(unstable.value[None], memory), unstable.value, atol=1e-12)
    assert np.allclose(nq.meanfield.solve(closure, memory, jnp.array([0.6])).q, 0, atol=1e-8)


@pytest.mark.published
@pytest.mark.parametrize("n, mean, tolerance", [(200, 0.8224, 5e-5), (2000, 0.95642, 5e-6), (20_000, 0.95746, 6e-6)])
def test_exact_sum_over_overlaps(n, mean, tolerance):
    found = nq.memory.curved_law(n, beta=0.9, gamma=-1.2)
    assert np.isclose(found.p @ jnp.abs(found.m), mean, atol=tolerance)


def test_the_exact_sum_is_the_law_of_the_network():
    one = spins((1, N), 2)
    full = nq.Hopfield(one, self_coupling=True).dense().J
    p = law(full, np.zeros(N), -1.2, 0.9)
    m = STATES @ np.asarray(one[0], float) / N
    found = nq.memory.curved_law(N, 0.9, -1.2)
    assert np.allclose([p[np.isclose(m, value)].sum() for value in np.asarray(found.m)], found.p, atol=1e-13)


@pytest.mark.published
@pytest.mark.parametrize(
    "gamma, beta, start, m",
    [
        (-1.2, 0.825, (0.5, 0.5), (0.47272889, 0.47272889)),
        (-1.2, 0.825, (0.9, 0.3), (0.91148599, 0.25069234)),
        (-1.2, 0.825, (0.3, 0.9), (0.25069234, 0.91148599)),
        (-1.2, 0.825, (0.02, 0.01), (0.0, 0.0)),
        (0.0, 1.5, (0.9, 0.3), (0.82305841, 0.29620268)),
        (0.0, 1.5, (0.5, 0.5), (0.55963054, 0.55963054)),
    ],
    ids=["both", "first", "second", "none", "flat first", "flat both"],
)
def test_two_correlated_patterns(gamma, beta, start, m):
    """Equal at three of five sites: C = 0.6."""
    memory = nq.Hopfield(jnp.array([[1, 1, 1, 1, 1], [1, 1, 1, -1, -1.0]]), beta=beta)
    flow = nq.memory.CurvedFlow(gamma)
    assert np.allclose(nq.meanfield.solve(flow, memory, jnp.array(start), throw=False).q, m, atol=1e-8)


@pytest.mark.published
def test_spin_glass():
    found = nq.memory.curved_glass(1.5, -1.2)
    assert np.isclose(found.q, 0.3526017967, atol=1e-9)
    assert np.isclose(found.beta, 0.3178428365, atol=1e-9)
    assert np.isclose(nq.memory.curved_glass(0.83333, -1.2).beta, 0.4166667, atol=1e-6)
    assert np.isclose(nq.memory.curved_glass(1.0, -0.5).beta, 0.75)
    z = np.linspace(-9, 9, 2001)
    w = np.exp(-(z**2) / 2)
    assert np.isclose(found.q, w @ np.tanh(1.5 * np.sqrt(float(found.q)) * z) ** 2 / w.sum(), atol=1e-12)


def test_extensive_load():
    """Beta is beta' (1 - gamma u): -2 u is the bracket m**2 + alpha ((1 - T C**2) / (1 - C)**2 - 1) of the memory."""
    state = nq.memory.saddle_point(alpha=0.05, T=0.4)
    bracket = state.m**2 + 0.05 * ((1 - 0.4 * state.C**2) / (1 - state.C) ** 2 - 1)
    assert np.isclose(nq.memory.bare_beta(2.5, state.u, -1.2), 2.5 * (1 - 0.6 * bracket), atol=1e-12)


def test_gradients_of_the_fields():
    """In J, H, gamma and beta along a direction, by central differences, of both models."""
    x, probe = jnp.asarray(STATES[77]), normal((N,), 11)
    K = normal((N, N), 12) * (1 - np.eye(N))
    for make in (nq.CurvedIsing, nq.CurvedField):
        value = jax.jit(lambda t, make=make: probe @ make(J + t * (K + K.T), H + t, -0.6 + t, 0.9 + t).field(x))
        assert np.isclose(jax.grad(value)(0.0), (value(1e-5) - value(-1e-5)) / 2e-5, rtol=1e-7)


BAD = {
    "not symmetric": (lambda: nq.CurvedIsing(J.at[0, 1].add(0.1), H, -0.6), "J must be symmetric"),
    "a diagonal": (lambda: nq.CurvedIsing(FULL, H, -0.6), "J has a diagonal: set self_coupling=True"),
    "shapes": (lambda: nq.CurvedIsing(J, H[:3], -0.6), "they must be|H"),
    "beta": (lambda: nq.CurvedField(J, H, -0.6, -1.0), "beta must be"),
    "gamma": (lambda: nq.CurvedIsing(J, H, jnp.nan), "gamma must be finite"),
    "gamma of a law": (lambda: nq.memory.curved_law(10, 0.9, -2.0), "gamma must exceed -2"),
    "gamma of a curve": (lambda: nq.memory.curved_beta(0.5, -2.1), "gamma must exceed -2"),
    "n": (lambda: nq.memory.curved_law(0, 0.9, -1.0), "n = 0"),
    "effective": (lambda: nq.memory.curved_glass(-1.0, 0.1), "must be positive"),
    "outside": (
        lambda: nq.CurvedField(4 * J, 0 * H, -0.9, 0.5).field(XI[0]).block_until_ready(),
        "outside of the network's domain",
    ),
}


@pytest.mark.parametrize("call, message", BAD.values(), ids=BAD)
def test_bad_input_is_refused(call, message):
    with pytest.raises((ValueError, TypeError), match=message):  # TypeError where annotations are checked
        call()


@pytest.mark.parametrize(
    "call, bad, message",
    [
        (lambda J: nq.CurvedIsing(J, H, -0.6).J, J.at[0, 1].add(0.1), "J must be symmetric"),
        (lambda g: nq.memory.curved_law(10, 0.9, g).p, jnp.array(-2.5), "gamma must exceed -2"),
        (
            lambda g: nq.CurvedField(4 * J, 0 * H, g, 0.5).field(XI[0]),
            jnp.array(-0.9),
            "outside of the network's domain",
        ),
    ],
    ids=["J", "gamma", "outside"],
)
def test_bad_input_is_refused_when_traced(call, bad, message):
    with pytest.raises(Exception, match=message):
        jax.block_until_ready(jax.jit(call)(bad))

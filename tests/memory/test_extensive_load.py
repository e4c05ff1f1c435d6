"""Memories of extensive load: published values, thermodynamic derivatives, plain iteration, and networks of 3,000."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from scipy.special import erf

import nonequil as nq

MEMORY = nq.memory
CAPACITIES = (MEMORY.capacity, MEMORY.global_capacity, MEMORY.sequence_capacity)
CASES = [(0.05, 0.4), (0.1, 0.2), (0.01, 0.6), (0.05, 0.0)]
Z = np.linspace(-9, 9, 2401)
DZ = np.exp(-(Z**2) / 2) / np.exp(-(Z**2) / 2).sum()


@pytest.fixture(scope="module")
def solved():
    return {(alpha, T): [MEMORY.saddle_point(alpha, T, m0) for m0 in (1.0, 0.0)] for alpha, T in CASES}


@pytest.mark.published
@pytest.mark.parametrize(
    "alpha, T, m, q, f, places",
    [
        (0.05, 0.4, 0.9661868079, 0.9366821910, -0.5057477908, 10),
        (0.1, 0.2, 0.9890851550, 0.9844170603, -0.5010406555, 10),
        (0.01, 0.6, 0.8954356, 0.8038505, -0.5261855, 7),
    ],
    ids=["0.05, 0.4", "0.1, 0.2", "0.01, 0.6"],
)
def test_retrieval_states(solved, alpha, T, m, q, f, places):
    state = solved[alpha, T][0]
    assert np.allclose([state.m, state.q, state.f], [m, q, f], atol=0.6 * 10.0**-places)
    assert state.retrieval
    assert state.result == nq.RESULTS.successful


@pytest.mark.parametrize("case", CASES[:3], ids=str)
@pytest.mark.parametrize("branch", [0, 1], ids=["retrieval", "spin glass"])
def test_saddle_points_solve_their_equations(solved, case, branch):
    """By sums over 2401 nodes in NumPy, and the instability of de Almeida and Thouless by sech**4 itself."""
    (alpha, T), state = case, jax.tree.map(np.asarray, solved[case][branch])
    h = (state.m + np.sqrt(alpha * state.r) * Z) / T
    assert np.isclose(state.m, DZ @ np.tanh(h), atol=1e-11)
    assert np.isclose(state.q, DZ @ np.tanh(h) ** 2, atol=1e-11)
    assert np.isclose(state.r, state.q / (1 - state.C) ** 2, rtol=1e-12)
    assert np.isclose(state.C, (1 - state.q) / T, atol=1e-12)
    assert state.C < 1
    q, C, beta = state.q, state.C, 1 / T
    f = alpha / 2 + state.m**2 / 2 + alpha * beta * state.r * (1 - q) / 2
    f += alpha / (2 * beta) * (np.log(1 - C) - beta * q / (1 - C)) - DZ @ np.log(2 * np.cosh(h)) / beta
    assert np.isclose(state.f, f, atol=1e-11)
    replicon = 1 - alpha * beta**2 * (DZ @ np.cosh(h) ** -4.0) / (1 - C) ** 2
    assert np.isclose(state.replicon, replicon, atol=1e-8)


@jax.jit
@jax.vmap
def slopes(alpha, T):
    free = lambda alpha, beta, m0: MEMORY.saddle_point(alpha, 1 / beta, m0).f * beta  # noqa: E731
    return [jax.grad(free, (0, 1))(alpha, 1 / T, m0) for m0 in (1.0, 0.0)]


def test_derivatives_of_the_free_energy(solved):
    """d(beta f) / d beta = u, d f / d alpha = (1 + T ln(1 - C) - q / (1 - C)) / 2: f is stationary in m, q, r."""
    found = slopes(*jnp.array(CASES[:3]).T)
    for k, (alpha, T) in enumerate(CASES[:3]):
        for branch in (0, 1):
            s = solved[alpha, T][branch]
            by_alpha, by_beta = (float(x[k]) for x in found[branch])
            assert np.isclose(by_beta, s.u, atol=1e-9)
            expected = (1 + T * np.log1p(-s.C) - s.q / (1 - s.C)) / 2
            assert np.isclose(by_alpha * T, expected, atol=1e-9)


def test_zero_temperature_in_closed_form(solved):
    """m = erf(y), (2 alpha)**0.5 = erf(y) / y - 2 exp(-y**2) / pi**0.5, C = 1 - r**-0.5; energy is free energy."""
    state = jax.tree.map(np.asarray, solved[0.05, 0.0][0])
    y = state.m / np.sqrt(2 * 0.05 * state.r)
    assert np.isclose(state.m, erf(y), atol=1e-14)
    assert np.isclose(np.sqrt(0.1), erf(y) / y - 2 / np.sqrt(np.pi) * np.exp(-(y**2)), atol=1e-13)
    assert np.isclose(state.C, 1 - state.r**-0.5, atol=1e-13)
    assert np.isclose(state.f, state.u, atol=1e-14)
    cold = MEMORY.saddle_point(0.05, 1e-3)
    assert np.isclose(cold.f, state.f, atol=1e-6)


def test_states_without_memory():
    warm, hot = MEMORY.saddle_point(0.1, 0.5), MEMORY.saddle_point(0.1, 1.5)
    assert warm.m == hot.m == hot.q == 0
    assert warm.q > 0.5
    assert not warm.retrieval
    near = MEMORY.saddle_point(0.1, MEMORY.spin_glass_temperature(0.1) - 1e-3)
    assert 0 < near.q < 0.01
    assert np.isclose(hot.f, 0.05 * (1 + 1.5 * np.log(1 - 1 / 1.5)) - 1.5 * np.log(2), atol=1e-14)
    assert MEMORY.saddle_point(0.05, 0.4, -1.0).m < 0


@pytest.fixture(scope="module")
def lines():
    return [
        [line(T) for T in (0.0, 0.3, 1.2)]
        for line in (MEMORY.capacity, MEMORY.global_capacity, MEMORY.sequence_capacity)
    ]


@pytest.mark.published
@pytest.mark.parametrize(
    "line, value, tolerance",
    [(0, 0.1379056, 1e-7), (1, 0.051854, 1e-6), (2, 0.2690616, 1e-7)],
    ids=["alpha_c", "lowest free energy", "sequence"],
)
def test_capacities_at_zero_temperature(lines, line, value, tolerance):
    assert np.isclose(lines[line][0], value, atol=tolerance)
    assert lines[line][2] == 0
    assert lines[line][1] < lines[line][0]


@pytest.mark.published
def test_overlaps_at_the_capacities():
    for capacity, state, m in (
        (MEMORY.capacity(), MEMORY.saddle_point, 0.967417),
        (MEMORY.sequence_capacity(), MEMORY.sequence_stationary, 0.8348708),
    ):
        assert np.isclose(state(capacity * (1 - 1e-12), 0.0).m, m, atol=2e-6)
        assert state(capacity * (1 + 1e-9), 0.0).m == 0


@pytest.mark.published
def test_critical_temperatures(lines):
    assert np.allclose([MEMORY.retrieval_temperature(a) for a in (0.05, 0.1)], [0.54226, 0.31543], atol=1e-5)
    assert np.isclose(MEMORY.global_retrieval_temperature(0.02), 0.59130, atol=1e-5)
    assert np.isclose(MEMORY.retrieval_temperature(lines[0][1]), 0.3, atol=1e-9)
    assert np.isclose(MEMORY.global_retrieval_temperature(lines[1][1]), 0.3, atol=1e-9)
    assert MEMORY.spin_glass_temperature(0.04) == 1.2


@pytest.mark.published
@pytest.mark.parametrize(
    "alpha, T, m, r",
    [(0.1, 0.2, 0.9928133521, 1.0031089785), (0.2, 0.1, 0.9608938726, 1.0433506119), (0.2, 0.4, 0.0, None)],
    ids=["0.1, 0.2", "0.2, 0.1", "none"],
)
def test_stationary_recall_of_a_sequence(alpha, T, m, r):
    state = MEMORY.sequence_stationary(alpha, T)
    assert np.isclose(state.m, m, atol=1e-10)
    assert r is None or np.isclose(state.r, r, atol=1e-10)
    long = MEMORY.sequence_transient(alpha, T, 1.0, 400)
    assert np.allclose([long.m[-1], long.r[-1]], [state.m, state.r], atol=1e-7)


@pytest.mark.published
def test_transient_recall_of_a_sequence():
    found = MEMORY.sequence_transient(alpha=0.2, T=0.1, m0=0.5, steps=12)
    published = [0.5, 0.7269, 0.7542, 0.7849, 0.8204, 0.8588, 0.8959, 0.9255, 0.9444]
    assert np.allclose(found.m[:9], published, atol=5e-5)
    assert found.r[0] == 1
    assert np.isclose(MEMORY.sequence_transient(0.2, 0.1, 0.25, 12).m[-1], 0.133, atol=5e-4)


def test_a_network_recalls_its_sequence():
    """16 networks of 1,000 spins: the mean overlap of each step within 4 standard errors and 5 n**-0.5 of theory."""
    n, alpha, T, steps = 1000, 0.2, 0.1, 6
    p = round(alpha * n)

    def recalled(key):
        patterns, start, path = jr.split(key, 3)
        memory = nq.Hebbian(p, A=MEMORY.sequence(p), beta=1 / T).sample(patterns, n)
        x = memory.xi[0] * jnp.where(jr.uniform(start, (n,)) < 0.75, 1, -1)
        _, record = nq.simulate(
            nq.Parallel(memory), x[None].astype(jnp.int8), steps=steps, key=path, observers=(nq.Record(),)
        )
        return jnp.diag(MEMORY.overlaps(memory, record[0].x_next) @ jnp.eye(p)[:, 1 : steps + 1])

    m = jnp.stack([jax.jit(recalled)(key) for key in jr.split(jr.key(4), 16)])
    theory = MEMORY.sequence_transient(alpha, T, 0.5, steps).m[1:]
    stderr = jnp.std(m, axis=0, ddof=1) / 4
    assert jnp.all(jnp.abs(jnp.mean(m, axis=0) - theory) < 4 * stderr)
    assert jnp.all(stderr < 0.025)


@pytest.mark.parametrize("m0", [1.0, 0.0], ids=["recall", "noise"])
def test_what_recall_dissipates(m0):
    """8 networks of 1,000 spins, with the next pattern recalled at T = 0.1, with noise alone at T = 0.4: mean flows of
    late steps within 4 standard errors and 2 %, of size."""
    n, alpha, T = 1000, 0.2, 0.1 if m0 else 0.4

    def flow(key):
        patterns, start, path = jr.split(key, 3)
        memory = nq.Hebbian(round(alpha * n), A=MEMORY.sequence(round(alpha * n)), beta=1 / T).sample(patterns, n)
        x0 = memory.xi[:1] if m0 else jr.rademacher(start, (1, n), float)
        clock = nq.Parallel(memory)
        seen = nq.Mean(lambda x, x_next: nq.thermodynamics.entropy_flow(clock, x, x_next) / n)
        run = dict(steps=30, burn_in=20, key=path, observers=(seen,))
        return nq.simulate(clock, x0.astype(jnp.int8), **run)[1][0].value

    found = jnp.stack([jax.jit(flow)(key) for key in jr.split(jr.key(6), 8)])
    theory = MEMORY.sequence_entropy_production(alpha, T, m0)
    stderr = jnp.std(found, ddof=1) / np.sqrt(8)
    assert abs(jnp.mean(found) - theory.value) < 4 * stderr + 0.02 * theory.value
    assert stderr < 0.05 * theory.value
    assert theory.value > (0.9 / T if m0 else 0.3)


def test_a_network_remembers():
    """12 networks of 500 spins at (0.05, 0.4), 40 sweeps: mean overlap within 4 standard errors and 0.005, of size."""
    n, p = 500, 25

    def remembered(key):
        patterns, path = jr.split(key)
        memory = nq.Hebbian(p, beta=1 / 0.4).sample(patterns, n)
        x0, observer = memory.xi[:1].astype(jnp.int8), nq.Mean(lambda x, x_next: memory.overlaps(x_next)[0])
        run = nq.simulate(nq.Sequential(memory), x0, steps=40 * n, burn_in=20 * n, key=path, observers=(observer,))
        return run[1][0].value

    m = jnp.stack([jax.jit(remembered)(key) for key in jr.split(jr.key(5), 12)])
    stderr = jnp.std(m, ddof=1) / np.sqrt(12)
    assert abs(jnp.mean(m) - MEMORY.saddle_point(0.05, 0.4).m) < 4 * stderr + 0.005
    assert stderr < 0.01


BAD = {
    "alpha zero": (lambda x: MEMORY.sequence_transient(x, 0.2, 0.5, 1).m, 0.0, "alpha = p / n must be positive"),
    "alpha not a number": (lambda x: MEMORY.spin_glass_temperature(x), jnp.nan, "alpha = p / n must be positive"),
    "T negative": (lambda x: MEMORY.sequence_transient(0.1, x, 0.5, 1).m, -0.1, "T must be finite and not negative"),
    "too many patterns": (lambda x: MEMORY.retrieval_temperature(x), 0.14, "no temperature was found"),
    "m0": (lambda x: MEMORY.sequence_transient(0.2, 0.1, x, 3).m, 1.5, "an overlap lies between -1 and 1"),
}


@pytest.mark.parametrize("call, bad, message", BAD.values(), ids=BAD)
def test_bad_input_eager_and_traced(call, bad, message):
    with pytest.raises(ValueError, match=message):
        call(bad)
    with pytest.raises(Exception, match=message):
        jax.block_until_ready(jax.jit(call)(jnp.asarray(bad)))


def test_bad_shapes():
    with pytest.raises(ValueError, match=r"use jax\.vmap over a grid"):
        MEMORY.saddle_point(jnp.ones(2), 0.2)
    for call in (
        MEMORY.capacity,
        MEMORY.sequence_capacity,
        MEMORY.global_capacity,
        lambda T: MEMORY.saddle_point(0.1, T),
    ):
        with pytest.raises(ValueError, match="T must be finite and not negative"):
            call(-0.1)
    for call in (MEMORY.saddle_point, MEMORY.sequence_stationary):
        with pytest.raises(ValueError, match="alpha = p / n must be positive"):
            call(-0.1, 0.1)
    with pytest.raises(ValueError, match="steps = -1"):
        MEMORY.sequence_transient(0.2, 0.1, 0.5, -1)

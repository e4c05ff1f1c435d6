"""The overlaps of memories with few patterns: published values, SciPy's integrator, and networks of 20,000 spins."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import nonequil as nq

MAP, START = nq.memory.OverlapMap(), jnp.array([0.9, 0.0, 0.0])


def recall(beta, p=3):
    return nq.Hebbian(p, A=nq.memory.sequence(p), beta=beta)


def turning(a, b):
    """Two patterns that drive themselves, and each other with opposite signs."""
    return nq.Hebbian(2, A=jnp.array([[a, b], [-b, a]]))


@jax.jit
def three_cycle(beta):
    memory = recall(beta)
    cycle = nq.numerics.maps.periodic_orbit(lambda m: MAP(m, memory), START, 3)
    return cycle.states, nq.memory.entropy_production(memory, cycle.states).value


@pytest.mark.published
@pytest.mark.parametrize(
    "beta, m, sigma",
    [(1.5, 0.85855964, 1.10568697), (2.0, 0.95750402, 1.83362791)],
    ids=["beta 1.5", "beta 2"],
)
def test_recall_of_three_patterns_one_after_the_other(beta, m, sigma):
    """m = tanh(beta m) at each turn, and beta m**2 nats a step."""
    states, production = three_cycle(beta)
    assert np.allclose(states, m * np.eye(3), atol=1e-8)
    assert np.isclose(production, sigma, atol=1e-8)
    assert np.isclose(production, beta * m**2, atol=1e-7)


@pytest.mark.published
@pytest.mark.parametrize(
    "strength, m",
    [
        (0.3, [0.87660, 0.11004, 0.02525]),
        (0.8, [0.48524] * 3),
        (1.5, [0.49654] * 3),
        (3.0, [0.49983] * 3),
    ],
    ids=["static", "mixture 0.8", "mixture 1.5", "mixture 3"],
)
def test_asynchronous_spins_do_not_recall_a_sequence(strength, m):
    """They rest, whatever the drive, and a resting state dissipates nothing per spin though A is not symmetric."""
    memory = nq.Hebbian(3, A=jnp.eye(3) + strength * nq.memory.sequence(3), beta=2.0)
    rest = nq.meanfield.solve(nq.memory.OverlapFlow(), memory, START)
    assert np.allclose(rest.q, m, atol=1e-5)
    assert np.allclose(MAP(rest.q, memory), rest.q, atol=1e-10)
    for clock in (nq.Parallel, nq.Sequential):
        assert abs(nq.memory.entropy_production(memory, rest.q[None], clock=clock).value) < 1e-12


TURNING = {  # a, b: largest |m_1| and period, and those published, of Euler's method with steps 0.01
    "2, 1": (2.0, 1.0, 0.82472, 16.004),
    "2, 1.5": (2.0, 1.5, 0.73086, 9.480),
    "2, 2.5": (2.0, 2.5, 0.56083, 5.4206),
    "1.2, 0.5": (1.2, 0.5, 0.52271, 15.391),
}


@pytest.fixture(scope="module")
def cycles():
    """All cycles by one program, with their entropy production and its unit."""

    def solved(a, b):
        memory = turning(a, b)
        cycle = nq.memory.overlap_cycle(memory, jnp.array([0.5, 0.1]), throw=False)
        return cycle, nq.memory.entropy_production(memory, cycle.states, clock=nq.Sequential, throw=False).value

    rates = jnp.array([*[case[:2] for case in TURNING.values()], (2.0, 0.5), (0.9, 0.5)])
    return jax.jit(jax.vmap(solved))(*rates.T)


@pytest.mark.parametrize("case", TURNING)
def test_two_patterns_take_turns(cycles, case):
    """Against SciPy's integrator to 1e-6; the published values by Euler's method, which widens the cycle."""
    a, b, largest, period = TURNING[case]
    k = list(TURNING).index(case)
    columns = np.array([[1.0, -1.0], [1.0, 1.0]])
    drift = lambda t, m: -m + columns @ np.tanh(columns.T @ (np.array([[a, b], [-b, a]]) @ m)) / 2  # noqa: E731
    x0, found = np.asarray(cycles[0].states[k, 0]), float(cycles[0].period[k])
    times = np.linspace(0, found, 257)
    orbit = solve_ivp(drift, (0, found), x0, rtol=1e-11, atol=1e-12, t_eval=times).y.T
    assert np.allclose(orbit[-1], x0, atol=1e-6)
    assert np.allclose(orbit[:-1], cycles[0].states[k], atol=1e-6)
    assert np.allclose([np.abs(orbit[:, 0]).max(), found], [largest, period], atol=0.04)

    m, crossings = x0.copy(), []
    for step in range(round(7.5 * found / 0.01)):
        before, m = m, m + 0.01 * drift(0, m)
        if before[0] < 0 <= m[0]:
            crossings.append(0.01 * (step - before[0] / (m[0] - before[0])))
    assert np.isclose(crossings[-1] - crossings[-2], period, atol=0.003)


@pytest.mark.published
def test_patterns_that_do_not_take_turns(cycles):
    """(2, 0.5) rests and (0.9, 0.5) forgets: there is no cycle, and the result says so."""
    for k in (4, 5):
        cycle = jax.tree.map(lambda leaf, k=k: leaf[k], cycles[0])
        assert cycle.result == nq.RESULTS.max_steps_reached
        assert not cycle.stable
    rest = nq.meanfield.solve(nq.memory.OverlapFlow(), turning(2.0, 0.5), jnp.array([0.5, 0.1]))
    assert rest.stable
    assert jnp.max(jnp.abs(rest.q)) > 0.5
    gone = nq.meanfield.solve(nq.memory.OverlapFlow(), turning(0.9, 0.5), jnp.array([0.5, 0.1]))
    assert jnp.max(jnp.abs(gone.q)) < 1e-6


def test_dissipation_of_two_patterns_that_take_turns(cycles):
    """beta (<h tanh h> - m.A m) on average over the cycle, 0.4446 and 0.8097 by Euler's wider cycles."""
    for case, published in (("2, 1.5", 0.44460), ("2, 2.5", 0.80971)):
        a, b, *_ = TURNING[case]
        k = list(TURNING).index(case)
        m, A = np.asarray(cycles[0].states[k]), np.array([[a, b], [-b, a]])
        columns = np.array([[1.0, -1.0], [1.0, 1.0]])
        h = m @ A.T @ columns
        expected = np.mean(np.mean(h * np.tanh(h), axis=1) - np.einsum("ti,ij,tj->t", m, A, m))
        assert np.isclose(cycles[1][k], expected, atol=1e-12)
        assert np.isclose(cycles[1][k], published, rtol=0.006)


def test_a_symmetric_drive_encloses_no_area():
    """Two patterns driving each other alike: along any closed path the flow is zero, here on its resting point."""
    memory = nq.Hebbian(2, A=jnp.array([[1.0, 0.5], [0.5, 1.0]]), beta=1.7)
    assert nq.memory.entropy_production(memory, MAP.init(memory)[None] * 0.0, clock=nq.Parallel).value == 0
    path = 0.5 * jnp.stack([jnp.cos(t := jnp.linspace(0, 2 * jnp.pi, 65)[:-1]), jnp.sin(t)], axis=1)
    flow = nq.memory.entropy_production(memory, path, clock=nq.Parallel, throw=False)
    assert abs(flow.value) < 1e-15
    assert flow.result == nq.RESULTS.max_steps_reached  # no cycle of this memory


@pytest.mark.parametrize("clock", [nq.Parallel, nq.Sequential], ids=["parallel", "sequential"])
def test_overlaps_of_20000_spins(clock):
    """Sites are independent given the overlaps: each lies within 5 n**-0.5 of the theory of these very columns.

    A parallel orbit is pulled back to the cycle; of the flow we look at one unit of time, in which deviations
    grow at most by the factor exp(|dF/dm|), below 3 here.
    """
    n = 20_000
    memory = nq.Hebbian(3, A=jnp.eye(3) * 0.3 + nq.memory.sequence(3), beta=1.8).sample(jr.key(0), n)
    x0 = jnp.where(jr.uniform(jr.key(1), (n,)) < 0.85, memory.xi[0], -memory.xi[0]).astype(jnp.int8)
    m0 = memory.overlaps(x0)
    if clock is nq.Parallel:
        theory = nq.meanfield.transient(MAP, memory, m0, steps=8)[-1]
        run = dict(steps=8)
    else:
        theory = nq.meanfield.transient(nq.memory.OverlapFlow(), memory, m0, steps=20)[-1]
        run = dict(steps=n)
    x = nq.simulate(clock(memory), x0[None], key=jr.key(2), **run)[0]
    assert jnp.all(jnp.abs(nq.memory.overlaps(memory, x[0]) - theory) < 5 * 3 / np.sqrt(n))
    assert jnp.max(jnp.abs(theory - m0)) > 0.3  # something happened


def test_of_given_patterns_the_theory_takes_their_columns():
    """With all 2**p columns equally often a network's sites are those of the ensemble."""
    ensemble = nq.Hebbian(3, A=nq.memory.sequence(3), beta=1.5)
    half, _ = ensemble.columns()
    memory = nq.Hopfield(jnp.concatenate([half, -half], axis=1), ensemble.A, 1.5)
    m = jnp.array([0.3, -0.2, 0.7])
    assert jnp.allclose(MAP(m, memory), MAP(m, ensemble), atol=1e-15)
    field = nq.Hopfield(memory.xi, ensemble.A, 1.5, 0.4 * memory.xi[1])
    expected = np.mean(np.asarray(memory.xi) * np.tanh(1.5 * (np.asarray(memory.xi).T @ np.asarray(ensemble.A @ m)
                       + 0.4 * np.asarray(memory.xi[1]))), axis=1)  # fmt: skip
    assert np.allclose(MAP(m, field), expected, atol=1e-14)


def test_bad_input():
    with pytest.raises((ValueError, TypeError), match="states"):
        nq.memory.entropy_production(recall(1.5), jnp.ones((3, 2)))
    with pytest.raises(ValueError, match="clock = "):
        nq.memory.entropy_production(recall(1.5), jnp.eye(3), clock=nq.ContinuousTime)
    with pytest.raises(Exception, match="maximum number of steps"):
        jax.block_until_ready(nq.memory.entropy_production(recall(1.5), jnp.eye(3)).value)
    with pytest.raises(ValueError, match="dt = 0"):
        nq.memory.OverlapFlow(dt=0.0)
    with pytest.raises(ValueError, match=r"longest = 0\.01"):
        nq.memory.overlap_cycle(turning(2.0, 1.0), longest=0.01)
    with pytest.raises(Exception, match="maximum number of steps"):
        jax.block_until_ready(nq.memory.overlap_cycle(turning(2.0, 0.5), transient=10.0, longest=5.0).states)

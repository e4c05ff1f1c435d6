"""Sequences by delayed couplings: published residence times, and networks beside the equations of their overlaps."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from drawn import normal, spins

import nonequil as nq

P, TAU, BETA = 5, 8.0, 5.0
START = nq.memory.Traced(0.95 * jnp.eye(P)[0], jnp.zeros(P))


@pytest.fixture(scope="module")
def cycles():
    memory = nq.Hebbian(P, beta=BETA)

    def cycle(strength):
        closure = nq.memory.DelayedFlow(strength * nq.memory.sequence(P), TAU)
        return nq.numerics.maps.flow_cycle(
            lambda q: closure.drift(q, memory), START, transient=400.0, longest=130.0, dt=0.1, steps=1024, throw=False
        )

    strengths = jnp.array([0.8, 1.2, 1.5])
    return jax.jit(jax.vmap(cycle))(strengths)


@pytest.mark.published
@pytest.mark.parametrize("k, residence", [(0, 21.22), (1, 12.92), (2, 10.25)], ids=["0.8", "1.2", "1.5"])
def test_residence_times(cycles, k, residence):
    """A fifth of the period of five patterns; all stay equally long."""
    assert jax.tree.map(lambda leaf: leaf[k], cycles).result == nq.RESULTS.successful
    assert abs(cycles.period[k] / P - residence) < 0.1
    shifted = jnp.roll(cycles.states.m[k], 1, axis=1)
    assert jnp.allclose(jnp.max(shifted, axis=0), jnp.max(cycles.states.m[k]), atol=1e-3)


@pytest.mark.published
@pytest.mark.parametrize("strength", [2.0, 3.0])
def test_too_strong_a_drive_mixes_all_patterns(strength):
    closure = nq.memory.DelayedFlow(strength * nq.memory.sequence(P), TAU)
    end = jax.jit(lambda q: nq.meanfield.transient(closure, nq.Hebbian(P, beta=BETA), q, 8000))(START)
    assert np.allclose(end.m[-1], 0.375, atol=1e-3)


def test_a_network_follows_the_equations_of_its_overlaps():
    """20,000 spins for 20 attempts a spin: within 10 n**-0.5 of the flow of these very columns."""
    n, strength, units = 20_000, 1.5, 20
    memory = nq.Hebbian(3, beta=BETA).sample(jr.key(0), n)
    B = strength * nq.memory.sequence(3)
    clock = nq.TracedSequential(memory, B, TAU / 2)
    x0 = memory.xi[0].astype(jnp.int8)
    start = nq.memory.Traced(memory.overlaps(x0), jnp.zeros(3))
    closure = nq.memory.DelayedFlow(B, TAU / 2)
    theory = nq.meanfield.transient(closure, memory, start, round(units / closure.dt))
    end = nq.simulate(clock, clock.start(x0[None]), steps=units * n, key=jr.key(1))[0]
    assert jnp.all(jnp.abs(memory.overlaps(end.x[0]) - theory.m[-1]) < 10 / np.sqrt(n))
    assert jnp.all(jnp.abs(end.mbar[0] - theory.trace[-1]) < 10 / np.sqrt(n))
    assert jnp.max(theory.m[:, 1]) > 0.9  # the second pattern has had its turn


def test_probabilities_of_single_steps():
    """The n outcomes with a flip and the one without, their traces with them, sum to one; no step leads back."""
    memory = nq.Hopfield(spins((2, 4), 0), beta=0.8)
    clock = nq.TracedSequential(memory, 1.1 * nq.memory.sequence(2, cyclic=False), 2.0)
    Trace = nq.dynamics.Trace
    x = Trace(spins((4,), 1), memory.overlaps(spins((4,), 1)), jnp.array([0.3, -0.2]))
    outcomes = [(s, memory.overlaps(s)) for s in (x.x, *(x.x.at[i].multiply(-1) for i in range(4)))]
    reached = [Trace(s, m, m + (x.mbar - m) * np.exp(-1 / 8)) for s, m in outcomes]
    assert np.isclose(sum(float(jnp.exp(clock.log_prob(x, y))) for y in reached), 1, atol=1e-12)
    assert clock.log_prob(reached[1], x) == -jnp.inf
    assert clock.log_prob(x, Trace(x.x, x.m, x.mbar)) == -jnp.inf
    h = memory.field(x.x) + 0.8 * (np.asarray(clock.delayed) @ np.asarray(x.mbar)) @ np.asarray(memory.xi)
    for i in range(4):
        expected = -np.log(4) - np.logaddexp(0, 2 * float(x.x[i]) * float(h[i]))
        assert np.isclose(clock.log_prob(x, reached[1 + i]), expected, atol=1e-12)


def test_sharp_delays_against_couplings_written_out():
    """A Hopfield network of two delays is a `LaggedIsing`, field by field, with its entropy production."""
    xi, A, B = spins((2, 3), 2), normal((2, 2), 3), normal((2, 2), 4)
    kernel = jnp.array([0.25, 0.75])
    model = nq.DelayedHopfield(nq.Hopfield(xi, A, 0.9), B, kernel)
    xi = np.asarray(xi, float)
    now = 0.9 * (xi.T @ np.asarray(A) @ xi / 3) * (1 - np.eye(3))
    past = 0.9 * xi.T @ np.asarray(B) @ xi / 3
    written = nq.LaggedIsing(jnp.asarray(np.stack([now + 0.25 * past, 0.75 * past])), jnp.zeros(3))
    window = spins((2, 3), 5)
    assert np.allclose(model.field(window), written.field(window), atol=1e-14)
    assert np.allclose([model.site_field(window, i) for i in range(3)], written.field(window), atol=1e-14)
    exact = [nq.thermodynamics.exact(nq.Autoregressive(m)).value for m in (model, written)]
    assert np.isclose(*exact, rtol=1e-10)
    assert exact[0] > 1e-3


def test_bad_input():
    memory = nq.Hopfield(spins((2, 4), 0))
    for call, message in (
        (lambda: nq.TracedSequential(memory, jnp.eye(3), 2.0), "delayed"),
        (lambda: nq.TracedSequential(memory, jnp.eye(2), 0.0), "tau must be finite and positive"),
        (lambda: nq.DelayedHopfield(memory, jnp.eye(3), jnp.ones(2)), "delayed"),
        (lambda: nq.DelayedHopfield(memory, jnp.eye(2), jnp.ones((2, 2))), "kernel"),
        (lambda: nq.memory.DelayedFlow(jnp.eye(2), -1.0), "tau must be finite and positive"),
    ):
        with pytest.raises((ValueError, TypeError), match=message):  # TypeError where annotations are checked
            call()

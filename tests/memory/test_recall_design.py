"""Cycles designed for the least dissipation: cheaper than plain sequences, stable, and better than their neighbours."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import nonequil as nq


@pytest.mark.parametrize("p, price", [(3, 8.0), (5, 10.0)], ids=["3 patterns", "5 patterns"])
def test_a_designed_cycle(p, price):
    """It closes, attracts, dissipates less than m artanh(m) of a plain sequence, and no nearby cycle costs less."""
    design = nq.memory.design_recall(p, price, beta=2.0)
    assert design.result == nq.RESULTS.successful
    assert design.stable
    m, sigma = np.asarray(design.states), float(design.production.value)
    step = lambda q: nq.memory.OverlapMap()(q, design.memory)  # noqa: E731
    assert np.allclose([step(q) for q in design.states], np.roll(m, -1, axis=0), atol=1e-9)
    assert np.allclose(np.diag(m), design.recall, atol=1e-9)
    assert np.all(np.argmax(m, axis=1) == np.arange(p))
    assert sigma < 0.85 * design.recall * np.arctanh(float(design.recall))

    @jax.jit
    def cost(A):
        memory = nq.Hebbian(p, A=A, beta=2.0)
        step = lambda q: nq.memory.OverlapMap()(q, memory)  # noqa: E731
        cycle = nq.numerics.maps.periodic_orbit(step, design.states[0], p, tolerance=1e-10)
        return nq.memory.entropy_production(memory, cycle.states).value - price * jnp.mean(jnp.diag(cycle.states))

    here = cost(design.memory.A)
    assert np.isclose(here, sigma - price * float(design.recall), atol=1e-9)
    rng = np.random.default_rng(0)
    for _ in range(4):  # any matrix, circulant or not
        assert cost(design.memory.A + 0.005 * rng.normal(size=(p, p))) > here


def test_a_network_recalls_as_designed():
    """One network of 8,000 spins: its overlaps within 5 n**-0.5 of the cycle of its own columns, which is near the
    designed one, and its entropy flow a spin within 5 standard errors of that cycle's."""
    design = nq.memory.design_recall(3, price=8.0, beta=2.0)
    n = 8000
    memory = design.memory.sample(jr.key(0), n)
    step = lambda q: nq.memory.OverlapMap()(q, memory)  # noqa: E731
    cycle = nq.numerics.maps.periodic_orbit(step, design.states[0], 3)
    clock, x0 = nq.Parallel(memory), memory.xi[0].astype(jnp.int8)
    flow = nq.Mean(lambda x, x_next: nq.thermodynamics.entropy_flow(clock, x, x_next) / n)
    x, (average,) = nq.simulate(clock, x0[None], steps=30, burn_in=9, key=jr.key(1), observers=(flow,))
    assert jnp.all(jnp.abs(nq.memory.overlaps(memory, x[0]) - cycle.states[0]) < 5 / np.sqrt(n))
    assert jnp.all(jnp.abs(cycle.states - design.states) < 5 / np.sqrt(n))
    expected = nq.memory.entropy_production(memory, cycle.states).value
    assert abs(average.value - expected) < 5 * 2 / np.sqrt(30 * n)  # the flow of a step has a deviation below 2 n**-0.5
    assert abs(expected - design.production.value) < 0.1


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: nq.memory.design_recall(2, 1.0), "p = 2"),
        (lambda: nq.memory.design_recall(3, 0.0), "price must be finite and positive"),
        (lambda: nq.memory.design_recall(17, 1.0), "too many to list"),
    ],
    ids=["p", "price", "many"],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()

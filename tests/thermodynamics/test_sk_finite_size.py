"""Finite networks and averages over them: enumeration, single steps, the simulation written out, the exact theory."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from small_networks import network

import nonequil as nq
from nonequil import KIND, RESULTS, Unit
from nonequil.dynamics import LocalUpdate, sweep
from nonequil.thermodynamics import (
    MeanFlow,
    disorder_average,
    exact,
    extrapolate_in_size,
    flow_over_outcomes,
    order_parameters,
    stationary_flow,
)

SK = nq.SherringtonKirkpatrick(J0=1.0, dJ=1.0, beta=1.0)


def schnakenberg(enumeration):
    """sum_ab p(a) P(a, b) log(p(a) P(a, b) / p(b) P(b, a)) over pairs of states, in numpy."""
    p = np.asarray(enumeration.stationary)
    joint = np.zeros((p.size, p.size))
    np.add.at(joint, (np.arange(p.size)[:, None], enumeration.next), p[:, None] * np.exp(enumeration.log_p))
    held = joint > 0
    return np.sum(joint[held] * np.log(joint[held] / joint.T[held]))


@pytest.mark.parametrize("n", [4, 6])
@pytest.mark.parametrize("clock", [nq.Parallel, nq.Sequential])
def test_three_forms_of_the_production_agree_by_enumeration(clock, n):
    dynamics = clock(network(n, seed=n, self_coupling=clock is nq.Parallel))
    enumeration = nq.enumerate_states(dynamics)
    t = enumeration.transitions()
    whole, reduced = MeanFlow(dynamics)(t), MeanFlow(dynamics, stationary_flow)(t)
    assert whole.value > 0.01
    assert abs(whole.value - schnakenberg(enumeration)) < 1e-12
    assert abs(reduced.value - whole.value) < 1e-12
    assert (reduced.kind, reduced.unit) == (KIND.exact, dynamics.unit)
    symmetric = clock(nq.Ising((dynamics.model.J + dynamics.model.J.T) / 2, dynamics.model.H))
    rest = nq.enumerate_states(symmetric).transitions()
    assert abs(MeanFlow(symmetric, stationary_flow)(rest).value) < 1e-12


def test_self_couplings_are_refused_where_a_flip_changes_its_own_field():
    coupled = nq.Sequential(nq.Ising(network(4).J + jnp.diag(jnp.linspace(-1.0, 1.5, 4)), network(4).H))
    x = jnp.ones(4)
    with pytest.raises(ValueError, match=r"self_coupling.*flow_over_outcomes"):
        stationary_flow(coupled, x, x)
    t = nq.enumerate_states(coupled).transitions()
    with pytest.raises(eqx.EquinoxRuntimeError, match="self_coupling"):
        jax.block_until_ready(MeanFlow(coupled, stationary_flow)(t).value)
    by_probability = MeanFlow(coupled, flow_over_outcomes)(t).value
    assert abs(by_probability - exact(coupled).value) < 1e-12
    field = np.asarray(jax.vmap(coupled.model.field)(t.x))
    shortcut = t.weight @ np.mean((np.tanh(field) - np.asarray(t.x)) * field, axis=1)
    assert abs(shortcut - by_probability) > 0.05 * by_probability  # what the refusal prevents
    with pytest.raises(ValueError, match="self_coupling"):
        disorder_average(dataclasses.replace(SK, self_coupling=True), 16, nq.Sequential, key=jr.key(0))


def test_a_sweep_is_the_single_steps_of_the_clock():
    model, key = SK.sample(jr.key(3), 40), jr.key(4)
    dynamics, x = nq.Sequential(model), nq.random_spins(jr.key(5), (40,))
    steps = 1000 + jnp.arange(400)
    one_by_one = jax.lax.scan(lambda x, index: (dynamics.step(x, index, key=key), None), x, steps)[0]
    swept = jax.jit(sweep)(LocalUpdate(model), x, steps, key=key)
    assert jnp.all(swept == one_by_one)
    assert jnp.any(swept != x)
    local, flipped = LocalUpdate(model), x.at[7].multiply(-1)
    assert jnp.allclose(local.field(local.flip(local.init(x), x, 7)), model.field(flipped), atol=1e-14)


CLOCKS = {nq.Parallel: Unit.per_step_per_spin, nq.Sequential: Unit.per_sweep_per_spin}
PLAN = {"steps": 6, "burn_in": 3, "chains": 2}


@pytest.mark.parametrize("clock", CLOCKS)
def test_networks_are_those_of_the_simulation_and_do_not_depend_on_the_chunk(clock):
    n, key = 20, jr.key(6)
    average = disorder_average(SK, n, clock, networks=5, delay=1, chunk=5, key=key, **PLAN)
    parameters, production = average.networks
    key_model, key_chains = jr.split(jr.fold_in(key, 3))
    dynamics = clock(SK.sample(key_model, n))
    attempts = 1 if clock is nq.Parallel else n
    x0 = jnp.ones((2, n), jnp.int8)
    _, (pairs,) = nq.simulate(
        dynamics, x0, steps=8 * attempts, key=key_chains, observers=(nq.Record(),), every=attempts
    )
    x = np.concatenate([x0[:, None], pairs.x_next.reshape(2, 8, n)], axis=1).astype(float)
    now, before, m = x[:, 3:9], x[:, 2:8], x[:, 3:9].mean(-1)
    expected = [m.mean(), abs(m).mean(), (now * before).mean(), (m**2).mean(), (n * (m**2).mean() - 1) / (n - 1)]
    found = [getattr(parameters, name)[3] for name in ("m", "m_abs", "q", "C", "C_off_diagonal")]
    assert np.allclose(found, expected, atol=1e-14)
    J = np.asarray(dynamics.model.J)
    h = now @ J.T + np.asarray(dynamics.model.H)
    together, alone = np.einsum("cti,ij,ctj->ct", np.tanh(h), J - J.T, now), np.sum((np.tanh(h) - now) * h, axis=-1)
    flow = together if clock is nq.Parallel else alone
    assert np.allclose(production[3], flow.mean() / n, atol=1e-13)
    assert np.allclose(average.entropy_production.stderr, np.std(production, ddof=1) / np.sqrt(5), rtol=1e-12)
    assert average.entropy_production.unit is CLOCKS[clock]
    chunk = 3 if clock is nq.Sequential else 5
    again = disorder_average(SK, n, clock, networks=4, delay=1, chunk=chunk, key=key, **PLAN)
    assert jnp.all(again.networks[1] == production[:4])
    assert jnp.all(again.networks[0].q == parameters.q[:4])


def test_order_parameters_as_an_observer():
    enumeration = nq.enumerate_states(nq.Parallel(network(4, H0=0.4)))
    (average, moments) = nq.statistics.fold((nq.Mean(order_parameters), nq.Moments()), enumeration.transitions())
    C, m = moments.C + jnp.outer(moments.m, moments.m), moments.m
    delayed = jnp.diagonal(moments.D) + m * moments.m_before
    assert abs(average.value.m - m.mean()) < 1e-14
    assert abs(average.value.q - delayed.mean()) < 1e-14
    assert abs(average.value.C - C.mean()) < 1e-14
    assert abs(average.value.C_off_diagonal - (C.sum() - 4) / 12) < 1e-14
    assert average.value.m_abs > abs(average.value.m)


def test_sequential_production_extrapolated_in_size_meets_the_theory():
    theory = 0.2676333723  # of the infinite network at dJ = 1, beta = 1, per spin and sweep
    runs = {"networks": 600, "steps": 64, "burn_in": 32, "chunk": 600}
    small, large = (disorder_average(SK, n, nq.Sequential, key=jr.key(n), **runs).entropy_production for n in (64, 128))
    found = extrapolate_in_size(small, large)
    assert found.unit is Unit.per_sweep_per_spin
    assert found.kind is KIND.sampled
    assert found.result == RESULTS.successful
    assert found.stderr < 0.006 * theory
    assert abs(found.value - theory) < 3 * found.stderr + 0.002 * theory
    assert large.value < theory - 3 * large.stderr  # a single size does not


@pytest.mark.parametrize(
    "given, message",
    [
        ({"clock": nq.ContinuousTime}, "clock = ContinuousTime"),
        ({"networks": 0}, "networks = 0"),
        ({"steps": 0}, "steps = 0"),
        ({"chains": 0}, "chains = 0"),
        ({"delay": 0}, "delay = 0"),
        ({"burn_in": 3, "delay": 5}, "burn_in = 3"),
        ({"n": 1}, "n = 1"),
    ],
    ids=str,
)
def test_bad_counts_and_clocks_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        disorder_average(SK, **{"n": 8, "key": jr.key(0), **given})


def test_other_clocks_models_and_units_are_refused():
    x = jnp.ones(4)
    with pytest.raises(ValueError, match="Parallel and Sequential"):
        stationary_flow(nq.ContinuousTime(network(4)), x, x)
    lagged = nq.LaggedIsing(jnp.zeros((2, 4, 4)), jnp.zeros(4))
    with pytest.raises(ValueError, match="LaggedIsing"):
        stationary_flow(nq.Parallel(lagged), x, x)
    one = jnp.ones(())
    of = lambda unit: nq.Estimate(one, one, unit, KIND.sampled, RESULTS.successful)  # noqa: E731
    with pytest.raises(ValueError, match="nats/step/spin and nats/sweep/spin"):
        extrapolate_in_size(of(Unit.per_step_per_spin), of(Unit.per_sweep_per_spin))

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_networks import network, simulated

import nonequil as nq
from nonequil.thermodynamics import MeanFlow, entropy_flow, exact, flow_over_outcomes, flow_over_sites

CLOCKS = [nq.Parallel, nq.Sequential, nq.ContinuousTime]


def all_states(n):
    return 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1) - 1.0


def kernel(clock, model):
    """Transition matrix written out in NumPy from the definition of the clock."""
    x, J, H = all_states(model.n), np.asarray(model.J), np.asarray(model.H)
    up = 1 / (1 + np.exp(-2 * (x @ J.T + H)))
    if clock is nq.Parallel:
        return np.prod(np.where(x[None] > 0, up[:, None], 1 - up[:, None]), axis=-1)
    flip = np.where(x > 0, 1 - up, up)
    P = np.zeros((len(x), len(x)))
    for a in range(len(x)):
        for i in range(model.n):
            P[a, a ^ (1 << i)] = flip[a, i] / (model.n if clock is nq.Sequential else flip[a].sum())
    return P + np.diag(1 - P.sum(1))


def stationary(P):
    A = np.vstack([P.T - np.eye(len(P)), np.ones(len(P))])
    return np.linalg.lstsq(A, np.append(np.zeros(len(P)), 1.0), rcond=None)[0]


def production(P):
    """Relative entropy of the pairs to the reversed ones."""
    joint = stationary(P)[:, None] * P
    held = joint > 1e-300
    return np.sum(joint[held] * np.log(joint[held] / joint.T[held]))


@pytest.mark.parametrize("n", [2, 4])
@pytest.mark.parametrize("clock", CLOCKS)
def test_exact_is_the_relative_entropy_of_pairs_and_reversed_pairs(clock, n):
    model = network(n, seed=n, self_coupling=clock is not nq.ContinuousTime)
    estimate = exact(clock(model))
    assert abs(estimate.value - production(kernel(clock, model))) < 1e-10
    assert estimate.kind is nq.KIND.exact
    assert estimate.stderr == 0
    assert estimate.unit is clock(model).unit
    assert estimate.result == nq.RESULTS.successful


@pytest.mark.parametrize("n", [4, 6, 8])
def test_exact_parallel_is_the_closed_form_in_delayed_correlations(n):
    model = network(n, self_coupling=True)
    x, J = all_states(n), np.asarray(model.J)
    P = kernel(nq.Parallel, model)
    D = x.T @ (stationary(P)[:, None] * P).T @ x  # D[i, j] = <x'_i x_j>
    assert abs(exact(nq.Parallel(model)).value - np.sum((J - J.T) * D)) < 1e-10


@pytest.mark.parametrize("n", [4, 6, 8])
def test_exact_sequential_is_the_closed_form_in_field_correlations(n):
    model = network(n)
    x, J, H = all_states(n), np.asarray(model.J), np.asarray(model.H)
    p = stationary(kernel(nq.Sequential, model))
    Dg = (np.tanh(x @ J.T + H) * p[:, None]).T @ x  # <tanh h_i x_j>
    assert abs(exact(nq.Sequential(model)).value - np.sum((J - J.T) * Dg) / (2 * n)) < 1e-10


def test_flips_and_attempts_dissipate_the_same_per_unit_of_time():
    model = network(5)
    flips = nq.ContinuousTime(model)
    t = nq.enumerate_states(flips).transitions()
    hold = jnp.sum(t.weight * t.x[1])  # mean time between flips, one attempt a spin and unit of time
    assert abs(exact(flips).value / hold - 5 * exact(nq.Sequential(model)).value) < 1e-10


@pytest.mark.parametrize("clock", CLOCKS)
def test_symmetric_couplings_dissipate_nothing(clock):
    model = network(5)
    symmetric = nq.Ising((model.J + model.J.T) / 2, model.H)
    assert abs(exact(clock(symmetric)).value) < 1e-12


def shifted(model, direction, by):
    return jax.tree.map(lambda leaf, along: leaf + by * along, model, direction)


@functools.cache
def some_pairs(clock):
    x = nq.random_spins(jax.random.key(3), (40, 4))
    keys = jax.random.split(jax.random.key(4), 40)
    step = jax.jit(jax.vmap(lambda x, k: clock(network(4, seed=5)).step(x, 0, key=k)))
    return nq.Transitions(x, step(x, keys))


FUNCTIONS = {
    "exact": lambda dynamics, t: exact(dynamics).value,
    "MeanFlow": lambda dynamics, t: MeanFlow(dynamics)(t).value,
    "over_outcomes": lambda dynamics, t: MeanFlow(dynamics, flow_over_outcomes)(t).value,
    "over_sites": lambda dynamics, t: MeanFlow(dynamics, flow_over_sites)(t).value,
}


@pytest.mark.parametrize("clock", [nq.Parallel, nq.Sequential])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_are_finite_differences(name, clock):
    model, t, step = network(4), some_pairs(clock), 1e-5
    f = jax.jit(lambda m: FUNCTIONS[name](clock(m), t))
    gradient = jax.jit(jax.grad(f))(model)
    for k, leaf in enumerate((model.J, model.H)):
        along = jax.random.normal(jax.random.key(k), leaf.shape)
        direction = nq.Ising(along if k == 0 else 0 * model.J, along if k == 1 else 0 * model.H)
        ends = [f(shifted(model, direction, sign * step)) for sign in (1, -1)]
        assert abs(jnp.sum((gradient.J, gradient.H)[k] * along) - (ends[0] - ends[1]) / (2 * step)) < 1e-8


def test_mean_flow_and_exact_are_traceable():
    clock, model = nq.Parallel, network(4)
    t = some_pairs(clock)
    traced = jax.jit(lambda m, t: MeanFlow(clock(m))(t).value)(model, t)
    assert jnp.allclose(traced, MeanFlow(clock(model))(t).value, rtol=1e-12)
    stacked = jax.tree.map(lambda *leaf: jnp.stack(leaf), model, network(4, seed=9))
    values = jax.vmap(lambda m: exact(clock(m)).value)(stacked)
    assert jnp.allclose(values[1], exact(clock(network(4, seed=9))).value, atol=1e-10)


@pytest.mark.parametrize("clock, flow", [(nq.Parallel, flow_over_sites), (nq.Sequential, flow_over_outcomes)])
def test_simulated_flow_is_exact_within_its_error_and_quieter_in_the_reduced_form(clock, flow):
    model = network(6)
    t = simulated(clock(model), chains=100, steps=500)
    truth = exact(clock(model)).value
    plain, reduced = MeanFlow(clock(model))(t), MeanFlow(clock(model), flow)(t)
    assert abs(plain.value - truth) < 3.5 * plain.stderr
    assert abs(reduced.value - truth) < 3.5 * reduced.stderr
    assert reduced.stderr < plain.stderr
    assert 0.001 < plain.stderr / truth < 0.5
    assert plain.kind is nq.KIND.sampled


@pytest.mark.parametrize("clock", [nq.Parallel, nq.Sequential])
@pytest.mark.parametrize("flow", [flow_over_outcomes, flow_over_sites])
def test_reduced_forms_have_the_conditional_mean_of_the_flow(clock, flow):
    @jax.jit
    def moments(dynamics):
        x = dynamics.states()[5]
        outcomes, log_p = dynamics.outcomes(x)
        p = jnp.exp(log_p)
        values = [jax.vmap(lambda y, f=f: f(dynamics, x, y))(outcomes) for f in (entropy_flow, flow)]
        return [(p @ v, p @ v**2 - (p @ v) ** 2) for v in values]

    (mean, variance), (reduced_mean, reduced_variance) = moments(clock(network(4, self_coupling=True)))
    assert abs(mean - reduced_mean) < 1e-12
    assert reduced_variance < variance


def test_reduction_over_sites_puts_tanh_of_the_field_in_the_place_of_the_next_spin():
    model = network(5)
    x, x_next = np.asarray(nq.random_spins(jax.random.key(7), (2, 5)), float)
    J, H = np.asarray(model.J), np.asarray(model.H)
    h, h_next = H + J @ x, H + J @ x_next
    linear = lambda s: np.sum(s * h) - x @ (H + J @ s)  # noqa: E731
    flow = flow_over_sites(nq.Parallel(model), jnp.asarray(x), jnp.asarray(x_next))
    both = [np.sum(np.log(2 * np.cosh(f))) for f in (h_next, h)]
    change = 0.0  # of ln 2 cosh h(x'), less its noise at each site
    for i in range(5):
        flipped = H + J @ np.where(np.arange(5) == i, -x_next, x_next)
        p = 1 / (1 + np.exp(2 * x_next[i] * h[i]))
        change += p * (np.sum(np.log(2 * np.cosh(flipped))) - both[0])
    assert abs(flow - (linear(np.tanh(h)) + both[0] - both[1] + change)) < 1e-12


def test_a_pair_the_clock_cannot_make_is_refused_unless_it_is_masked():
    x, x_next = jnp.ones((3, 4)), jnp.ones((3, 4)).at[1, :2].set(-1)
    sequential = nq.Sequential(network(4))
    for flow in (entropy_flow, flow_over_outcomes, flow_over_sites):
        with pytest.raises(ValueError, match="Sequential cannot make"):
            MeanFlow(sequential, flow)(nq.Transitions(x, x_next))
        masked = MeanFlow(sequential, flow)(nq.Transitions(x, x_next, weight=jnp.array([1.0, 0.0, 1.0])))
        assert jnp.isfinite(masked.value)


def test_unit_is_that_of_the_transitions_where_they_name_one():
    x = nq.random_spins(jax.random.key(0), (20, 4))
    dynamics = nq.Parallel(network(4))
    assert MeanFlow(dynamics)(nq.Transitions(x[:-1], x[1:])).unit is nq.Unit.per_step
    assert MeanFlow(dynamics)(nq.Transitions(x[:-1], x[1:], unit=nq.Unit.per_bin)).unit is nq.Unit.per_bin


def test_flows_of_several_chunks_are_the_formula_written_out():
    spins = np.asarray(nq.random_spins(jax.random.key(0), (70_001, 2)))
    dynamics = nq.Parallel(network(2))
    t = nq.Transitions(spins[:-1], spins[1:])
    h = lambda s: s @ np.asarray(dynamics.model.J).T + np.asarray(dynamics.model.H)  # noqa: E731
    x, y = spins[:-1].astype(float), spins[1:].astype(float)
    direct = np.sum(y * h(x) - x * h(y) + np.log(np.cosh(h(y)) / np.cosh(h(x))), axis=1)
    assert abs(MeanFlow(dynamics)(t).value - direct.mean()) < 1e-12

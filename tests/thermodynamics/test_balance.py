"""Entropy balances, cycles and shares of spins, against closed forms, published values and sums written out."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import nonequil as nq

th = nq.thermodynamics


def three_ring(a, b):
    return nq.MarkovChain(jnp.array([[1 - a - b, a, b], [b, 1 - a - b, a], [a, b, 1 - a - b]]))


def driven_ring(E, F):
    """Rates exp((E_i - E_j + F / 3) / 2) around three states, and their inverses back."""
    here, there = jnp.arange(3), (jnp.arange(3) + 1) % 3
    w = jnp.exp((E[here] - E[there] + F / 3) / 2)
    return nq.JumpProcess(jnp.zeros((3, 3)).at[here, there].set(w).at[there, here].set(1 / w))


def ratchet(V):
    """Three places with potential 0, V, 2 V when it is on; on <-> off with weight 1; a jump at each step."""
    E = jnp.concatenate([V * jnp.arange(3.0), jnp.zeros(3)])
    place, on = jnp.arange(6) % 3, jnp.arange(6) < 3
    moves = (place[:, None] != place[None]) & (on[:, None] == on[None])
    switches = (place[:, None] == place[None]) & (on[:, None] != on[None])
    weight = jnp.where(moves, jnp.exp((E[:, None] - E[None]) / 2), jnp.where(switches, 1.0, 0.0))
    return nq.MarkovChain(weight / jnp.sum(weight, 1, keepdims=True))


@pytest.mark.parametrize(
    "estimate, value",
    [
        (lambda: th.exact(three_ring(0.6, 0.3)).value, 0.2079441541679836),
        (lambda: th.exact(three_ring(0.8, 0.1)).value, 1.4556090791758851),
        (lambda: th.balance(driven_ring(jnp.zeros(3), 3.0)).production, 1.0421906110),
        (lambda: th.balance(driven_ring(jnp.array([0, 1, -0.5]), 2.0)).production, 0.3695826724),
    ],
    ids=["ring .6 .3", "ring .8 .1", "ring F = 3", "ring with energies, F = 2"],
)
def test_closed_forms(estimate, value):
    np.testing.assert_allclose(estimate(), value, atol=5e-11)


@pytest.mark.published
@pytest.mark.parametrize("V, value", [(1.0, 0.062364), (2.0, 0.213069), (3.0, 0.398201), (5.0, 0.778371)])
def test_flashing_ratchet(V, value):
    """Kim, Bae, Lee & Jeong, PRL 125, 140604 (2020) print 0.3982 for V = 3."""
    np.testing.assert_allclose(th.exact(ratchet(V)).value, value, atol=6e-7)


def random_chain(key, states):
    P = jr.uniform(key, (states, states)) ** 3
    return nq.MarkovChain(P / jnp.sum(P, 1, keepdims=True))


@pytest.mark.parametrize("seed", range(3))
def test_balance_of_a_step(seed):
    """Against the definitions, written with the joint laws of the pair and of its reversal."""
    chain, law = random_chain(jr.key(seed), 5), jr.dirichlet(jr.key(10 + seed), jnp.ones(5))
    enumeration = nq.enumerate_states(chain)
    found = th.balance(enumeration, law)
    P, p, pi = (np.asarray(a) for a in (chain.P, law, enumeration.stationary))
    q = p @ P
    production = np.sum(p[:, None] * P * np.log(p[:, None] * P / (q[:, None] * P).T))
    kept = np.sum(p[:, None] * P * np.log(pi[:, None] * P / (pi[:, None] * P).T))
    np.testing.assert_allclose([found.production, found.housekeeping], [production, kept], rtol=1e-11)
    np.testing.assert_allclose(found.excess, np.sum(p * np.log(p / pi)) - np.sum(q * np.log(q / pi)), rtol=1e-10)
    np.testing.assert_allclose(found.production, found.housekeeping + found.excess, rtol=1e-11)
    assert found.housekeeping > 0
    assert found.excess > 0
    assert found.irreversible == 0
    rest = th.balance(enumeration)
    np.testing.assert_allclose(rest.production, th.exact(chain).value, rtol=1e-12)
    assert abs(rest.excess) < 1e-13
    assert abs(rest.entropy_change) < 1e-13


def test_balance_in_time_is_that_of_a_short_step():
    """Two reservoirs: rates from a finite difference of laws, and from chains of short steps for the split."""
    hot, cold = jr.uniform(jr.key(0), (4, 4)), 3 * jr.uniform(jr.key(1), (4, 4)) ** 2
    process, law = nq.JumpProcess(jnp.stack([hot, cold])), jnp.array([0.1, 0.2, 0.3, 0.4])
    found = th.balance(process, law)
    assert found.unit is nq.Unit.per_second
    w = np.asarray(process.rates)
    p = np.asarray(law)
    pairs = p[:, None] * w * (np.log(np.where(w > 0, w, 1)) - np.log(np.where(w > 0, w, 1)).transpose(0, 2, 1))
    np.testing.assert_allclose(found.flow_by_channel, pairs.sum((1, 2)), rtol=1e-12)
    logs = np.log(p)
    np.testing.assert_allclose(
        found.production_by_channel.sum(),
        pairs.sum() + np.sum(p[:, None] * w * (logs[:, None] - logs[None])),
        rtol=1e-12,
    )
    total, step = w.sum(0), 1e-6
    generator = total - np.diag(total.sum(1))
    _pi, _ = nq.simulation.stationary_law(process)
    short = nq.enumerate_states(nq.MarkovChain(jnp.eye(4) + step * generator))
    split = th.balance(short, law)
    np.testing.assert_allclose(found.excess, split.excess / step, rtol=1e-5)
    np.testing.assert_allclose(found.entropy_change, split.entropy_change / step, rtol=1e-5)
    assert split.production / step < found.production  # channels summed first hide dissipation
    assert th.balance(process).production > found.flow * 0
    assert abs(th.balance(process).excess) < 1e-14


def test_an_irreversible_step_is_reported():
    chain = nq.MarkovChain(jnp.array([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5], [0.3, 0.2, 0.5]]))
    found = th.balance(nq.enumerate_states(chain))
    pi, _ = nq.simulation.stationary_law(chain)
    np.testing.assert_allclose(found.irreversible, 0.5 * pi[0] + 0.3 * pi[2], rtol=1e-12)
    assert found.flow == jnp.inf
    assert th.exact(chain).value == jnp.inf
    with pytest.raises(ValueError, match="the step from 0 to 1"):
        th.cycles(chain)


def test_equilibrium_produces_nothing():
    """Detailed balance with any energies, in every channel, in steps and in time."""
    E = jr.normal(jr.key(2), (5,))
    strength = jr.uniform(jr.key(3), (2, 5, 5))
    rates = (strength + strength.swapaxes(1, 2)) * jnp.exp((E[:, None] - E[None]) / 2)[None]
    found = th.balance(nq.JumpProcess(rates))
    assert abs(found.production) < 1e-14
    assert np.all(np.abs(found.flow_by_channel) < 1e-14)
    around = th.cycles(nq.JumpProcess(rates))
    assert np.all(np.abs(around.affinities) < 1e-14)
    assert around.affinities.size == 2 * 10 - 4


@pytest.mark.parametrize("seed", range(2))
def test_cycles_carry_the_whole_production(seed):
    chain = random_chain(jr.key(seed), 6)
    around = th.cycles(chain)
    np.testing.assert_allclose(around.currents @ around.affinities, th.exact(chain).value, rtol=1e-11)
    ends = np.zeros((around.edges.shape[0], 6))
    rows = np.arange(len(ends))
    ends[rows, around.edges[:, 1]], ends[rows, around.edges[:, 2]] = -1, 1
    assert not np.any(np.asarray(around.members) @ ends)  # every cycle closes
    assert np.linalg.matrix_rank(np.asarray(around.members)) == len(ends) - 6 + 1


def test_cycles_of_the_driven_ring():
    around = th.cycles(driven_ring(jnp.array([0, 1, -0.5]), 2.0))
    np.testing.assert_allclose(np.abs(around.currents), 0.1847913362, atol=5e-11)
    np.testing.assert_allclose(np.abs(around.affinities), 2.0, atol=1e-12)
    ring = lambda F: driven_ring(jnp.array([0, 1, -0.5]), F)  # noqa: E731
    through_cycles = jax.grad(lambda F: jnp.vdot(th.cycles(ring(F)).currents, th.cycles(ring(F)).affinities))(2.0)
    np.testing.assert_allclose(through_cycles, jax.grad(lambda F: th.balance(ring(F)).production)(2.0), rtol=1e-11)
    with pytest.raises(ValueError, match="outside jit"):
        jax.jit(lambda F: th.cycles(driven_ring(jnp.zeros(3), F)).currents)(1.0)


J = np.array([[0, -0.3, 0.2, -1.4], [1.1, 0, 0.5, -0.3], [-0.4, 0.1, 0, 0.6], [-0.7, -0.1, 0.6, 0]])
MODEL = nq.Ising(jnp.asarray(J), jnp.asarray([0.1, -0.5, 0.3, 0.1]))


@pytest.mark.parametrize("clock", [nq.Parallel, nq.Sequential, nq.ContinuousTime])
def test_shares_of_spins_add_up(clock):
    total, shares = th.exact(clock(MODEL)), th.exact(clock(MODEL), flow=th.flow_by_site)
    assert shares.value.shape == (4,)
    np.testing.assert_allclose(jnp.sum(shares.value), total.value, rtol=1e-11)


def test_shares_of_spins_under_parallel_steps():
    """Cross entropy of predicting a spin backwards less its conditional entropy forwards, from the law itself."""
    enumeration = nq.enumerate_states(nq.Parallel(MODEL))
    x, p = np.asarray(enumeration.states, float), np.asarray(enumeration.stationary)
    h = np.asarray(MODEL.H) + x @ J.T
    joint = p[:, None] * np.exp(np.asarray(enumeration.log_p))
    forwards = p @ (np.log(2 * np.cosh(h)) - h * np.tanh(h))
    backwards = np.einsum("ab,bi->i", joint, np.log(2 * np.cosh(h))) - np.einsum("ab,ai,bi->i", joint, x, h)
    shares = th.exact(nq.Parallel(MODEL), flow=th.flow_by_site).value
    np.testing.assert_allclose(shares, backwards - forwards, atol=1e-13)


def test_conditional_shares_are_never_negative():
    """Each attempt hits a spin with probability 1 / n, so shares an attempt are those of continuous time over n."""
    shares = th.production_by_site(nq.enumerate_states(nq.Sequential(MODEL))).value
    assert np.all(shares >= 0)
    assert np.any(th.exact(nq.Sequential(MODEL), flow=th.flow_by_site).value < 0)
    np.testing.assert_allclose(jnp.sum(shares), th.exact(nq.Sequential(MODEL)).value, rtol=1e-11)
    in_time = th.balance(nq.dynamics.jump_process(nq.ContinuousTime(MODEL))).production_by_channel
    np.testing.assert_allclose(shares * 4, in_time, rtol=1e-10)


def test_a_network_in_continuous_time_as_a_jump_process():
    clock = nq.ContinuousTime(MODEL, rate=2.0)
    process = nq.dynamics.jump_process(clock)
    per_flip = th.exact(clock)
    found = th.balance(process)
    np.testing.assert_allclose(found.production, per_flip.per_second(per_flip.details["duration"]).value, rtol=1e-11)
    with pytest.raises(ValueError, match="steps take random times"):
        th.balance(nq.enumerate_states(clock))
    with pytest.raises(ValueError, match="n = 11"):
        nq.dynamics.jump_process(nq.ContinuousTime(nq.Ising(jnp.zeros((11, 11)), jnp.zeros(11))))
    with pytest.raises(ValueError, match="dynamics = Parallel: only steps of one spin"):
        th.production_by_site(nq.enumerate_states(nq.Parallel(MODEL)))


def test_sampled_shares_are_those_of_the_law():
    dynamics = nq.Sequential(MODEL)
    x0 = nq.random_spins(jr.key(6), (32, 4))
    _, (record,) = nq.simulate(dynamics, x0, steps=8000, key=jr.key(7), burn_in=200, every=1, observers=(nq.Record(),))
    estimate = th.MeanFlow(dynamics, th.flow_by_site)(record)
    exact = th.exact(dynamics, flow=th.flow_by_site).value
    assert np.all(np.abs(estimate.value - exact) < 4.5 * estimate.stderr)
    assert np.all(estimate.stderr < 0.1 * np.max(np.abs(exact)))

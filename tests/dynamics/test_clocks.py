"""Every clock: its probabilities sum to one, its steps follow them, and its arrow of time is that of its couplings."""

import functools as ft

import drawn
import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
import scipy.stats

import nonequil as nq
from nonequil import numerics
from nonequil.dynamics._base import log_prob_all

N = 4
DRIVE = jnp.array([0.3, -0.2, 0.1, 0.4])


def network(n=N, seed=0, self_coupling=True):
    return drawn.network(n, seed, J0=0.2, dJ=1.2, H0=0.1, dH=0.4, self_coupling=self_coupling)


def lagged(n=2, lags=2):
    return nq.LaggedIsing(0.6 * drawn.normal((lags, n, n), 5), 0.2 * drawn.normal(n, 6))


CLOCKS = {
    "parallel": (nq.Parallel(network()), DRIVE),
    "sequential": (nq.Sequential(network()), DRIVE),
    "continuous": (nq.ContinuousTime(network(self_coupling=False), rate=2.0), DRIVE),
    "window": (nq.Autoregressive(lagged(), 2), DRIVE[:2]),
}
clocks = pytest.mark.parametrize("clock, drive", CLOCKS.values(), ids=CLOCKS)
driven = pytest.mark.parametrize("on", [False, True], ids=["free", "driven"])


def step_log_prob(clock, x, x_next, drive):
    """Log probability of the step, the density of the next hold left out."""
    if isinstance(clock, nq.ContinuousTime):  # the density of a hold of zero is the total rate
        return clock.log_prob(x, (x_next[0], jnp.zeros(())), drive) - jnp.log(total_rate(clock, x_next[0], drive))
    return clock.log_prob(x, x_next, drive)


@eqx.filter_jit
def log_prob_table(clock, states, drive):
    return jax.vmap(lambda a: jax.vmap(lambda b: step_log_prob(clock, a, b, drive))(states))(states)


def total_rate(clock, spins, drive):
    h = clock.model.field(spins, drive)
    return jnp.sum(clock.rate * (1 - spins.astype(float) * jnp.tanh(h)) / 2)


@clocks
@driven
def test_log_prob_is_normalised(clock, drive, on):
    drive = drive if on else None
    states = clock.states(drive)
    assert jnp.allclose(jnp.exp(log_prob_table(clock, states, drive)).sum(axis=1), 1, atol=1e-12)


@clocks
@driven
def test_outcomes_list_every_possible_step_once(clock, drive, on):
    drive = drive if on else None
    states = clock.states(drive)
    table = jnp.exp(log_prob_table(clock, states, drive))

    @jax.jit
    @jax.vmap
    def row(x):
        outcomes, log_p = clock.outcomes(x, drive)
        return jnp.zeros(16).at[jax.vmap(clock.index)(outcomes)].add(jnp.exp(log_p))

    assert jnp.allclose(row(states), table, atol=1e-12)
    assert jnp.array_equal(jax.vmap(clock.index)(states), jnp.arange(16))


@clocks
@driven
def test_step_follows_log_prob(clock, drive, on):
    """10**6 steps in all from 16 states: chi-square of each state's outcomes, then of all of them together."""
    drive = drive if on else None
    states = clock.states(drive)
    keys = numerics.chain_keys(jr.key(17), 250)

    @jax.jit
    @jax.vmap
    def counts(x):
        steps = jax.vmap(lambda key: jax.vmap(lambda i: clock.step(x, i, key=key, drive=drive))(jnp.arange(250)))(keys)
        reached = jax.vmap(jax.vmap(clock.index))(steps)
        return jnp.zeros(16, int).at[reached.reshape(-1)].add(1)

    expected, seen = 62500 * np.exp(np.asarray(log_prob_table(clock, states, drive))), np.asarray(counts(states))
    assert seen.sum() == 1_000_000
    assert seen[expected == 0].sum() == 0
    common = expected > 5
    chi2 = ((seen - expected)[common] ** 2 / expected[common]).sum()
    freedom = common.sum() - 16  # each state's counts are fixed by their sum
    assert 1e-3 < scipy.stats.chi2.sf(chi2, freedom) < 1 - 1e-3


@clocks
def test_reverse_is_an_involution(clock, drive):
    states = clock.states()
    x, x_next = (jax.tree.map(lambda leaf, k=k: leaf[k], states) for k in (3, 11))
    back = clock.reverse(*clock.reverse(x, x_next, drive))
    assert eqx.tree_equal(back, (x, x_next, drive))


@clocks
def test_log_prob_has_finite_gradients_also_where_a_pair_is_impossible(clock, drive):
    states = clock.states()

    def value(clock, a, b):
        return jnp.where(jnp.isfinite(p := clock.log_prob(a, b, drive)), p, 0)

    rows = eqx.filter_jit(jax.vmap(lambda a: jax.vmap(lambda b: eqx.filter_grad(value)(clock, a, b))(states)))(states)
    assert all(jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(eqx.filter(rows, eqx.is_inexact_array)))


@clocks
def test_log_prob_gradient_against_finite_differences(clock, drive, getkey):
    x = jax.tree.map(lambda leaf: leaf[5], clock.states())
    x_next = jax.jit(lambda x: jax.tree.map(lambda leaf: leaf[1], clock.outcomes(x, drive)[0]))(x)
    flat, rebuild = jax.flatten_util.ravel_pytree(eqx.filter(clock, eqx.is_inexact_array))
    rest = eqx.filter(clock, eqx.is_inexact_array, inverse=True)
    value = jax.jit(lambda flat: eqx.combine(rebuild(flat), rest).log_prob(x, x_next, drive))
    direction = jr.normal(getkey(), flat.shape)
    slope = (value(flat + 1e-5 * direction) - value(flat - 1e-5 * direction)) / 2e-5
    assert jnp.allclose(jax.grad(value)(flat) @ direction, slope, rtol=1e-7)


UP, TWO, HELD = jnp.array([1, 1, 1, 1]), jnp.array([-1, -1, 1, 1]), jnp.array(0.5)


@pytest.mark.parametrize(
    "clock, x, x_next",
    [
        (nq.Sequential(network()), UP, TWO),
        (nq.ContinuousTime(network()), (UP, HELD), (UP, HELD)),
        (nq.ContinuousTime(network()), (UP, HELD), (TWO, HELD)),
        (nq.Autoregressive(lagged(), 2), jnp.array([[1, 1], [1, -1]]), jnp.array([[1, 1], [1, 1]])),
    ],
)
def test_impossible_pairs_have_probability_zero(clock, x, x_next):
    assert clock.log_prob(x, x_next) == -jnp.inf


@pytest.mark.parametrize("clock", [nq.Parallel, nq.Sequential, nq.ContinuousTime])
@pytest.mark.parametrize("beta", [0.5, 2.0])
def test_symmetric_couplings_have_no_arrow_of_time(clock, beta):
    J = network(5, seed=2, self_coupling=False).J
    for J, still in ((J + J.T, True), (J, False)):
        dynamics = clock(nq.Ising(beta * J, beta * jnp.linspace(-0.5, 0.5, 5)))
        t = nq.enumerate_states(dynamics).transitions()
        production = mean_flow(dynamics, t)
        assert jnp.abs(production) < 1e-12 if still else production > 0.01
        if still:  # detailed balance, pair by pair, of the law itself
            P = matrix(dynamics)
            law = nq.enumerate_states(dynamics).stationary
            assert jnp.allclose(law[:, None] * P, (law[:, None] * P).T, atol=1e-13)


@eqx.filter_jit
def mean_flow(dynamics, t):
    flow = jax.vmap(lambda a, b: nq.thermodynamics.entropy_flow(dynamics, a, b))(t.x, t.x_next)
    return jnp.sum(t.weight * flow)


def matrix(dynamics):
    e = nq.enumerate_states(dynamics)
    return jnp.zeros((len(e.log_p),) * 2).at[jnp.arange(len(e.log_p))[:, None], e.next].add(jnp.exp(e.log_p))


def test_sequential_with_self_coupling_keeps_its_exact_closed_form():
    """The flow of one attempt: f_i (-2 x_i a_i + ln cosh(a_i - J_ii x_i) - ln cosh(a_i + J_ii x_i)) / n for each site.

    a_i is the field without the self-coupling and f_i the probability that an attempt flips the spin.
    """
    dynamics = nq.Sequential(network())
    e = nq.enumerate_states(dynamics)
    x = e.states.astype(float)
    h = jax.vmap(dynamics.model.field)(e.states)
    diagonal = jnp.diag(dynamics.model.J)[None]
    a = h - diagonal * x
    f = jnp.exp(-x * h) / (2 * jnp.cosh(h))
    log_cosh = lambda h: jnp.log(jnp.cosh(h))  # noqa: E731
    expected = (
        e.stationary @ (f * (-2 * x * a + log_cosh(a - diagonal * x) - log_cosh(a + diagonal * x))).sum(axis=1) / N
    )
    assert jnp.allclose(mean_flow(dynamics, e.transitions()), expected, atol=1e-12)


def test_log_prob_all_is_the_product_of_sites(getkey):
    h, states = 3 * jr.normal(getkey(), (N,)), nq.Parallel(network()).states()
    expected = jax.nn.log_sigmoid(2 * states.astype(float) * h[None]).sum(axis=1)
    assert jnp.allclose(log_prob_all(h, states), expected, atol=1e-14)


@pytest.mark.compiled
@pytest.mark.parametrize("what", ["flops", "bytes accessed"])
def test_a_sequential_attempt_costs_one_row(what):
    """Twice the spins, about twice the cost: a whole product J x would cost four times as much."""

    def cost(n, clock):
        x, model = jnp.ones(n, jnp.int8), nq.Ising(jnp.ones((n, n)), jnp.ones(n))
        step = jax.jit(lambda model, x, i, key: clock(model).step(x, i, key=key))
        return step.lower(model, x, 0, jr.key(0)).compile().cost_analysis()[what]

    small, large = cost(512, nq.Sequential), cost(1024, nq.Sequential)
    assert large < 2.3 * small
    assert large < 0.05 * cost(1024, nq.Parallel)


@pytest.mark.parametrize(
    "clock", [nq.Parallel, nq.Sequential, nq.ContinuousTime, ft.partial(nq.Autoregressive, lags=2)]
)
def test_clocks_are_built_under_jit_grad_and_vmap(clock):
    model = lagged() if isinstance(clock, ft.partial) else network()

    def value(model):
        dynamics = clock(model)
        states = dynamics.states()
        x = jax.tree.map(lambda leaf: leaf[3], states)
        _, log_p = dynamics.outcomes(x)
        return log_p[0]

    many = jax.tree.map(lambda leaf: jnp.stack([leaf, 0 * leaf]), model)
    one, both = jax.jit(value)(model), jax.jit(jax.vmap(value))(many)
    assert jnp.allclose(both[0], one)
    assert jnp.any(jax.jit(jax.grad(value))(model).J != 0)


@pytest.mark.parametrize("clock", [nq.ContinuousTime, ft.partial(nq.Thinning, protocol=lambda t: jnp.zeros(N))])
def test_rates_are_checked(clock):
    with pytest.raises(ValueError, match="rate must be finite and not negative: rate = -1"):
        clock(network(), rate=-1.0)
    built = jax.jit(lambda rate: clock(network(), rate=rate).rate)
    assert built(2.0) == 2
    with pytest.raises(Exception, match="rate must be finite and not negative"):
        jax.block_until_ready(built(-1.0))
    assert jax.grad(lambda rate: clock(network(), rate=rate).rate ** 2)(3.0) == 6
    assert jnp.array_equal(jax.vmap(lambda rate: clock(network(), rate=rate).rate)(jnp.arange(3.0)), jnp.arange(3.0))


def test_windows_need_a_row():
    with pytest.raises(ValueError, match="lags = 0"):
        nq.Autoregressive(lagged(), 0)


def test_too_many_states_are_not_listed():
    with pytest.raises(ValueError, match=r"n = 64 .* limit is n = 16"):
        nq.Parallel(network(64)).states()

"""Chains on numbered states, jump processes and linear Langevin systems: steps follow the law that is scored."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
import scipy.linalg
import scipy.stats

import nonequil as nq

P = jnp.array([[0.1, 0.6, 0.3, 0.0], [0.3, 0.1, 0.5, 0.1], [0.6, 0.3, 0.1, 0.0], [0.0, 0.25, 0.0, 0.75]])
RATES = jnp.array([[[0, 1.0, 0.5], [2.0, 0, 0.3], [0.4, 1.5, 0]], [[0, 0.2, 0], [0.7, 0, 0], [0, 0, 0]]])
DRAWS = 20_000


def stepped(dynamics, x, draws=DRAWS):
    """Where `draws` steps from `x` lead."""
    keys = nq.numerics.chain_keys(jr.key(7), draws)
    return jax.vmap(lambda key: dynamics.step(x, jnp.asarray(3), key=key))(keys)


@pytest.mark.parametrize("start", range(4))
def test_a_chain_steps_by_its_matrix(start):
    chain = nq.MarkovChain(P)
    counts = np.bincount(np.asarray(stepped(chain, jnp.asarray(start))), minlength=4)
    held = np.asarray(P[start]) > 0
    assert not counts[~held].any()
    assert scipy.stats.chisquare(counts[held], DRAWS * np.asarray(P[start])[held]).pvalue > 1e-3
    states, log_p = chain.outcomes(jnp.asarray(start))
    np.testing.assert_allclose(jnp.exp(log_p), P[start], atol=1e-15)
    assert [float(chain.log_prob(jnp.asarray(start), b)) for b in states] == log_p.tolist()


def test_a_chain_never_takes_a_step_of_probability_zero():
    """Also where the largest uniform number, times a sum above one, rounds up to the sum."""
    from nonequil.dynamics._markov_chain import pick

    weights = jnp.array([0.0, 0.7, 0.3, 0.0]) * (1 + 2.0**-23)
    for u in (0.0, 1 - 2.0**-24):
        assert weights[pick(weights.astype(jnp.float32), jnp.float32(u))] > 0


@pytest.mark.parametrize("start", range(3))
def test_a_jump_process_waits_and_jumps_by_its_rates(start):
    process = nq.JumpProcess(RATES)
    state, channel, held = stepped(process, process.hold(jnp.asarray(start), key=jr.key(0)))
    expected = np.asarray(RATES[:, start] / process.leaving[start]).ravel()
    counts = np.bincount(np.asarray(channel * 3 + state), minlength=6)
    assert not counts[expected == 0].any()
    assert scipy.stats.chisquare(counts[expected > 0], DRAWS * expected[expected > 0]).pvalue > 1e-3
    rate = np.asarray(process.leaving)[np.asarray(state)]
    assert scipy.stats.kstest(np.asarray(held) * rate, "expon").pvalue > 1e-3


def test_a_jump_keeps_its_channel_when_reversed():
    process = nq.JumpProcess(RATES)
    x, x_next = (jnp.asarray(0), jnp.asarray(1), jnp.asarray(0.3)), (jnp.asarray(1), jnp.asarray(0), jnp.asarray(0.9))
    back = process.reverse(x, x_next)
    assert [leaf.item() for leaf in jax.tree.leaves(process.reverse(*back))] == [0, 1, 0.3, 1, 0, 0.9]
    flow = nq.thermodynamics.entropy_flow(process, x, x_next)
    jump = np.log(RATES[0, 0, 1] / RATES[0, 1, 0])
    leave = np.asarray(process.leaving)
    holds = 2 * np.log(leave[1] / leave[0]) - leave[1] * 0.9 + leave[0] * 0.3  # zero on average
    np.testing.assert_allclose(flow, jump + holds, rtol=1e-12)


@pytest.mark.parametrize("dynamics, x0", [(nq.MarkovChain(P), jnp.zeros(64, jnp.int32))])
def test_a_simulated_chain_settles_into_its_law(dynamics, x0):
    _, (mean,) = nq.simulate(
        dynamics,
        x0,
        steps=2000,
        key=jr.key(1),
        burn_in=50,
        observers=(nq.Mean(lambda x, _: jnp.arange(4, dtype=x.dtype) == x),),
    )
    law, result = nq.simulation.stationary_law(dynamics)
    assert result == nq.RESULTS.successful
    np.testing.assert_allclose(law @ P, law, atol=1e-15)
    assert np.all(np.abs(mean.value - law) < 4.5 * mean.stderr)


def test_time_shares_of_a_jump_process():
    """The law in time is the null vector of the generator; the law over jumps, times the mean hold, is the same."""
    process = nq.JumpProcess(RATES)
    w = np.asarray(RATES.sum(0) - jnp.diag(process.leaving))
    null = scipy.linalg.null_space(w.T)[:, 0]
    law, _ = nq.simulation.stationary_law(process)
    np.testing.assert_allclose(law, null / null.sum(), atol=1e-14)
    jumps = nq.enumerate_states(process).stationary.reshape(2, 3).sum(0) / process.leaving
    np.testing.assert_allclose(jumps / jumps.sum(), law, atol=1e-14)


def test_a_linear_system_steps_by_its_gaussian():
    process = nq.OrnsteinUhlenbeck(jnp.array([[-1.0, 2.0], [-0.5, -1.5]]), jnp.array([[1.0, 0.3], [0.0, 0.7]]), dt=0.4)
    A, D = np.asarray(process.A), np.asarray(process.diffusion)
    S = scipy.linalg.solve_continuous_lyapunov(A, -2 * D)
    np.testing.assert_allclose(process.covariance, S, atol=1e-14)
    F = scipy.linalg.expm(0.4 * A)
    x = jnp.array([0.5, -1.0])
    law = scipy.stats.multivariate_normal(F @ np.asarray(x), S - F @ S @ F.T)
    y = jnp.array([0.3, 0.2])
    np.testing.assert_allclose(process.log_prob(x, y), law.logpdf(y), atol=1e-12)
    drawn = np.asarray(stepped(process, x))
    whitened = np.linalg.solve(np.linalg.cholesky(law.cov), (drawn - law.mean).T)
    assert all(scipy.stats.kstest(row, "norm").pvalue > 1e-3 for row in whitened)
    assert abs(np.corrcoef(whitened)[0, 1]) < 4 / np.sqrt(DRAWS)


@pytest.mark.parametrize("slow", [1.0, 1e-3, 1e-7])
def test_covariances_of_stiff_systems(slow):
    A = jnp.array([[-slow, 0.5 * slow, 0], [0, -1.0, 3.0], [0.1 * slow, -3.0, -2.0]])
    S = nq.numerics.lyapunov(A, jnp.eye(3))
    np.testing.assert_allclose(S, scipy.linalg.solve_continuous_lyapunov(np.asarray(A), -np.eye(3)), rtol=1e-7)
    assert np.isnan(nq.numerics.lyapunov(-A, jnp.eye(3))).all()


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: nq.MarkovChain(P.T), r"transposed\): row sum = 1"),
        (lambda: nq.MarkovChain(-P), "P must be finite and not negative"),
        (lambda: nq.MarkovChain(P[:2]), "must be square"),
        (lambda: nq.JumpProcess(-RATES), "rates must be finite and not negative"),
        (lambda: nq.JumpProcess(RATES[:, :2]), r"rates\[r, a, b\] of jumps from a to b"),
        (lambda: nq.OrnsteinUhlenbeck(jnp.eye(2), jnp.eye(3)), r"A has shape \(2, 2\), B \(3, 3\)"),
        (lambda: nq.OrnsteinUhlenbeck(-jnp.eye(2), jnp.eye(2), dt=-0.1), "dt must be finite and not negative"),
    ],
)
def test_bad_systems_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_a_traced_matrix_is_checked_too():
    with pytest.raises(RuntimeError, match="rows of P must sum to one"):
        jax.block_until_ready(eqx.filter_jit(lambda P: nq.MarkovChain(P).P)(0.5 * P))

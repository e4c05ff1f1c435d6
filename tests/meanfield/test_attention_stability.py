"""Where the forced cycle of self-attention networks loses its stability, and exponents on it."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import nonequil as nq
from nonequil.ensembles._attention_segments import SEGMENTS

NET = jax.tree.map(lambda leaf: leaf.astype(leaf.dtype), nq.attention.standard(n_bits=2, beta=1.1))  # no weak types


def at(beta):
    return dataclasses.replace(NET, beta=jnp.asarray(beta, float))


critical = jax.jit(jax.value_and_grad(lambda net: nq.attention.critical_beta(net)))


@pytest.fixture(scope="module")
def transition():
    """The critical beta of the published network, and its derivatives."""
    return critical(NET)


@pytest.mark.published
def test_published_transition(transition):
    assert abs(transition[0] - 1.243445) < 1e-6


def test_the_transition_does_not_read_beta(transition):
    assert abs(critical(at(2.3))[0] - transition[0]) < 1e-12
    assert transition[1].beta == 0


@pytest.mark.parametrize("leaf, step", [("eps", 1e-5), ("gamma", 1e-2), ("omega", 1e-5)])
def test_derivatives_of_the_transition(leaf, step, transition):
    x = getattr(NET, leaf)
    direction = jax.random.normal(jax.random.key(1), x.shape)
    either = [critical(dataclasses.replace(NET, **{leaf: x + sign * step * direction}))[0] for sign in (1, -1)]
    slope = (either[0] - either[1]) / (2 * step)
    assert abs(jnp.sum(getattr(transition[1], leaf) * direction) - slope) < 2e-6 * abs(slope) + 1e-9
    assert abs(slope) > 1e-6


UNFORCED = {1: 1.11917803, 4: 1.22123636, 32: 1.28444525}


@pytest.mark.published
@pytest.mark.parametrize("window", UNFORCED)
def test_published_transitions_without_positions(window):
    net = nq.attention.from_patterns(*SEGMENTS, window=window, beta=1.0, gamma=127.0)
    beta = float(nq.attention.critical_beta(net))
    assert abs(beta - UNFORCED[window]) < 1e-8
    multipliers = np.concatenate([delay_line(beta * mu / window, window) for mu in eigenvalues()])
    assert abs(np.max(np.abs(multipliers)) - 1) < 1e-8


def eigenvalues():
    """Of C = <W^value W^out>."""
    return np.linalg.eigvals(SEGMENTS[1] @ SEGMENTS[0].T / 3)


def delay_line(gain, window):
    """Roots of lambda^L = gain (lambda^(L-1) + ... + 1)."""
    return np.roots(np.concatenate([[1], np.full(window, -gain)]))


def test_the_correlation_of_value_and_out_patterns():
    found = sorted(eigenvalues(), key=lambda mu: (mu.real, mu.imag))
    assert np.allclose(found, [-0.7422575, 0.5377954 - 0.7135415j, 0.5377954 + 0.7135415j], rtol=0, atol=1e-7)


@pytest.fixture(scope="module")
def cycle():
    return nq.attention.cycle(NET)


@pytest.mark.published
def test_published_multiplier_of_the_forced_cycle(cycle):
    growth = np.abs(np.asarray(cycle.multipliers))
    assert np.allclose(growth[:2], 0.82899648, rtol=0, atol=1e-8)
    assert abs(np.log(growth[0]) / 4 + 0.0468849) < 1e-7
    assert bool(cycle.stable)


def test_the_cycle_is_what_tokens_settle_to_and_its_multipliers_are_those_of_the_window(cycle):
    """Against differences of the map on full windows of attentions, of which carried keys and values are functions."""
    orbit = nq.attention.trajectory(NET, steps=4, transient=1003)  # the last token has position 1007 mod 4 = 3
    assert np.allclose(cycle.states.attention[0].ravel(), orbit.attention[-1], rtol=0, atol=1e-14)

    @jax.jit
    def round(window):
        start = nq.attention.state_of_window(NET, window.reshape(4, 1, 3))
        return nq.attention.trajectory(NET, steps=4, start=start).attention[::-1].ravel()

    window = orbit.attention[::-1].ravel()
    assert np.allclose(round(window), window, rtol=0, atol=1e-14)
    jacobian = np.stack([(round(window + move) - round(window - move)) / 2e-6 for move in 1e-6 * np.eye(12)], axis=1)
    found = np.sort(np.abs(np.linalg.eigvals(jacobian)))[::-1]
    assert np.allclose(np.abs(cycle.multipliers[:4]), found[:4], rtol=0, atol=1e-6)


@pytest.mark.published
def test_published_exponents():
    """On the forced cycle, by averages; in chaos at beta = 1.4."""
    run = lambda beta: nq.attention.lyapunov(at(beta), count=2, steps=20_000, transient=2000)  # noqa: E731
    found = jax.jit(jax.vmap(run))(jnp.array([1.1, 1.4]))
    assert np.all(np.abs(found.value[0] + 0.0468849) < 2e-4)
    assert np.all(np.abs(found.value[1] - np.array([0.075, -0.133])) < 0.005 + 3 * found.stderr[1])


def test_the_cycle_without_positions_is_rest():
    net = dataclasses.replace(NET, eps=jnp.zeros(()))
    cycle = nq.attention.cycle(net)
    assert np.max(np.abs(cycle.states.attention)) < 1e-14
    expected = np.concatenate([delay_line(1.1 * mu / 4, 4) for mu in eigenvalues()]) ** 4
    found = np.abs(np.asarray(cycle.multipliers))
    assert np.allclose(found[:12], np.sort(np.abs(expected))[::-1], rtol=0, atol=1e-9)


def test_no_transition_is_an_error_or_nan():
    net = dataclasses.replace(NET, omega=0 * NET.omega)
    assert np.isnan(nq.attention.critical_beta(net, throw=False))
    with pytest.raises(ValueError, match="has no transition in beta"):
        nq.attention.critical_beta(net)
    with pytest.raises(Exception, match="has no transition in beta"):
        jax.block_until_ready(critical(net))


@pytest.mark.parametrize(
    "ask",
    [nq.attention.critical_beta, nq.attention.cycle, lambda net: nq.attention.lyapunov(net, steps=20).value],
    ids=["transition", "cycle", "exponents"],
)
def test_single_precision_is_refused(ask):
    single = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), NET)
    with pytest.raises(ValueError, match="float64"):
        ask(single)
    with pytest.raises(ValueError, match="float64"):
        jax.jit(ask)(single)

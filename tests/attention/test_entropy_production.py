"""Entropy production of token chains by enumeration: the positional code is a protocol that reversal runs backwards."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import nonequil as nq

OUT, VALUE, QUERY, KEY = np.array(
    [
        [[1, -1], [-1, -1], [-1, 1]],
        [[1, 1], [-1, -1], [-1, -1]],
        [[1, -1], [-1, -1], [1, 1]],
        [[-1, -1], [-1, -1], [1, 1]],
    ],
    float,
)
BITS = {
    2: [[[-1], [-1], [1]], [[1], [-1], [1]], [[1], [1], [1]], [[-1], [-1], [1]]],
    4: [
        [[1, 1], [1, -1], [1, -1]],
        [[-1, 1], [1, -1], [-1, -1]],
        [[-1, 1], [1, 1], [-1, -1]],
        [[-1, 1], [-1, -1], [-1, 1]],
    ],
}
FOUR, VALUE_TIED, ALL_TIED = (OUT, VALUE, QUERY, KEY), (OUT, OUT, QUERY, KEY), (OUT,) * 4
PUBLISHED = {  # patterns, eps, gamma, nats per token for windows of 1, 2, 3, 4 tokens
    "four": (FOUR, 0.0, 3.0, (1.274, 1.758, 1.916, 2.021)),
    "four, no softmax": (FOUR, 0.0, 0.0, (1.274, 0.8724, 0.6650, None)),
    "value tied": (VALUE_TIED, 0.0, 3.0, (0, 0.02418, 0.05593, 0.08280)),
    "value tied, no softmax": (VALUE_TIED, 0.0, 0.0, (0, 0, 0, 0)),
    "all tied": (ALL_TIED, 0.0, 3.0, (0, 1.161e-5, 5.364e-5, 1.425e-4)),
    "four, positions": (FOUR, 0.3, 3.0, (None, 1.096, None, 0.9834)),
    "value tied, no softmax, positions": (VALUE_TIED, 0.3, 0.0, (None, 0, None, 0)),
    "all tied, positions": (ALL_TIED, 0.3, 3.0, (None, 0.04090, None, 0.03088)),
}


def clock(patterns, window, eps, gamma):
    bits = [np.array(P, float) for P in BITS[window]] if window in BITS else None
    if bits is None:
        net = nq.attention.from_patterns(*patterns, window=window, beta=1.0, gamma=gamma)
    else:
        net = nq.attention.from_patterns(*patterns, bits=bits, beta=1.0, gamma=gamma, eps=eps)
    return nq.Autoregressive(net.sample(jr.key(0), 2))


def forwards(clock, x, x_next, drive):
    """The flow with the positions left as they were: not the entropy production."""
    return clock.log_prob(x, x_next, drive) - clock.log_prob(x_next[::-1], x[::-1], drive)


@eqx.filter_jit
def production(clock, flow=nq.thermodynamics.entropy_flow):
    """Nats per token over one period of the positions, in the law that repeats with it."""
    drives = jax.vmap(nq.attention.Positions(clock.lags, first=clock.lags - 1))(jnp.arange(clock.lags))
    states = clock.states()

    def listed(drive):
        reached, log_p = jax.vmap(lambda x: clock.outcomes(x, drive))(states)
        flows = jax.vmap(lambda x, many: jax.vmap(lambda y: flow(clock, x, y, drive))(many))(states, reached)
        return jax.vmap(jax.vmap(clock.index))(reached), jnp.exp(log_p), flows

    next, p, flows = jax.vmap(listed)(drives)

    def token(law, given):
        next, p, flows = given
        joint = law[:, None] * p
        return jnp.zeros_like(law).at[next].add(joint), jnp.sum(joint * flows)

    period = lambda law, _: jax.lax.scan(token, law, (next, p, flows))  # noqa: E731
    uniform = jnp.full(len(states), 1 / len(states))
    return jnp.mean(jax.lax.scan(period, uniform, length=150)[1][-1])


@pytest.mark.published
@pytest.mark.parametrize("window", [1, 2, 3, 4])
def test_published_entropy_production(window):
    for name, (patterns, eps, gamma, values) in PUBLISHED.items():
        expected = values[window - 1]
        if expected is None:
            continue
        value = production(clock(patterns, window, eps, gamma))
        tolerance = 1e-14 if expected == 0 else 0.501 * 10.0 ** (np.floor(np.log10(expected)) - 3)  # four digits
        assert abs(value - expected) < tolerance, name


def test_positions_left_forwards_give_another_number():
    """With two positions the two protocols coincide, with four they do not."""
    assert np.isclose(production(clock(FOUR, 4, 0.3, 3.0), forwards), 0.943, rtol=0, atol=5e-4)
    two = clock(FOUR, 2, 0.3, 3.0)
    assert np.isclose(production(two, forwards), production(two), rtol=0, atol=1e-14)


def test_enumeration_is_the_mean_flow_of_a_simulation():
    dynamics = clock(FOUR, 4, 0.3, 3.0)
    drive = nq.attention.Positions(4)
    x0 = jnp.broadcast_to(dynamics.model.first_window(), (256, 4, 2))
    flow = nq.Mean(lambda x, y, drive: nq.thermodynamics.entropy_flow(dynamics, x, y, drive), driven=True)
    run = dict(steps=400, burn_in=40, key=jr.key(1), drive=drive)
    _, (mean, record) = nq.simulate(dynamics, x0, observers=(flow, nq.Record()), **run)
    assert abs(mean.value - production(dynamics)) < 4 * mean.stderr
    assert mean.stderr < 0.02
    estimate = nq.thermodynamics.MeanFlow(dynamics)(record)
    assert np.isclose(estimate.value, mean.value, rtol=1e-10)


def test_a_window_with_empty_slots_has_no_reverse():
    dynamics = clock(FOUR, 2, 0.3, 3.0)
    x = jnp.ones((2, 2), jnp.int8)
    with pytest.raises(ValueError, match="only a full window has a reverse"):
        dynamics.reverse(x, x, nq.attention.Positions(2)(0))


def test_gradients_of_the_production_against_finite_differences():
    """In beta, gamma and eps at once."""
    dynamics = clock(FOUR, 2, 0.3, 3.0)

    def value(leaves):
        beta, gamma, eps = leaves
        model = dataclasses.replace(dynamics.model, beta=beta, gamma=gamma, eps=eps)
        return production(nq.Autoregressive(model))

    at, value = jnp.array([1.0, 3.0, 0.3]), jax.jit(value)
    gradient = jax.grad(value)(at)
    for k, move in enumerate(1e-5 * np.eye(3)):
        difference = (value(at + move) - value(at - move)) / 2e-5
        assert abs(gradient[k] - difference) < 1e-7
        assert abs(difference) > 1e-3

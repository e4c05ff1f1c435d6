import dataclasses
import math

import jax.numpy as jnp
import numpy as np
import pytest
from networks import parameters

import nonequil as nq
from nonequil import statistics
from nonequil.inference import choose_l2, cross_validate


def log_likelihood(theta, t):
    """Log-likelihood of each pair under rows (H, J)."""
    h = np.asarray(t.x, float) @ theta[:, 1:].T + theta[:, 0]
    return -np.logaddexp(0, -2 * np.asarray(t.x_next) * h).sum(axis=1)


@pytest.mark.parametrize("declared", [True, False])
def test_folds_are_fitted_without_what_they_score(declared, sparse):
    t = sparse[:6000]
    t = dataclasses.replace(t, block=(np.arange(6000) * 31) // 6000) if declared else t
    score = cross_validate(t, l2=20.0, folds=3)
    fold, block = (np.asarray(labels) for labels in (statistics.folds(t, 3), statistics.blocks(t)))
    value, constant = np.zeros(6000), np.zeros(6000)
    for k in range(3):
        out = fold == k
        assert not set(block[out]) & set(block[~out])
        value[out] = log_likelihood(parameters(nq.fit(t[~out], l2=20.0)), t[out])
        up = np.asarray(t.x_next[~out] > 0).mean(axis=0)
        constant[out] = np.where(t.x_next[out] > 0, np.log(up), np.log(1 - up)).sum(axis=1)
    spikes = np.asarray(t.x_next > 0).sum(axis=1)
    bits = (value - constant).sum() / (spikes.sum() * math.log(2))
    assert jnp.allclose(score.log_likelihood, value.mean(), rtol=1e-6)
    assert jnp.allclose(score.log_likelihood_constant_rate, constant.mean(), rtol=1e-9)
    assert jnp.allclose(score.bits_per_spike, bits, rtol=1e-4)
    assert jnp.allclose(score.stderr, statistics.block_mean(jnp.asarray(value), t)[1], rtol=1e-4)
    gain = jnp.asarray((value - constant) / math.log(2) - bits * spikes) / spikes.mean()
    assert jnp.allclose(score.bits_stderr, statistics.block_mean(gain, t)[1], rtol=1e-4)
    assert score.result == nq.RESULTS.successful


def test_held_out_is_below_in_sample(sparse):
    fitted, score = nq.fit(sparse), cross_validate(sparse)
    assert float(score.log_likelihood) < float(fitted.log_likelihood) / len(sparse)
    optimism = float(fitted.log_likelihood) - float(score.log_likelihood) * len(sparse)
    assert 0.5 < optimism / int(fitted.n_parameters) < 2.0  # about one nat a parameter, 5/4 of it for 4/5 of the data


def test_chosen_penalty_is_the_best_of_the_table(sparse):
    choice = choose_l2(sparse[:8000], grid=[3000.0, 1.0, 100.0])
    assert choice.tried.tolist() == [3000.0, 100.0, 1.0]
    assert choice.l2 == float(choice.tried[int(jnp.argmax(choice.log_likelihood))]) == 100.0
    assert not choice.at_edge
    for l2, value, bits in zip(choice.tried, choice.log_likelihood, choice.bits_per_spike, strict=True):
        alone = cross_validate(sparse[:8000], l2=float(l2))
        assert jnp.allclose(alone.log_likelihood, value, atol=1e-6)
        assert jnp.allclose(alone.bits_per_spike, bits, atol=3e-5)
    assert choose_l2(sparse[:8000], grid=[3000.0, 1000.0]).at_edge


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda t: cross_validate(t, folds=1), "folds = 1 must be at least 2"),
        (lambda t: cross_validate(t, l2=-1.0), "l2 = -1.0"),
        (lambda t: choose_l2(t, grid=[1.0, np.nan]), "l2 = nan"),
        (lambda t: cross_validate(dataclasses.replace(t, block=np.arange(len(t)) // 2000)), "at least as many blocks"),
    ],
)
def test_bad_requests_are_named(call, message, small):
    with pytest.raises(ValueError, match=message):
        call(small)

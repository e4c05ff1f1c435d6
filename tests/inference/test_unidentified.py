import dataclasses

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from networks import gradient, parameters

import nonequil as nq
from nonequil import RESULTS
from nonequil.inference import ERRORS


@pytest.fixture
def coin(getkey):
    """Five units of fair coins, 400 pairs."""
    return nq.Transitions(*(np.asarray(nq.random_spins(getkey(), (400, 5))) for _ in range(2)))


def with_columns(t, past, present):
    """The same pairs with more units."""
    return nq.Transitions(np.concatenate([t.x, past], axis=1), np.concatenate([t.x_next, present], axis=1))


@pytest.mark.parametrize("always", [-1, 1])
def test_constant_unit_is_dropped_on_both_sides(always, coin):
    still = np.full((400, 1), always, np.int8)
    fitted, without = nq.fit(with_columns(coin, still, still)), nq.fit(coin)
    assert fitted.constant.tolist() == [False] * 5 + [True]
    assert fitted.result == RESULTS.unidentified_parameters
    assert without.result == RESULTS.successful
    np.testing.assert_allclose(fitted.model.J[:5, :5], without.model.J, atol=1e-8)
    assert not fitted.model.J[5].any()
    assert not fitted.model.J[:, 5].any()
    assert float(fitted.model.H[5]) == 7.0 * always
    assert bool(jnp.isnan(fitted.J_stderr[5]).all() & jnp.isnan(fitted.J_stderr[:, 5]).all())
    assert jnp.allclose(fitted.log_likelihood, without.log_likelihood - 400 * np.log1p(np.exp(-14)))
    assert jnp.allclose(fitted.log_likelihood_constant_rate, without.log_likelihood_constant_rate)


@pytest.mark.parametrize("past", [-1, 1])
@pytest.mark.parametrize("present", [-1, 1])
def test_empty_cell_is_held_with_its_sign(past, present, coin):
    x_next = coin.x_next.copy()
    x_next[coin.x[:, 1] == past, 0] = -present  # unit 0 is never `present` after unit 1 was `past`
    fitted = nq.fit(dataclasses.replace(coin, x_next=x_next))
    assert np.argwhere(fitted.infinite).tolist() == [[0, 1]]
    assert fitted.result == RESULTS.unidentified_parameters
    assert fitted.converged.all()
    J, J_stderr, H_stderr = fitted.model.J, fitted.J_stderr, fitted.H_stderr
    assert float(J[0, 1]) == -3.5 * past * present
    assert bool(jnp.isinf(J_stderr[0, 1]) & jnp.isinf(H_stderr[0]))
    assert bool(jnp.isfinite(jnp.delete(J_stderr, 1, axis=1)).all() & jnp.isfinite(J_stderr[1:]).all())
    rest = coin.x[:, 1] != past
    alone = nq.fit(nq.Transitions(np.delete(coin.x[rest], 1, axis=1), np.delete(x_next[rest], 1, axis=1)))
    np.testing.assert_allclose(jnp.delete(J[0], 1), alone.model.J[0], atol=1e-4)  # the other past says nothing more
    assert fitted.edges().J.shape == (24,)


def test_penalty_keeps_everything_finite(coin):
    x_next = coin.x_next.copy()
    x_next[coin.x[:, 1] == 1, 0] = -1
    fitted = nq.fit(dataclasses.replace(coin, x_next=x_next), l2=1.0)
    assert not fitted.infinite.any()
    assert fitted.result == RESULTS.successful
    assert bool(jnp.isfinite(fitted.J_stderr).all())


def test_exact_copy_takes_half(coin):
    copied = with_columns(coin, coin.x[:, :1], np.asarray(nq.random_spins(jr.key(0), (400, 1))))
    fitted, single = nq.fit(copied), nq.fit(dataclasses.replace(copied), mask=np.arange(6)[None].repeat(6, 0) < 5)
    assert fitted.n_free.tolist() == [7] * 6
    assert fitted.rank.tolist() == [6] * 6
    assert fitted.result == RESULTS.unidentified_parameters
    np.testing.assert_allclose(fitted.model.J[:, 0], fitted.model.J[:, 5], atol=1e-9)
    np.testing.assert_allclose(2 * fitted.model.J[:, 0], single.model.J[:, 0], atol=1e-8)
    np.testing.assert_allclose(fitted.model.J[:, 1:5], single.model.J[:, 1:5], atol=1e-8)
    np.testing.assert_allclose(2 * fitted.J_stderr[:, 0], single.J_stderr[:, 0], rtol=1e-5)
    np.testing.assert_allclose(fitted.J_stderr[:, 1:5], single.J_stderr[:, 1:5], rtol=1e-5)
    assert np.abs(gradient(copied, parameters(fitted))).max() < 1e-9


def test_function_of_its_senders_is_separated(coin):
    x_next = coin.x_next.copy()
    x_next[:, 0] = np.sign(coin.x[:, 1:4].sum(axis=1))  # a majority of three: no pair's table has an empty cell
    fitted = nq.fit(dataclasses.replace(coin, x_next=x_next))
    assert fitted.separated.tolist() == [True] + [False] * 4
    assert fitted.result == RESULTS.unidentified_parameters
    assert bool(jnp.isinf(fitted.J_stderr[0]).all() & jnp.isfinite(fitted.J_stderr[1:]).all())


def test_coefficients_that_run_away_together_are_found(coin):
    x_next = coin.x_next.copy()
    both = (coin.x[:, 1] == 1) & (coin.x[:, 2] == 1)
    x_next[both, 0] = 1
    x_next[(coin.x[:, 1] == -1) & (coin.x[:, 2] == -1), 0] = -1  # mixed pasts stay free: each table is full
    fitted = nq.fit(dataclasses.replace(coin, x_next=x_next))
    assert np.argwhere(fitted.infinite).tolist() == [[0, 1], [0, 2]]
    assert not fitted.separated.any()
    assert (fitted.model.J[0, 1:3] > 2).all()
    assert fitted.converged.all()


@pytest.mark.parametrize("errors", [ERRORS.fisher, ERRORS.sandwich, ERRORS.clustered])
def test_errors_are_finite_or_flagged(errors, coin):
    fitted = nq.fit(dataclasses.replace(coin, block=np.arange(400) // 10), errors=errors)
    assert bool(jnp.isfinite(fitted.J_stderr).all())

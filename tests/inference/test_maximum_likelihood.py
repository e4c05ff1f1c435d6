import dataclasses

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from networks import gradient, network, parameters, recording, scikit_learn

import nonequil as nq
from nonequil.inference import ERRORS


@pytest.mark.parametrize(
    "data, l2, neurons", [("small", 0.0, range(6)), ("sparse", 0.0, (2, 11)), ("sparse", 7.0, (5,))]
)
def test_equals_scikit_learn(data, l2, neurons, request):
    t = request.getfixturevalue(data)
    fitted = nq.fit(t, l2=l2)
    theta = parameters(fitted)
    theirs = scikit_learn(t, neurons, C=4 / l2 if l2 else np.inf)
    at = np.asarray(neurons)
    assert fitted.converged.all()
    np.testing.assert_allclose(theta[at], theirs, atol=1e-6)
    theta[at] = theirs
    assert np.abs(gradient(t, theta, l2)[at]).max() < 1e-9  # scikit-learn arrived


def test_equals_scikit_learn_with_l1(small):
    fitted = nq.fit(small, l1=60.0)
    assert 3 < int((fitted.model.J == 0).sum()) < 33
    np.testing.assert_allclose(parameters(fitted), scikit_learn(small, range(6), C=2 / 60.0, l1=True), atol=1e-5)


@pytest.mark.parametrize("l1, l2", [(5.0, 0.0), (20.0, 0.0), (20.0, 10.0), (200.0, 0.0)])
def test_l1_meets_its_optimality_conditions(l1, l2, sparse):
    fitted = nq.fit(sparse, l1=l1, l2=l2)
    J, pull = np.asarray(fitted.model.J), l1 / len(sparse)
    slope = gradient(sparse, parameters(fitted), l2)
    over_J = slope[:, 1:]
    assert np.abs(slope[:, 0]).max() < 1e-8
    assert np.abs(over_J - pull * np.sign(J))[J != 0].max(initial=0) < 1e-8
    assert np.abs(over_J)[J == 0].max(initial=0) < pull + 1e-8
    assert 0 < (J == 0).sum() <= J.size
    assert bool(jnp.all(jnp.isnan(fitted.J_stderr) == (fitted.model.J == 0)))
    assert int(fitted.n_parameters) == 20 + (J != 0).sum()


@pytest.mark.parametrize("data, l2", [("small", 0.0), ("sparse", 0.0), ("sparse", 7.0)])
def test_float32_is_within_rounding_of_the_errors(data, l2, request, in_float32):
    t = request.getfixturevalue(data)
    single = nq.fit(t, l2=l2)
    jax.config.update("jax_enable_x64", True)
    double = nq.fit(t, l2=l2)
    assert single.model.J.dtype == jnp.float32
    assert single.converged.all()
    for name, stderr in (("J", double.J_stderr), ("H", double.H_stderr)):
        distance = np.asarray(getattr(single.model, name), float) - np.asarray(getattr(double.model, name))
        assert np.abs(distance / np.asarray(stderr)).max() < 2e-3
    np.testing.assert_allclose(single.J_stderr, double.J_stderr, rtol=1e-3)


@pytest.mark.parametrize("n", [3, 5])
def test_population_returns_its_parameters(n):
    model = nq.SherringtonKirkpatrick(J0=0.3, dJ=1.0, dH=0.3).sample(jr.key(5), n)
    fitted = nq.fit(nq.enumerate_states(nq.Parallel(model)).transitions(), errors=ERRORS.none, tolerance=1e-12)
    np.testing.assert_allclose(fitted.model.J, model.J, atol=1e-7)
    np.testing.assert_allclose(fitted.model.H, model.H, atol=1e-7)
    assert bool(jnp.isnan(fitted.J_stderr).all())


def test_likelihood_is_that_of_the_dynamics(small):
    fitted = nq.fit(small)
    log_p = jax.vmap(nq.Parallel(fitted.model).log_prob)(jnp.asarray(small.x), jnp.asarray(small.x_next))
    assert jnp.allclose(fitted.log_likelihood, log_p.sum(), rtol=1e-12)
    up = np.asarray(small.x_next > 0).mean(axis=0)
    constant = len(small) * (up * np.log(up) + (1 - up) * np.log(1 - up)).sum()
    assert jnp.allclose(fitted.log_likelihood_constant_rate, constant, rtol=1e-12)
    assert jnp.allclose(fitted.aic, 2 * 42 - 2 * log_p.sum())
    assert jnp.allclose(fitted.bic, 42 * np.log(len(small)) - 2 * log_p.sum())
    assert float(fitted.n_spikes) == (small.x_next > 0).sum()


def test_weights_count_pairs(small):
    times = np.resize([0, 1, 3], len(small))
    weighted = nq.fit(dataclasses.replace(small, weight=times.astype(float)))
    repeated = nq.fit(nq.Transitions(np.repeat(small.x, times, axis=0), np.repeat(small.x_next, times, axis=0)))
    np.testing.assert_allclose(weighted.model.J, repeated.model.J, atol=1e-8)
    np.testing.assert_allclose(weighted.log_likelihood, repeated.log_likelihood)
    part = nq.fit(dataclasses.replace(small, weight=(times > 0).astype(float)))
    kept = nq.fit(small[times > 0])
    np.testing.assert_allclose(part.model.J, kept.model.J, atol=1e-8)
    np.testing.assert_allclose(part.J_stderr, kept.J_stderr, rtol=1e-7)


@pytest.mark.parametrize("chunk", [300, 1000])
def test_chunks_change_nothing(chunk, small, sparse):
    for t in (small, sparse):
        whole, pieces = nq.fit(t), nq.fit(t, chunk=chunk)
        np.testing.assert_allclose(pieces.model.J, whole.model.J, atol=1e-8)
        np.testing.assert_allclose(pieces.J_stderr, whole.J_stderr, rtol=1e-7)


def test_joined_rows_change_nothing(small):
    alone = dataclasses.replace(small, drive=np.zeros((len(small), 6)))  # a drive keeps pairs apart
    np.testing.assert_allclose(nq.fit(alone, drive_is_field=True).model.J, nq.fit(small).model.J, atol=1e-8)
    np.testing.assert_allclose(nq.fit(alone, drive_is_field=True).J_stderr, nq.fit(small).J_stderr, rtol=1e-7)


def test_mask_holds_couplings_at_zero(small, getkey):
    mask = np.array(jr.bernoulli(getkey(), 0.6, (6, 6)))
    fitted = nq.fit(small, mask=mask)
    slope = gradient(small, parameters(fitted))
    assert (np.asarray(fitted.model.J)[~mask] == 0).all()
    assert np.isnan(np.asarray(fitted.J_stderr)[~mask]).all()
    assert np.abs(slope[:, 1:][mask]).max() < 1e-8
    assert np.abs(slope[:, 0]).max() < 1e-8
    assert int(fitted.n_parameters) == 6 + mask.sum()


@pytest.mark.parametrize("rate, strength, bins", [(0.01, 0.7, 50_000), (0.02, 1.5, 20_000)])
def test_sparse_firing_converges(rate, strength, bins, getkey):
    t = recording(network(40, rate, strength, getkey()), bins, getkey())
    fitted = nq.fit(t)
    assert fitted.converged.all()
    slope = gradient(t, parameters(fitted))[:, 1:]
    assert np.abs(slope[~np.asarray(fitted.infinite)]).max() < 2e-9
    counts = (np.asarray(t.x_next > 0).T.astype(int)) @ np.asarray(t.x > 0).astype(int)
    assert (np.asarray(fitted.infinite) >= (counts == 0)).all()
    assert (np.asarray(fitted.model.J)[counts == 0] == -3.5).all()


@pytest.mark.parametrize("J0, spread", [(1.6, 0.2), (1.5, 1.0)])
def test_ordered_network_converges(J0, spread, getkey):
    n = 30
    model = nq.SherringtonKirkpatrick(J0=J0, dJ=spread).sample(getkey(), n)
    x0 = jnp.ones((4, n), jnp.int8)
    _, (pairs,) = nq.simulate(nq.Parallel(model), x0, steps=4000, key=getkey(), observers=(nq.Record(),), burn_in=100)
    t = nq.Transitions(*(np.asarray(side).reshape(-1, n) for side in (pairs.x, pairs.x_next)))
    fitted = nq.fit(t)
    assert fitted.converged.all()
    assert np.abs(gradient(t, parameters(fitted))).max() < 2e-9
    if spread < 1:
        assert abs(float(t.x.mean())) > 0.8


def test_dense_hessians_may_be_samples(small, monkeypatch):
    exact = nq.fit(small)
    monkeypatch.setattr("nonequil.inference._curvature.DENSE", 1.0)
    monkeypatch.setattr("nonequil.inference._curvature.SPARSE", 1.0)
    monkeypatch.setattr("nonequil.inference._curvature.ENOUGH", 20)
    sampled = nq.fit(dataclasses.replace(small, drive=np.zeros((len(small), 6))), drive_is_field=True)
    assert sampled.converged.all()
    assert sampled.steps > exact.steps
    np.testing.assert_allclose(sampled.model.J, exact.model.J, atol=1e-7)


def test_stuck_fit_says_so(small):
    fitted = nq.fit(small, max_steps=1)
    assert not fitted.converged.all()
    assert fitted.result == nq.RESULTS.max_steps_reached
    largest = np.abs(gradient(small, parameters(fitted))).max(axis=1)
    np.testing.assert_allclose(fitted.gradient_max, largest, rtol=1e-9)


BAD = {
    "counts": (lambda t: dataclasses.replace(t, x=(t.x > 0).astype(np.int8)), {}, "x must hold spins -1 or"),
    "later counts": (lambda t: dataclasses.replace(t, x_next=2 * t.x_next), {}, "x_next must hold spins -1 or"),
    "no row of spins": (lambda t: nq.Transitions(t.x[:, 0], t.x_next[:, 0]), {}, "one row of spins a pair"),
    "not a number": (lambda t: dataclasses.replace(t, x=np.where(t.x > 0, np.nan, -1.0)), {}, "x must hold spins"),
    "too few": (lambda t: t[:5], {}, "transitions = 5 are fewer than the 7 parameters"),
    "negative l2": (lambda t: t, {"l2": -1.0}, "l2 = -1.0 must be finite"),
    "infinite l1": (lambda t: t, {"l1": float("inf")}, "l1 = inf must be finite"),
    "shape of the mask": (lambda t: t, {"mask": np.ones((5, 6), bool)}, r"mask has shape \(5, 6\)"),
    "type of the mask": (lambda t: t, {"mask": np.ones((6, 6))}, "must be boolean"),
    "weight": (lambda t: dataclasses.replace(t, weight=-np.ones(len(t))), {}, "weight must be finite"),
    "unasked drive": (lambda t: dataclasses.replace(t, drive=np.ones((len(t), 6))), {}, "transitions have a drive"),
    "no drive": (lambda t: t, {"drive_is_field": True}, "transitions have no drive"),
    "two drives": (lambda t: t, {"drive_is_field": True, "drive_is_weighed": True}, "one of them"),
}


@pytest.mark.parametrize("change, options, message", BAD.values(), ids=BAD)
def test_bad_input_is_named(change, options, message, small):
    with pytest.raises(ValueError, match=message):
        nq.fit(change(small), **options)

"""The route without Hessians: hard data, against gradients written out and exact Newton steps."""

import dataclasses

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from networks import gradient, parameters, scikit_learn

import nonequil as nq
from nonequil.inference import ERRORS
from nonequil.inference._passes import _slopes
from nonequil.inference._rows import Batch

N, T = 30, 4000


def recorded(J0, dJ, H0, key):
    """Pairs of 40 chains that start all +1."""
    model = nq.SherringtonKirkpatrick(J0=J0, dJ=dJ, H0=H0, dH=0.1).sample(key, N)
    settings = {"steps": T // 40, "key": key, "observers": (nq.Record(),), "burn_in": 50}
    _, (pairs,) = nq.simulate(nq.Parallel(model), jnp.ones((40, N), jnp.int8), **settings)
    return nq.Transitions(*(np.asarray(side).reshape(-1, N) for side in (pairs.x, pairs.x_next)))


@pytest.fixture(scope="module")
def balanced():
    """Thirty units without a preferred state."""
    return recorded(0.0, 1.0, 0.0, jr.key(31))


def fit(t, **options):
    """A fit without errors."""
    return nq.fit(t, errors=ERRORS.none, **options)


def exactly(t, monkeypatch, **options):
    """The same fit by Newton's method."""
    with monkeypatch.context() as patch:
        patch.setattr("nonequil.inference._dense.FEW", 1000)
        return fit(t, **options)


def test_few_passes_reach_the_optimum_of_scikit_learn(balanced):
    fitted = fit(balanced)
    assert fitted.converged.all()
    assert fitted.steps <= 10
    assert np.abs(gradient(balanced, parameters(fitted))).max() < 1.1e-9
    np.testing.assert_allclose(parameters(fitted)[[3, 8]], scikit_learn(balanced, (3, 8)), atol=1e-6)


def test_float32_needs_fewer(balanced, in_float32):
    single = fit(balanced, tolerance=1e-6)
    jax.config.update("jax_enable_x64", True)
    assert single.converged.all()
    assert single.steps <= 8
    assert np.abs(gradient(balanced, parameters(single).astype(float))).max() < 1.5e-6
    np.testing.assert_allclose(single.model.J, fit(balanced).model.J, atol=1e-4)


OPTIONS = {
    "l2": {"l2": 40.0},
    "no self-coupling": {"mask": ~np.eye(N, dtype=bool)},
    "half the couplings": {"mask": (np.arange(N * N).reshape(N, N) * 7919 % 2).astype(bool)},
    "both": {"mask": ~np.eye(N, dtype=bool), "l2": 40.0},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_penalties_and_masks(options, balanced):
    fitted = fit(balanced, **options)
    slope = gradient(balanced, parameters(fitted), options.get("l2", 0.0))
    allowed = options.get("mask", np.ones((N, N), bool))
    assert fitted.steps <= 12
    assert (np.asarray(fitted.model.J)[~allowed] == 0).all()
    assert np.abs(slope[:, 1:][allowed]).max() < 1.1e-9
    assert np.abs(slope[:, 0]).max() < 1.1e-9


@pytest.mark.parametrize("kind", ["weight", "drive_is_field", "drive_is_weighed"])
def test_weights_and_drives(kind, balanced, monkeypatch):
    rng = np.random.default_rng(4)
    shape = {"weight": (T,), "drive_is_field": (T, N), "drive_is_weighed": (T, 3)}[kind]
    values = rng.random(shape)
    t = dataclasses.replace(balanced, **{kind if kind == "weight" else "drive": values})
    options = {} if kind == "weight" else {kind: True}
    fitted, newton = fit(t, **options), exactly(t, monkeypatch, **options)
    assert fitted.converged.all()
    assert fitted.steps <= 20
    assert newton.steps != fitted.steps  # the other way was taken
    np.testing.assert_allclose(fitted.model.J, newton.model.J, atol=1e-7)


HARD = {
    "ordered, |m| 0.9": ((1.6, 0.3, 0.2), 0.85),
    "ordered, two states": ((1.4, 0.3, 0.0), 0.0),
    "near separation": ((0.0, 4.0, 0.0), 0.0),
}


@pytest.mark.parametrize("ensemble, least", HARD.values(), ids=HARD)
def test_hard_data_converges(ensemble, least):
    t = recorded(*ensemble, jr.key(7))
    fitted = fit(t)
    assert float(np.abs(t.x.mean(axis=0)).mean()) > least
    assert fitted.converged.all()
    slope = gradient(t, parameters(fitted))
    assert np.abs(slope[:, 1:][~np.asarray(fitted.infinite)]).max() < 2e-9


@pytest.mark.parametrize("flipped", [0.0, 0.002])
def test_copies_share_their_coupling(flipped, balanced, getkey):
    flips = np.where(np.asarray(jr.uniform(getkey(), (2, T, 2))) < flipped, -1, 1).astype(np.int8)
    pairs = (
        np.concatenate([side, side[:, :2] * flip], axis=1)
        for side, flip in zip((balanced.x, balanced.x_next), flips, strict=True)
    )
    t = nq.Transitions(*pairs)
    fitted = fit(t)
    assert fitted.converged.all()
    assert fitted.steps <= (12 if flipped == 0 else 40)
    assert np.abs(gradient(t, parameters(fitted))).max() < 1.1e-9
    assert fitted.rank.tolist() == [31 if flipped == 0 else 33] * 32
    if flipped == 0:
        J, single = np.asarray(fitted.model.J), np.asarray(fit(balanced).model.J)
        np.testing.assert_allclose(J[:, :2], J[:, 30:], atol=1e-7)
        np.testing.assert_allclose(2 * J[:N, :2], single[:, :2], atol=1e-6)
        np.testing.assert_allclose(J[:N, 2:30], single[:, 2:], atol=1e-6)


def test_neurons_that_refuse_are_left_to_newton(balanced, monkeypatch):
    monkeypatch.setattr("nonequil.inference._dense.PASSES", 2)
    fitted = fit(balanced)
    assert fitted.converged.all()
    assert fitted.steps > 4
    monkeypatch.undo()
    np.testing.assert_allclose(fitted.model.J, fit(balanced).model.J, atol=1e-7)


def test_few_allowed_steps_are_kept_and_said_to_be_too_few(balanced):
    stopped = fit(balanced, max_steps=3)
    assert stopped.result == nq.RESULTS.max_steps_reached
    assert float(stopped.gradient_max.max()) < 1e-3
    largest = np.abs(gradient(balanced, parameters(stopped))).max(axis=1)
    np.testing.assert_allclose(stopped.gradient_max, largest, rtol=1e-9)


@pytest.mark.compiled
def test_spins_are_not_blown_up_as_a_whole():
    """A pass over 64 MB of int8 spins needs far less room beside them than their quarter of a GB in float32."""
    n, blocks = 100, 320
    spins, one = (jax.ShapeDtypeStruct(s, d) for s, d in (((blocks, 2048, n), jnp.int8), ((blocks, 2048), jnp.float32)))
    theta = jax.ShapeDtypeStruct((n, n + 1), jnp.float32)
    compiled = jax.jit(_slopes).lower(theta, Batch(spins, spins, one, one, None, None)).compile()
    assert compiled.memory_analysis().temp_size_in_bytes < 16 * 2048 * n * 4

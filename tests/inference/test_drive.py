import dataclasses

import numpy as np
import pytest
from networks import scikit_learn

import nonequil as nq
from nonequil.inference import with_own_history


def driven(J, H, drive, rng):
    """Transitions of units that feel `drive` (bins, n) besides each other."""
    x = np.full((len(drive) + 1, len(H)), -1, np.int8)
    for k, d in enumerate(drive):
        chance = 1 / (1 + np.exp(-2 * (H + J @ x[k] + d)))
        x[k + 1] = np.where(rng.random(len(H)) < chance, 1, -1)
    return nq.Transitions(x[:-1], x[1:], drive=drive)


@pytest.fixture
def world():
    """Four units under a stimulus of two dimensions."""
    rng = np.random.default_rng(3)
    J, H, B = rng.normal(0, 0.4, (4, 4)), rng.normal(0, 0.3, 4), rng.normal(0, 0.6, (4, 2))
    stimulus = rng.normal(1.0, 1.0, (6000, 2))
    return J, H, B, stimulus, driven(J, H, stimulus @ B.T, rng)


def test_known_field_is_added(world):
    J, H, _, _, t = world
    fitted = nq.fit(t, drive_is_field=True)
    assert fitted.B is None
    assert np.abs((fitted.model.J - J) / fitted.J_stderr).max() < 4
    assert np.abs((fitted.model.H - H) / fitted.H_stderr).max() < 4
    h = np.asarray(t.x) @ np.asarray(fitted.model.J).T + np.asarray(fitted.model.H) + t.drive
    residual = t.x_next - np.tanh(h)
    assert np.abs(residual.T @ t.x / len(t)).max() < 1e-9


def test_regressors_are_weighed(world):
    _, _, B, stimulus, t = world
    fitted = nq.fit(dataclasses.replace(t, drive=stimulus), drive_is_weighed=True)
    assert np.abs((fitted.B - B) / fitted.B_stderr).max() < 4
    wide = nq.Transitions(np.concatenate([t.x, stimulus], axis=1), np.concatenate([t.x_next, stimulus], axis=1))
    theirs = scikit_learn(wide, range(2))
    np.testing.assert_allclose(fitted.model.J[:2], theirs[:, 1:5], atol=1e-6)
    np.testing.assert_allclose(fitted.B[:2], theirs[:, 5:], atol=1e-6)


def test_penalty_leaves_the_stimulus_alone(world):
    t = dataclasses.replace(world[4], drive=world[3])
    fitted = nq.fit(t, drive_is_weighed=True, l1=1e6)
    alone = nq.fit(t, drive_is_weighed=True, mask=np.zeros((4, 4), bool))
    assert not fitted.model.J.any()
    np.testing.assert_allclose(fitted.B, alone.B, atol=1e-7)
    strong = nq.fit(t, drive_is_weighed=True, l2=1e9)
    np.testing.assert_allclose(strong.B, alone.B, atol=1e-4)


def test_masked_regressors_stay_at_zero(world):
    mask = np.array([[True, False], [False, True], [True, True], [False, False]])
    fitted = nq.fit(dataclasses.replace(world[4], drive=world[3]), drive_is_weighed=True, drive_mask=mask)
    assert ((np.asarray(fitted.B) != 0) == mask).all()
    assert (np.isnan(np.asarray(fitted.B_stderr)) == ~mask).all()


def test_constant_regressor_is_collinear_with_the_field(world):
    stimulus = np.concatenate([world[3], np.ones((6000, 1))], axis=1)
    fitted = nq.fit(dataclasses.replace(world[4], drive=stimulus), drive_is_weighed=True)
    plain = nq.fit(dataclasses.replace(world[4], drive=world[3]), drive_is_weighed=True)
    assert fitted.rank.tolist() == [7] * 4
    assert fitted.result == nq.RESULTS.unidentified_parameters
    np.testing.assert_allclose(fitted.B[:, 2], 0, atol=1e-9)
    np.testing.assert_allclose(fitted.model.J, plain.model.J, atol=1e-8)


def test_own_history_is_found():
    rng = np.random.default_rng(5)
    J, second, third = rng.normal(0, 0.3, (3, 3)), np.array([-0.5, 0.2, 0.4]), np.array([-0.3, 0.0, 0.3])
    x = np.ones((8001, 3), np.int8)
    for k in range(3, 8001):
        h = J @ x[k - 1] + second * x[k - 2] + third * x[k - 3]
        x[k] = np.where(rng.random(3) < 1 / (1 + np.exp(-2 * h)), 1, -1)
    t, mask = with_own_history(nq.Transitions(x[:-1], x[1:], block=np.arange(8000) // 1000), 3)
    assert len(t) == 8000 - 8 * 2
    np.testing.assert_array_equal(t.drive[0], np.concatenate([x[1], x[0]]))
    np.testing.assert_array_equal(t.x[998], x[1002])  # the second block starts with its own history
    fitted = nq.fit(t, drive_is_weighed=True, drive_mask=mask)
    B, stderr = np.asarray(fitted.B).reshape(3, 2, 3), np.asarray(fitted.B_stderr).reshape(3, 2, 3)
    at = np.arange(3)
    assert np.abs((fitted.model.J - J) / fitted.J_stderr).max() < 4
    assert np.abs((B[at, 0, at] - second) / stderr[at, 0, at]).max() < 4
    assert np.abs((B[at, 1, at] - third) / stderr[at, 1, at]).max() < 4
    with pytest.raises(ValueError, match="lags = 1 must be"):
        with_own_history(t, 1)
    with pytest.raises(ValueError, match="more than any stretch"):
        with_own_history(nq.Transitions(x[:5], x[1:6]), 9)

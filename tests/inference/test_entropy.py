import dataclasses

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from networks import network, parameters, recording

import nonequil as nq
from nonequil import statistics
from nonequil._results import KIND
from nonequil.inference import fitted_entropy_production


def crossed(J, t):
    """Sum of (J_ij - J_ji) <x'_i x_j>."""
    D = np.asarray(t.x_next, float).T @ np.asarray(t.x, float) / len(t)
    return float(((J - J.T) * D).sum())


def test_population_gives_the_exact_value():
    model = nq.SherringtonKirkpatrick(J0=0.2, dJ=1.0, dH=0.3).sample(jr.key(7), 4)
    found = fitted_entropy_production(nq.enumerate_states(nq.Parallel(model)).transitions())
    assert jnp.allclose(found.value, nq.thermodynamics.exact(nq.Parallel(model)).value, atol=1e-8)
    assert found.kind is KIND.exact
    assert float(found.stderr) == 0


def unbiased(t, l2):
    """Couplings with their first-order bias taken off, the formula written out."""
    theta = parameters(nq.fit(t, l2=l2))
    z = np.concatenate([np.ones((len(t), 1)), np.asarray(t.x, float)], axis=1)
    for row in theta:
        m = np.tanh(z @ row)
        V = np.linalg.inv((z.T * (1 - m**2)) @ z + np.diag([0.0] + [l2] * t.x.shape[1]))
        row -= V @ (z.T @ ((1 - m**2) * m * ((z @ V) * z).sum(axis=1)))
    return theta[:, 1:]


@pytest.mark.parametrize("l2", [0.0, 10.0])
@pytest.mark.parametrize("declared", [True, False])
def test_halves_judge_each_other(l2, declared, small, sparse):
    t = sparse[:12_000] if l2 else small
    t = dataclasses.replace(t, block=(np.arange(len(t)) * 31) // len(t)) if declared else t
    found = fitted_entropy_production(t, l2=l2)
    half = np.asarray(statistics.folds(t, 2))
    A, B = t[half != 0], t[half != 1]
    J_A, J_B = (unbiased(part, l2) for part in (A, B))
    values = [crossed(J_A, B), crossed(J_B, A)]
    np.testing.assert_allclose(found.details["halves"], values, atol=1e-7)
    assert jnp.allclose(found.value, np.mean(values), atol=1e-7)
    assert jnp.allclose(found.details["in_sample"], crossed(np.asarray(nq.fit(t, l2=l2).model.J), t), atol=1e-7)
    assert jnp.allclose(found.floor, t.x.shape[1] * (t.x.shape[1] - 1) / len(t))
    assert found.details["infinite"] == found.details["uncorrected"] == 0
    assert found.unit is nq.Unit.per_bin
    assert found.kind is (KIND.biased if l2 else KIND.sampled)


def test_error_is_the_spread_over_recordings(getkey):
    """Values of 40 recordings of one network: their spread, and their distance from the truth, in printed errors."""
    model = network(6, 0.2, 1.2, getkey())
    found = [fitted_entropy_production(recording(model, 5000, getkey())) for _ in range(40)]
    value, stderr = (np.array([float(getattr(f, name)) for f in found]) for name in ("value", "stderr"))
    truth = float(nq.thermodynamics.exact(nq.Parallel(model)).value)
    z = (value - truth) / stderr
    assert abs(z.mean()) < 4 / np.sqrt(40)
    assert abs(z.std() - 1) < 4 / np.sqrt(80)
    in_sample = np.array([f.details["in_sample"] for f in found])
    assert (in_sample - value).mean() > 0


def test_symmetric_couplings_produce_nothing(getkey):
    J = 0.5 * jr.normal(getkey(), (6, 6))
    t = recording(nq.Ising((J + J.T) / 2, jnp.zeros(6)), 20_000, getkey())
    found = fitted_entropy_production(t)
    assert abs(float(found.value)) < 4 * float(found.stderr)


def test_what_cannot_be_known_is_said(getkey):
    t = recording(network(12, 0.02, 0.5, getkey()), 2000, getkey())
    found = fitted_entropy_production(t)
    assert found.details["infinite"] > 0
    assert found.result == nq.RESULTS.unidentified_parameters
    assert fitted_entropy_production(t, l2=1.0).result == nq.RESULTS.successful

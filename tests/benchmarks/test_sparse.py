"""The judge of sparse samplers: the right law passes, couplings that are a little off do not."""

import sys
from pathlib import Path

import equinox as eqx
import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
import sparse

KIND = "square lattice"


@pytest.fixture(autouse=True)
def small(monkeypatch):
    for name, value in {"SIDE": 8, "SETTLED": 60, "SMALL": {"n": 10, "chains": 1000, "sweeps": 30}}.items():
        monkeypatch.setattr(sparse, name, value)
    sparse.network.cache_clear()
    sparse.long_run.cache_clear()
    yield
    sparse.network.cache_clear()
    sparse.long_run.cache_clear()


def weaker(clock, x0, sweeps, seed):
    return sparse.ours(eqx.tree_at(lambda c: c.model.weights, clock, 0.8 * clock.model.weights), x0, sweeps, seed)


def test_the_right_law_passes_and_a_wrong_one_does_not():
    assert sparse.judge(sparse.ours, KIND) == ""
    assert "energy of 10 spins off by" in sparse.judge(weaker, KIND)
    assert "energy of 10 spins off by" in sparse.judge(lambda clock, x0, sweeps, seed: np.asarray(x0), KIND)


def test_energies_against_sums_written_out():
    clock = sparse.network(KIND, 10)
    J, H, x = np.asarray(clock.model.dense().J), np.asarray(clock.model.H), np.asarray([1, -1] * 5)
    expected = -sum(J[i, j] * x[i] * x[j] for i in range(10) for j in range(i)) - H @ x
    assert np.isclose(sparse.energies(clock.model, x[None])[0], expected / 10, atol=1e-6)
    assert np.array_equal(J, J.T)

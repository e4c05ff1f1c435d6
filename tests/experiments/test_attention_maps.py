"""Regimes of self-attention over two temperatures and its finite sizes, as experiments, against calls of their own."""

from pathlib import Path

import numpy as np
import pytest

import nonequil as nq
from nonequil.experiments import AttentionPhase, AttentionSizes, execute, read_experiment, read_result

ROOT = Path(__file__).parents[2]
PHASE = AttentionPhase(
    beta={"start": 0.5, "stop": 1.5, "points": 3},
    gamma={"start": 0.0, "stop": 120.0, "points": 2},
    transient=60,
    steps=40,
)
SIZES = AttentionSizes(beta=(0.8,), sizes=(3_000, 300_000), chains=60)


@pytest.mark.parametrize("name, kind", [("phase", AttentionPhase), ("sizes", AttentionSizes)])
def test_each_has_a_config(name, kind):
    assert type(read_experiment(ROOT / "configs" / "attention" / f"{name}.toml")) is kind


def test_each_point_of_the_plane_is_a_run_of_its_own(tmp_path):
    execute(PHASE, tmp_path / "run")
    found = read_result(tmp_path / "run")
    assert found.regime.dims == ("gamma", "beta")
    net = nq.attention.standard(beta=1.5, gamma=0.0)
    exponents = nq.attention.lyapunov(net, count=2, transient=60, steps=40)
    np.testing.assert_allclose(found.exponent.sel(gamma=0.0, beta=1.5), exponents.value, rtol=0, atol=1e-9)
    assert np.all(found.exponent.sel(beta=0.5, index=0) < -0.1)  # far below the transition the forced cycle attracts
    assert set(found.regime.values.ravel().tolist()) <= set(range(6))
    assert (tmp_path / "run" / "phase.png").stat().st_size > 10_000


def test_finite_tokens_are_as_far_as_published(tmp_path):
    """1.28 +- 0.04 at beta = 0.8, from 100 runs; four standard errors of ours besides."""
    execute(SIZES, tmp_path / "run")
    found = read_result(tmp_path / "run")
    assert np.all(np.abs(found.scaled - 1.28) < 0.04 + 4 * found.scaled_stderr)
    assert np.all(found.scaled_stderr < 0.1)
    np.testing.assert_allclose(found.scaled, found.distance * np.sqrt(found["size"].values), rtol=1e-12)
    assert (tmp_path / "run" / "sizes.png").exists()

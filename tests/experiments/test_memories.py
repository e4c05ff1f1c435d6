"""Experiments of memories: known phases, published capacities and spinodals, what a cycle of low load dissipates."""

import tomllib
from pathlib import Path

import numpy as np
import pytest

from nonequil.experiments import (
    MemoryDiagram,
    MemoryExplosive,
    MemoryRecall,
    MemoryRetrieval,
    as_experiment,
    execute,
    read_experiment,
    read_result,
)

CONFIGS = Path(__file__).parents[2] / "configs" / "memory"
DIAGRAM = MemoryDiagram(
    figure="small",
    alpha={"start": 0.02, "stop": 0.15, "points": 3},  # 0.02, 0.085, 0.15
    T={"start": 0.0, "stop": 1.3, "points": 3},  # 0, 0.65, 1.3
)
RECALL = MemoryRecall(figure="small", alpha=0.02, T=0.5, m0=(0.9,), n=500, networks=12, steps=8)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Finished runs that no test changes."""
    folder = tmp_path_factory.mktemp("runs")
    for name, experiment in (("diagram", DIAGRAM), ("recall", RECALL)):
        execute(experiment, folder / name)
    return folder


@pytest.mark.parametrize("name", ["diagram", "recall", "explosive", "retrieval"])
def test_each_figure_has_a_config_that_comes_back_from_its_toml(name):
    experiment = read_experiment(CONFIGS / f"{name}.toml")
    assert experiment.figure == name
    assert as_experiment(tomllib.loads(experiment.to_toml())) == experiment


def test_phases_and_capacities(runs):
    """By the published capacities at T = 0, T_c(0.02) = 0.591 below 0.65, and T_g = 1 + alpha**0.5 at 1.3."""
    r = read_result(runs / "diagram")
    assert r.phase.values.tolist() == [[3, 2, 1], [2, 1, 1], [0, 0, 1]]
    assert np.allclose(
        [r.capacity[0], r.global_capacity[0], r.sequence_capacity[0]], [0.137906, 0.051854, 0.269062], atol=1e-6
    )
    assert np.all(r.m[0, :2] > 0.97)
    assert "capacity: 0.137906" in DIAGRAM.describe(r)


def test_a_cycle_of_low_load_is_recalled_and_dissipates(runs):
    """m follows the theory within 4 standard errors and n**-0.5 / 2; a step gives away beta m**2 and O(alpha)."""
    r = read_result(runs / "recall").isel(m0=0)
    assert np.all(abs(r.m - r.theory) < 4 * r.m_stderr + 0.5 * 500**-0.5)
    late = r.isel(step=slice(-4, None))
    expected = 2 * float(late.theory.mean()) ** 2
    assert np.all(abs(late.entropy_flow - expected) < 4 * late.entropy_flow_stderr + 0.04)
    assert np.isnan(r.entropy_flow[0])


@pytest.mark.parametrize("name", ["diagram", "recall"])
def test_figures_are_written(runs, name):
    assert {"small.png", "small.pdf"} <= {path.name for path in (runs / name).iterdir()}


@pytest.mark.parametrize(
    "table, message",
    [
        ({"experiment": "memory-diagram", "alpha": {"start": -0.1}}, "alpha.start = -0.1"),
        ({"experiment": "memory-diagram", "T": {"stop": -1.0}}, "T.stop = -1.0"),
        ({"experiment": "memory-recall", "T": -0.1}, "T = -0.1: input should be greater"),
        ({"experiment": "memory-recall", "m0": [0.5, 1.2]}, "m0.1 = 1.2"),
        ({"experiment": "memory-explosive", "gamma": [-2.5]}, "gamma.0 = -2.5"),
        ({"experiment": "memory-retrieval", "beta": [0.0, 1.0]}, "beta.0 = 0.0"),
        ({"experiment": "memory-recall", "networks": 1}, "networks = 1: input should be greater"),
    ],
    ids=["alpha", "T", "T of recall", "m0", "gamma", "beta", "networks"],
)
def test_bad_settings_are_named(table, message):
    with pytest.raises(ValueError, match=message):
        as_experiment(table)


def test_loops_and_retrieval(tmp_path):
    """Explosive networks are ordered when cold and not when hot; sharp memories attend to one pattern and find it."""
    loops = MemoryExplosive(gamma=(-1.2,), beta={"start": 0.5, "stop": 1.2, "points": 3}, n=32, chains=4, sweeps=12)
    execute(loops, tmp_path / "loops")
    r = read_result(tmp_path / "loops").isel(gamma=0)
    assert r.m.dims == ("way", "beta")
    assert np.all(r.m.sel(beta=1.2) > 0.9)
    assert np.all(r.m.sel(beta=0.5) < 0.4)
    assert np.isclose(r.beta_of_overlap.min(), 0.83637792, atol=1e-4)

    execute(MemoryRetrieval(points=4, networks=6), tmp_path / "retrieval")
    r = read_result(tmp_path / "retrieval")
    assert r.effective_patterns[0] > 20
    assert np.isclose(r.effective_patterns[-1], 1, atol=1e-3)
    assert r.error_resting[-1] < 1e-6 < 0.3 < r.error_resting[0]
    assert (tmp_path / "loops" / "explosive.png").exists()
    assert (tmp_path / "retrieval" / "retrieval.png").exists()

"""The attractors of the six panels and the experiments that draw them."""

import tomllib
from pathlib import Path

import numpy as np
import pytest

from nonequil.experiments import AttentionDiagram, AttentionPanels, Stages, as_experiment, read_experiment

CONFIGS = sorted((Path(__file__).parents[2] / "configs" / "attention").glob("*.toml"))
BETAS = (1.255, 1.26405, 1.266, 1.27, 1.28, 1.4)


@pytest.fixture(scope="module")
def panels():
    """Shorter than the paper's; long enough for each attractor."""
    config = AttentionPanels(betas=BETAS, transient=20_000, steps=1008, exponent_steps=8000)
    return config.run(Stages())


def exponent(panels, beta):
    return panels.exponent.sel(beta=beta).values


@pytest.mark.parametrize("beta", [1.255, 1.26405])
def test_tori_have_one_zero_exponent_and_no_period(beta, panels):
    first, second, _ = exponent(panels, beta)
    assert abs(first) < 5e-4
    assert second < -1e-3
    assert panels.period.sel(beta=beta) == 0


def test_published_cycle_of_28_tokens(panels):
    error = panels.exponent_stderr.sel(beta=1.27).values[0]
    assert panels.period.sel(beta=1.27) == 28
    assert abs(exponent(panels, 1.27)[0] + 0.0478) < 2e-4 + 3 * error
    power = panels.power.sel(beta=1.27).values
    near = np.abs(panels.frequency.values * 28 - np.round(panels.frequency.values * 28)) < 0.15
    assert power[~near].sum() < 0.02 * power.sum()


@pytest.mark.parametrize("beta", [1.266, 1.28, 1.4])
def test_chaos_has_a_positive_exponent(beta, panels):
    first = exponent(panels, beta)[0]
    assert first > 0.02 + 3 * panels.exponent_stderr.sel(beta=beta).values[0]
    assert panels.period.sel(beta=beta) == 0


def test_published_exponents_of_chaos(panels):
    errors = panels.exponent_stderr.sel(beta=1.4).values[:2]
    assert np.all(np.abs(exponent(panels, 1.4)[:2] - [0.075, -0.133]) < 0.005 + 3 * errors)


def test_the_diagram_finds_the_cycle_of_one_window_before_the_transition(tmp_path):
    """Going down, the only attractor is that cycle; its exponent at beta = 1.1 is log(0.82899648) / 4."""
    beta = {"start": 1.0, "stop": 1.1, "points": 3}
    config = AttentionDiagram(starts=("down",), beta=beta, transient=800, records=8, exponent_steps=400)
    r = config.run(Stages())
    assert np.allclose(r.attention[:, :, :4], r.attention[:, :, 4:], atol=1e-12)
    assert np.allclose(r.exponent[:, -1, 0], np.log(0.82899648) / 4, atol=2e-3)
    assert np.all(r.regime == 0)
    assert abs(r.critical - 1.243445) < 1e-6
    config.write(r, tmp_path)
    assert (tmp_path / "diagram.png").stat().st_size > 1000
    assert "3 periodic" in config.describe(r)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_each_figure_has_a_config_that_comes_back(path):
    experiment = read_experiment(path)
    assert experiment.figure == path.stem
    assert as_experiment(tomllib.loads(experiment.to_toml())) == experiment


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"experiment": "attention-panels", "betas": [-1.0]}, r"betas.0 = -1.0"),
        ({"experiment": "attention-diagram", "starts": ["left"]}, r"starts.0 = 'left'"),
        ({"experiment": "attention-diagram", "n_bits": 3}, r"n_bits = 3"),
    ],
)
def test_bad_settings_are_named(table, message):
    with pytest.raises(ValueError, match=message):
        as_experiment(table)

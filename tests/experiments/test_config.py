import tomllib
from pathlib import Path

import pytest

from nonequil.experiments import Fit, Simulate, as_experiment, read_experiment

FIT = {"experiment": "fit", "recording": "spikes.npz", "bin": [0.02, 0.05]}
CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda p: p.name)
def test_the_examples_are_valid_and_come_back_from_their_toml(path):
    experiment = read_experiment(path)
    assert as_experiment(tomllib.loads(experiment.to_toml())) == experiment


@pytest.mark.parametrize(
    "table",
    [
        FIT,
        {**FIT, "l2": 0.5, "units": ["a", 'b"\\'], "epochs": [[0, 1.5], [2, 3]], "start": -1.0, "field": "spikes"},
        {"experiment": "simulate", "model": {"ensemble": "Diluted", "n": 8, "k": 2.0}, "every": 3},
        {"experiment": "simulate", "model": {"ensemble": "Stored", "path": "a b.npz"}},
    ],
)
def test_the_resolved_config_is_the_config(table):
    experiment = as_experiment(table)
    again = as_experiment(tomllib.loads(experiment.to_toml()))
    assert again == experiment
    assert again.to_toml() == experiment.to_toml()


@pytest.mark.parametrize(
    "change, message",
    [
        ({"experiment": "fitt"}, "experiment = 'fitt' is unknown: did you mean 'fit'"),
        ({"experiment": None}, "experiment is missing"),
        ({"fold": 3}, "unknown key 'fold': did you mean 'folds'"),
        ({"zzz": 3}, "unknown key 'zzz': known keys are seed"),
        ({"bin": []}, "bin = .*at least 1"),
        ({"bin": [0.02, -0.05]}, "bin.1 = -0.05: input should be greater than 0"),
        ({"bin": [0.02, float("nan")]}, "bin.1 = nan"),
        ({"bin": [0.02, 0.02]}, "same width"),
        ({"folds": 1}, "folds = 1"),
        ({"l2": -1.0}, "l2.* = -1.0"),
        ({"recording": None}, "recording is missing"),
        ({"precision": "float16"}, "precision = 'float16'"),
    ],
)
def test_bad_values_are_named_with_the_way_out(change, message):
    table = {key: value for key, value in {**FIT, **change}.items() if value is not None}
    with pytest.raises(ValueError, match=message):
        as_experiment(table)


def test_keys_of_inner_tables_have_near_misses():
    with pytest.raises(ValueError, match=r"unknown key 'model.*\.nn': did you mean 'model.n'"):
        as_experiment({"experiment": "simulate", "model": {"ensemble": "SherringtonKirkpatrick", "nn": 3}})
    with pytest.raises(ValueError, match=r"step.*did you mean 'steps'"):
        as_experiment({"experiment": "simulate", "step": 3})


def test_an_unknown_ensemble_names_the_known_ones():
    with pytest.raises(ValueError, match="SherringtonKirkpatrick"):
        as_experiment({"experiment": "simulate", "model": {"ensemble": "Hopfield"}})


def test_files_are_named(tmp_path):
    with pytest.raises(OSError, match=r"nothing.toml: no such file"):
        read_experiment(tmp_path / "nothing.toml")
    (tmp_path / "bad.toml").write_text("seed = = 3")
    with pytest.raises(ValueError, match=r"bad.toml: not valid TOML"):
        read_experiment(tmp_path / "bad.toml")
    (tmp_path / "fit.toml").write_text('experiment = "fit"\nrecording = "x"\nbin = [0.1]\n')
    with pytest.raises(ValueError, match="use `nonequil run`"):
        read_experiment(tmp_path / "fit.toml", "simulate")


def test_configs_are_frozen():
    config = Simulate()
    with pytest.raises(ValueError, match="frozen"):
        config.seed = 3
    assert Fit(recording="a.npz", bin=(0.1,)).recording.is_absolute()

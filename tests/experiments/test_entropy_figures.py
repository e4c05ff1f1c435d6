"""The experiments on entropy production: small runs judged by enumeration, by closed forms and by the estimators."""

import os
import tomllib
from pathlib import Path

import jax.random as jr
import numpy as np
import pytest

import nonequil as nq
from nonequil.experiments import (
    EntropyRecording,
    EntropySpins,
    as_experiment,
    execute,
    read_experiment,
    read_result,
)
from nonequil.experiments import _entropy_spins_data as spins_data

ROOT = Path(__file__).parents[2]
RETINA = Path(os.environ.get("NONEQUIL_DATA", "/nowhere")) / "retina-salamander-lynn"
SPINS = EntropySpins(
    figure="small", n=6, k=3.0, beta={"start": 0.5, "stop": 1.0, "points": 2}, couplings_beta=1.0, states=125
)
TRIALS, SECONDS, WIDTH = 20, 12.0, 0.02


@pytest.fixture(scope="module")
def spins(tmp_path_factory):
    """A finished run that no test changes."""
    out = tmp_path_factory.mktemp("runs") / "spins"
    execute(SPINS, out)
    return out


@pytest.fixture(scope="module")
def rasters(tmp_path_factory):
    """Simulated recordings: 6 units with an arrow of time, in trials, and 5 units that fire independently of time."""
    folder = tmp_path_factory.mktemp("recordings")
    rng = np.random.default_rng(0)
    bins = round(TRIALS * SECONDS / WIDTH)
    driven = rng.random((bins, 6)) < 0.05
    for follower in range(1, 6):  # each unit often fires one bin after the one before it
        driven[1:, follower] |= driven[:-1, follower - 1] & (rng.random(bins - 1) < 0.5)
    for name, active in {"driven": driven, "idle": rng.random((bins, 5)) < 0.05}.items():
        bin, unit = np.nonzero(active)
        time = (bin + rng.uniform(0.01, 0.99, bin.size)) * WIDTH
        lists = [time[unit == i] for i in range(active.shape[1])]
        epochs = [(k * SECONDS, (k + 1) * SECONDS) for k in range(TRIALS)]
        nq.data.Raster.from_lists(lists, epochs=epochs).save(folder / f"{name}.npz")
    return folder


@pytest.fixture(scope="module")
def config(rasters):
    paths = (rasters / "driven.npz", rasters / "idle.npz")
    return EntropyRecording(figure="small", recording=paths, bin=(0.04, 0.02), units=(5, 3), subsets=2)


@pytest.fixture(scope="module")
def recording(config, tmp_path_factory):
    """A finished run that no test changes."""
    out = tmp_path_factory.mktemp("runs") / "recording"
    execute(config, out)
    return out


@pytest.mark.parametrize("name, kind", [("spin_model", EntropySpins), ("recording", EntropyRecording)])
def test_each_figure_has_a_config_that_comes_back_from_its_toml(name, kind):
    experiment = read_experiment(ROOT / "configs" / "entropy" / f"{name}.toml")
    assert type(experiment) is kind
    assert experiment.figure == name
    assert as_experiment(tomllib.loads(experiment.to_toml())) == experiment


def known_network():
    key_network, _ = jr.split(jr.key(0))
    return nq.Diluted(k=3.0, beta=1.0).sample(key_network, 6)


def test_flow_and_bounds_are_those_of_the_enumerated_network(spins):
    r = read_result(spins).sel(beta=1.0)
    model = known_network()
    assert np.array_equal(r.J, model.J)
    population = nq.enumerate_states(nq.Sequential(model)).transitions()
    expected = [nq.thermodynamics.exact(nq.Sequential(model)).value]
    bounds = (bound(nq.thermodynamics.SiteFlips()) for bound in spins_data.BOUNDS.values())
    expected += [bound(population).value for bound in bounds]
    assert np.all(np.abs(r.sigma - np.array(expected)) < 4 * r.sigma_stderr)
    assert np.all(r.sigma_stderr < 0.1 * r.sigma)
    assert np.all(np.diff(expected[1:]) > 0)
    assert expected[-1] < expected[0]
    assert r.sigma.attrs["units"] == "nats/attempt"
    assert np.all(r.result == "successful")


def test_one_attempt_is_made_at_each_site_with_the_law_of_the_clock():
    model = known_network()
    data = spins_data.sampled_attempts(SPINS, model, jr.key(5))
    x = np.asarray(data.x, float)
    p = 1 / (1 + np.exp(2 * x * (x @ np.asarray(model.J).T)))
    excess = (np.asarray(data.flipped) - p).sum(0) / np.sqrt((p * (1 - p)).sum(0))
    assert np.all(np.abs(excess) < 4)
    assert x.shape == (64 * 125, 6)
    assert np.array_equal(np.bincount(np.asarray(data.block)), np.full(64, 125))


def test_inferred_couplings_agree_with_the_true_ones(spins):
    r = read_result(spins)
    J, theta = r.J.values, r.theta.sel(fit="maxent").values
    pairs = [(i, j) for i in range(6) for j in range(i + 1, 6)]
    true, found = (np.array([a[i, j] - a[j, i] for i, j in pairs]) for a in (J, theta))
    assert np.isclose(float(r.r2.sel(fit="maxent")), 1 - np.mean((found - true) ** 2) / np.var(found))
    assert float(r.r2.sel(fit="maxent")) > 0.9
    assert np.isnan(spins_data.explained(J, np.zeros_like(J)))


def test_figures_are_written_and_do_not_depend_on_the_day(spins, recording, config, tmp_path):
    for experiment, out in ((SPINS, spins), (config, recording)):
        experiment.write(read_result(out), tmp_path)
        for name in ("small.png", "small.pdf"):
            assert (out / name).read_bytes() == (tmp_path / name).read_bytes()
            assert (out / name).stat().st_size > 1000


def test_all_units_give_what_the_estimator_gives(recording, rasters):
    r = read_result(recording)
    binned = nq.data.load(rasters / "driven.npz").bin(WIDTH)
    direct = nq.thermodynamics.QuadraticBound()(binned.transitions(), key=jr.fold_in(jr.key(0), 0))
    at = r.sel(recording="driven", bin=WIDTH, group="all", subset=0)
    spikes = binned.n_spikes / len(binned.spins)
    assert float(at.value) == float(direct.value)
    assert float(at.stderr) == float(direct.stderr)
    assert np.isclose(float(at.per_second), float(direct.value) / WIDTH)
    assert np.isclose(float(at.per_spike), float(direct.value) / spikes)
    assert np.isclose(float(at.floor), 2 * (15 + 6) / binned.n_transitions)
    assert float(at.clipped) == binned.clipped_fraction
    assert int(at.n_blocks) == TRIALS
    assert int(at.n_units) == 6


def test_the_arrow_of_time_is_seen_where_there_is_one(recording):
    r = read_result(recording).sel(group="all", subset=0)
    driven, idle = r.sel(recording="driven", bin=WIDTH), r.sel(recording="idle")
    assert float(driven.u) > 10 * float(driven.null_spread)
    assert np.all(np.abs(idle.u) < 4 * idle.null_spread)
    assert np.all(np.abs(r.null_mean) < 4 * r.null_spread / np.sqrt(200))
    wide = r.sel(bin=0.04)
    assert np.all(wide.clipped > r.sel(bin=WIDTH).clipped)


def test_subsets_are_nested_and_absent_where_there_are_too_few_units(recording, config):
    r = read_result(recording)
    assert list(r.group.values) == ["3", "5", "all"]
    assert np.all(r.sel(recording="idle", group="5").result == "absent")
    assert np.all(np.isnan(r.sel(recording="idle", group="5").value))
    assert np.all(r.sel(group="all", subset=1).result == "absent")
    spikes = r.sel(recording="driven", bin=WIDTH).spikes_per_bin
    assert np.all(spikes.sel(group="3") < spikes.sel(group="5"))
    assert len(np.unique(spikes.sel(group="3"))) == 2


def test_results_are_told_in_words(spins, recording, config):
    told = SPINS.describe(read_result(spins))
    assert "couplings at beta 1, R^2" in told
    told = config.describe(read_result(recording))
    assert "driven, 20 ms, 6 units: 0." in told
    assert "of the spikes clipped" in told


def test_too_short_a_recording_gives_no_number(rasters, tmp_path):
    short = tmp_path / "short.npz"
    raster = nq.data.load(rasters / "driven.npz", stop=1.0)
    raster.save(short)
    config = EntropyRecording(recording=(short,), bin=(WIDTH,), units=(), subsets=1)
    execute(config, tmp_path / "run")
    r = read_result(tmp_path / "run")
    assert r.result.item() == "too_few_transitions"
    assert np.isnan(r.value.item())
    assert "no number (too_few_transitions)" in config.describe(r)
    assert (tmp_path / "run" / "recording.png").exists()


@pytest.mark.parametrize(
    "table, message",
    [
        ({"experiment": "entropy-spins", "n": 4}, "k = 6.0 exceeds n - 1 = 3"),
        ({"experiment": "entropy-spins", "chains": 1}, "chains = 1"),
        ({"experiment": "entropy-spins", "beta": {"start": 5.0}}, "beta = .*stop must be above start"),
        ({"experiment": "entropy-spins", "couplings_beta": -1.0}, "couplings_beta = -1.0"),
        ({"experiment": "entropy-recording"}, "recording"),
        ({"experiment": "entropy-recording", "recording": ["a/x.npz", "b/x.npz"]}, "give each recording once"),
        ({"experiment": "entropy-recording", "recording": ["x.npz"], "bin": [0.0]}, "bin.0 = 0.0"),
        ({"experiment": "entropy-recording", "recording": ["x.npz"], "units": [1]}, "units.0 = 1"),
        ({"experiment": "entropy-recording", "recording": ["x.npz"], "units": [5, 5]}, "5, 5: give each value once"),
    ],
)
def test_bad_values_are_named(table, message):
    with pytest.raises(ValueError, match=message):
        as_experiment(table)


@pytest.mark.recording
@pytest.mark.skipif(not RETINA.exists(), reason="NONEQUIL_DATA names no folder of recordings")
def test_the_retina_is_as_irreversible_as_published_figures_say(tmp_path, monkeypatch):
    """Brownian bar in bins of 20 ms: U = 0.231 +- 0.010, from independent code on the same file."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import convert_retina

    path = tmp_path / "bar.npz"
    convert_retina.convert(RETINA, 1).save(path)
    config = EntropyRecording(recording=(path,), bin=(0.02,), units=(), subsets=1)
    execute(config, tmp_path / "run")
    at = read_result(tmp_path / "run").squeeze()
    assert abs(float(at.u) - 0.2312) < 1e-4
    assert abs(float(at.u_stderr) - 0.010) < 0.001
    assert abs(float(at.value) - np.log1p(0.2312)) < 1e-4
    assert abs(float(at.clipped) - 0.163) < 0.001
    assert (int(at.n), int(at.n_blocks)) == (55_957, 61)

import shutil

import numpy as np
import pytest

from nonequil.cli import main
from nonequil.experiments import differences

TIMES, UNITS = np.arange(200) * 0.05 + 0.01, np.arange(200) % 3


def table(path, **columns):
    np.savez(path, **{"time": TIMES, "unit": UNITS, "start": 0.0, "stop": 10.0, **columns})
    return str(path)


def text(path, content):
    path.write_text(content)
    return str(path)


def broken(times):
    times = TIMES.copy()
    times[7] = np.nan
    return times


RECORDINGS = {
    "no such file": (lambda p: str(p / "nothing.npz"), [], "nothing.npz: no such file"),
    "unknown format": (lambda p: text(p / "a.xyz", "1 2"), [], ".xyz"),
    "unreadable": (lambda p: text(p / "a.npz", "no archive"), [], "a.npz"),
    "time not finite": (lambda p: table(p / "a.npz", time=broken(TIMES)), [], "time nan at spike 7"),
    "outside the epochs": (lambda p: table(p / "a.npz", stop=5.0), [], "outside the declared epochs"),
    "unit is no id": (lambda p: table(p / "a.npz", unit=UNITS + 0.5), [], "unit of"),
    "trial is no id": (lambda p: table(p / "a.npz", trial=UNITS + 0.5), [], "trial of"),
    "all silent": (lambda p: table(p / "a.npz", time=TIMES[:0], unit=UNITS[:0]), [], "no spikes"),
    "unknown unit": (lambda p: table(p / "a.npz"), ["--units", "7"], "no unit '7'"),
    "rate too high": (lambda p: table(p / "a.npz"), ["--min-rate", "1000"], "min_rate = 1000"),
    "bin wider than the recording": (lambda p: table(p / "a.npz"), ["--bin", "20"], "width = 20"),
    "fewer transitions than parameters": (lambda p: table(p / "a.npz"), ["--bin", "3"], "transitions"),
    "bin not positive": (lambda p: table(p / "a.npz"), ["--bin", "-0.1"], "bin.0 = -0.1"),
    "bin not finite": (lambda p: table(p / "a.npz"), ["--bin", "nan"], "bin.0 = nan"),
    "negative penalty": (lambda p: table(p / "a.npz"), ["--l2", "-1"], "l2"),
    "one fold": (lambda p: table(p / "a.npz"), ["--folds", "1"], "folds = 1"),
    "start after stop": (lambda p: table(p / "a.npz"), ["--start", "5", "--stop", "2"], "start"),
    "stop is no number": (lambda p: table(p / "a.npz"), ["--stop", "never"], "never"),
    "unknown option": (lambda p: table(p / "a.npz"), ["--fold", "3"], "--folds"),
    "resume and overwrite": (lambda p: table(p / "a.npz"), ["--resume", "--overwrite"], "exclude each other"),
}


@pytest.mark.parametrize("case", RECORDINGS)
def test_bad_recordings_are_named_and_nothing_is_written(case, tmp_path, capsys):
    recording, options, message = RECORDINGS[case]
    width = [] if "--bin" in options else ["--bin", "0.1"]
    out = tmp_path / "runs" / "run"
    assert main(["fit", recording(tmp_path), *width, *options, "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert not out.exists()


@pytest.mark.parametrize("case", ["no such file", "time not finite", "bin wider than the recording"])
def test_a_refused_overwrite_keeps_the_old_run(case, simulate_run, tmp_path, capsys):
    old, kept = tmp_path / "runs" / "old", simulate_run
    shutil.copytree(kept, old)
    recording, options, _ = RECORDINGS[case]
    width = [] if "--bin" in options else ["--bin", "0.1"]
    assert main(["fit", recording(tmp_path), *width, *options, "--out", str(old), "--overwrite"]) == 2
    assert differences(old, kept) == []
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["old"]


def test_an_existing_run_is_refused(fit_arguments, fit_run, capsys):
    before = (fit_run / "status.json").read_bytes()
    assert main([*fit_arguments, "--out", str(fit_run)]) == 2
    assert "exists: give --resume" in capsys.readouterr().err
    assert main([*fit_arguments, "--seed", "3", "--out", str(fit_run), "--resume"]) == 2
    assert "another config (seed = 0; seed = 3)" in capsys.readouterr().err
    assert (fit_run / "status.json").read_bytes() == before


def test_a_recording_that_changed_is_refused(simulate_arguments, tmp_path, monkeypatch, capsys):
    recording, out = tmp_path / "a.npz", tmp_path / "run"
    arguments = ["fit", table(recording), "--bin", "0.1", "--out", str(out)]
    monkeypatch.setattr("nonequil.experiments._fitting.fit_bin", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    assert main(arguments) == 130
    table(recording, time=TIMES + 0.001)
    assert main([*arguments, "--resume"]) == 2
    assert "a.npz has changed since the run began" in capsys.readouterr().err


CONFIGS = {
    "no such file": (None, [], "no such file"),
    "not TOML": ("seed = = 1", [], "not valid TOML"),
    "unknown key": ('experiment = "simulate"\nstep = 3', [], "did you mean 'steps'"),
    "unknown kind": ('experiment = "simulat"', [], "did you mean 'simulate'"),
    "unknown inner key": (
        'experiment = "simulate"\n[model]\nensemble = "Diluted"\nkk = 3',
        [],
        "did you mean 'model.k'",
    ),
    "bad value": ('experiment = "simulate"\nsteps = 0', [], "steps = 0"),
    "bad override": ('experiment = "simulate"', ["--model.n", "-3"], "greater than 0"),
    "unknown override": ('experiment = "simulate"', ["--model.nn", "3"], "--model.n"),
    "too many senders": (
        'experiment = "simulate"\n[model]\nensemble = "Diluted"\nn = 3\nk = 9.0',
        [],
        "model.k = 9.0 exceeds n - 1 = 2",
    ),
    "no stored network": ('experiment = "simulate"\n[model]\nensemble = "Stored"\npath = "no.npz"', [], "no.npz"),
}


@pytest.mark.parametrize("case", CONFIGS)
def test_bad_configs_are_named_and_nothing_is_written(case, tmp_path, capsys):
    content, options, message = CONFIGS[case]
    config = tmp_path / "config.toml"
    if content is not None:
        config.write_text(content)
    assert main(["run", str(config), *options, "--out", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "arrays, message",
    [
        ({"J": np.full((2, 2), np.inf), "H": np.zeros(2)}, "J must be finite"),
        ({"J": np.zeros((2, 3)), "H": np.zeros(2)}, "J has shape"),
        ({"J": np.zeros((2, 2))}, "not H"),
    ],
)
def test_bad_stored_networks_are_named(arrays, message, tmp_path, capsys):
    np.savez(tmp_path / "network.npz", **arrays)
    config = tmp_path / "config.toml"
    config.write_text(f'experiment = "simulate"\n[model]\nensemble = "Stored"\npath = "{tmp_path / "network.npz"}"')
    assert main(["simulate", str(config), "--out", str(tmp_path / "run")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["fti"], "did you mean 'fit'"),
        (["fit"], "PATH"),
        (["simulate"], None),
        (["simulate", "--out", "x"], "name the TOML file first"),
        (["show", "nothing-here"], "no such folder"),
        (["show", "."], "no run folder"),
        (["rerun", "nothing-here", "--out", "x"], "no such folder"),
        (["list", "nothing-here"], "no such folder"),
        (["info", "more"], "takes no arguments"),
        ([], None),
    ],
)
def test_bad_commands_are_told(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert message is None or message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []

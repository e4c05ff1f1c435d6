import json
import subprocess
import sys

import numpy as np
import pytest

from nonequil.cli import main
from nonequil.experiments import RunFailed, RunFolder, Simulate, differences, read_result


@pytest.mark.parametrize("kind", ["fit", "simulate"])
def test_rerun_gives_the_same_bits(kind, request, tmp_path, capsys):
    whole = request.getfixturevalue(f"{kind}_run")
    assert main(["rerun", str(whole), "--out", str(tmp_path / "again")]) == 0
    assert "bit for bit" in capsys.readouterr().out
    assert differences(whole, tmp_path / "again") == []
    before, after = (json.loads((run / "env.json").read_text()) for run in (whole, tmp_path / "again"))
    assert before["versions"] == after["versions"]


def test_rerun_tells_a_difference(simulate_run, tmp_path, monkeypatch, capsys):
    run = Simulate.run
    monkeypatch.setattr(Simulate, "run", lambda self, stages: run(self, stages).assign_attrs(title="another"))
    assert main(["rerun", str(simulate_run), "--out", str(tmp_path / "again")]) == 1
    assert "differs" in (out := capsys.readouterr().out)
    assert "result.nc" in out


def test_overrides_change_the_resolved_config(simulate_arguments, tmp_path):
    out = tmp_path / "run"
    options = ["--model.n", "3", "--seed", "5", "--record", "--precision", "float32", "--clock", "sequential"]
    assert main([*simulate_arguments, *options, "--out", str(out)]) == 0
    config = RunFolder(out).config
    assert all(line in config for line in ("n = 3", "seed = 5", "record = true", 'precision = "float32"'))
    result = read_result(out)
    assert result.m.dtype == np.float32
    assert result.spins.dtype == np.int8
    assert result.spins.shape == (4, 20, 3)
    assert np.allclose(result.spins.mean(("chain", "time")), result.m, atol=1e-6)
    assert result.entropy_production.attrs["units"] == "nats/attempt"
    assert json.loads((out / "env.json").read_text())["x64"] is False


def test_a_stored_network_is_simulated(fit_run, tmp_path):
    config = tmp_path / "config.toml"
    config.write_text(
        'experiment = "simulate"\nchains = 4\nsteps = 20\nburn_in = 0\n'
        f'[model]\nensemble = "Stored"\npath = "{fit_run / "couplings.npz"}"\n'
    )
    assert main(["run", str(config), "--out", str(tmp_path / "run")]) == 0
    assert np.array_equal(read_result(tmp_path / "run").J, np.load(fit_run / "couplings.npz")["J"])


def test_list_show_and_info(fit_run, simulate_run, tmp_path, capsys):
    (tmp_path / "fit").symlink_to(fit_run)
    (tmp_path / "network").symlink_to(simulate_run)
    (tmp_path / "other").mkdir()
    assert main(["list", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in lines[1:]] == [["fit", "fit", "done"], ["network", "simulate", "done"]]
    assert main(["list", str(tmp_path / "other")]) == 0
    assert "no runs" in capsys.readouterr().out
    for run, told in ((fit_run, "an arrow of time is seen"), (simulate_run, "entropy production")):
        assert main(["show", str(run)]) == 0
        out = capsys.readouterr().out
        assert told in out
        assert "seed = 0" in out
    assert main(["info"]) == 0
    out = capsys.readouterr().out
    assert all(word in out for word in ("nonequil 0.1.0", "jax 0", "device cpu", "float64"))


def test_a_failed_run_is_told_from_bad_input(simulate_arguments, tmp_path, monkeypatch, capsys):
    def fails(self, stages):
        raise RunFailed("simulation: a number was not finite after step 3")

    monkeypatch.setattr(Simulate, "run", fails)
    assert main([*simulate_arguments, "--out", str(tmp_path / "run")]) == 1
    assert RunFolder(tmp_path / "run").status["state"] == "failed"
    assert "after step 3" in capsys.readouterr().err
    assert main(["show", str(tmp_path / "run")]) == 0
    assert "failed (RunFailed: simulation" in capsys.readouterr().out


def test_help_needs_no_jax():
    code = (
        "import sys; from nonequil.cli import main\n"
        "assert main(['--help']) == 0 == main(['fit', '--help']) == main(['simulate', '--help'])\n"
        "assert 'jax' not in sys.modules and 'matplotlib' not in sys.modules"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    assert "--bin" in told.stdout

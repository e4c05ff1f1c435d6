"""The page about clusters does what it says."""

import re
import shlex
from pathlib import Path

import jax

from nonequil.cli import main
from nonequil.experiments import _cluster

PAGE = (Path(__file__).parents[2] / "docs" / "clusters.md").read_text()


def block(language, k=0):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[k]


def commands(k):
    return [shlex.split(line)[1:] for line in block("sh", k).splitlines()]


def test_the_commands_for_a_laptop_run_as_they_are_printed(tmp_path, monkeypatch, capsys):
    (tmp_path / "phases.toml").write_text(block("toml"))
    monkeypatch.chdir(tmp_path)
    said = []
    for command in commands(0):
        assert main(command) == 0, command
        said.append(capsys.readouterr().out)
    dry, sweep, status, collect, query = said
    assert "12 points of simulate" in dry
    assert "12 points in 3 tasks (local)" in sweep
    assert "12 done, 0 failed" in sweep
    assert "12 done, 0 failed" in status
    assert "result.nc" in collect
    assert [line.split()[0] for line in query.splitlines() if line[:1].isdigit()] == ["0.5", "1.0", "1.5", "2.0"]
    (jobs,) = set(re.findall(r"runs/phases/(jobs)", PAGE))
    assert not (tmp_path / "runs" / "phases" / jobs).exists()


def test_the_command_for_a_cluster_is_understood(tmp_path, monkeypatch, capsys):
    (tmp_path / "phases.toml").write_text(block("toml"))
    monkeypatch.chdir(tmp_path)
    submit = [str(tmp_path / "phases") if part == "/shared/phases" else part for part in commands(1)[0]]
    assert main([*submit, "--dry-run"]) == 0
    assert "3 tasks on slurm" in capsys.readouterr().out


def test_all_settings_are_told_with_their_defaults():
    rows = re.findall(r"^\| (`.*?) \| .* \| (.*) \|$", PAGE, re.MULTILINE)
    told = {name: default for names, default in rows for name in re.findall(r"`(\w+)`", names)}
    fields = _cluster.Slurm.model_fields
    assert told.keys() == fields.keys()
    assert told["cpus"] == ", ".join(f"{fields[name].default:g}" for name in ("cpus", "mem_gb", "gpus"))
    for name in ("timeout_min", "parallel", "notice_s", "restarts"):
        assert told[name] == str(fields[name].default)


def test_the_script_for_many_nodes_runs_on_one(capsys):
    code = block("python").replace("jax.distributed.initialize()", "").replace("20_000", "96").replace("1000", "5")
    exec(compile(code, "clusters.md", "exec"), {})
    assert "nats/step" in capsys.readouterr().out
    assert jax.process_count() == 1

"""Runs on several devices, and in several processes that are started by hand."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from nonequil.cli import _distributed, main
from nonequil.experiments import RunFolder, differences


def started(arguments, devices, **environment):
    """The command in a process with so many virtual devices."""
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={devices}"
    command = [sys.executable, "-m", "nonequil.cli", *map(str, arguments)]
    both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, env={**os.environ, "XLA_FLAGS": flags, **environment}, **both)


def ended(*processes):
    """Their exit codes and what they said."""
    try:
        said = [process.communicate(timeout=200)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [process.returncode for process in processes], said


def together(arguments):
    """The command in two processes of two devices each."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    known = {"JAX_COORDINATOR_ADDRESS": f"127.0.0.1:{port}", "JAX_NUM_PROCESSES": "2"}
    return ended(*(started(arguments, 2, **known, JAX_PROCESS_ID=str(rank)) for rank in (0, 1)))


def test_two_processes_of_two_devices_give_the_bits_of_one_and_the_first_one_writes(
    simulate_arguments, simulate_run, tmp_path
):
    out = tmp_path / "run"
    codes, (first, second) = together([*simulate_arguments, "--out", out, "--distributed"])
    assert codes == [0, 0], first + second
    assert f"written to {out}" in first
    assert "written" not in second
    assert differences(simulate_run, out) == []
    assert RunFolder(out).done
    assert len(json.loads((out / "env.json").read_text())["devices"]) == 4


def test_the_page_about_clusters_starts_such_processes():
    page = (Path(__file__).parents[2] / "docs" / "clusters.md").read_text()
    assert "nonequil simulate network.toml --out /scratch/large --distributed" in page
    names = (_distributed.COORDINATOR, _distributed.COUNT, _distributed.NUMBER)
    assert [name for name in names if f"`{name}" not in page] == []


def test_what_the_first_process_refuses_ends_both(simulate_arguments, simulate_run):
    before = (simulate_run / "status.json").read_bytes()
    codes, (first, second) = together([*simulate_arguments, "--out", simulate_run, "--distributed"])
    assert codes == [2, 0], first + second
    assert "exists: give --resume" in first
    assert (simulate_run / "status.json").read_bytes() == before


@pytest.mark.parametrize(
    "environment, message",
    [({}, "start this by srun or mpirun, or set JAX_COORDINATOR_ADDRESS"), ({"JAX_NUM_PROCESSES": "two"}, "'two'")],
)
def test_without_other_processes_it_says_how_to_start_them(
    environment, message, simulate_arguments, tmp_path, monkeypatch, capsys
):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("jax.distributed.initialize", nobody)
    assert main([*simulate_arguments, "--out", str(tmp_path / "run"), "--distributed"]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def nobody(**known):
    """What jax says where nothing names a coordinator."""
    raise ValueError("coordinator_address should be defined.")

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import xarray as xr

from nonequil.cli import main
from nonequil.experiments._cluster import active
from nonequil.experiments._store import read_json
from nonequil.experiments._sweep import SweepFolder

pytestmark = pytest.mark.cluster

CONFIG = """
experiment = "simulate"
chains = 32
steps = 12_000
burn_in = 400
chunk = 400
[model]
ensemble = "SherringtonKirkpatrick"
n = 48
[sweep]
"model.beta" = [0.5, 1.0, 1.5, 2.0]
"model.dJ" = [0.5, 0.7, 0.9, 1.1, 1.3, 1.5]
"""
TASKS, DEADLINE = 6, 600.0
SLURM = ["--cluster", "slurm", "--settings", "cpus=1", "mem_gb=1", "timeout_min=10"]


@pytest.fixture(autouse=True)
def _kept(monkeypatch, tmp_path):
    monkeypatch.setenv("NONEQUIL_CHECKPOINT_SECONDS", "1")
    monkeypatch.setenv("JAX_ENABLE_COMPILATION_CACHE", "true")  # nine processes compile the same programs
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "programs"))


def until(holds, what):
    deadline = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < deadline, f"{what} not within {DEADLINE:.0f} s"
        time.sleep(0.1)


def mid_run(sweep, task):
    """Whether a task has kept a state to go on from, and is not done."""
    with contextlib.suppress(FileNotFoundError):  # it may end meanwhile
        kept = (sweep.task_folder(task) / "checkpoints").glob("*/*.state/*")
        return any(path.name.isdigit() for path in kept)
    return False


def test_jobs_that_are_killed_and_preempted_give_the_bits_of_one_process(slurm, tmp_path, capsys):
    (tmp_path / "sk.toml").write_text(CONFIG)
    begin = ["sweep", str(tmp_path / "sk.toml"), "--width", "16", "--out"]
    path = str(tmp_path / "sweep")
    started = time.monotonic()
    assert main([*begin, path, "--tasks", str(TASKS), *SLURM]) == 0
    assert time.monotonic() - started < 10
    sweep = SweepFolder(Path(path))

    for task in (0, 1):
        until(lambda task=task: mid_run(sweep, task), f"a state of task {task}")
        os.kill(read_json(sweep.task_folder(task) / "status.json")["pid"], signal.SIGKILL)
    until(lambda: all(mid_run(sweep, task) for task in (2, 3)), "a state of tasks 2 and 3")
    subprocess.run(["sbatch", "--partition", "urgent", "--output", "/dev/null", "--wrap", "true"], check=True)
    until(lambda: not active(sweep.path), "the end of all jobs")

    states = [read_json(sweep.task_folder(task) / "status.json")["state"] for task in range(TASKS)]
    assert states == ["running", "running", "done", "done", "done", "done"]
    processes = [read_json(sweep.task_folder(task) / "env.json")["usage"]["processes"] for task in range(2, TASKS)]
    assert sorted(processes) == [1, 1, 1, 2]  # one was preempted, kept its state, queued again and went on
    capsys.readouterr()
    assert main(["status", path]) == 0
    assert "4 done, 2 died" in capsys.readouterr().out

    assert main(["resume", path]) == 0
    until(lambda: not active(sweep.path), "the end of the jobs that went on")
    assert main(["collect", path]) == 0
    files = {task: sorted(path.name for path in sweep.task_folder(task).iterdir()) for task in range(TASKS)}
    assert all(names == ["env.json", "result.nc", "status.json"] for names in files.values())
    assert not (sweep.path / "jobs").exists()

    alone = str(tmp_path / "alone")
    assert main([*begin, alone, "--tasks", "1", "--cluster", "debug"]) == 0
    assert main(["collect", alone]) == 0
    result, reference = (xr.load_dataset(f"{folder}/result.nc") for folder in (path, alone))
    assert (result.sizes["beta"], result.sizes["dJ"]) == (4, 6)
    assert (result.state == "done").all()
    assert result.equals(reference)

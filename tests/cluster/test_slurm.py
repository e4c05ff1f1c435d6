import os
import signal
import subprocess
import sys
import time

import pytest
import xarray as xr

from nonequil.experiments._cluster import Slurm, active, submit, tidy
from nonequil.experiments._store import read_json
from nonequil.experiments._sweep import Plan
from nonequil.experiments._sweep_create import create_sweep

pytestmark = pytest.mark.cluster

CONFIG = {
    "experiment": "simulate",
    "chains": 32,
    "steps": 6_000,
    "burn_in": 1000,
    "chunk": 1000,
    "model": {"ensemble": "SherringtonKirkpatrick", "n": 48},
    "sweep": {"model.beta": [0.5, 1.0, 1.5, 2.0], "model.dJ": [0.5, 0.7, 0.9, 1.1, 1.3, 1.5]},
}
TASKS, DEADLINE = 6, 200.0
JOBS = Slurm(cpus=1, mem_gb=1.0, timeout_min=10)


def until(holds, what):
    deadline = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < deadline, f"{what} not within {DEADLINE:.0f} s"
        time.sleep(0.1)


def mid_run(sweep, task):
    """Whether a task has kept a state to go on from, and is not done."""
    kept = (sweep.task_folder(task) / "checkpoints").glob("**/*.state/[0-9]*")
    return any(path.name.isdigit() for path in kept)


def collected(sweep):
    return xr.concat([xr.load_dataset(sweep.task_folder(task) / "result.nc") for task in sweep.tasks], "point")


def test_jobs_that_are_killed_and_preempted_give_the_bits_of_one_process(slurm, tmp_path, monkeypatch):
    monkeypatch.setenv("NONEQUIL_CHECKPOINT_SECONDS", "1")
    monkeypatch.setenv("JAX_ENABLE_COMPILATION_CACHE", "true")  # nine processes compile the same programs
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "programs"))
    sweep = create_sweep(Plan.read(CONFIG, "test"), tmp_path / "sweep", tasks=TASKS)
    submit(sweep.path, range(TASKS), JOBS)

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

    submit(sweep.path, [0, 1], JOBS)
    until(lambda: not active(sweep.path), "the end of the jobs that went on")
    tidy(sweep.path, range(TASKS))
    files = {task: sorted(path.name for path in sweep.task_folder(task).iterdir()) for task in range(TASKS)}
    assert all(names == ["env.json", "result.nc", "status.json"] for names in files.values())
    assert not (sweep.path / "jobs").exists()

    alone = create_sweep(Plan.read(CONFIG, "test"), tmp_path / "alone", tasks=1)
    subprocess.run(
        [sys.executable, "-m", "nonequil.experiments._local", str(alone.path), str(tmp_path), "0"], check=True
    )
    assert collected(sweep).equals(collected(alone))

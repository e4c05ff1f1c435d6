import sys
import time

import pytest

from nonequil.experiments._cluster import Local, Slurm, active, as_cluster, cancel, log, submit, tidy
from nonequil.experiments._launch import record
from nonequil.experiments._sweep import Plan
from nonequil.experiments._sweep_create import create_sweep

CONFIG = {
    "experiment": "simulate",
    "chains": 4,
    "steps": 30,
    "burn_in": 5,
    "model": {"ensemble": "SherringtonKirkpatrick", "n": 4},
}


@pytest.fixture
def sweep(tmp_path):
    """Three points, one a task."""
    plan = Plan.read({**CONFIG, "sweep": {"model.beta": [0.5, 1.0, 1.5]}}, "test")
    return create_sweep(plan, tmp_path / "sweep", tasks=3)


def wait(folder, seconds=120):
    deadline = time.monotonic() + seconds
    while active(folder):
        assert time.monotonic() < deadline, f"{active(folder)} go on after {seconds} s"
        time.sleep(0.05)


def states(sweep):
    folders = [sweep.task_folder(task) for task in sweep.tasks]
    return [(folder / "status.json").exists() and "done" in (folder / "status.json").read_text() for folder in folders]


def test_processes_of_this_machine_do_their_share_and_leave_nothing(sweep):
    first, second, third = submit(sweep.path, [0, 1, 2], Local(processes=2))
    assert first == third != second
    assert set(active(sweep.path)) == {0, 1, 2}
    with pytest.raises(ValueError, match=rf"worked on \(task 1 by job {second}\): wait, or `nonequil cancel"):
        submit(sweep.path, [1], Local())
    wait(sweep.path)
    assert states(sweep) == [True, True, True]
    assert not (sweep.path / "jobs").exists()
    assert sorted(path.name for path in sweep.task_folder(0).iterdir()) == ["env.json", "result.nc", "status.json"]


def test_processes_that_are_cancelled_leave_word_until_their_tasks_are_done(sweep):
    (job,) = set(submit(sweep.path, [0, 1, 2], Local()))
    while not log(sweep.path, 2).exists():
        time.sleep(0.01)
    assert cancel(sweep.path) == [job]
    assert active(sweep.path) == {}
    assert cancel(sweep.path) == []
    assert log(sweep.path, 2).name == f"{job}.log"
    tidy(sweep.path, [0, 1])
    assert (sweep.path / "jobs").exists()
    tidy(sweep.path, [0, 1, 2])
    assert not (sweep.path / "jobs").exists()


def test_a_task_that_breaks_says_why_in_its_log(sweep):
    submit(sweep.path, [7], Local())
    wait(sweep.path)
    assert "task = 7" in log(sweep.path, 7).read_text()


def test_names_and_settings_are_checked():
    assert as_cluster("local", {"processes": 3}) == Local(processes=3)
    with pytest.raises(ValueError, match="cluster = 'slurn' is unknown: did you mean 'slurm'"):
        as_cluster("slurn")
    with pytest.raises(ValueError, match="cluster = 'pbs' is unknown: known are local, slurm, debug"):
        as_cluster("pbs")
    with pytest.raises(ValueError, match="cluster = slurm: unknown key 'memgb': did you mean 'mem_gb'"):
        as_cluster("slurm", {"memgb": 4})
    with pytest.raises(ValueError, match="processes = 0"):
        as_cluster("local", {"processes": 0})


def test_what_is_missing_is_named(sweep, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match=r"no sbatch: run this on a login node .* or take --cluster local"):
        submit(sweep.path, [0], Slurm())
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(ValueError, match=r"needs submitit: pip install 'nonequil\[cluster\]'"):
        submit(sweep.path, [0], Slurm())
    assert not any((sweep.path / "jobs").iterdir())


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Stand-ins for the programs of a cluster, written as shell."""

    def write(**scripts):
        place = tmp_path / "programs"
        place.mkdir(exist_ok=True)
        for name, script in scripts.items():
            (place / name).write_text(f"#!/bin/sh\n{script}\n")
            (place / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{place}:/usr/bin:/bin")
        return place

    return write


def test_what_a_cluster_refuses_is_passed_on(sweep, programs):
    programs(sbatch="echo 'sbatch: error: invalid partition specified: gold' >&2; exit 1", srun="")
    with pytest.raises(ValueError, match="cluster = slurm: sbatch: error: invalid partition specified: gold"):
        submit(sweep.path, [0, 1], Slurm(partition="gold"))
    assert not any((sweep.path / "jobs").iterdir())


def test_jobs_are_submitted_as_they_were_asked_for(sweep, programs):
    place = programs(sbatch='cp "$1" "$(dirname "$0")/job"; echo Submitted batch job 12', srun="")
    cluster = Slurm(partition="gold", cpus=3, gpus=1, mem_gb=1.5, timeout_min=30, parallel=2, setup=("module load x",))
    assert submit(sweep.path, [0, 2], cluster) == ["12_0", "12_1"]
    job = (place / "job").read_text()
    wanted = ["partition=gold", "cpus-per-task=3", "gpus-per-node=1", "mem=1536MB", "time=30", "array=0-1%2", "requeue"]
    assert [line for line in wanted if f"#SBATCH --{line}\n" not in job] == []
    assert "signal=USR2@90" in job
    assert "\nmodule load x\n" in job


def test_the_queue_says_which_tasks_have_a_job(sweep, programs):
    launch = sweep.path / "jobs" / "first"
    launch.mkdir(parents=True)
    record(launch, "slurm", {0: "12_0", 1: "12_1", 2: "12_2"})
    for job in ("12_0", "12_1", "12_2"):
        (launch / f"{job}_submitted.pkl").touch()
        (launch / f"{job}_0_log.out").write_text(job)
    place = programs(squeue='case "$*" in *"--name nonequil-first") printf "12_1\\n12_2\\n99_0\\n";; esac')
    assert active(sweep.path) == {1: "12_1", 2: "12_2"}
    assert log(sweep.path, 2).read_text() == "12_2"
    tidy(sweep.path, [0, 1])
    assert sorted(path.name[:4] for path in launch.glob("12_*")) == ["12_1", "12_1", "12_2", "12_2"]
    programs(scancel='echo "$*" > "$(dirname "$0")/cancelled"')
    assert cancel(sweep.path) == ["12_1", "12_2"]
    assert (place / "cancelled").read_text() == "--name nonequil-first\n"
    programs(squeue="")
    tidy(sweep.path, [0, 1, 2])
    assert not (sweep.path / "jobs").exists()

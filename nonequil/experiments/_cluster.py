"""Where the tasks of a sweep run: in this process, in processes of this machine, in jobs of a Slurm cluster."""

import abc
import contextlib
import difflib
import secrets
import shutil
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from ._base import Config
from ._launch import JOBS, launches, record
from ._local import start_workers
from ._stages import never
from ._toml import validate


class AbstractCluster(Config, abc.ABC):
    """A way to run the tasks of a sweep, with its settings."""

    name: ClassVar[str]

    @abc.abstractmethod
    def launch(self, folder: Path, tasks: Sequence[int], place: Path) -> dict[int, str]:
        """Start the tasks of the sweep in `folder`, files about it in the new folder `place`; the job of each task.

        Raises ValueError if that cannot be, with what to do.
        """


class Debug(AbstractCluster):
    """One task after the other in this process: for a debugger."""

    name: ClassVar[str] = "debug"

    check: Callable[[], None] = Field(default=never, exclude=True)
    """Called between pieces of work, stops the tasks by raising."""

    def launch(self, folder: Path, tasks: Sequence[int], place: Path) -> dict[int, str]:
        """Carry the tasks out."""
        from ._sweep_task import run_task

        for task in tasks:
            run_task(folder, task, self.check)
        return {}


class Local(AbstractCluster):
    """Processes of this machine that go on when the command ends. Needs nothing that is not installed already."""

    name: ClassVar[str] = "local"

    processes: int = Field(default=1, gt=0)
    """Processes at a time, each with its share of the tasks. On one GPU: 1."""

    def launch(self, folder: Path, tasks: Sequence[int], place: Path) -> dict[int, str]:
        """Start the processes, each in a session of its own: Ctrl-C on the terminal does not reach them."""
        shares = [list(tasks[k :: self.processes]) for k in range(min(self.processes, len(tasks)))]
        pids = start_workers(folder, shares, place)
        return {task: str(pid) for pid, share in zip(pids, shares, strict=True) for task in share}


class Slurm(AbstractCluster):
    """A job array, one job a task. A job that is preempted or out of time keeps its state, queues again and goes on."""

    name: ClassVar[str] = "slurm"

    partition: str | None = None
    """Partition of the cluster (default: the cluster's own)."""
    timeout_min: int = Field(default=240, gt=0)
    """Minutes that a job may run before it has to queue again."""
    cpus: int = Field(default=2, gt=0)
    """Processors of a job."""
    mem_gb: float = Field(default=4.0, gt=0)
    """Memory of a job."""
    gpus: int = Field(default=0, ge=0)
    """GPUs of a job."""
    parallel: int = Field(default=256, gt=0)
    """Jobs that run at the same time, at most."""
    notice_s: int = Field(default=90, ge=0)
    """Seconds before the end of its time at which a job is told to keep its state."""
    restarts: int = Field(default=100, ge=0)
    """Times that a job may run out of time and queue again."""
    account: str | None = None
    """Account that pays."""
    qos: str | None = None
    """Quality of service."""
    constraint: str | None = None
    """Features that a node must have."""
    setup: tuple[str, ...] = ()
    """Shell commands at the start of a job, such as `module load cuda`."""

    def launch(self, folder: Path, tasks: Sequence[int], place: Path) -> dict[int, str]:
        """Submit the jobs and return."""
        from ._slurm import submit_jobs

        return submit_jobs(self, folder, tasks, place)


CLUSTERS: dict[str, type[AbstractCluster]] = {kind.name: kind for kind in (Local, Slurm, Debug)}


def as_cluster(name: str, settings: dict[str, Any] | None = None) -> AbstractCluster:
    """The cluster of a name, with its settings. Raises ValueError with the near miss of a wrong name or setting."""
    if name not in CLUSTERS:
        close = difflib.get_close_matches(name, CLUSTERS, 1)
        near = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(CLUSTERS)}"
        raise ValueError(f"cluster = {name!r} is unknown: {near}")
    return validate(CLUSTERS[name], settings or {}, f"cluster = {name}")


def submit(folder: Path, tasks: Sequence[int], cluster: AbstractCluster) -> list[str]:
    """Start tasks of the sweep in `folder`: one job id for each task, in order ("" for a task carried out already).

    What is known of the jobs is kept in `folder/jobs` until they end. Raises ValueError if a task has a job that is
    queued or runs, or if the cluster cannot be used; then nothing was started.
    """
    folder = Path(folder).absolute()
    if busy := {task: job for task, job in active(folder).items() if task in tasks}:
        named = ", ".join(f"task {task} by job {job}" for task, job in sorted(busy.items())[:5])
        raise ValueError(f"sweep = {folder} is being worked on ({named}): wait, or `nonequil cancel {folder}` first")
    place = folder / JOBS / f"{time.strftime('%Y%m%dT%H%M%S')}-{secrets.token_hex(3)}"
    place.mkdir(parents=True)
    try:
        jobs = cluster.launch(folder, tasks, place)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    if jobs:
        record(place, cluster.name, jobs)
    else:
        shutil.rmtree(place)
        with contextlib.suppress(OSError):
            place.parent.rmdir()  # it may hold other launches
    return [jobs.get(task, "") for task in tasks]


def cancel(folder: Path) -> list[str]:
    """Stop all jobs of the sweep in `folder`, those that run keep their state; the ids of the jobs."""
    stopped = []
    for launch in launches(Path(folder)):
        jobs = launch.active()
        if jobs:
            launch.stop()
        stopped += sorted(set(jobs.values()))
    return stopped


def active(folder: Path) -> dict[int, str]:
    """The job of each task of the sweep in `folder` that is queued or runs."""
    return {task: job for launch in launches(Path(folder)) for task, job in launch.active().items()}


def log(folder: Path, task: int) -> Path | None:
    """What a task of the sweep in `folder` printed last, as long as it has not ended well."""
    found = [path for launch in launches(Path(folder)) if (path := launch.log(task)) is not None]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def tidy(folder: Path, done: Collection[int]) -> None:
    """Remove what is kept about the jobs of tasks that are done."""
    for launch in launches(Path(folder)):
        launch.clear(set(done) - set(launch.active()))
    list(launches(Path(folder)))  # which removes those that are spent

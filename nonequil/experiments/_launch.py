"""What is known of jobs that were started: a folder for each launch, gone when all of its tasks ended well."""

import abc
import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from ._lock import held_elsewhere
from ._store import read_json, write_json

JOBS, RECORD = "jobs", "launch.json"
PATIENCE = 30.0
"""Seconds that a process of this machine is given to keep its state."""


class AbstractLaunch(abc.ABC):
    """Jobs that were started together, and their files."""

    def __init__(self, place: Path, jobs: dict[int, str]):
        self.place, self.jobs = place, jobs

    @abc.abstractmethod
    def active(self) -> dict[int, str]:
        """The job of each task that is queued or runs."""

    @abc.abstractmethod
    def stop(self) -> None:
        """Ask all jobs to keep their state and end."""

    @abc.abstractmethod
    def spent(self) -> bool:
        """Whether all tasks ended well: nothing is left to look at."""

    @abc.abstractmethod
    def clear(self, tasks: Collection[int]) -> None:
        """Remove the files about tasks that are done: their own folders say all."""

    @abc.abstractmethod
    def logs(self, job: str) -> list[Path]:
        """The files that a job prints to."""

    def log(self, task: int) -> Path | None:
        """What a task printed, None if it ended well."""
        return next((path for path in self.logs(self.jobs.get(task, "-")) if path.exists()), None)


class LocalLaunch(AbstractLaunch):
    """Processes of this machine; each holds the lock of its log as long as it lives, and removes a log that is done."""

    def active(self) -> dict[int, str]:
        """Tasks of the processes that live."""
        return {task: pid for task, pid in self.jobs.items() if self._lives(pid)}

    def stop(self) -> None:
        """SIGTERM, and wait until they have ended."""
        living = {pid for pid in self.jobs.values() if self._lives(pid)}
        for pid in living:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE
        while any(map(self._lives, living)) and time.monotonic() < deadline:
            time.sleep(0.05)

    def spent(self) -> bool:
        """No log is left."""
        return not any(self.place.glob("*.log"))

    def clear(self, tasks: Collection[int]) -> None:
        """The logs of processes that were to do those tasks alone."""
        others = {pid for task, pid in self.jobs.items() if task not in tasks}
        for pid in set(self.jobs.values()) - others:
            (self.place / f"{pid}.log").unlink(missing_ok=True)

    def logs(self, job: str) -> list[Path]:
        """One for a process."""
        return [self.place / f"{job}.log"]

    def _lives(self, pid: str) -> bool:
        try:
            return held_elsewhere(self.place / f"{pid}.log")
        except FileNotFoundError:
            return False


class SlurmLaunch(AbstractLaunch):
    """Jobs of a name of their own: a cluster that was set up anew gives the same numbers to the jobs of others."""

    def active(self) -> dict[int, str]:
        """Jobs that the queue shows; none where there is no queue to ask."""
        ask = ["squeue", "-h", "-r", "-o", "%i", "-t", "PENDING,RUNNING,SUSPENDED", "--name", job_name(self.place)]
        try:
            shown = subprocess.run(ask, capture_output=True, text=True, timeout=60).stdout.split()
        except (OSError, subprocess.TimeoutExpired):
            return {}
        return {task: job for task, job in self.jobs.items() if job in shown}

    def stop(self) -> None:
        """`scancel`: SIGTERM, and after the time that the cluster gives, SIGKILL."""
        subprocess.run(["scancel", "--name", job_name(self.place)], check=True, timeout=60)

    def spent(self) -> bool:
        """No job is left that has not ended well."""
        return not any(self.place.glob("*_submitted.pkl"))

    def clear(self, tasks: Collection[int]) -> None:
        """What the cluster wrote about those jobs."""
        for job in {self.jobs[task] for task in tasks if task in self.jobs}:
            for path in self.place.glob(f"{job}_*"):
                path.unlink(missing_ok=True)

    def logs(self, job: str) -> list[Path]:
        """One for a job, however often it was queued."""
        return [self.place / f"{job}_0_log.out"]


KINDS: dict[str, type[AbstractLaunch]] = {"local": LocalLaunch, "slurm": SlurmLaunch}


def job_name(place: Path) -> str:
    """The name of all jobs of a launch."""
    return f"nonequil-{place.name}"


def record(place: Path, cluster: str, jobs: dict[int, str]) -> None:
    """Write down which job does which task."""
    write_json(place / RECORD, {"cluster": cluster, "jobs": {str(task): job for task, job in jobs.items()}})


def launches(folder: Path) -> Iterator[AbstractLaunch]:
    """All launches of a sweep that are not spent; those that are, are removed."""
    for path in sorted((folder / JOBS).glob(f"*/{RECORD}")):
        known = read_json(path)
        if known is None:
            continue
        launch = KINDS[known["cluster"]](path.parent, {int(task): job for task, job in known["jobs"].items()})
        if launch.spent():
            shutil.rmtree(launch.place, ignore_errors=True)
            with contextlib.suppress(OSError):
                (folder / JOBS).rmdir()
        else:
            yield launch

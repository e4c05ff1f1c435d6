"""Processes of this machine that carry out tasks of a sweep one after the other."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ._attempt import attempt, leave
from ._lock import locked

_STARTED: list[subprocess.Popen] = []  # so that those that end are buried, should this process last


def start_workers(folder: Path, shares: Sequence[Sequence[int]], place: Path) -> list[int]:
    """Start a process for each share of the tasks; their numbers."""
    return [_start(folder, share, place / f"worker-{k}.log") for k, share in enumerate(shares)]


def _start(folder: Path, tasks: Sequence[int], log: Path) -> int:
    log.touch()
    with locked(log) as descriptor:  # the process inherits the lock, and has it until it ends
        command = [sys.executable, "-u", "-m", __name__, str(folder), str(log.parent), *map(str, tasks)]
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=descriptor, stderr=descriptor, start_new_session=True
        )
        log.rename(log.with_name(f"{process.pid}.log"))
    _STARTED.append(process)
    return process.pid


def work(folder: Path, place: Path, tasks: Sequence[int]) -> int:
    """Carry out tasks until a signal comes; the worst exit code. A log of tasks that all ended well is removed."""
    worst = 0
    for task in tasks:
        worst = max(worst, attempt(folder, task))
        if worst > 128:
            break
    if worst == 0:
        (place / f"{os.getpid()}.log").unlink(missing_ok=True)
    return worst


if __name__ == "__main__":
    leave(work(Path(sys.argv[1]), Path(sys.argv[2]), list(map(int, sys.argv[3:]))))

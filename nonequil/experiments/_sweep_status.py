"""How the tasks of a sweep stand, as their own status files say; schedulers are asked for waiting jobs only."""

import dataclasses
from collections import Counter
from pathlib import Path
from typing import Any

from ._cluster import active, log
from ._folder import RunFolder
from ._sweep import SweepFolder

LINES = 20
"""Tasks that are told one by one."""


ATTENTION = ("failed", "died", "interrupted", "running", "queued", "waiting")


@dataclasses.dataclass(frozen=True)
class TaskStatus:
    """One task: `waiting` (nobody is on it), `queued`, `running`, `interrupted`, `died`, `failed` or `done`."""

    state: str
    status: dict[str, Any]
    points: int

    @property
    def finished(self) -> int:
        """Points with a result."""
        return int(self.status.get("finished", 0))

    @property
    def failed(self) -> int:
        """Points that broke."""
        return int(self.status.get("failed", 0))


def task_states(sweep: SweepFolder) -> dict[int, TaskStatus]:
    """How each task stands."""
    jobs = active(sweep.path)
    return {task: _state(sweep, task, len(points), task in jobs) for task, points in sweep.tasks.items()}


def _state(sweep: SweepFolder, task: int, points: int, queued: bool) -> TaskStatus:
    folder = RunFolder(sweep.task_folder(task))
    status = folder.status
    state = status["state"]
    if state == "running" and not folder.alive:
        state = "died"
    if state == "empty":
        state = "waiting"
    if queued and state not in ("running", "done"):
        state = "queued"
    return TaskStatus(state, status, points)


def to_resume(states: dict[int, TaskStatus]) -> list[int]:
    """Tasks that nobody works on and that are not done."""
    return [task for task, one in states.items() if one.state not in ("queued", "running", "done")]


def sweep_summary(path: Path) -> dict[str, str]:
    """A sweep in one line, as the status of a run: `done`, or the state that needs most attention."""
    try:
        states = task_states(SweepFolder(path))
    except ValueError as error:
        return {"state": "unreadable", "message": str(error)}
    found = Counter(one.state for one in states.values())
    worst = next((state for state in ATTENTION if found[state]), "done")
    updated = max((one.status.get("updated", "") for one in states.values()), default="")
    points = sum(one.finished for one in states.values())
    return {
        "state": worst,
        "updated": updated,
        "message": f"sweep: {points} of {sum(s.points for s in states.values())} points",
    }


def status_text(sweep: SweepFolder) -> str:
    """Counts of tasks and points, and a line for each task that stopped."""
    states, record = task_states(sweep), sweep.record
    where = record["cluster"].get("name", "no cluster")
    tasks = Counter(one.state for one in states.values())
    total, finished, failed = (
        sum(getattr(s, name) for s in states.values()) for name in ("points", "finished", "failed")
    )
    lines = [
        f"{sweep.path}: {record['kind']}, {total} points in {len(states)} tasks ({where})",
        f"tasks:  {', '.join(f'{count} {state}' for state, count in tasks.most_common())}",
        f"points: {finished} done, {failed} failed, {total - finished - failed} to do",
    ]
    told = [(task, one) for task, one in states.items() if one.state in ("interrupted", "died", "failed") or one.failed]
    lines += [_line(sweep, task, one) for task, one in told[:LINES]]
    lines += [f"... and {len(told) - LINES} more"] if len(told) > LINES else []
    if to_resume(states):
        lines.append(f"next: nonequil resume {sweep.path}")
    elif tasks["done"] == len(states):
        lines.append(f"next: nonequil collect {sweep.path}")
    return "\n".join(lines)


def _line(sweep: SweepFolder, task: int, one: TaskStatus) -> str:
    who = f" (process {one.status['pid']} on {one.status['host']})" if one.state == "died" else ""
    message = one.status.get("message", "")
    printed = None if one.state == "done" else log(sweep.path, task)
    parts = [f"task {task}: {one.state}{who}", message, f"printed: {printed}" if printed else ""]
    return ", ".join(filter(None, parts))

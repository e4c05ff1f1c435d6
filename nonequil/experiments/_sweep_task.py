"""A task of a sweep: some of its points, run batch by batch in a folder of their own."""

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ._base import AbstractExperiment
from ._batch import completed
from ._environment import environment, record_usage
from ._execute import write_result
from ._folder import ENVIRONMENT, RESULT, STATUS, RunFolder
from ._heart import beating
from ._lock import locked
from ._stages import Stages
from ._store import read_json, write_json
from ._sweep import SweepFolder
from ._sweep_pieces import Piece, Pieces

EVERY = 1.0
"""Seconds between two notes of how far a task is."""

Group = list[tuple[int, AbstractExperiment]]


def run_task(folder: Path, task: int, check: Callable[[], None]) -> None:
    """Run the points of a task that have no result yet; a task that is done is not run again.

    Its folder then holds `status.json`, `result.nc` and `env.json`; a point that breaks is left out, the others go on.
    `check` is called between pieces of work and stops the task by raising; run again, the task goes on from there and
    gives the same bits. Raises ValueError if there is no such task or if another process works on it.
    """
    sweep = SweepFolder(folder)
    if task not in sweep.tasks:
        raise ValueError(f"task = {task}: {folder} has tasks 0 to {len(sweep.tasks) - 1}")
    place = RunFolder(sweep.task_folder(task))
    place.path.mkdir(exist_ok=True)
    with locked(place.path):
        if not place.done:
            with _told(place), beating(place.path / STATUS):
                _run(sweep, task, place, check)


@contextlib.contextmanager
def _told(place: RunFolder) -> Iterator[None]:
    """The status says how the task ends, if it does not say so itself."""
    place.mark("running")
    try:
        yield
    except KeyboardInterrupt as error:
        with contextlib.suppress(OSError):
            place.mark("interrupted", f"{error}: go on with `nonequil resume`")
        raise
    except BaseException as error:
        with contextlib.suppress(OSError):
            place.mark("failed", f"{type(error).__name__}: {error}")
        raise


def _run(sweep: SweepFolder, task: int, place: RunFolder, check: Callable[[], None]) -> None:
    points = {index: sweep.point(index) for index in sweep.tasks[task]}
    record, began = sweep.record, time.monotonic()
    told = began
    pieces, seconds = Pieces(place.checkpoints), dict[str, float]()
    _record_environment(place.path / ENVIRONMENT, points)
    try:
        pieces.forget_broken()
        _mark(place, "running", len(points), pieces)
        for group in _batches(points, pieces.known(), record):
            if time.monotonic() - told > EVERY:
                _mark(place, "running", len(points), pieces)
                told = time.monotonic()
            pieces.add(_run_batch(group, record, place.checkpoints, check, seconds))
            check()
        _finish(place, points, pieces)
    finally:
        with contextlib.suppress(OSError):
            record_usage(place.path / ENVIRONMENT, seconds, time.monotonic() - began)


def _batches(points: dict[int, AbstractExperiment], known: set[int], record: dict[str, Any]) -> Iterator[Group]:
    """Points without a result, those of one shape together, as many as run side by side."""
    groups: dict[Any, Group] = {}
    for index, point in points.items():
        if index not in known:
            groups.setdefault((point.precision, point.shape()), []).append((index, point))
    for group in groups.values():
        side_by_side = record["width"] if group[0][1].shape() else 1
        for first in range(0, len(group), side_by_side):
            yield group[first : first + side_by_side]


def _run_batch(
    group: Group, record: dict[str, Any], folder: Path, check: Callable[[], None], seconds: dict[str, float]
) -> Piece:
    """One batch, with checkpoints of its own while it runs."""
    import jax

    numbers, points = zip(*group, strict=True)
    stages = Stages(folder / f"batch-{numbers[0]}", check=check)
    try:
        with jax.enable_x64(points[0].precision == "float64"), stages:
            outcome = type(points[0]).run_batch(points, record["width"], stages)
    finally:
        for name, spent in stages.seconds.items():
            seconds[name] = seconds.get(name, 0.0) + spent
    return Piece.of(outcome, numbers)


def _finish(place: RunFolder, points: dict[int, AbstractExperiment], pieces: Pieces) -> None:
    """Write what is known, then say so; what may go better another time keeps its checkpoints."""
    write_result(place.path / RESULT, completed(pieces.result(), sorted(points), pieces.failed() | pieces.broken()))
    broken = pieces.broken()
    _mark(place, "failed" if broken else "done", len(points), pieces)
    if not broken:
        shutil.rmtree(place.checkpoints, ignore_errors=True)


def _mark(place: RunFolder, state: str, count: int, pieces: Pieces) -> None:
    failed = pieces.failed() | pieces.broken()
    message = "; ".join(f"point {index}: {why}" for index, why in list(failed.items())[:3])
    place.mark(state, message, points=count, finished=len(pieces.known()) - len(pieces.failed()), failed=len(failed))


def _record_environment(path: Path, points: dict[int, AbstractExperiment]) -> None:
    """Write `env.json`; a task that goes on keeps what it has used so far."""
    first = next(iter(points.values()))
    inputs = sorted({file for point in points.values() for file in point.inputs()})
    now = environment(first.seed, inputs)
    before = read_json(path) or {}
    write_json(path, now | ({"usage": before["usage"]} if "usage" in before else {}))

"""A task of a sweep: some of its points, run batch by batch in a folder of their own."""

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..numerics import devices
from ._base import AbstractExperiment
from ._batch import Outcome, completed
from ._environment import environment, record_usage
from ._execute import write_result
from ._folder import ENVIRONMENT, RESULT, STATUS, RunFolder
from ._heart import beating
from ._lock import locked
from ._stages import Stages
from ._store import read_json, save_tree, write_json
from ._sweep import SweepFolder
from ._sweep_pieces import Piece, Pieces

EVERY = 1.0
"""Seconds between two notes of how far a task is."""

FAILED = "failed"
"""Under `checkpoints`: the states of points whose numbers broke."""

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
    width, began = sweep.record["width"], time.monotonic()
    told = began
    pieces, seconds = Pieces(place.checkpoints), dict[str, float]()
    _record_environment(place.path / ENVIRONMENT, points)
    try:
        pieces.forget_broken()
        _mark(place, "running", len(points), pieces)
        for group in _batches(points, pieces.known(), width):
            if time.monotonic() - told > EVERY:
                _mark(place, "running", len(points), pieces)
                told = time.monotonic()
            pieces.add(_run_batch(group, width, place.checkpoints, check, seconds))
            check()
        _finish(place, points, pieces)
    finally:
        with contextlib.suppress(OSError):
            record_usage(place.path / ENVIRONMENT, seconds, time.monotonic() - began)


def _batches(points: dict[int, AbstractExperiment], known: set[int], width: int) -> Iterator[Group]:
    """Points without a result, those of one shape together, `width` for each device; those without a shape alone."""
    groups: dict[Any, Group] = {}
    for index, point in points.items():
        if index not in known:
            groups.setdefault((point.precision, point.shape()), []).append((index, point))
    for (_, shape), group in groups.items():
        side_by_side = width * len(devices()) if shape else 1
        for first in range(0, len(group), side_by_side):
            yield group[first : first + side_by_side]


def _run_batch(group: Group, width: int, folder: Path, check: Callable[[], None], seconds: dict[str, float]) -> Piece:
    """One batch, with checkpoints of its own while it runs."""
    import jax

    numbers, points = zip(*group, strict=True)
    own = folder / f"batch-{numbers[0]:06d}-{len(numbers)}"
    folder.mkdir(exist_ok=True)
    stages = Stages(own, check=check)
    try:
        with jax.enable_x64(points[0].precision == "float64"), stages:
            outcome = type(points[0]).run_batch(points, width if points[0].shape() else 1, stages)
    finally:
        for name, spent in stages.seconds.items():
            seconds[name] = seconds.get(name, 0.0) + spent
    _keep_last_states(folder, own, outcome, numbers)
    return Piece.of(outcome, numbers)


def _keep_last_states(folder: Path, own: Path, outcome: Outcome, numbers: Sequence[int]) -> None:
    """The states before numbers broke stay; other checkpoints of a batch that has ended go."""
    for place, state in outcome.states.items():
        save_tree(folder / f"{FAILED}-{numbers[place]:06d}.npz", state)
    if outcome.failed and not outcome.states and own.is_dir():
        own.rename(folder / f"{FAILED}-{numbers[0]:06d}")
    shutil.rmtree(own, ignore_errors=True)


def _finish(place: RunFolder, points: dict[int, AbstractExperiment], pieces: Pieces) -> None:
    """Write what is known, then say so; what may go better another time keeps its checkpoints."""
    broken = pieces.broken()
    write_result(place.path / RESULT, completed(pieces.result(), sorted(points), pieces.failed() | broken))
    _mark(place, "failed" if broken else "done", len(points), pieces)
    if not broken:
        pieces.clear()
        if not any(place.checkpoints.glob(f"{FAILED}-*")):
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

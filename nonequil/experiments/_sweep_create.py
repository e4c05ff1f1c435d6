"""A new sweep: its points found, checked and spread over tasks, and its folder made, whole or not at all."""

import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ._base import AbstractExperiment
from ._environment import environment
from ._folder import CONFIG, ENVIRONMENT
from ._store import write_json, write_text
from ._sweep import FORMAT, POINTS, RECORD, Plan, SweepFolder, point_id, points_csv

MOST = 20_000
"""Points above which whoever asks must mean it."""
WIDTH = 16
"""Batches are multiples of this."""


def create_sweep(
    plan: Plan,
    path: Path,
    *,
    tasks: int = 1,
    width: int | None = None,
    indices: Sequence[int] | None = None,
    many: bool = False,
    cluster: dict[str, Any] | None = None,
) -> SweepFolder:
    """Make the folder of a sweep, of all its points or of some. Nothing is run, and nothing that exists is touched.

    `width` is the number of points that run side by side, a multiple of 16 (default: what the kind of experiment
    says); the same width gives the same bits, whatever the tasks are. `cluster` is noted.
    Raises ValueError for a folder that exists, a point that is refused, and more than 20,000 points unless `many`.
    """
    path = Path(path)
    if path.exists():
        raise ValueError(f"out = {path} exists: give a new name, or `nonequil resume {path}` to finish a sweep there")
    indices = range(plan.axes.size) if indices is None else indices
    check_size(len(indices), many)
    points = [plan.experiment(index) for index in indices]
    width = chosen_width(points, width)
    task_of = spread([(point.precision, point.shape()) for point in points], tasks)
    record = {
        "format": FORMAT,
        "kind": plan.kind.kind,
        "points": len(points),
        "tasks": max(task_of) + 1,
        "width": width,
        "seed": None if "seed" in plan.axes.keys else points[0].seed,
        "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "cluster": cluster or {},
    }
    part = path.with_name(f".{path.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    write_text(part / CONFIG, plan.to_toml())
    write_text(part / POINTS, points_csv(plan.axes, indices, list(map(point_id, points)), task_of))
    write_json(part / ENVIRONMENT, environment(points[0].seed, sorted({f for point in points for f in point.inputs()})))
    write_json(part / RECORD, record)
    os.rename(part, path)
    return SweepFolder(path)


def check_size(points: int, many: bool) -> None:
    """Raise ValueError for more points than anyone asks for by accident."""
    if points > MOST and not many:
        raise ValueError(f"the sweep has {points} points, more than {MOST}: make its lists shorter, or say --yes")


def chosen_width(points: Sequence[AbstractExperiment], width: int | None) -> int:
    """The number of points side by side: `width`, or the most that the largest point allows."""
    if width is not None and (width < WIDTH or width % WIDTH):
        raise ValueError(f"width = {width}: give a multiple of {WIDTH}")
    return width or max(WIDTH, min(*(point.widest() for point in points), -(-len(points) // WIDTH) * WIDTH))


def spread(shapes: Sequence[Any], tasks: int) -> list[int]:
    """The task of each point: as many points each, those of one shape together."""
    if tasks < 1:
        raise ValueError(f"tasks = {tasks}: a sweep has at least one task")
    first = {shape: place for place, shape in reversed(list(enumerate(shapes)))}
    order = sorted(range(len(shapes)), key=lambda place: (first[shapes[place]], place))
    tasks = min(tasks, len(shapes))
    found = [0] * len(shapes)
    for rank, place in enumerate(order):
        found[place] = rank * tasks // len(shapes)
    return found

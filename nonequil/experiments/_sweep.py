"""Sweeps: one experiment at many points, each with its own id and random numbers."""

import csv
import dataclasses
import functools as ft
import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ._base import AbstractExperiment
from ._folder import CONFIG, check_format
from ._points import Axes, axes_toml, check_keys, label, put, read_axes
from ._store import read_json
from ._toml import read_toml, to_toml, validate

POINTS, RECORD = "points.csv", "sweep.json"
FORMAT = 1
"""Of sweep folders."""
SWEEP = "sweep"


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a sweep computes: an experiment of one kind with the values of some of its keys, point by point."""

    kind: type[AbstractExperiment]
    base: dict[str, Any]
    table: dict[str, Any]
    axes: Axes
    source: str

    @classmethod
    def read(cls, config: dict[str, Any], source: str) -> "Plan":
        """The sweep that a config describes. Raises ValueError naming source, key and value, and the way out."""
        from ._kinds import kind_of

        base = dict(config)
        table = base.pop(SWEEP, None)
        if table is None:
            raise ValueError(f"{source}: it has no table [sweep]: add one, as in [sweep] seed = [0, 1, 2]")
        kind = kind_of(base, source)
        if base.pop("stream", None) is not None:
            raise ValueError(f"{source}: stream is set, but a sweep gives each point its own: remove it")
        axes = read_axes(table, source)
        check_keys(axes, kind, source)
        return cls(kind, base, table, axes, source)

    def experiment(self, index: int) -> AbstractExperiment:
        """A point: its random numbers are those of its seed and its index, or of its seed alone if that is swept."""
        values = self.axes.values(index)
        own = {} if "seed" in self.axes.keys else {"stream": index}
        told = ", ".join(f"{key} = {label(value)}" for key, value in values.items())
        return validate(self.kind, put(self.base, values) | own, f"{self.source}, point {index} ({told})")

    def first(self) -> AbstractExperiment:
        """The base of all points; what is missing there is as in the first point."""
        values = {key: value for key, value in self.axes.values(0).items() if not _has(self.base, key)}
        return validate(self.kind, put(self.base, values), self.source)

    def resolved(self, base: AbstractExperiment) -> "Plan":
        """The same sweep of another base, with all its keys; a table whose kind varies stays as it is."""
        full = base.model_dump(mode="json", exclude_none=True, exclude={"stream"})
        varied = {key.split(".")[0] for key in self.axes.keys if key.endswith(".ensemble")}
        return dataclasses.replace(self, base=full | {name: self.base[name] for name in varied if name in self.base})

    def to_toml(self) -> str:
        """The config, as it stands in `config.toml`."""
        return to_toml({"experiment": self.kind.kind, **self.base}) + "\n" + axes_toml(self.table)


def _has(table: dict[str, Any], key: str) -> bool:
    first, _, rest = key.partition(".")
    return first in table and (not rest or _has(table[first], rest))


def point_id(experiment: AbstractExperiment) -> str:
    """A name of a point for good: a hash of its config."""
    return hashlib.sha256(experiment.to_toml().encode()).hexdigest()[:12]


class SweepFolder:
    """A sweep on the disk: `config.toml`, `points.csv`, `sweep.json` and a folder for each task.

    Raises OSError or ValueError, with the way out, for a folder that holds no sweep or one of another format.
    """

    def __init__(self, path: Path):
        self.path = Path(path)
        if not self.path.is_dir():
            raise FileNotFoundError(f"sweep = {path}: no such folder")
        if not is_sweep(self.path):
            raise ValueError(f"sweep = {path} is no sweep folder: it holds no {RECORD}")
        check_format(f"sweep = {path}", self.record.get("format", 0), FORMAT)

    @property
    def record(self) -> dict[str, Any]:
        """How it was submitted: kind, width, tasks, cluster and jobs."""
        return read_json(self.path / RECORD)

    @ft.cached_property
    def plan(self) -> Plan:
        """What is computed."""
        return Plan.read(read_toml(self.path / CONFIG), str(self.path / CONFIG))

    @ft.cached_property
    def rows(self) -> list[dict[str, str]]:
        """The points, a row each: index, id, task and values."""
        with (self.path / POINTS).open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    @ft.cached_property
    def tasks(self) -> dict[int, list[int]]:
        """The indices of the points of each task."""
        found: dict[int, list[int]] = {}
        for row in self.rows:
            found.setdefault(int(row["task"]), []).append(int(row["index"]))
        return dict(sorted(found.items()))

    @ft.cached_property
    def ids(self) -> dict[int, str]:
        """The id of each point."""
        return {int(row["index"]): row["id"] for row in self.rows}

    def task_folder(self, task: int) -> Path:
        """The folder of a task."""
        return self.path / f"task-{task:04d}"

    def checked(self, index: int) -> int:
        """`index`. Raises ValueError if no point of the sweep has it."""
        if index not in self.ids:
            raise ValueError(f"point = {index}: {self.path / POINTS} has indices {min(self.ids)} to {max(self.ids)}")
        return index

    def point(self, index: int) -> AbstractExperiment:
        """A point. Raises ValueError if the sweep has no such point, or now makes it another one."""
        experiment = self.plan.experiment(self.checked(index))
        if point_id(experiment) != self.ids[index]:
            raise ValueError(
                f"{self.path}: point {index} is {point_id(experiment)}, but was submitted as {self.ids[index]}: "
                f"{CONFIG} was changed, or is read by another version; start a new sweep"
            )
        return experiment


def is_sweep(path: Path) -> bool:
    """Whether a folder holds a sweep."""
    return (path / RECORD).exists()


def points_csv(axes: Axes, indices: Sequence[int], ids: Sequence[str], tasks: Sequence[int]) -> str:
    """A row for each point."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["index", "id", "task", *axes.columns().values()])
    for index, name, task in zip(indices, ids, tasks, strict=True):
        writer.writerow([index, name, task, *(label(value) for value in axes.values(index).values())])
    return file.getvalue()

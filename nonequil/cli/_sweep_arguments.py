"""Arguments of the commands for sweeps."""

import dataclasses
import tomllib
from pathlib import Path
from typing import Any

import tyro

from ..experiments._cluster import AbstractCluster, Debug, as_cluster

Flag = tyro.conf.FlagCreatePairsOff[bool]


@dataclasses.dataclass(frozen=True)
class SweepPlace:
    """Where a sweep goes, and how it is spread."""

    out: Path
    """Folder of the sweep."""
    cluster: str = "local"
    """local, slurm, or debug: in this process."""
    settings: tuple[str, ...] = ()
    """Of the cluster: --settings partition=gpu gpus=1 timeout_min=60."""
    tasks: int | None = None
    """Number of tasks, on Slurm jobs (default: one a process; on Slurm one a batch, at most 256)."""
    width: int | None = None
    """Points that run side by side, a multiple of 16 (default: as many as memory allows)."""
    devices: int | None = None
    """Number of local devices that a task uses (default: all)."""
    dry_run: Flag = False
    """Say what would be done, and do nothing."""
    yes: Flag = False
    """More than 20,000 points are meant."""


@dataclasses.dataclass(frozen=True)
class SweepSource:
    """A sweep that was submitted."""

    sweep: tyro.conf.Positional[Path]
    """Folder of a sweep."""


@dataclasses.dataclass(frozen=True)
class Resumption:
    """Where a sweep goes on."""

    cluster: str | None = None
    """local, slurm or debug (default: as before)."""
    settings: tuple[str, ...] | None = None
    """Of the cluster (default: as before)."""
    devices: int | None = None
    """Number of local devices that a task uses (default: as before)."""


@dataclasses.dataclass(frozen=True)
class Question:
    """What to ask of the results."""

    query: str | None = None
    """SQL about the table `scalars`: 'select beta, entropy_production from scalars where state = ''done'''."""


def cluster_of(name: str, settings: Any, check: Any, kept: dict[str, Any] | None = None) -> AbstractCluster:
    """A cluster from its name and KEY=VALUE texts, over what is kept. Raises ValueError naming what is wrong."""
    cluster = as_cluster(name, {**(kept or {}), **dict(map(_pair, settings))})
    return cluster.model_copy(update={"check": check}) if cluster.name == Debug.name else cluster


def settings_of(cluster: AbstractCluster, devices: int | None) -> dict[str, Any]:
    """A cluster, and the devices of each task, as they are noted in the folder of a sweep."""
    settings = cluster.model_dump(mode="json", exclude_unset=True, exclude={"check"})
    return {"name": cluster.name, "settings": settings, "devices": devices}


def _pair(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"settings = {text!r}: give NAME=VALUE, as in partition=gpu")
    try:
        return name, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return name, value

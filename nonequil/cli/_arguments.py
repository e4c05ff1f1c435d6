"""Arguments of the commands, parsed and checked."""

import contextlib
import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import tyro
from pydantic import BaseModel, ValidationError

from ..experiments._toml import explain

DEVICES = "NONEQUIL_DEVICES"


@dataclasses.dataclass(frozen=True)
class Place:
    """Where the run goes."""

    out: Path
    """Folder of the run."""
    resume: tyro.conf.FlagCreatePairsOff[bool] = False
    """Finish the run that the folder holds."""
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False
    """Replace the run that the folder holds."""
    devices: int | None = None
    """Number of local devices to use (default: all)."""
    distributed: tyro.conf.FlagCreatePairsOff[bool] = False
    """One run in several processes, started alike by srun, mpirun or on each host of a TPU pod; the first one writes.
    Started otherwise, each is told JAX_COORDINATOR_ADDRESS, JAX_NUM_PROCESSES and JAX_PROCESS_ID."""


@dataclasses.dataclass(frozen=True)
class Source:
    """A run to look at."""

    run: tyro.conf.Positional[Path]
    """Folder of a run, or of a sweep."""
    point: int | None = None
    """One point of a sweep, by its index."""


@dataclasses.dataclass(frozen=True)
class Collection:
    """Runs to list."""

    folder: tyro.conf.Positional[Path] = Path("runs")
    """Folder that holds runs."""


@contextlib.contextmanager
def restricted(devices: int | None, *, elsewhere: bool = False) -> Iterator[None]:
    """Meanwhile this process, and those that it starts, use so many local devices; None: as many as before.

    Raises ValueError for a number below one, or above that of the devices here unless they are `elsewhere`.
    """
    if devices is None:
        yield
        return
    from ..numerics import devices as found

    if devices < 1:
        raise ValueError(f"devices = {devices}: give a number from 1 to that of the local devices")
    with environment(DEVICES, str(devices)):
        if not elsewhere:
            found()
        yield


@contextlib.contextmanager
def environment(name: str, value: str) -> Iterator[None]:
    """Meanwhile an environment variable has this value."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        os.environ.pop(name)
        os.environ.update({} if before is None else {name: before})


def parse(name: str, arguments: list[str], *parts: Any) -> tuple[Any, ...]:
    """One value for each of `parts`, a class or an object that gives the defaults, from the arguments of a command.

    All options stand at the top level. Raises ValueError for values that a class refuses; SystemExit(2), after naming
    the near miss on standard error, for options that no part has.
    """
    fields = []
    kinds = [part if isinstance(part, type) else type(part) for part in parts]
    for kind, part in zip(kinds, parts, strict=True):
        default = dataclasses.field() if isinstance(part, type) else dataclasses.field(default=part)
        fields.append((kind.__name__.lower(), Annotated[kind, tyro.conf.arg(name="")], default))
    command = dataclasses.make_dataclass("Command", fields, kw_only=True)
    command.__doc__ = kinds[0].__doc__
    try:
        parsed: Any = tyro.cli(command, prog=f"nonequil {name}", args=arguments, config=(tyro.conf.AvoidSubcommands,))
    except ValidationError as error:
        (kind,) = [kind for kind in kinds if issubclass(kind, BaseModel)]
        raise ValueError("; ".join(explain(kind, error))) from None
    return tuple(getattr(parsed, kind.__name__.lower()) for kind in kinds)

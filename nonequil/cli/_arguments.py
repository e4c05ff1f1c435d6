"""Arguments of the commands, parsed and checked."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import tyro
from pydantic import BaseModel, ValidationError

from ..experiments._toml import explain


@dataclasses.dataclass(frozen=True)
class Place:
    """Where the run goes."""

    out: Path
    """Folder of the run."""
    resume: tyro.conf.FlagCreatePairsOff[bool] = False
    """Finish the run that the folder holds."""
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False
    """Replace the run that the folder holds."""


@dataclasses.dataclass(frozen=True)
class Source:
    """A run to look at."""

    run: tyro.conf.Positional[Path]
    """Folder of a run."""


@dataclasses.dataclass(frozen=True)
class Collection:
    """Runs to list."""

    folder: tyro.conf.Positional[Path] = Path("runs")
    """Folder that holds runs."""


def parse(name: str, arguments: list[str], *parts: Any) -> tuple[Any, ...]:
    """One value for each of `parts`, a class or an object that gives the defaults, from the arguments of a command.

    All options stand at the top level. Raises ValueError for values that a class refuses; SystemExit(2), after naming
    the near miss on standard error, for options that no part has.
    """
    fields = []
    for k, part in enumerate(parts):
        kind = part if isinstance(part, type) else type(part)
        default = dataclasses.field() if isinstance(part, type) else dataclasses.field(default=part)
        fields.append((f"part_{k}", Annotated[kind, tyro.conf.arg(name="")], default))
    command = dataclasses.make_dataclass("Command", fields, kw_only=True)
    command.__doc__ = (parts[0] if isinstance(parts[0], type) else type(parts[0])).__doc__
    try:
        parsed: Any = tyro.cli(command, prog=f"nonequil {name}", args=arguments, config=(tyro.conf.AvoidSubcommands,))
    except ValidationError as error:
        kinds = [part for part in parts if isinstance(part, type)] + [type(part) for part in parts]
        (kind,) = [k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)][:1]
        raise ValueError("; ".join(explain(kind, error))) from None
    return tuple(getattr(parsed, f"part_{k}") for k in range(len(parts)))

"""The kinds of experiment, and how a config file becomes one."""

import difflib
from pathlib import Path
from typing import Any

from ._attention_diagram import AttentionDiagram
from ._attention_panels import AttentionPanels
from ._attention_phase import AttentionPhase
from ._attention_sizes import AttentionSizes
from ._base import AbstractExperiment
from ._entropy_recording import EntropyRecording
from ._entropy_spins import EntropySpins
from ._fit import Fit
from ._memory_diagram import MemoryDiagram
from ._memory_explosive import MemoryExplosive
from ._memory_recall import MemoryRecall
from ._memory_retrieval import MemoryRetrieval
from ._simulate import Simulate
from ._sk_diagram import SKDiagram
from ._sk_point import SKPoint
from ._sk_raster import SKRaster
from ._sk_sizes import SKSizes
from ._toml import read_toml, validate

ALL = (
    AttentionDiagram,
    AttentionPanels,
    AttentionPhase,
    AttentionSizes,
    EntropyRecording,
    EntropySpins,
    Fit,
    MemoryDiagram,
    MemoryExplosive,
    MemoryRecall,
    MemoryRetrieval,
    Simulate,
    SKDiagram,
    SKPoint,
    SKRaster,
    SKSizes,
)
KINDS: dict[str, type[AbstractExperiment]] = {kind.kind: kind for kind in ALL}


def read_experiment(path: Path, kind: str | None = None) -> AbstractExperiment:
    """The experiment that a TOML file describes; its key `experiment` names the kind, unless `kind` does.

    Raises OSError if there is no such file; ValueError naming file, key and value, and the near miss of a wrong key.
    """
    return as_experiment(read_toml(Path(path)), kind, f"config = {path}")


def as_experiment(table: dict[str, Any], kind: str | None = None, source: str = "config") -> AbstractExperiment:
    """The experiment that a table describes."""
    table = dict(table)
    if "sweep" in table:
        raise ValueError(f"{source}: it describes a sweep: use `nonequil sweep`")
    found = kind_of(table, source, kind)
    return validate(found, table, source)


def kind_of(table: dict[str, Any], source: str, kind: str | None = None) -> type[AbstractExperiment]:
    """The kind that a table names, taken out of it; or `kind`."""
    named = table.pop("experiment", kind)
    if named is None:
        raise ValueError(f"{source}: experiment is missing: set it to one of {', '.join(KINDS)}")
    if kind is not None and named != kind:
        raise ValueError(f"{source}: experiment = {named!r}, not {kind!r}: use `nonequil run`")
    if named not in KINDS:
        close = difflib.get_close_matches(str(named), KINDS, 1)
        near = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(KINDS)}"
        raise ValueError(f"{source}: experiment = {named!r} is unknown: {near}")
    return KINDS[named]

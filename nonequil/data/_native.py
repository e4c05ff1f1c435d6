"""The package's own compact file of a recording."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ._errors import DataError
from ._table import SpikeTable

FORMAT = "nonequil recording 1"
ARRAYS = ("times", "unit", "trial", "unit_ids", "trial_ids", "epochs")


def write(raster: Any, path: Path) -> None:
    """Writes all fields under a temporary name, then renames, so that a file is whole or not there."""
    if path.suffix != ".npz":
        raise DataError(f"path = {path}: a saved recording ends in .npz")
    arrays: dict[str, Any] = {name: getattr(raster, name) for name in ARRAYS}
    arrays |= {"notes": np.array(raster.notes, dtype=str).reshape(-1), "format": np.array(FORMAT)}
    for name in ("source", "file_hash"):
        arrays[name] = np.array(getattr(raster, name) or "")
    temporary = path.with_name(path.name + ".part")
    with open(temporary, "wb") as file:
        np.savez_compressed(file, **arrays)
    os.replace(temporary, path)


def is_native(arrays: Mapping[str, Any]) -> bool:
    """Whether these are the contents of a file that `Raster.save` wrote."""
    return "format" in arrays and str(arrays["format"]) == FORMAT


def table(arrays: Mapping[str, Any]) -> SpikeTable:
    """The recording that was saved."""
    at = {name: np.asarray(arrays[name]) for name in ARRAYS}
    return SpikeTable(
        at["times"], at["unit_ids"][at["unit"]], at["trial_ids"][at["trial"]], at["unit_ids"], at["trial_ids"],
        at["epochs"], tuple(str(note) for note in arrays["notes"]), str(arrays["source"]) or "recording",
        str(arrays["file_hash"]) or None,
    )  # fmt: skip

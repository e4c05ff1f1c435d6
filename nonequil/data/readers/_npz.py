"""NumPy archives: the package's own files, and tables."""

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .. import _native
from .._errors import DataError
from .._table import SpikeTable
from ._base import AbstractReader
from ._columns import from_columns, is_table


class NpzReader(AbstractReader):
    """.npz files: of `Raster.save`, tables with named columns, pynapple groups, or one array of 2 or 3 columns."""

    suffixes = (".npz",)

    def read(self, path: Path, field: str | None) -> SpikeTable:
        arrays, objects = archive(path)
        if _native.is_native(arrays):
            return _native.table(arrays)
        if is_group(arrays):
            return from_group(arrays, str(path))
        if is_table(arrays):
            return from_columns(arrays, str(path))
        name = field or (next(iter(arrays)) if len(arrays) == 1 else None)
        if name in arrays and np.ndim(arrays[name]) == 2:
            return unnamed(arrays[name], str(path))
        if objects:
            raise DataError(
                f"{path}: {', '.join(objects)} hold Python objects, which are refused as they may run code: save a "
                f"table of time and unit, or use nonequil.data.Raster.from_lists"
            )
        return from_columns(arrays, str(path))


class NpyReader(AbstractReader):
    """.npy files: one array (spikes, 2 or 3) of time, unit and, where there are trials, trial."""

    suffixes = (".npy",)

    def read(self, path: Path, field: str | None) -> SpikeTable:
        return unnamed(_opened(path), str(path))


def archive(path: Path) -> tuple[dict[str, Any], list[str]]:
    """The arrays of an .npz file, and the names of those that hold Python objects. Raises DataError if it is none."""
    opened = _opened(path)
    if not isinstance(opened, np.lib.npyio.NpzFile):
        raise DataError(f"{path}: this is a single array, not an .npz file: name it .npy")
    arrays, objects = {}, []
    for name in opened.files:
        try:
            arrays[name] = opened[name]
        except ValueError:
            objects.append(name)
        except (OSError, zipfile.BadZipFile, EOFError, zlib.error) as error:
            raise DataError(f"{path}: the array {name} is damaged ({error}): save the file again") from error
    return arrays, objects


def is_group(arrays: Mapping[str, Any]) -> bool:
    """Whether these are the contents of a file that pynapple wrote of a group of units (TsGroup)."""
    return "TsGroup" in np.ravel(arrays.get("type", "")) and {"t", "index", "start", "end"} <= set(arrays)


def from_group(arrays: Mapping[str, Any], source: str) -> SpikeTable:
    """The units of a pynapple group; its time support declares the epochs. Silent units are those in `keys`."""
    epochs = np.stack([arrays["start"], arrays["end"]], axis=1)
    return SpikeTable(arrays["t"], arrays["index"], unit_ids=arrays.get("keys"), epochs=epochs, source=source)


def _opened(path: Path) -> Any:
    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, OSError, zipfile.BadZipFile, EOFError) as error:
        raise DataError(f"{path}: not a readable {path.suffix} file ({error}): save it again with numpy") from error


def unnamed(array: np.ndarray, source: str) -> SpikeTable:
    """A table without names: columns time, unit and, where there are three, trial."""
    if array.ndim != 2 or array.shape[1] not in (2, 3):
        raise DataError(f"{source}: expected columns time, unit[, trial], found an array of shape {array.shape}")
    return from_columns(dict(zip(("time", "unit", "trial"), array.T, strict=False)), source)

"""MATLAB files of version 7.3, which are HDF5."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np


def variables(path: Path) -> dict[str, Any]:
    """The variables of a file, structs as dicts, cells as arrays of objects; MATLAB stores axes in reverse."""
    with h5py.File(path, "r") as file:
        return {name: plain(file, item) for name, item in file.items() if not name.startswith("#")}


def plain(file: h5py.File, item: Any) -> Any:
    """Structs as dicts, cells and struct arrays as arrays of objects, text as str, the rest as arrays."""
    kind = _kind(item)
    if isinstance(item, h5py.Group):
        return _struct(file, item)
    if item.attrs.get("MATLAB_empty"):
        return np.empty((0, 0), dtype=object if kind == "cell" else float)
    if item.dtype == h5py.ref_dtype:
        return _dereferenced(file, item)
    value = np.asarray(item[()]).T
    return "".join(map(chr, value.ravel(order="F").tolist())) if kind == "char" else value


def _kind(item: Any) -> str:
    kind = item.attrs.get("MATLAB_class", b"")
    return kind.decode() if isinstance(kind, bytes) else str(kind)


def _dereferenced(file: h5py.File, item: h5py.Dataset) -> np.ndarray:
    references = item[()].T
    cells = np.empty(references.shape, dtype=object)
    for at in np.ndindex(references.shape):
        cells[at] = plain(file, file[references[at]])
    return cells


def _struct(file: h5py.File, group: h5py.Group) -> Any:
    """A struct, or an array of them where every field is a list of references that is not a cell."""
    is_array = len(group) > 0 and all(
        isinstance(item, h5py.Dataset) and item.dtype == h5py.ref_dtype and _kind(item) != "cell"
        for item in group.values()
    )
    fields = {name: plain(file, item) for name, item in group.items()}
    if not is_array:
        return fields
    shape = next(iter(fields.values())).shape
    structs = np.empty(shape, dtype=object)
    for at in np.ndindex(shape):
        structs[at] = {name: value[at] for name, value in fields.items()}
    return structs

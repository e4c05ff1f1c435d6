"""MATLAB files of all versions."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.io
from scipy.io.matlab import MatlabFunction, MatlabOpaque

from .._errors import DataError
from .._table import SpikeTable
from ._base import AbstractReader
from ._cells import from_variables
from ._mat73 import variables as hdf5_variables


class MatReader(AbstractReader):
    """.mat files: cell or struct arrays of spike times, or vectors of times and units.

    - A cell array (units,) of vectors, or (units, trials); structs with a field `times` may stand for vectors, and
      then cells may be nested (tetrodes that hold units);
    - cell arrays of times and of unit labels, one cell a trial, of equal sizes;
    - vectors of times and of unit labels.

    `field` names the variable, fields of structs by dots. Without it a variable named like spikes is taken if there is
    only one. Units and trials of cells count from 1.
    """

    suffixes = (".mat",)

    def read(self, path: Path, field: str | None) -> SpikeTable:
        load = hdf5_variables if h5py.is_hdf5(path) else variables
        try:
            found = load(path)
        except Exception as error:  # a damaged file fails in many ways
            raise DataError(f"{path}: not a readable .mat file ({error}): save it again from MATLAB") from error
        return from_variables(found, field, str(path))


def variables(path: Path) -> dict[str, Any]:
    """The variables of a file before version 7.3, structs as dicts."""
    content = scipy.io.loadmat(path, struct_as_record=False)
    return {name: plain(value) for name, value in content.items() if not name.startswith("__")}


def plain(value: Any) -> Any:
    """Structs as dicts, cells as arrays of objects, text as str, the rest as arrays."""
    if isinstance(value, MatlabFunction | MatlabOpaque):
        return str(type(value).__name__)
    if hasattr(value, "_fieldnames"):
        return {name: plain(getattr(value, name)) for name in value._fieldnames}
    if isinstance(value, np.ndarray) and value.dtype == object:
        cells = np.empty(value.shape, dtype=object)
        for at in np.ndindex(value.shape):
            cells[at] = plain(value[at])
        return cells.item() if cells.size == 1 and isinstance(cells.item(), dict) else cells
    if isinstance(value, np.ndarray) and value.dtype.kind == "U":
        return "".join(value.ravel().tolist())
    return value

"""MATLAB files of all versions."""

from pathlib import Path
from typing import Any

from .._errors import DataError
from .._table import SpikeTable
from ._base import AbstractReader
from ._cells import from_variables


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
        try:
            found = _variables(path)
        except Exception as error:  # a damaged file fails in many ways
            raise DataError(f"{path}: not a readable .mat file ({error}): save it again from MATLAB") from error
        return from_variables(found, field, str(path))


def _variables(path: Path) -> dict[str, Any]:
    """The variables of a file; what reads it is imported here, as few sessions need it."""
    import h5py

    from . import _mat5, _mat73

    return _mat73.variables(path) if h5py.is_hdf5(path) else _mat5.variables(path)

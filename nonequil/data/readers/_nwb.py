"""Neurodata Without Borders."""

from pathlib import Path

from .._errors import DataError
from .._table import SpikeTable
from ._base import AbstractReader
from ._extra import extra


class NwbReader(AbstractReader):
    """.nwb files: the table of units. Ids are those of the table; epochs are not declared, give them to `load`."""

    suffixes = (".nwb",)

    def read(self, path: Path, field: str | None) -> SpikeTable:
        pynwb = extra("pynwb", path)
        try:
            with pynwb.NWBHDF5IO(str(path), "r") as file:
                units = file.read().units
                if units is None or "spike_times" not in units.colnames:
                    raise DataError(f"{path}: the file has no table of units with spike_times: is it sorted?")
                times = [units["spike_times"][at] for at in range(len(units))]
                return SpikeTable.from_lists(times, units.id[:], str(path))
        except (OSError, KeyError, TypeError) as error:
            raise DataError(f"{path}: not a readable NWB file ({error})") from error

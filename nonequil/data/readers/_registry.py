"""Which reader reads which file."""

from pathlib import Path

from .._errors import DataError
from ._base import AbstractReader
from ._csv import CsvReader
from ._mat import MatReader
from ._neo import NeoReader
from ._npz import NpyReader, NpzReader
from ._nwb import NwbReader
from ._phy import PhyReader

READERS: tuple[AbstractReader, ...] = (NpzReader(), NpyReader(), CsvReader(), MatReader(), NwbReader(), NeoReader())
BY_SUFFIX = {suffix: reader for reader in READERS for suffix in reader.suffixes}
FOLDER = PhyReader()


def reader_for(path: Path) -> AbstractReader:
    """The reader of a file, or of a folder. Raises DataError, listing the known formats, if there is none."""
    if path.is_dir():
        return FOLDER
    reader = BY_SUFFIX.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(BY_SUFFIX)
        raise DataError(
            f"{path}: unknown format {path.suffix or '(no suffix)'!r}: known are {known} and folders of phy"
        )
    return reader

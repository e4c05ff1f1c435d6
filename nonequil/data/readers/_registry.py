"""Which reader reads which file."""

from pathlib import Path

from .._errors import DataError
from ._base import AbstractReader
from ._npz import NpyReader, NpzReader

READERS: tuple[AbstractReader, ...] = (NpzReader(), NpyReader())
BY_SUFFIX = {suffix: reader for reader in READERS for suffix in reader.suffixes}


def reader_for(path: Path) -> AbstractReader:
    """The reader of a file. Raises DataError, listing the known formats, if there is none."""
    reader = BY_SUFFIX.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path}: unknown format {path.suffix or '(no suffix)'!r}: known are {', '.join(BY_SUFFIX)}")
    return reader

"""Text tables with a header line."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from .._errors import DataError
from .._table import SpikeTable
from ._base import AbstractReader
from ._columns import KNOWN, find, from_columns

DELIMITERS = (",", ";", "\t")
ROLES = ("time", "unit", "trial")


class CsvReader(AbstractReader):
    """Text with a header line that names the columns, separated by commas, semicolons, tabs or blanks."""

    suffixes = (".csv", ".tsv", ".txt")

    def read(self, path: Path, field: str | None) -> SpikeTable:
        names, delimiter = header(path)
        found = {role: find(dict.fromkeys(names), role) for role in ROLES}
        if found["time"] is None or found["unit"] is None:
            raise DataError(f"{path}: the first line reads {', '.join(names)!r}: name the columns {KNOWN}")
        at = {role: names.index(name) for role, name in found.items() if name is not None}
        columns = {"time": numbers(path, delimiter, at["time"])}
        columns |= {role: labels(path, delimiter, at[role]) for role in ("unit", "trial") if role in at}
        return from_columns(columns, str(path))


def header(path: Path) -> tuple[list[str], str | None]:
    """Names of the columns and what separates them (None: blanks). Raises DataError for a file that is not text."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            line = file.readline().rstrip("\r\n")
    except (UnicodeDecodeError, OSError) as error:
        raise DataError(f"{path}: not a readable text file ({error})") from error
    delimiter = next((mark for mark in DELIMITERS if mark in line), None)
    return [name.strip().strip('"') for name in line.split(delimiter)], delimiter


def column(path: Path, delimiter: str | None, at: int, dtype: Any) -> np.ndarray:
    """One column of the table, without the header."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*no data.*")
        return np.loadtxt(
            path, dtype=dtype, delimiter=delimiter, skiprows=1, usecols=at, ndmin=1,
            comments=None, quotechar='"', encoding="utf-8-sig",
        )  # fmt: skip


def numbers(path: Path, delimiter: str | None, at: int) -> np.ndarray:
    """A column of numbers. Raises DataError with the row that holds something else."""
    try:
        return column(path, delimiter, at, np.float64)
    except ValueError as error:
        raise DataError(f"{path}: times must be numbers: {error}") from error


def labels(path: Path, delimiter: str | None, at: int) -> np.ndarray:
    """A column of integers, or of words where one of them is no number."""
    try:
        return column(path, delimiter, at, np.float64)
    except ValueError:
        pass
    try:
        return np.char.strip(column(path, delimiter, at, str))
    except ValueError as error:
        raise DataError(f"{path}: unreadable: {error}") from error

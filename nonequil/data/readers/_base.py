"""What a reader of a format does."""

import abc
from pathlib import Path
from typing import ClassVar

from .._table import SpikeTable


class AbstractReader(abc.ABC):
    """Reads one format. A new one is a file with such a class and a line in the registry."""

    suffixes: ClassVar[tuple[str, ...]]

    @abc.abstractmethod
    def read(self, path: Path, field: str | None) -> SpikeTable:
        """The spikes in a file; `field` names the variable to read where a file holds several.

        Raises DataError, naming the file and what it holds, if it cannot be read.
        """

    def files(self, path: Path) -> tuple[Path, ...]:
        """The files that hold the spikes: what a hash of the recording covers."""
        return (path,)

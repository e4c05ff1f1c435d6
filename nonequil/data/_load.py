"""From a file to a recording."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ._errors import RecordingNotFound
from ._interval_file import read_epochs
from ._raster import Raster
from .readers import reader_for


def load(
    path: str | os.PathLike[str],
    *,
    start: float | int | None = None,
    stop: float | int | None = None,
    epochs: str | os.PathLike[str] | Sequence[Any] | Any = None,
    units: Iterable[Any] | None = None,
    min_rate: float | int | None = None,
    field: str | None = None,
    time_scale: float | int = 1.0,
) -> Raster:
    """Reads spike times from a file; the suffix names the format.

    - `epochs`: pairs (start, stop) in seconds, or a file of them; they replace those that the file declares. One a
      trial, or one for all trials; a recording without trials is cut into as many. Spikes outside are left out.
    - `start`, `stop`: crop every epoch to this window, seconds; a recording that declares no epoch gets this one.
      By default an undeclared epoch lasts from first to last spike, with a warning.
    - `units`: ids to keep; `min_rate`: keep units that fire at this rate or more, Hz;
    - `field`: the variable to read where a file holds several;
    - `time_scale`: seconds per unit of time of the file and its epochs (0.001 for milliseconds).

    Reads .npz and .csv tables with columns time, unit and, where there are trials, trial; `Raster.save`'s files; .mat
    cell arrays of spike times; and, with `pip install 'nonequil[data]'`, NWB, phy folders, Neo's formats, pynapple.
    Raises DataError (a ValueError) naming the file and the way out: no such file, an unknown or unreadable format,
    a reader that is not installed, times that are not finite or, if no window was asked for, outside the declared
    epochs, ids that are neither integers nor names, an unknown unit, no spikes at all.

    ```python
    recording = nq.data.load("recording.npz", start=0.0, stop=600.0, min_rate=0.1)
    transitions = recording.bin(0.02).transitions()
    ```
    """
    path = Path(path)
    if not path.exists():
        raise RecordingNotFound(f"{path}: no such file or folder: check the path")
    if isinstance(epochs, (str, os.PathLike)):
        epochs = read_epochs(Path(epochs))
    reader = reader_for(path)
    table = reader.read(path, field)
    source = str(path) if table.file_hash is None else table.source
    file_hash = table.file_hash or hashed(reader.files(path))
    raster = Raster.from_table(
        table, epochs=epochs, start=start, stop=stop, time_scale=time_scale, source=source, file_hash=file_hash
    )
    return raster if units is None and min_rate is None else raster.select(units, min_rate)


def hashed(paths: Iterable[Path]) -> str:
    """SHA-256 of the contents of some files, one after another."""
    digest = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()

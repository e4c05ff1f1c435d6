"""Formats that Neo reads: Plexon, NeuroExplorer, Blackrock, Spike2."""

from pathlib import Path
from typing import Any

import numpy as np

from .._errors import DataError
from .._table import SpikeTable
from ._base import AbstractReader
from ._extra import extra


class NeoReader(AbstractReader):
    """Spike trains of a file that Neo reads; every segment is a trial, from its start to its stop."""

    suffixes = (".plx", ".nex", ".nev", ".smr", ".smrx")

    def read(self, path: Path, field: str | None) -> SpikeTable:
        neo = extra("neo", path)
        try:
            segments = neo.get_io(str(path)).read_block().segments
        except Exception as error:  # each of Neo's readers fails in its own way
            raise DataError(f"{path}: Neo cannot read it ({type(error).__name__}: {error})") from error
        return from_segments([segment.spiketrains for segment in segments], str(path))


def from_segments(segments: list[Any], source: str) -> SpikeTable:
    """Spike trains by segment; the k-th train of every segment belongs to the same unit."""
    trains = [(s, u, train) for s, segment in enumerate(segments) for u, train in enumerate(segment)]
    if not trains:
        raise DataError(f"{source}: it holds no spike trains: sort the spikes first")
    times = [train.rescale("s").magnitude for _, _, train in trains]
    sizes = [t.size for t in times]
    ends = {s: (float(train.t_start.rescale("s")), float(train.t_stop.rescale("s"))) for s, _, train in trains}
    segment = np.repeat([s for s, _, _ in trains], sizes)
    return SpikeTable(
        np.concatenate(times),
        np.repeat([u for _, u, _ in trains], sizes),
        segment if len(ends) > 1 else None,
        np.arange(max(u for _, u, _ in trains) + 1),
        np.array(sorted(ends)) if len(ends) > 1 else None,
        np.array([ends[s] for s in sorted(ends)]),
        source=source,
    )

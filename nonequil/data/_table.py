"""What a reader hands over: spikes as they stand in a file."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from ._errors import DataError
from ._ids import as_ids, distinct, positions


@dataclasses.dataclass(frozen=True, eq=False)
class SpikeTable:
    """One row a spike: `times`, `unit` labels and, where there are trials, `trial` labels.

    - `unit_ids`, `trial_ids`: all units and trials, silent ones included; None: those that occur, sorted;
    - `epochs` (pairs, 2): declared intervals, one a trial or one for all; None: undeclared;
    - `notes`: sentences on what was found while reading;
    - `source`: what errors call the recording; `file_hash`: that of the file it was first read from, if known.
    """

    times: Any
    unit: Any
    trial: Any = None
    unit_ids: Any = None
    trial_ids: Any = None
    epochs: Any = None
    notes: tuple[str, ...] = ()
    source: str = "recording"
    file_hash: str | None = None

    def checked_times(self, time_scale: float | int) -> np.ndarray:
        """Times in seconds, float64. Raises DataError if they are not finite numbers or miss their units."""
        times = np.asarray(self.times)
        if times.dtype.kind not in "iuf":
            raise DataError(f"{self.source}: times must be numbers, found values of type {times.dtype}")
        times = scaled(times.ravel(), time_scale)
        bad = ~np.isfinite(times)
        if np.any(bad):
            at = int(np.flatnonzero(bad)[0])
            raise DataError(f"{self.source}: time {times[at]} at spike {at} is not finite: remove these rows")
        for name, labels in (("unit", self.unit), ("trial", self.trial)):
            if labels is not None and np.size(labels) != times.size:
                raise DataError(
                    f"{self.source}: {times.size} times but {np.size(labels)} {name} labels: make them equal"
                )
        return times

    def scaled_epochs(self, time_scale: float | int) -> np.ndarray | None:
        """Declared epochs in seconds, None where there are none."""
        return None if self.epochs is None else scaled(np.asarray(self.epochs, dtype=np.float64), time_scale)

    def labelled_units(self) -> tuple[np.ndarray, np.ndarray]:
        """Index of each spike's unit, and the ids."""
        return _labelled(self.unit, self.unit_ids, f"unit of {self.source}")

    def labelled_trials(self) -> tuple[np.ndarray, np.ndarray]:
        """Index of each spike's trial, and the ids; a single trial where none is declared."""
        if self.trial is None:
            return np.zeros(np.size(self.times), np.int64), np.arange(1)
        return _labelled(self.trial, self.trial_ids, f"trial of {self.source}")

    @classmethod
    def from_lists(
        cls, lists: Sequence[Any], unit_ids: Any = None, source: str = "recording", **declared: Any
    ) -> "SpikeTable":
        """One array of times a unit; an empty one is a silent unit."""
        arrays = [np.atleast_1d(np.asarray(times)).ravel() for times in lists]
        ids = np.arange(len(arrays)) if unit_ids is None else as_ids(unit_ids, f"unit_ids of {source}")
        if len(ids) != len(arrays):
            raise DataError(f"unit_ids of {source}: {len(ids)} ids for {len(arrays)} units: make them equal")
        times = np.concatenate([a for a in arrays if a.size] or [np.zeros(0)])
        unit = np.repeat(ids, [a.size for a in arrays])
        distinct(ids, f"unit_ids of {source}")
        return cls(times, unit, unit_ids=ids, source=source, **declared)


def order_note(times: Any, trial: Any = None) -> tuple[str, ...]:
    """A note if a table is not in order of time within its trials, which stand in any order."""
    if np.asarray(times).dtype.kind not in "iuf":
        return ()
    backwards = np.diff(np.ravel(times).astype(np.float64)) < 0
    if trial is not None:
        backwards &= np.ravel(trial)[1:] == np.ravel(trial)[:-1]
    return (
        (f"The table was not in order of time ({int(backwards.sum())} steps back): sorted.",)
        if np.any(backwards)
        else ()
    )


def precision_note(times: Any) -> tuple[str, ...]:
    """A note if times are stored in single precision or less."""
    times = np.asarray(times)
    if times.dtype.kind != "f" or times.dtype.itemsize > 4 or not times.size:
        return ()
    step = float(np.spacing(np.max(np.abs(times))))
    return (
        f"Times are stored as {times.dtype}, to {step:.1g} s at the end: spikes near an edge may change their bin.",
    )


def scaled(times: np.ndarray, time_scale: float | int) -> np.ndarray:
    """Seconds, correctly rounded where the scale is one over an integer: milliseconds on a grid stay on it."""
    if not (np.isfinite(time_scale) and time_scale > 0):
        raise DataError(f"time_scale = {time_scale}: give the seconds a unit of time lasts, 0.001 for milliseconds")
    times = times.astype(np.float64)
    inverse = round(1 / time_scale)
    if inverse > 1 and time_scale == 1 / inverse:
        return times / inverse
    return times if time_scale == 1 else times * time_scale


def _labelled(labels: Any, ids: Any, what: str) -> tuple[np.ndarray, np.ndarray]:
    labels = as_ids(labels, what)
    if ids is None:
        ids, index = np.unique(labels, return_inverse=True)
        return index, ids
    ids = distinct(as_ids(ids, what), what)
    return positions(labels, ids, what), ids

"""Spike times of a recording, in memory."""

import dataclasses
import functools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int, Shaped

from . import _quality
from ._binned import Binned, bin_spikes, report
from ._epochs import place, refuse_outside
from ._errors import DataError
from ._ids import chosen, distinct, spelled
from ._native import write
from ._table import SpikeTable


@dataclasses.dataclass(frozen=True, eq=False)
class Raster:
    """Spike times of several units, by trials, in order of trial and time. NumPy arrays on the host.

    - `times` (spikes,): seconds, float64; where trials are aligned to an event, times before it are negative;
    - `unit`, `trial` (spikes,): index in `unit_ids` and in `trial_ids` (integers or names);
    - `epochs` (trials, 2): start and stop of each trial, seconds; no bin and no transition crosses them;
    - `notes`: what was found while reading; `source`, `file_hash`: the file and its SHA-256.

    Spikes in another order are sorted. Raises DataError (a ValueError) if there are no spikes, if a time is not
    finite or lies outside the epoch of its trial, if an index is out of range or an id occurs twice.

    ```python
    raster = nq.data.load("recording.npz")
    binned = raster.select(min_rate=0.1).bin(0.02)
    ```
    """

    times: Float64[np.ndarray, " spikes"]
    unit: Int[np.ndarray, " spikes"]
    trial: Int[np.ndarray, " spikes"]
    unit_ids: Shaped[np.ndarray, " units"]
    trial_ids: Shaped[np.ndarray, " trials"]
    epochs: Float64[np.ndarray, "trials 2"]
    notes: tuple[str, ...] = ()
    source: str | None = None
    file_hash: str | None = None

    def __post_init__(self) -> None:
        self._check()
        if not in_order(self.trial, self.times, self.unit):
            order = np.lexsort((self.unit, self.times, self.trial))
            for name in ("times", "unit", "trial"):
                object.__setattr__(self, name, getattr(self, name)[order])

    def _check(self) -> None:
        name = self.source or "recording"
        if not len(self.times):
            units = len(self.unit_ids)
            found = f"all {units} units are silent" if units else "it holds no spikes"
            raise DataError(f"{name}: {found}: choose other units or a longer window")
        if not np.all(np.isfinite(self.times)):
            raise DataError(f"{name}: {int((~np.isfinite(self.times)).sum())} times are not finite: remove them")
        for what, index, ids in (("unit", self.unit, self.unit_ids), ("trial", self.trial, self.trial_ids)):
            distinct(ids, f"{what}_ids of {name}")
            if index.min() < 0 or index.max() >= len(ids):
                raise DataError(
                    f"{name}: {what} indices run from {index.min()} to {index.max()}, not 0 to {len(ids) - 1}"
                )
        if not (np.all(np.isfinite(self.epochs)) and np.all(self.epochs[:, 0] < self.epochs[:, 1])):
            raise DataError(f"{name}: epochs must be finite and start before they stop, found {self.epochs.tolist()}")
        refuse_outside(self.times, self.trial, self.epochs, name)

    @classmethod
    def from_table(
        cls, table: SpikeTable, *, epochs: Any = None,
        start: float | int | None = None, stop: float | int | None = None, time_scale: float | int = 1.0,
        source: str | None = None, file_hash: str | None = None,
    ) -> "Raster":  # fmt: skip
        """The recording that a reader found. Options as in `load`."""
        times = table.checked_times(time_scale)
        unit, unit_ids = table.labelled_units()
        if not times.size:
            found = f"all {len(unit_ids)} units are silent" if len(unit_ids) else "it holds no spikes"
            raise DataError(f"{table.source}: {found}: is this the right file or field?")
        trial, trial_ids = table.labelled_trials()
        declared = table.scaled_epochs(time_scale)
        placed = place(times, trial, len(trial_ids), declared, epochs, start, stop, table.source)
        if len(placed.pairs) != len(trial_ids):
            trial_ids = np.arange(len(placed.pairs))
        number = np.cumsum(placed.left) - 1
        kept, left = placed.kept, placed.left
        return cls(
            times[kept], unit[kept], number[placed.trial[kept]], unit_ids, trial_ids[left], placed.pairs[left],
            table.notes + placed.notes, source, file_hash,
        )  # fmt: skip

    @classmethod
    def from_lists(
        cls, lists: Sequence[Any], *, unit_ids: Any = None, epochs: Any = None,
        start: float | int | None = None, stop: float | int | None = None,
    ) -> "Raster":  # fmt: skip
        """One array of spike times (seconds) a unit; an empty one is a silent unit. Options as in `load`.

        ```python
        raster = nq.data.Raster.from_lists([[0.01, 0.35], [0.22]], start=0.0, stop=1.0)
        ```
        """
        return cls.from_table(SpikeTable.from_lists(lists, unit_ids), epochs=epochs, start=start, stop=stop)

    @property
    def n_units(self) -> int:
        """Number of units, silent ones included."""
        return len(self.unit_ids)

    @property
    def duration(self) -> float:
        """Summed length of the epochs, seconds."""
        return float(np.sum(self.epochs[:, 1] - self.epochs[:, 0]))

    def rates(self) -> Float64[np.ndarray, " units"]:
        """Mean rate of each unit over all epochs, Hz."""
        return np.bincount(self.unit, minlength=self.n_units) / self.duration

    @functools.cached_property
    def _violations(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return _quality.violations(self.times, self.unit, self.trial, self.n_units)

    @property
    def suspects(self) -> Bool[np.ndarray, " units"]:
        """Units that may hold several neurons: over 1 % of intervals (five at least) below 1.5 ms, or over 60 Hz."""
        return _quality.suspects(self._violations, self.rates())

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences for the reader of a result: notes of reading, suspects, silent units, spikes that occur twice."""
        return self.notes + _quality.findings(self.unit_ids, self._violations, self.rates())

    def select(self, units: Iterable[Any] | None = None, min_rate: float | int | None = None) -> "Raster":
        """The recording of some units: those named, in that order, of which those that fire at `min_rate` Hz or more.

        Raises DataError for an unknown unit (with the nearest ones), and if none is left or all are silent.
        """
        keep = np.arange(self.n_units) if units is None else chosen(units, self.unit_ids, "units")
        if min_rate is not None:
            if not min_rate >= 0:
                raise DataError(f"min_rate = {min_rate}: give a rate in Hz, zero or more")
            keep = keep[self.rates()[keep] >= min_rate]
        if not len(keep):
            raise DataError(
                f"min_rate = {min_rate} Hz leaves no unit; the fastest fires at {self.rates().max():.3g} Hz"
            )
        place = np.full(self.n_units, -1)
        place[keep] = np.arange(len(keep))
        held = place[self.unit] >= 0
        gone = np.delete(self.unit_ids, keep)
        note = (f"{len(gone)} units were left out: {spelled(gone)}.",) if len(gone) else ()
        return dataclasses.replace(
            self, times=self.times[held], unit=place[self.unit[held]], trial=self.trial[held],
            unit_ids=self.unit_ids[keep], notes=self.notes + note,
        )  # fmt: skip

    def bin(self, width: float | int) -> Binned:
        """Spins in bins of `width` seconds, every trial from its own start.

        Bin k is [t0 + k width, t0 + (k + 1) width); a spike within four ulp of an edge belongs to the later bin. The
        last, incomplete bin of a trial is dropped, and with it a spike on the closing edge; trials with fewer than two
        bins are left out. Raises DataError if no trial holds two bins, or if the width is no positive number.
        """
        width = float(width)
        spins, count, n_spikes, clipped = bin_spikes(
            self.times, self.unit, self.trial, self.epochs, self.n_units, width
        )
        present = np.flatnonzero(count)
        trial = np.repeat(np.arange(len(present), dtype=np.int32), count[present])
        dropped = len(self.times) - n_spikes
        lost = report(n_spikes, clipped, dropped, np.delete(self.trial_ids, present), width)
        return Binned(
            spins, trial, width, self.unit_ids, self.trial_ids[present],
            n_spikes, clipped, dropped, self.warnings + lost,
        )  # fmt: skip

    def save(self, path: str | Path) -> None:
        """Writes the recording to a compressed .npz file that `load` reads back exactly. A file there is replaced."""
        write(self, Path(path))

    def describe(self) -> str:
        """A few lines in plain English: size, length, rates and warnings."""
        rates = self.rates()
        lines = [
            f"{len(self.times)} spikes of {self.n_units} units in {len(self.epochs)} "
            f"{'epoch' if len(self.epochs) == 1 else 'epochs'}, {self.duration:.6g} s in all"
            + (f" ({self.source})" if self.source else ""),
            f"rates: median {np.median(rates):.3g} Hz, from {rates.min():.3g} to {rates.max():.3g} Hz",
        ]
        return "\n".join([*lines, *(f"- {sentence}" for sentence in self.warnings)])


def in_order(trial: np.ndarray, times: np.ndarray, unit: np.ndarray) -> bool:
    """Whether spikes stand in order of trial, then time, then unit."""
    later = np.diff(unit) >= 0
    for key in (times, trial):
        step = np.diff(key)
        later = (step > 0) | ((step == 0) & later)
    return bool(np.all(later))

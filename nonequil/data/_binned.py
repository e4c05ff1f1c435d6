"""A recording in bins: spins of -1 and +1."""

import dataclasses
import functools
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int, Int8, Shaped

from .._results import Unit
from ._edges import bin_index
from ._errors import DataError
from ._ids import spelled
from ._transitions import Transitions

ROWS = 65536  # bins looked at together where a whole copy would be too large


@dataclasses.dataclass(frozen=True, eq=False)
class Binned:
    """Spins of a recording: +1 where a unit fires at least once in a bin, else -1. Here and nowhere else.

    - `spins` (bins, units): the bins of all trials one after another, int8;
    - `trial` (bins,): index in `trial_ids` of the trial of each bin;
    - `width`: seconds; `unit_ids`, `trial_ids`: names (of the trials that hold at least two complete bins);
    - `n_spikes`: spikes inside complete bins, of which `n_clipped_spikes` are not the first of their unit in a bin;
    - `n_dropped_spikes`: spikes in the last, incomplete bin of a trial, on its closing edge or in trials too short;
    - `warnings`: sentences on the recording and its bins.
    """

    spins: Int8[np.ndarray, "bins units"]
    trial: Int[np.ndarray, " bins"]
    width: float
    unit_ids: Shaped[np.ndarray, " units"]
    trial_ids: Shaped[np.ndarray, " trials"]
    n_spikes: int
    n_clipped_spikes: int
    n_dropped_spikes: int
    warnings: tuple[str, ...] = ()

    @property
    def clipped_fraction(self) -> float:
        """Share of the spikes in complete bins that binning cannot see; NaN where there are none."""
        return self.n_clipped_spikes / self.n_spikes if self.n_spikes else float("nan")

    @property
    def n_transitions(self) -> int:
        """Pairs of successive bins of one trial."""
        return len(self.spins) - len(self.trial_ids)

    @functools.cached_property
    def active(self) -> Float[np.ndarray, " units"]:
        """Share of the bins in which each unit fires."""
        return active_bins(self.spins) / len(self.spins)

    def transitions(self) -> Transitions:
        """Pairs of successive bins, none across an epoch; a block a trial, none where there is one epoch.

        With one epoch `x`, `x_next` and `dt` are views that take no memory; otherwise they are copied once.
        """
        return self._pairs(0, self.n_transitions)

    def chunks(self, size: int) -> Iterator[Transitions]:
        """The same pairs in the same order, at most `size` at a time, without a second copy of the whole."""
        if size < 1:
            raise DataError(f"size = {size}: a chunk holds at least one pair")
        for start in range(0, self.n_transitions, size):
            yield self._pairs(start, min(start + size, self.n_transitions))

    @functools.cached_property
    def _last_bins(self) -> np.ndarray:
        """Pairs before the end of each trial but the last: there the two sides of the pairs skip a bin."""
        return np.cumsum(np.bincount(self.trial, minlength=len(self.trial_ids)) - 1)[:-1]

    def _pairs(self, start: int, stop: int) -> Transitions:
        pair = np.array([start, stop - 1])
        first, last = pair + np.searchsorted(self._last_bins, pair, side="right")
        rows: slice | np.ndarray = slice(first, last + 1)
        if last - first != stop - 1 - start:
            pairs = np.arange(start, stop)
            rows = pairs + np.searchsorted(self._last_bins, pairs, side="right")
        later = slice(first + 1, last + 2) if isinstance(rows, slice) else rows + 1
        block = self.trial[rows] if len(self.trial_ids) > 1 else None
        dt = np.broadcast_to(np.float64(self.width), (stop - start,))
        return Transitions(self.spins[rows], self.spins[later], dt=dt, block=block, unit=Unit.per_bin)


def active_bins(spins: Int8[np.ndarray, "bins units"]) -> Int[np.ndarray, " units"]:
    """Number of bins in which each unit fires."""
    total = np.zeros(spins.shape[1], np.int64)
    for start in range(0, len(spins), ROWS):
        total += np.count_nonzero(spins[start : start + ROWS] > 0, axis=0)
    return total


def complete_bins(epochs: Float[np.ndarray, "trials 2"], width: float) -> Int[np.ndarray, " trials"]:
    """Number of complete bins of each epoch, zero where there are fewer than two.

    Raises DataError if the width is not a positive number, or if no epoch holds two bins.
    """
    if not (np.isfinite(width) and width > 0):
        raise DataError(f"width = {width}: a bin lasts a finite, positive number of seconds")
    count = bin_index(epochs[:, 1], epochs[:, 0], width)
    longest = float(np.max(epochs[:, 1] - epochs[:, 0]))
    if np.max(count) < 1:
        raise DataError(
            f"width = {width} s is wider than the recording, whose longest epoch lasts {longest:.6g} s: "
            f"choose at most half of that"
        )
    if np.max(count) < 2:
        raise DataError(
            f"width = {width} s leaves fewer than two bins in every epoch (the longest lasts {longest:.6g} s): "
            f"choose at most half of that"
        )
    return np.where(count < 2, 0, count)


def bin_spikes(
    times: Float[np.ndarray, " spikes"],
    unit: Int[np.ndarray, " spikes"],
    trial: Int[np.ndarray, " spikes"],
    epochs: Float[np.ndarray, "trials 2"],
    units: int,
    width: float,
) -> tuple[Int8[np.ndarray, "bins units"], Int[np.ndarray, " trials"], int, int]:
    """Spins, the number of bins of each trial (none where there are fewer than two), spikes in the bins and clipped.

    A spike is clipped if it is not the first of its unit in its bin.
    """
    count = complete_bins(epochs, width)
    offset = np.cumsum(count) - count
    index = bin_index(times, epochs[trial, 0], width)
    held = index < count[trial]
    place = (offset[trial] + index)[held] * units + unit[held]
    spins = np.full((int(count.sum()), units), -1, np.int8)
    spins.ravel()[place] = 1
    return spins, count, place.size, int(np.count_nonzero(np.diff(np.sort(place)) == 0))


def report(kept: int, clipped: int, dropped: int, short: np.ndarray, width: float) -> tuple[str, ...]:
    """A sentence for each kind of loss. `short`: ids of the trials that hold fewer than two bins."""
    found = (
        (clipped, f"{clipped} of {kept} spikes ({100 * clipped / max(kept, 1):.1f} %) share a bin of {width:g} s "
                  f"with an earlier spike of their unit and are not seen."),
        (dropped, f"{dropped} spikes lie in no complete bin and were left out."),
        (len(short), f"Trials {spelled(short)} hold fewer than two bins of {width:g} s and were left out."),
    )  # fmt: skip
    return tuple(sentence for is_found, sentence in found if is_found)

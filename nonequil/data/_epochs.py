"""Declared intervals of a recording, and the spikes in them."""

import dataclasses
from typing import Any

import numpy as np

from ._edges import ULPS, inside
from ._errors import DataError

DECLARE = "declare them with epochs= (--epochs), or crop with start= and stop= (--start, --stop)"


@dataclasses.dataclass(frozen=True, eq=False)
class Epochs:
    """Intervals (trials, 2) in seconds, the trial of each spike, which spikes and trials stay, and what to report."""

    pairs: np.ndarray
    trial: np.ndarray
    kept: np.ndarray
    left: np.ndarray
    notes: tuple[str, ...] = ()


def as_pairs(epochs: Any, what: str) -> np.ndarray:
    """`epochs` as (pairs, 2) float64. Raises DataError unless every start is finite and before its stop."""
    try:
        pairs = np.atleast_2d(np.asarray(epochs, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise DataError(f"{what}: expected pairs (start, stop) in seconds, found {epochs!r}") from error
    if pairs.ndim != 2 or pairs.shape[1] != 2 or len(pairs) == 0:
        raise DataError(f"{what}: expected pairs (start, stop) in seconds, found shape {pairs.shape}")
    bad = ~np.isfinite(pairs).all(axis=1) | ~(pairs[:, 0] < pairs[:, 1])
    if np.any(bad):
        raise DataError(f"{what}: epoch {pairs[bad][0].tolist()} must start before it stops, at finite times")
    return pairs


def first_to_last(times: np.ndarray, trial: np.ndarray, trials: int) -> np.ndarray:
    """First and last spike of every trial; NaN where there is none."""
    pairs = np.stack([np.full(trials, np.inf), np.full(trials, -np.inf)], axis=1)
    np.minimum.at(pairs[:, 0], trial, times)
    np.maximum.at(pairs[:, 1], trial, times)
    return np.where(np.isfinite(pairs), pairs, np.nan)


def split(times: np.ndarray, pairs: np.ndarray, what: str) -> tuple[np.ndarray, np.ndarray]:
    """The pairs in order of time, and for each spike the last one that has begun.

    A spike on a border of two epochs belongs to the later one. Raises DataError if epochs overlap.
    """
    pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
    overlap = pairs[:-1, 1] > pairs[1:, 0] + ULPS * np.abs(pairs[1:, 0])
    if np.any(overlap):
        at = int(np.flatnonzero(overlap)[0])
        raise DataError(f"{what}: epochs {pairs[at].tolist()} and {pairs[at + 1].tolist()} overlap: separate them")
    starts = pairs[:, 0] - ULPS * np.abs(pairs[:, 0])
    return pairs, np.maximum(np.searchsorted(starts, times, side="right") - 1, 0)


def crop(pairs: np.ndarray, start: float | None, stop: float | None) -> np.ndarray:
    """The part of each epoch from `start` to `stop`; NaN where nothing is left."""
    _check_window(start, stop)
    begin = pairs[:, 0] if start is None else np.maximum(pairs[:, 0], start)
    end = pairs[:, 1] if stop is None else np.minimum(pairs[:, 1], stop)
    left = np.stack([begin, end], axis=1)
    return np.where((begin < end)[:, None], left, np.nan)


def _check_window(start: float | None, stop: float | None) -> None:
    for name, value in (("start", start), ("stop", stop)):
        if value is not None and not np.isfinite(value):
            raise DataError(f"{name} = {value}: give a finite time in seconds")
    if start is not None and stop is not None and not start < stop:
        raise DataError(f"start = {start} must be before stop = {stop}")


def undeclared(spans: np.ndarray, start: float | None, stop: float | None) -> tuple[np.ndarray, tuple[str, ...]]:
    """Epochs of a recording that declares none: from `start` to `stop`, else from first to last spike, and a note."""
    _check_window(start, stop)
    pairs = spans.copy()
    for column, value in enumerate((start, stop)):
        if value is not None:
            pairs[:, column] = value
    pairs[~(pairs[:, 0] < pairs[:, 1])] = np.nan
    guessed = [word for word, value in (("start", start), ("stop", stop)) if value is None]
    if not guessed:
        return pairs, ()
    words = {"start": "starts at its first spike", "stop": "stops at its last spike"}
    whose = "each trial" if len(spans) > 1 else "the recording"
    return pairs, (
        f"No epochs are declared: {whose} {' and '.join(words[word] for word in guessed)} "
        f"(declare them with epochs= or start= and stop=; --epochs, --start, --stop).",
    )


def outside(times: np.ndarray, trial: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Whether each spike lies outside the epoch of its trial; a dropped trial (NaN) holds none."""
    return ~inside(times, pairs[trial, 0], pairs[trial, 1])


def refuse_outside(times: np.ndarray, trial: np.ndarray, pairs: np.ndarray, source: str) -> None:
    """Raises DataError for the first spike outside its declared epoch."""
    bad = outside(times, trial, pairs)
    if np.any(bad):
        at = int(np.flatnonzero(bad)[0])
        raise DataError(
            f"{source}: {int(bad.sum())} spikes lie outside the declared epochs, the first at {times[at]} s "
            f"(epoch {pairs[trial[at]].tolist()}): {DECLARE}"
        )


def per_trial(pairs: np.ndarray, trials: int, what: str) -> np.ndarray:
    """One pair a trial: one for all of them is repeated. Raises DataError for another number of pairs."""
    if len(pairs) not in (1, trials):
        raise DataError(f"{what}: {len(pairs)} epochs for {trials} trials: give one a trial, or one for all of them")
    return np.broadcast_to(pairs, (trials, 2))


def place(
    times: np.ndarray, trial: np.ndarray, trials: int, declared: Any, asked: Any,
    start: float | None, stop: float | None, source: str,
) -> Epochs:  # fmt: skip
    """The epochs of a recording and the spikes in them.

    `asked` replaces what the file has `declared`; `start` and `stop` crop. Pairs cut a single trial into as many.
    Raises DataError if nothing was asked and a spike lies outside the declared epochs.
    """
    what, given = ("epochs", asked) if asked is not None else (f"epochs of {source}", declared)
    if given is None:
        pairs, notes = undeclared(first_to_last(times, trial, trials), start, stop)
    else:
        pairs, notes = as_pairs(given, what), ()
        pairs, trial = split(times, pairs, what) if trials == 1 else (per_trial(pairs, trials, what), trial)
        if asked is None and start is None and stop is None:
            refuse_outside(times, trial, pairs, source)
        pairs = crop(pairs, start, stop)
    return _without_the_outside(times, trial, pairs, notes, source)


def _without_the_outside(
    times: np.ndarray, trial: np.ndarray, pairs: np.ndarray, notes: tuple[str, ...], source: str
) -> Epochs:
    kept, left = ~outside(times, trial, pairs), np.isfinite(pairs).all(axis=1)
    if not np.any(left):
        raise DataError(
            f"{source}: no epoch of any length is left: declare epochs= or start= and stop= that hold spikes"
        )
    if not np.all(kept):
        notes += (f"{int((~kept).sum())} spikes outside the epochs were left out.",)
    if not np.all(left):
        notes += (f"{int((~left).sum())} trials of no length inside the epochs were left out.",)
    return Epochs(pairs, trial, kept, left, notes)

"""What is suspicious in a recording: several neurons in one unit, silent units, the same spike twice."""

import numpy as np
from jaxtyping import Bool, Float, Int

from ._ids import spelled

REFRACTORY = 0.0015  # seconds; no neuron fires twice within this time
VIOLATIONS = 0.01  # share of intervals below it that a well isolated unit may have
LEAST_VIOLATIONS = 5  # fewer are no evidence
HIGHEST_RATE = 60.0  # Hz, over the whole recording
LOWEST_RATE = 0.01  # Hz, median over the units: below it the times are probably not seconds


def violations(
    times: Float[np.ndarray, " spikes"],
    unit: Int[np.ndarray, " spikes"],
    trial: Int[np.ndarray, " spikes"],
    units: int,
) -> tuple[Int[np.ndarray, " units"], Int[np.ndarray, " units"], Int[np.ndarray, " units"]]:
    """Per unit: intervals, those below 1.5 ms, and those of no length (the same spike twice).

    The spikes stand in order of trial and time; an interval joins two spikes of one unit in one trial.
    """
    order = np.argsort(unit, kind="stable")
    times, unit, trial = times[order], unit[order], trial[order]
    same = (unit[1:] == unit[:-1]) & (trial[1:] == trial[:-1])
    interval, unit = np.diff(times)[same], unit[1:][same]
    short = (interval > 0) & (interval < REFRACTORY)
    masks = (interval > 0, short, interval == 0)
    counts = [np.bincount(unit[mask], minlength=units) for mask in masks]
    return counts[0], counts[1], counts[2]


def suspects(
    counts: tuple[Int[np.ndarray, " units"], Int[np.ndarray, " units"], Int[np.ndarray, " units"]],
    rates: Float[np.ndarray, " units"],
) -> Bool[np.ndarray, " units"]:
    """Units that may hold several neurons or noise.

    More than 1 % of their intervals (and at least five) are shorter than 1.5 ms, or they fire faster than 60 Hz.
    """
    intervals, short, _ = counts
    often = (short >= LEAST_VIOLATIONS) & (short > VIOLATIONS * intervals)
    return often | (rates > HIGHEST_RATE)


def findings(ids: np.ndarray, counts: tuple[np.ndarray, np.ndarray, np.ndarray], rates: np.ndarray) -> tuple[str, ...]:
    """A sentence for each thing found."""
    suspect, silent, twice = suspects(counts, rates), rates == 0, counts[2]
    median = np.median(rates)
    found = (
        (
            np.any(suspect),
            f"More than 1 % of the intervals below 1.5 ms, or more than 60 Hz, so that several neurons may be mixed: "
            f"units {spelled(ids[suspect])}.",
        ),
        (np.any(silent), f"Silent units: {spelled(ids[silent])}."),
        (np.any(twice), f"{int(twice.sum())} spikes occur twice at the same time: units {spelled(ids[twice > 0])}."),
        (
            median < LOWEST_RATE and np.max(rates) < 1,
            f"The median unit fires at {median:.2g} Hz: are times seconds? (for milliseconds: time_scale=0.001).",
        ),
    )
    return tuple(sentence for is_found, sentence in found if is_found)

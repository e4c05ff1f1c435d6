"""Which bin a time falls in, exact at edges in spite of rounding.

Bin k of an epoch that starts at t0 is [t0 + k width, t0 + (k + 1) width). Times, starts and widths are decimal numbers
rounded to binary, so a spike on an edge may come out a few units in the last place (ulp) before it. A time within four
ulp of an edge therefore lies on the edge and belongs to the later bin: 0.06 s in bins of 0.02 s is bin 3.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

ULPS = 4 * np.finfo(np.float64).eps


def bin_index(
    times: Float[np.ndarray, "*shape"], start: Float[np.ndarray, "*#shape"] | float, width: float
) -> Int[np.ndarray, "*shape"]:
    """Bin of each time, counted from `start`; negative before it. Times, start and width in seconds."""
    ratio = (times - start) / width
    nearest = np.rint(ratio)
    slack = ULPS * ((np.abs(times) + np.abs(start)) / width + np.abs(ratio))
    return np.where(np.abs(ratio - nearest) <= slack, nearest, np.floor(ratio)).astype(np.int64)


def inside(
    times: Float[np.ndarray, "*shape"],
    start: Float[np.ndarray, "*#shape"] | float,
    stop: Float[np.ndarray, "*#shape"] | float,
) -> Bool[np.ndarray, "*shape"]:
    """Whether each time lies in the closed interval [start, stop], its edges widened by four ulp."""
    after = times >= start - ULPS * (np.abs(times) + np.abs(start))
    return after & (times <= stop + ULPS * (np.abs(times) + np.abs(stop)))

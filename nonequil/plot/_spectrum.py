"""Power of a series by frequency."""

from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from ._base import BLUE, axes, bare, numbers


def spectrum(
    frequency: Float[Any, " frequencies"],
    power: Float[Any, " frequencies"],
    *,
    logarithmic: bool = True,
    lowest: float = 1e-16,
    xlabel: str = "frequency (cycles per step)",
    ylabel: str = "power",
    ax: Axes | None = None,
) -> Axes:
    """Power against frequency: peaks of a cycle, combs of a torus, a broad band in chaos.

    On a logarithmic scale, from the `lowest` part of the largest power that is shown: below is rounding. Frequency
    zero, the mean, is left out.

    ```python
    found = nq.numerics.maps.power_spectrum(x)
    nq.plot.spectrum(found.frequency, found.power)
    ```
    """
    ax = axes(ax, (5.6, 3.2))
    moving = numbers(frequency) > 0
    frequency, power = numbers(frequency)[moving], numbers(power)[moving]
    ax.plot(frequency, power, color=BLUE, lw=0.8)
    if logarithmic and np.any(power > 0):
        ax.set_yscale("log")
        ax.set_ylim(bottom=max(lowest * power.max(), power[power > 0].min() / 2))
    ax.set(xlabel=xlabel, ylabel=ylabel)
    bare(ax)
    return ax

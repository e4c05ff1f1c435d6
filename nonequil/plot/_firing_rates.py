"""Firing rate of each unit."""

from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from ._base import BLUE, axes, bare, numbers, unit_ticks


def firing_rates(rates: Float[Any, " n"], unit_ids: Any = None, *, ax: Axes | None = None) -> Axes:
    """One horizontal bar a unit: `rates` in Hz, rows as in `raster`."""
    ax = axes(ax, (2.4, 3.8))
    rates = numbers(rates)
    ax.barh(np.arange(len(rates)), rates, height=0.8, color=BLUE)
    if unit_ids is not None:
        unit_ticks(ax, unit_ids, "y")
    ax.set_ylim(-0.7, len(rates) - 0.3)
    ax.set(xlabel="rate (Hz)", ylabel="unit")
    bare(ax)
    return ax

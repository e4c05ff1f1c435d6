"""Spikes in time."""

from typing import Any

from jaxtyping import Float, Int
from matplotlib.axes import Axes

from ._base import axes, bare, numbers, unit_ticks


def raster(
    times: Float[Any, " spikes"],
    units: Int[Any, " spikes"],
    unit_ids: Any = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """One mark a spike: `times` in seconds, `units` the row of each spike, `unit_ids` the names of the rows.

    ```python
    nq.plot.raster(times, units, unit_ids)
    ```
    """
    ax = axes(ax, (7.0, 3.8))
    ax.scatter(numbers(times), numbers(units), marker="|", s=9, lw=0.7, color="black")
    if unit_ids is not None:
        unit_ticks(ax, unit_ids, "y")
        ax.set_ylim(-0.7, len(unit_ids) - 0.3)
    ax.set(xlabel="time (s)", ylabel="unit")
    bare(ax)
    return ax

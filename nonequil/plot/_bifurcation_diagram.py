"""Points of attractors along a parameter."""

from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from ._base import BLUE, axes, bare, numbers


def bifurcation_diagram(
    values: Float[Any, " values"],
    points: Float[Any, "values records"],
    *,
    colour: str = BLUE,
    label: str | None = None,
    critical: Float[Any, " lines"] | None = None,
    xlabel: str = "",
    ylabel: str = "",
    ax: Axes | None = None,
) -> Axes:
    """A small dot for every recorded number of an orbit, above the value of the parameter it belongs to.

    NaN is left out, so that sections of unequal length fit. A dashed line marks each of the `critical` values. Draw a
    second branch on the same axes with another `colour` and `label`. Dots are kept as pixels in vector formats.

    ```python
    nq.plot.bifurcation_diagram(r, nq.numerics.maps.bifurcation_diagram(family, x0, r, 200, transient=2000)[1])
    ```
    """
    ax = axes(ax, (5.6, 3.8))
    points = numbers(points)
    x = np.broadcast_to(numbers(values)[:, None], points.shape)[np.isfinite(points)]
    ax.plot(x, points[np.isfinite(points)], ls="", marker=".", ms=_size(x.size), mew=0, color=colour, rasterized=True)
    for value in () if critical is None else numbers(critical):
        ax.axvline(value, color="black", lw=0.8, ls="--", zorder=0)
    if label is not None:
        ax.plot([], [], ls="", marker=".", ms=8, mew=0, color=colour, label=label)
        ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, frameon=False, fontsize="small")
    ax.set(xlabel=xlabel, ylabel=ylabel)
    bare(ax)
    return ax


def _size(number: int) -> float:
    """Diameter of a dot in points: many dots are small ones."""
    return float(np.clip(60 / max(number, 1) ** 0.4, 0.6, 5))

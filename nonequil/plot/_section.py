"""A plane through an attractor."""

from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from ._base import BLUE, RED, axes, bare, numbers


def section(
    x: Float[Any, " points"],
    y: Float[Any, " points"],
    *,
    marked: Float[Any, "marks 2"] | None = None,
    colour: str = BLUE,
    xlabel: str = "",
    ylabel: str = "",
    ax: Axes | None = None,
) -> Axes:
    """A dot for every point of an orbit, or of its section, in the plane of two of its numbers; NaN is left out.

    `marked` points, those of a cycle for example, are circled.

    ```python
    found = nq.numerics.maps.section(f, x0, lambda x: x[2], width=1e-3, steps=10**6, points=500)
    nq.plot.section(found.points[:, 0], found.points[:, 1], xlabel="first", ylabel="second")
    ```
    """
    ax = axes(ax, (4.4, 4.2))
    x, y = numbers(x), numbers(y)
    seen = np.isfinite(x) & np.isfinite(y)
    ax.plot(x[seen], y[seen], ls="", marker=".", ms=2.5, mew=0, color=colour, rasterized=True)
    if marked is not None:
        ax.scatter(*numbers(marked).T, s=60, facecolor="none", edgecolor=RED, lw=1.2, zorder=3)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    bare(ax)
    return ax

"""One quantity along a parameter, a curve for each value of another."""

from typing import Any

import matplotlib
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from ._base import axes, bare, numbers


def curves(
    x: Float[Any, " points"],
    values: Float[Any, "curves points"],
    names: list[str] | None = None,
    *,
    xlabel: str = "",
    ylabel: str = "",
    ax: Axes | None = None,
) -> Axes:
    """A line a row of `values`, called by `names`, with gaps where a value is NaN.

    ```python
    nq.plot.curves(beta, grid.sigma, ["dJ = 0.5", "dJ = 1"], xlabel="beta", ylabel="sigma")
    ```
    """
    ax = axes(ax)
    values = numbers(values)
    colours = matplotlib.colormaps["viridis"](np.linspace(0.85, 0.1, len(values)))
    for k, (row, colour) in enumerate(zip(values, colours, strict=True)):
        ax.plot(numbers(x), row, color=colour, lw=1.5, label=None if names is None else names[k])
    if names is not None:
        ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, columnspacing=1, frameon=False, fontsize="x-small")
    ax.set(xlabel=xlabel, ylabel=ylabel)
    bare(ax)
    return ax

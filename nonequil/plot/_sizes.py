"""Finite systems of several sizes beside the infinite one."""

from typing import Any

import matplotlib
import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes

from ._base import axes, bare, numbers


def sizes(
    x: Float[Any, " points"],
    values: Float[Any, "sizes points"],
    errors: Float[Any, "sizes points"],
    n: Int[Any, " sizes"],
    theory: tuple[Float[Any, " fine"], Float[Any, " fine"]] | None = None,
    *,
    xlabel: str = "",
    ylabel: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Points with standard errors for systems of size `n`, small ones light, and the line (x, y) of the `theory`.

    ```python
    nq.plot.sizes(beta, sigma, stderr, np.array([32, 64]), (fine, exact), xlabel="beta", ylabel="sigma")
    ```
    """
    ax = axes(ax)
    colours = matplotlib.colormaps["viridis"](np.linspace(0.85, 0.1, len(n)))
    for size, value, error, colour in zip(n, numbers(values), numbers(errors), colours, strict=True):
        ax.errorbar(numbers(x), value, error, fmt="o", ms=2.5, lw=0.9, color=colour, label=f"N = {int(size)}")
    if theory is not None:
        ax.plot(*map(numbers, theory), color="black", lw=1.2, label="N infinite", zorder=9)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    bare(ax)
    return ax

"""Scaling curves: points measured, lines that the machine cannot cross."""

from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from nonequil.plot._base import BLUE, GREY, axes, bare, numbers

STYLES = ("--", ":", "-.")
LEAST = 100.0  # of the largest number on the axis to the smallest


def scaling(
    x: Float[Any, " points"],
    y: Float[Any, " points"],
    limits: dict[str, Float[Any, " points"]] | None = None,
    *,
    xlabel: str = "",
    ylabel: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Points `y` along a size `x`, both logarithmic, and a line for each limit; the slope at the end is printed."""
    ax = axes(ax, (3.2, 2.6))
    x, y = numbers(x), numbers(y)
    for style, (name, limit) in zip(STYLES, (limits or {}).items(), strict=False):
        ax.plot(x, numbers(limit), style, color=GREY, lw=1.2, label=name)
    seen = np.isfinite(y) & (y > 0)
    ax.plot(x[seen], y[seen], "o-", color=BLUE, ms=4, lw=1.2, label="measured")
    if seen[-2:].all() and len(x) > 1:
        slope = np.log(y[-1] / y[-2]) / np.log(x[-1] / x[-2])
        above = {"xytext": (2, 7), "textcoords": "offset points", "ha": "right", "fontsize": "small"}
        ax.annotate(f"slope {slope:.1f}", (x[-1], y[-1]), **above)
    ax.set(xscale="log", yscale="log", xlabel=xlabel, ylabel=ylabel)
    ax.set_xticks(x, [f"{value:g}" if value < 1e5 else f"{value:.0e}" for value in x], fontsize="x-small")
    ax.set_xticks([], minor=True)
    low, high = ax.get_ylim()
    if high < LEAST * low:  # do not blow up what hardly changes
        middle = np.sqrt(low * high)
        ax.set_ylim(middle / np.sqrt(LEAST), middle * np.sqrt(LEAST))
    else:
        ax.set_ylim(low, 2 * high)  # room for the slope below the title
    bare(ax)
    return ax

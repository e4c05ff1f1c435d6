"""What the figures share: axes, colours, an equality line."""

from typing import Any

import numpy as np
from jaxtyping import Shaped
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import LogFormatter

BLUE, RED, GREY, LIGHT = "#2f6690", "#c8553d", "#6b7280", "#d1d5db"


def axes(ax: Axes | None, size: tuple[float, float] = (4.6, 3.8)) -> Axes:
    """`ax`, or new axes of `size` inches."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=size, layout="compressed")[1]


def bare(ax: Axes) -> None:
    """Take away the upper and the right border."""
    ax.spines[["top", "right"]].set_visible(False)


def numbers(x: Any) -> Shaped[np.ndarray, "..."]:
    """A NumPy array of floats."""
    return np.asarray(x, dtype=float)


def equality(ax: Axes, *values: Shaped[Any, "..."]) -> None:
    """The line on which two quantities agree, over the finite range of `values`."""
    finite = np.concatenate([numbers(v)[np.isfinite(numbers(v))].ravel() for v in values])
    if finite.size:
        ends = [finite.min(), finite.max()]
        ax.plot(ends, ends, color=GREY, lw=1, ls="--", zorder=0)


def unit_ticks(ax: Axes, ids: Any, axis: str, most: int = 12) -> None:
    """Label units by their ids, at most about `most` of them."""
    ids = [str(name) for name in ids]
    places = np.arange(0, len(ids), max(1, -(-len(ids) // most)))
    setter = ax.set_xticks if axis == "x" else ax.set_yticks
    setter(places, [ids[k] for k in places], fontsize="small")


def plain_log(axis: Axis) -> None:
    """Write the ticks of a logarithmic axis as plain numbers, those between decades where there is room."""
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(LogFormatter())

"""One quantity over the width of the bins."""

from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from ._base import BLUE, axes, bare, numbers


def widths(
    width: Float[Any, " bins"],
    value: Float[Any, " bins"],
    stderr: Float[Any, " bins"] | None = None,
    *,
    label: str = "",
    ax: Axes | None = None,
) -> Axes:
    """A value with its standard error for each width of the bins (seconds, logarithmic axis)."""
    ax = axes(ax, (4.2, 3.2))
    order = np.argsort(numbers(width))
    error = None if stderr is None else numbers(stderr)[order]
    ax.errorbar(1000 * numbers(width)[order], numbers(value)[order], yerr=error, fmt="o-", color=BLUE, capsize=3)
    ax.set(xscale="log", xlabel="width of the bins (ms)", ylabel=label)
    ax.set_xticks(1000 * numbers(width)[order], [f"{1000 * w:g}" for w in numbers(width)[order]], minor=False)
    ax.minorticks_off()
    bare(ax)
    return ax

"""Spins in time."""

from typing import Any

import numpy as np
from jaxtyping import Float, Shaped
from matplotlib.axes import Axes

from ._base import axes, numbers


def spins(
    x: Shaped[Any, "times n"],
    time: Float[Any, " times"] | None = None,
    *,
    xlabel: str = "time",
    ax: Axes | None = None,
) -> Axes:
    """One row a spin, black where it is +1; `time` of each state, equally spaced (default: 0, 1, ...).

    ```python
    nq.plot.spins(record.x_next)
    ```
    """
    ax = axes(ax, (7.0, 3.2))
    x = np.asarray(x)
    time = np.arange(len(x), dtype=float) if time is None else numbers(time)
    step = time[1] - time[0] if len(time) > 1 else 1.0
    extent = (time[0] - step / 2, time[-1] + step / 2, -0.5, x.shape[1] - 0.5)
    ax.imshow(x.T, cmap="Greys", vmin=-1, vmax=1, extent=extent, aspect="auto", interpolation="nearest", origin="lower")
    ax.set(xlabel=xlabel, ylabel="spin")
    return ax

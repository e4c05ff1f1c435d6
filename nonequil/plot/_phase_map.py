"""One quantity over two parameters, with the line of a transition."""

from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, PowerNorm
from matplotlib.patheffects import withStroke

from ._base import axes, numbers


def phase_map(
    x: Float[Any, " columns"],
    y: Float[Any, " rows"],
    z: Float[Any, "rows columns"],
    *,
    line: tuple[Float[Any, " points"], Float[Any, " points"]] | None = None,
    limit: Float[Any, ""] | float | None = None,
    square_root: bool = False,
    label: str = "",
    xlabel: str = "",
    ylabel: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Colours of `z` at the centres `x`, `y`; `label` says what is shown, with its unit. NaN stays white.

    `line`, (x, y) of a transition, is dashed; the level `limit` of y is dotted. Both are left out where not finite.
    With `square_root` colours follow the square root of `z`, which then starts at zero.

    ```python
    nq.plot.phase_map(beta, dJ, grid.sigma, square_root=True, label="sigma", xlabel="beta", ylabel="dJ")
    ```
    """
    ax = axes(ax)
    x, y, z = numbers(x), numbers(y), np.ma.masked_invalid(numbers(z))
    norm = PowerNorm(0.5, vmin=0.0) if square_root else Normalize()
    image = ax.pcolormesh(x, y, z, norm=norm, cmap="viridis", shading="nearest", rasterized=True)
    ax.figure.colorbar(image, ax=ax).set_label(label)
    ends = ax.get_xlim(), ax.get_ylim()
    if line is not None:
        seen = np.isfinite(numbers(line[0])) & np.isfinite(numbers(line[1]))
        ax.plot(numbers(line[0])[seen], numbers(line[1])[seen], ls="--", **_seen_on_every_colour())
    if limit is not None and np.isfinite(limit):
        ax.axhline(float(limit), ls=":", **_seen_on_every_colour())
    ax.set(xlim=ends[0], ylim=ends[1], xlabel=xlabel, ylabel=ylabel)
    return ax


def _seen_on_every_colour() -> dict[str, Any]:
    return {"color": "white", "lw": 1.4, "path_effects": [withStroke(linewidth=2.4, foreground="black")]}

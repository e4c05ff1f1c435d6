"""An entropy production against its null."""

from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from ._base import BLUE, GREY, LIGHT, RED, axes, bare, numbers


def entropy_production(
    value: Float[Any, ""] | float,
    stderr: Float[Any, ""] | float,
    null: Float[Any, " surrogates"],
    control: Float[Any, " shuffles"] | None = None,
    floor: Float[Any, ""] | float | None = None,
    *,
    unit: str = "nats/bin",
    ax: Axes | None = None,
) -> Axes:
    """The estimate, with one standard error, beside what data without an arrow of time would give.

    `null`: estimates after time was reversed in random blocks; `control`: estimates after trials were shuffled unit by
    unit; `floor`: below it nothing can be seen. All in `unit`.

    ```python
    nq.plot.entropy_production(estimate.value, estimate.stderr, null, floor=estimate.floor)
    ```
    """
    ax = axes(ax, (5.6, 3.6))
    null = numbers(null)
    ax.hist(null[np.isfinite(null)], bins=25, color=LIGHT, edgecolor=GREY, lw=0.4, label="null: blocks reversed")
    height = ax.get_ylim()[1]
    if control is not None and np.isfinite(numbers(control)).any():
        shuffled = numbers(control)
        level = np.full(shuffled.shape, 0.5 * height)
        ax.scatter(shuffled, level, marker="d", s=26, color=BLUE, zorder=3, label="control: shuffled")
    if floor is not None and np.isfinite(floor):
        ax.axvline(float(floor), color=GREY, ls=":", lw=1.4, label="floor 2d/n")
    ax.errorbar([float(value)], [0.75 * height], xerr=[float(stderr)], fmt="o", color=RED, capsize=4, label="estimate")
    ax.axvline(float(value), color=RED, lw=1)
    ax.set(xlabel=f"entropy production ({unit})", ylabel="surrogates")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False, fontsize="small")
    bare(ax)
    return ax

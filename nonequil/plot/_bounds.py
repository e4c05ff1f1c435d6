"""Bounds on the entropy production along a parameter."""

from typing import Any

import matplotlib
import numpy as np
from jaxtyping import Bool, Float, Real
from matplotlib.axes import Axes

from ._base import GREY, axes, bare, numbers


def bounds(
    x: Real[Any, "*curves points"],
    values: Float[Any, "curves points"],
    errors: Float[Any, "curves points"],
    names: list[str],
    *,
    truth: tuple[Float[Any, " points"], Float[Any, " points"]] | None = None,
    null: Float[Any, "curves points"] | None = None,
    floor: Float[Any, "curves points"] | None = None,
    sound: Bool[Any, "curves points"] | None = None,
    xlabel: str = "",
    ylabel: str = "",
    ax: Axes | None = None,
) -> Axes:
    """A curve with standard errors for each bound, called by `names`; open marks where `sound` does not hold.

    `x` is common to all curves or has a row for each; a curve has a gap where a value is NaN.
    `truth`: a value with its standard error, black; `null`: spread of each bound where there is no arrow of time, a
    band of two of them about zero; `floor`: what each bound pretends to see in too few data, dotted. One unit for all.

    ```python
    nq.plot.bounds(beta, values, errors, ["uncertainty", "maximum entropy"], truth=(flow, flow_error))
    ```
    """
    ax = axes(ax)
    values = numbers(values)
    sound = np.ones(values.shape, bool) if sound is None else np.asarray(sound, bool)
    colours = matplotlib.colormaps["viridis"](np.linspace(0.8, 0.1, len(values)))
    for k, (row, colour) in enumerate(zip(np.broadcast_to(numbers(x), values.shape), colours, strict=True)):
        order = np.argsort(row)
        pick = lambda table, k=k, order=order: numbers(table)[k][order]  # noqa: E731
        at = row[order]
        if null is not None:
            ax.fill_between(at, -2 * pick(null), 2 * pick(null), color=colour, alpha=0.15, lw=0)
        if floor is not None:
            ax.plot(at, pick(floor), color=colour, lw=1, ls=":")
        ax.errorbar(at, pick(values), pick(errors), fmt="-", color=colour, lw=1.2, capsize=2, label=names[k])
        ax.scatter(row, values[k], s=18, edgecolors=colour, c=np.where(sound[k, :, None], colour, 1.0), zorder=3)
    if truth is not None:
        true, error = map(numbers, truth)
        ax.errorbar(numbers(x), true, error, color="black", lw=1.2, capsize=2, label="model known", zorder=2)
    ax.axhline(0, color=GREY, lw=0.6, zorder=0)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    bare(ax)
    return ax

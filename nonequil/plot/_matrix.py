"""A matrix of pairs of units, colours centred on zero."""

from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from ._base import axes, numbers, unit_ticks


def matrix(x: Float[Any, "n n"], unit_ids: Any = None, *, label: str = "", ax: Axes | None = None) -> Axes:
    """One cell a pair of units; `label` says what is shown, with its unit.

    The colours span the 99th percentile of |x| off the diagonal, so that a few huge entries do not hide the rest.
    """
    ax = axes(ax, (5.2, 4.4))
    x = numbers(x)
    shown = np.abs(x[np.isfinite(x) & ~np.eye(len(x), dtype=bool)])
    top = (np.quantile(shown, 0.99) if shown.size else 0.0) or 1.0
    image = ax.imshow(x, cmap="RdBu_r", vmin=-top, vmax=top, interpolation="nearest")
    bar = ax.figure.colorbar(image, ax=ax, extend="both", shrink=0.9)
    bar.set_label(label)
    ids = np.arange(len(x)) if unit_ids is None else unit_ids
    unit_ticks(ax, ids, "x")
    unit_ticks(ax, ids, "y")
    ax.tick_params(axis="x", rotation=90)
    ax.set(xlabel="unit", ylabel="unit")
    return ax

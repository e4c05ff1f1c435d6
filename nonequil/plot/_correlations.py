"""Correlations: recorded against the fitted model's own."""

from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from ._base import BLUE, GREY, axes, bare, equality, numbers


def correlations(
    observed: Float[Any, " pairs"],
    predicted: Float[Any, " pairs"],
    noise: Float[Any, ""] | float | None = None,
    *,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """One point a pair of units: recorded correlation against that of the simulated model, no unit.

    The dashed line is equality. The grey band, plus and minus two standard errors `noise` of a recorded value that is
    zero, is what the length of the recording cannot resolve. Pearson's r is printed.
    """
    ax = axes(ax)
    x, y = numbers(observed).ravel(), numbers(predicted).ravel()
    keep = np.isfinite(x) & np.isfinite(y)
    x, y = x[keep], y[keep]
    if noise is not None and np.isfinite(noise):
        ax.axvspan(-2 * float(noise), 2 * float(noise), color=GREY, alpha=0.15, lw=0, label="within 2 s.e. of zero")
    ax.scatter(x, y, s=7, color=BLUE, lw=0, alpha=0.5, rasterized=True)
    equality(ax, x, y)
    if x.size > 2 and x.std() > 0 and y.std() > 0:
        ax.text(0.97, 0.03, f"r = {np.corrcoef(x, y)[0, 1]:.2f}", transform=ax.transAxes, ha="right", va="bottom")
    ax.set(xlabel="recorded correlation", ylabel="correlation of the simulated model", title=title)
    ax.locator_params(nbins=5)  # labels of small numbers are long
    bare(ax)
    return ax

"""Firing rates: recorded against the fitted model's own."""

from typing import Any

from jaxtyping import Float
from matplotlib.axes import Axes

from ._base import BLUE, axes, bare, equality, numbers, plain_log


def predicted_rates(observed: Float[Any, " n"], predicted: Float[Any, " n"], *, ax: Axes | None = None) -> Axes:
    """One point a unit, in Hz (bins with a spike a second), logarithmic axes; the dashed line is equality.

    Units that are silent on either side are left out.
    """
    ax = axes(ax)
    observed, predicted = numbers(observed), numbers(predicted)
    seen = (observed > 0) & (predicted > 0)
    ax.scatter(observed[seen], predicted[seen], s=18, color=BLUE, lw=0, alpha=0.8)
    equality(ax, observed[seen], predicted[seen])
    if seen.any():
        ax.set(xscale="log", yscale="log")
        for axis in (ax.xaxis, ax.yaxis):
            plain_log(axis)
    ax.set(xlabel="recorded rate (Hz)", ylabel="rate of the simulated model (Hz)")
    bare(ax)
    return ax

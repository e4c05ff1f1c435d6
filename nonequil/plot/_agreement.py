"""What was inferred against what is true."""

from typing import Any

from jaxtyping import Float
from matplotlib.axes import Axes

from ._base import BLUE, axes, bare, equality, numbers


def agreement(
    true: Float[Any, " pairs"],
    found: Float[Any, " pairs"],
    *,
    title: str = "",
    xlabel: str = "true",
    ylabel: str = "inferred",
    ax: Axes | None = None,
) -> Axes:
    """One point a pair of numbers of the same unit; the dashed line is equality.

    ```python
    nq.plot.agreement((J - J.T)[pairs], (theta - theta.T)[pairs], title="maximum entropy")
    ```
    """
    ax = axes(ax)
    x, y = numbers(true).ravel(), numbers(found).ravel()
    ax.scatter(x, y, s=9, color=BLUE, lw=0, alpha=0.6, rasterized=True)
    equality(ax, x)
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
    bare(ax)
    return ax

"""Eigenvalues of a coupling matrix in the complex plane."""

from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from ._base import BLUE, GREY, RED, axes, bare, numbers


def eigenvalues(J: Float[Any, "n n"], m: Float[Any, " n"] | None = None, *, ax: Axes | None = None) -> Axes:
    """Eigenvalues of `J`, with the unit circle: a mode grows where it lies outside.

    Around zero mean activity fluctuations of the mean grow by the eigenvalues of J a step. Around the mean activity
    `m` (spins, shape (n,)), where given, they grow by those of diag(1 - m**2) J, drawn beside. Both have no unit.

    ```python
    nq.plot.eigenvalues(fitted.model.J)
    ```
    """
    ax = axes(ax, (4.4, 4.2))
    angle = np.linspace(0, 2 * np.pi, 400)
    ax.plot(np.cos(angle), np.sin(angle), color=GREY, lw=1, ls="--", label="unit circle")
    J = numbers(J)
    values = np.linalg.eigvals(J)
    ax.scatter(values.real, values.imag, s=16, color=BLUE, lw=0, label="J")
    if m is not None:
        values = np.linalg.eigvals((1 - numbers(m)[:, None] ** 2) * J)
        ax.scatter(values.real, values.imag, s=16, facecolor="none", edgecolor=RED, label="$(1 - m^2)\\,J$")
    ax.set_aspect("equal", adjustable="datalim")
    ax.set(xlabel="real part", ylabel="imaginary part")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False, fontsize="small")
    bare(ax)
    return ax

"""A matrix of couplings with its significant entries."""

from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.axes import Axes

from ._base import axes
from ._matrix import matrix


def couplings(
    J: Float[Any, "n n"],
    significant: Bool[Any, "n n"] | None = None,
    unit_ids: Any = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Couplings from the unit of the column on the unit of the row, colours centred on zero.

    `J` has no unit (half log-odds). Entries marked in `significant` carry a dot.

    ```python
    nq.plot.couplings(fitted.model.J, abs(fitted.model.J) > 3 * fitted.J_stderr)
    ```
    """
    ax = matrix(J, unit_ids, label="coupling J (half log-odds)", ax=axes(ax, (5.2, 4.4)))
    if significant is not None:
        i, j = np.nonzero(np.asarray(significant))
        ax.scatter(j, i, s=max(1.0, 400 / np.shape(J)[0] ** 1.3), color="black", lw=0)
    ax.set(xlabel="from unit (earlier bin)", ylabel="on unit (later bin)")
    return ax

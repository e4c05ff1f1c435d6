"""Ascents that know no curvature: by scipy's limited-memory quasi-Newton method."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..numerics import one_thread

MEMORY = 20
GAIN, SLOPE = 1e-13, 1e-9  # below which an ascent has ended
MOST = 5000  # number of steps


@one_thread
def minimise(
    loss: Callable[[np.ndarray], tuple[float, np.ndarray]], start: np.ndarray, *, ceiling: float, bounds: Any = None
) -> tuple[np.ndarray, int, bool]:
    """Where `loss`, which comes with its gradient, is least; the steps; whether it converged.

    Gives up where the loss falls below -`ceiling`. Method: Byrd, Lu, Nocedal & Zhu, SIAM J. Sci. Comput. 16, 1190
    (1995).
    """
    import scipy.optimize  # read where something is minimised

    if not start.size:
        return start, 0, True

    def stop(intermediate_result: Any) -> None:
        if intermediate_result.fun < -ceiling:
            raise StopIteration

    options = {"maxcor": MEMORY, "ftol": GAIN, "gtol": SLOPE, "maxiter": MOST, "maxfun": 2 * MOST}
    found = scipy.optimize.minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=bounds, callback=stop, options=options
    )
    return found.x, int(found.nit), bool(found.success or found.fun >= loss(start)[0] - GAIN)

"""Steady states of the infinite Sherrington-Kirkpatrick model at many points, piece by piece."""

from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

from .. import thermodynamics
from .._results import RESULTS, Unit
from ..ensembles import SherringtonKirkpatrick
from ..meanfield import SKRule
from ._stages import Stages

PIECE = 4096  # points that are solved between two checkpoints, all with one rule
UNITS = {"parallel": Unit.per_step_per_spin.value, "sequential": Unit.per_sweep_per_spin.value}
QUANTITIES = {
    "m": "magnetisation",
    "q": "overlap of distant times",
    "k": "mean gain",
    "S": "forward entropy of a parallel step",
    "S_reverse": "reverse entropy of a parallel step",
    "sigma": "entropy production",
    "result": "how the computation ended",
}
TRUSTED = ("successful", "marginal")


def steady_states(
    sk: SherringtonKirkpatrick,
    points: Float[np.ndarray, "points 3"],
    stages: Stages,
    *,
    m0: float = 1.0,
    sequential: bool = False,
) -> dict[str, Any]:
    """Values of `sk_phase_diagram` at points (beta, dJ, dH), `result` as names; each piece is kept in `stages`.

    `sigma_sequential` is among them where `sequential` asks for it.
    """
    order = np.argsort(points[:, 0], kind="stable")  # cold points need finer averages
    pieces = [order[first : first + PIECE] for first in range(0, len(order), PIECE)]
    stages.expect(len(pieces), "piece")
    solved = [stages(f"piece {k}", lambda at=at: _solve(sk, points[at], m0, sequential)) for k, at in enumerate(pieces)]
    back = np.argsort(order)
    return {name: np.concatenate([piece[name] for piece in solved])[back] for name in solved[0]}


def _solve(sk: SherringtonKirkpatrick, points: np.ndarray, m0: float, sequential: bool) -> dict[str, np.ndarray]:
    beta, dJ, dH = points.T
    rule = SKRule.resolving(float((beta * dJ).max()), float((beta * dH).max()))
    found = thermodynamics.sk_phase_diagram(sk, beta=beta, dJ=dJ, dH=dH, m0=m0, sequential=sequential, rule=rule)
    names = ("m", "q", "k", "S", "S_reverse", "sigma", *(("sigma_sequential",) if sequential else ()))
    return {name: np.asarray(getattr(found, name)) for name in names} | {"result": result_names(found.result)}


def result_names(result: RESULTS) -> Shaped[np.ndarray, "..."]:
    """The name of each result."""
    known = list(RESULTS.__annotations__)
    return np.select([np.asarray(result == getattr(RESULTS, name)) for name in known], known, "unknown")


def trusted(values: Any, result: Any, also: tuple[str, ...] = ()) -> Float[np.ndarray, "..."]:
    """`values`, NaN where the result is neither successful nor marginal nor among `also`."""
    return np.where(np.isin(result, (*TRUSTED, *also)), values, np.nan)

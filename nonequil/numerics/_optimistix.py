"""Minimisers of optimistix, as methods of `minimise`."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from ._method import AbstractMethod, Objective, Point


class Optimistix(AbstractMethod):
    """Steps of an optimistix minimiser, `Optimistix(optx.BFGS(rtol=0.0, atol=0.0))`.

    `minimise` decides when to stop, so the solver's own tolerances are not read. A step of a solver may be a trial
    that it rejects: the point then stays. Its searches compare losses, so a gradient much below the square root of the
    loss's rounding may be out of reach.
    """

    solver: Any  # an optx.AbstractMinimiser: optimistix is read by those who name one

    def init(self, objective: Objective, point: Point) -> Any:
        """State of the solver."""
        real = jax.ShapeDtypeStruct((), point.value.dtype)
        return self.solver.init(_with_aux(objective), point.params, None, {}, real, None, frozenset())

    def step(self, objective: Objective, point: Point, state: Any) -> tuple[Point, Any, Bool[Array, ""]]:
        """One step of the solver, and the gradient where it ends."""
        params, state, _ = self.solver.step(_with_aux(objective), point.params, None, {}, state, frozenset())
        return Point.at(objective, params), state, jnp.asarray(False)


def _with_aux(objective: Objective) -> Any:
    return lambda params, args: (objective(params), None)

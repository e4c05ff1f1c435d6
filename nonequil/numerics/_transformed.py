"""First-order methods: any gradient transformation of optax."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool

from ._method import AbstractMethod, Objective, Point


class Transformed(AbstractMethod):
    """Steps of an optax transformation (adam, a schedule, lbfgs with its line search, a chain)."""

    transformation: optax.GradientTransformation

    def init(self, objective: Objective, point: Point) -> Any:
        """State of the transformation."""
        return self.transformation.init(point.params)

    def step(self, objective: Objective, point: Point, state: Any) -> tuple[Point, Any, Bool[Array, ""]]:
        """One update; never stuck, since what it does next may depend on the count of its steps."""
        update = optax.with_extra_args_support(self.transformation).update
        given = {"value": point.value, "grad": point.gradient, "value_fn": objective}
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):  # optax mixes integer types
            updates, state = update(point.gradient, state, point.params, **given)
        params = optax.apply_updates(point.params, updates)
        if optax.tree.get(state, "value") is None or optax.tree.get(state, "grad") is None:
            return Point.at(objective, params), state, jnp.asarray(False)
        known = optax.value_and_grad_from_state(objective)(params, state=state)  # a line search has them already
        return Point(params, *known), state, jnp.asarray(False)

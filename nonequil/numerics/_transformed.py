"""First-order methods: any gradient transformation of optax."""

from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from ._method import AbstractMethod, Objective, Point

GradientTransformation: TypeAlias = tuple[Callable, Callable]  # that of optax, which is read where it is needed


class Transformed(AbstractMethod):
    """Steps of an optax transformation (adam, a schedule, lbfgs with its line search, a chain)."""

    transformation: GradientTransformation

    def init(self, objective: Objective, point: Point) -> Any:
        """State of the transformation."""
        return self.transformation[0](point.params)

    def step(self, objective: Objective, point: Point, state: Any) -> tuple[Point, Any, Bool[Array, ""]]:
        """One update; never stuck, since what it does next may depend on the count of its steps."""
        import optax

        update = optax.with_extra_args_support(self.transformation).update
        given = {"value": point.value, "grad": point.gradient, "value_fn": objective}
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):  # optax mixes integer types
            updates, state = update(point.gradient, state, point.params, **given)
        params = optax.apply_updates(point.params, updates)
        if optax.tree.get(state, "value") is None or optax.tree.get(state, "grad") is None:
            return Point.at(objective, params), state, jnp.asarray(False)
        known = optax.value_and_grad_from_state(objective)(params, state=state)  # a line search has them already
        return Point(params, *known), state, jnp.asarray(False)


def default() -> GradientTransformation:
    """What `minimise` does unless it is told otherwise."""
    import optax

    return optax.lbfgs()

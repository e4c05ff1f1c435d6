"""What a method of minimisation is: one step from a point to a lower one."""

import abc
from collections.abc import Callable
from typing import Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PyTree

Objective: TypeAlias = Callable[[Any], Any]
"""A function of the floating leaves of the parameters, to a real number."""


class Point(eqx.Module):
    """Parameters (floating leaves only), the loss there and its gradient."""

    params: PyTree[Float[Array, "..."] | None]
    value: Float[Array, ""]
    gradient: PyTree[Float[Array, "..."] | None]

    @classmethod
    def at(cls, objective: Objective, params: Any) -> "Point":
        """The point with these parameters."""
        return cls(params, *jax.value_and_grad(objective)(params))

    @property
    def gradient_max(self) -> Float[Array, ""]:
        """Largest modulus of the gradient's entries; NaN if any is."""
        return jnp.max(jnp.stack([jnp.max(jnp.abs(leaf), initial=0.0) for leaf in jax.tree.leaves(self.gradient)]))

    @property
    def finite(self) -> Bool[Array, ""]:
        """Whether parameters, loss and gradient are all finite."""
        return jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(self)]))


class AbstractMethod(eqx.Module):
    """A method of minimisation. Its state is any pytree of arrays and constants."""

    @abc.abstractmethod
    def init(self, objective: Objective, point: Point) -> Any:
        """State before the first step."""

    @abc.abstractmethod
    def step(self, objective: Objective, point: Point, state: Any) -> tuple[Point, Any, Bool[Array, ""]]:
        """The next point, the next state, and whether the method is stuck: no step it knows lowers the loss."""


def lowers(new: Point, old: Point, predicted: Float[Array, ""]) -> Bool[Array, ""]:
    """Whether a step is to be taken: the loss falls by at least 1e-4 of the predicted fall, or, where that is below
    the rounding of the loss, the gradient gets smaller. False if anything is not finite.
    """
    fall = old.value - new.value
    rounding = 16 * jnp.finfo(old.value.dtype).eps * jnp.maximum(jnp.abs(old.value), jnp.abs(new.value))
    enough = (fall >= 1e-4 * predicted) & (fall > 0)
    level = (predicted <= rounding) & (jnp.abs(fall) <= rounding) & (new.gradient_max < old.gradient_max)
    return new.finite & (enough | level)

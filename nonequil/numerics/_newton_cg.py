"""Newton's method in a trust region, with Hessian-vector products only."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float

from ._method import AbstractMethod, Objective, Point, lowers


class NewtonCG(AbstractMethod):
    """Truncated Newton in a trust region; the Hessian is never formed.

    Conjugate gradients on hessian step = -gradient, stopped at min(0.1, sqrt(|gradient| / |first gradient|)) of the
    gradient, at the edge of the region or at negative curvature, at most `products` Hessian products a step. The
    region starts at `radius`, shrinks fourfold where the loss falls by less than a quarter of what the quadratic
    model says and doubles where it falls by more than three quarters at the edge.
    Source: Steihaug, SIAM J. Numer. Anal. 20, 626 (1983); Nocedal & Wright (2006), algorithms 4.1 and 7.2.
    """

    radius: float = 1.0
    products: int = 250

    def init(self, objective: Objective, point: Point) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """The radius of the region and the norm of the first gradient."""
        return jnp.asarray(self.radius, point.value.dtype), jnp.linalg.norm(ravel_pytree(point.gradient)[0])

    def step(
        self, objective: Objective, point: Point, state: tuple[Float[Array, ""], Float[Array, ""]]
    ) -> tuple[Point, tuple[Float[Array, ""], Float[Array, ""]], Bool[Array, ""]]:
        """One trial in the region: taken if the loss falls, else the region shrinks."""
        radius, first = state
        x, unravel = ravel_pytree(point.params)
        gradient = ravel_pytree(point.gradient)[0]
        norm = jnp.linalg.norm(gradient)

        def slope(x: Array) -> Array:
            return jax.grad(lambda x: objective(unravel(x)))(x)

        _, product = jax.linearize(slope, x)
        target = jnp.minimum(0.1, jnp.sqrt(norm / jnp.where(first > 0, first, 1))) * norm
        step = _truncated(product, gradient, radius, target, self.products)
        predicted = -(gradient @ step + step @ product(step) / 2)
        new = Point.at(objective, unravel(x + step))
        taken = lowers(new, point, predicted)
        ratio = jnp.where(new.finite, (point.value - new.value) / predicted, -1)
        length = jnp.linalg.norm(step)
        wide = jnp.where((ratio > 0.75) & (length > 0.99 * radius), 2 * radius, radius)
        radius = jnp.where((ratio < 0.25) & ~(taken & (ratio < 1e-4)) | ~taken, length / 4, wide)
        stuck = ~taken & (length <= jnp.finfo(x.dtype).eps * (1 + jnp.linalg.norm(x)))
        point = jax.tree.map(lambda a, b: jnp.where(taken, a, b), new, point)
        return point, (radius, first), stuck


def _truncated(
    product: Callable[[Array], Array], gradient: Array, radius: Array, target: Array, products: int
) -> Float[Array, " d"]:
    """Steihaug's conjugate gradients: the step where they end."""

    def running(carry: tuple) -> Array:
        _, residual, _, count, ended = carry
        return ~ended & (count < products) & (jnp.linalg.norm(residual) > target)

    def body(carry: tuple) -> tuple:
        step, residual, direction, count, _ = carry
        image = product(direction)
        curvature, square = direction @ image, residual @ residual
        longer = step + square / curvature * direction
        leaves = ~(curvature > 0) | ~(jnp.linalg.norm(longer) < radius)
        edge = step + _to_edge(step, direction, radius) * direction
        after = residual + square / curvature * image
        turned = -after + (after @ after) / square * direction
        return jnp.where(leaves, edge, longer), after, turned, count + 1, leaves

    start = (jnp.zeros_like(gradient), gradient, -gradient, jnp.asarray(0), jnp.asarray(False))
    return jax.lax.while_loop(running, body, start)[0]


def _to_edge(step: Array, direction: Array, radius: Array) -> Float[Array, ""]:
    """Positive t with |step + t direction| = radius."""
    a, b, c = direction @ direction, step @ direction, step @ step - radius**2
    return (-b + jnp.sqrt(b**2 - a * c)) / a

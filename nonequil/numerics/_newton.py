"""Newton's method with a dense Hessian, damped until it descends."""

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float

from ._method import AbstractMethod, Objective, Point, lowers


class Newton(AbstractMethod):
    """Levenberg-Marquardt damping of the exact Hessian: (hessian + damping scale) step = -gradient.

    scale is the largest modulus on the Hessian's diagonal. The damping starts at `damping`, grows tenfold until the
    matrix is positive definite and the step lowers the loss (at most 30 times), shrinks tenfold after each step taken
    and is zero below 1e-10. With `damping=0` a convex problem sees pure Newton steps. Memory and time of a step:
    d**2 and d**3 for d parameters; above some thousands use `NewtonCG`.
    Source: Nocedal & Wright, Numerical Optimization (2006), sections 3.4 and 10.3.
    """

    damping: float = 0.0

    def init(self, objective: Objective, point: Point) -> Float[Array, ""]:
        """The damping."""
        return jnp.asarray(self.damping, point.value.dtype)

    def step(
        self, objective: Objective, point: Point, state: Float[Array, ""]
    ) -> tuple[Point, Float[Array, ""], Bool[Array, ""]]:
        """One damped Newton step, tried with growing damping."""
        x, unravel = ravel_pytree(point.params)
        gradient = ravel_pytree(point.gradient)[0]
        hessian = jax.hessian(lambda x: objective(unravel(x)))(x)
        largest = jnp.max(jnp.abs(jnp.diagonal(hessian)))
        scale = jnp.where(largest > 0, largest, 1)

        def attempt(damping: Array) -> tuple[Point, Array]:
            factor = jax.scipy.linalg.cho_factor(hessian + damping * scale * jnp.eye(x.size, dtype=x.dtype))
            step = -jax.scipy.linalg.cho_solve(factor, gradient)  # NaN unless positive definite
            new = Point.at(objective, unravel(x + step))
            return new, lowers(new, point, -(gradient @ step + step @ hessian @ step / 2))

        def retry(carry: tuple) -> tuple:
            damping, tries, _, _ = carry
            damping = jnp.maximum(10 * damping, 1e-6)
            return damping, tries + 1, *attempt(damping)

        start = (state, jnp.asarray(0), *attempt(state))
        damping, _, new, taken = jax.lax.while_loop(lambda c: ~c[3] & (c[1] < 30), retry, start)
        point = jax.tree.map(lambda a, b: jnp.where(taken, a, b), new, point)
        return point, jnp.where(damping > 1e-10, damping / 10, 0), ~taken

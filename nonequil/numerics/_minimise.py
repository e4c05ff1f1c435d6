"""One minimiser for first and second order methods, over any pytree of parameters."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PyTree

from .._results import RESULTS
from ._method import AbstractMethod, Point
from ._transformed import GradientTransformation, Transformed, default


class Minimum(eqx.Module):
    """Where a minimisation ended: parameters, loss, largest modulus of its gradient, steps taken and the result."""

    params: PyTree
    value: Float[Array, ""]
    gradient_max: Float[Array, ""]
    steps: Int[Array, ""]
    result: RESULTS

    @property
    def converged(self) -> Bool[Array, ""]:
        """Whether the gradient is below the tolerance and everything is finite."""
        return self.result == RESULTS.successful


def minimise(
    loss: Callable[..., Any],
    params: PyTree[Any],
    args: tuple = (),
    *,
    method: AbstractMethod | GradientTransformation | None = None,
    max_steps: int = 1000,
    tolerance: float | None = None,
    throw: bool = False,
) -> Minimum:
    """A minimum of `loss(params, *args)` over the floating arrays of the pytree `params`.

    All other leaves (integers, Python numbers, functions) are held fixed, so an `eqx.Module` can be minimised as it is.
    `method` is any optax gradient
    transformation (default: `optax.lbfgs()`), `Newton()`, `NewtonCG()` or `Optimistix(solver)`. It stops when
    max |gradient| <= tolerance (default: the square root of rounding) or after `max_steps`. The loop is compiled once
    for each loss, method and set of shapes; pass what changes (data, a penalty) through `args`.

    Result: `successful` (gradient below the tolerance, everything finite), `max_steps_reached`, `no_progress` (no
    step the method knows lowers the loss), `not_finite` (the last finite point is returned, if there was one). With
    `throw` every other result than `successful` is a run-time error. Forward-mode derivatives go through the loop,
    reverse mode does not.
    Raises ValueError if `params` holds no floating array or the loss is not a real scalar.

    ```python
    best = numerics.minimise(lambda x: jnp.sum((x - 1) ** 4), jnp.zeros(3), method=numerics.Newton())
    ```
    """
    floating = [leaf for leaf in jax.tree.leaves(params) if eqx.is_inexact_array(leaf)]
    if not floating:
        raise ValueError(f"params must hold at least one floating array to change: params = {params}")
    shape = eqx.filter_eval_shape(loss, params, *args)
    if getattr(shape, "shape", None) != () or not jnp.issubdtype(shape.dtype, jnp.floating):
        raise ValueError(f"loss must return a real scalar: loss(params, *args) is {shape}")
    tolerance = float(jnp.finfo(jnp.result_type(*floating)).eps) ** 0.5 if tolerance is None else tolerance
    method = default() if method is None else method
    method = method if isinstance(method, AbstractMethod) else Transformed(method)
    found = _run(loss, params, args, method, jnp.asarray(max_steps), jnp.asarray(tolerance, shape.dtype))
    if not throw:
        return found
    return eqx.tree_at(lambda m: m.value, found, found.result.error_if(found.value, found.result != RESULTS.successful))


@eqx.filter_jit
def _run(
    loss: Callable, params: Any, args: tuple, method: AbstractMethod, max_steps: Array, tolerance: Array
) -> Minimum:
    free, fixed = eqx.partition(params, eqx.is_inexact_array)

    def objective(free: Any) -> Any:
        return loss(eqx.combine(free, fixed), *args)

    point = Point.at(objective, free)
    changing, constant = eqx.partition(method.init(objective, point), eqx.is_array)

    def going(carry: tuple) -> Array:
        point, _, steps, stuck, finite = carry
        return finite & ~stuck & (point.gradient_max > tolerance) & (steps < max_steps)

    def step(carry: tuple) -> tuple:
        point, changing, steps, _, _ = carry
        new, state, stuck = method.step(objective, point, eqx.combine(changing, constant))
        finite = new.finite
        point = jax.tree.map(lambda a, b: jnp.where(finite, a, b), new, point)
        return point, eqx.filter(state, eqx.is_array), steps + 1, stuck, finite

    start = (point, changing, jnp.asarray(0), jnp.asarray(False), point.finite)
    point, _, steps, stuck, finite = jax.lax.while_loop(going, step, start)
    result = RESULTS.where(stuck, RESULTS.no_progress, RESULTS.max_steps_reached)
    result = RESULTS.where(point.gradient_max <= tolerance, RESULTS.successful, result)
    result = RESULTS.where(finite, result, RESULTS.not_finite)
    return Minimum(eqx.combine(point.params, fixed), point.value, point.gradient_max, steps, result)

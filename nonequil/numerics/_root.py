"""Roots of a function of one variable in an interval, with gradients by the implicit function theorem."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .._results import RESULTS
from ._implicit import implicit, stopped


class Root(eqx.Module):
    """A root `f(value, args) = 0`, how the search ended and after how many steps. Only `value` carries a gradient."""

    value: Float[Array, "*unknowns"]
    result: RESULTS
    steps: Int[Array, ""]


def root(
    f: Callable[[Any, Any], Any],
    bracket: tuple[Any, Any],
    args: Any = None,
    *,
    tolerance: float | None = None,
    max_steps: int = 200,
    throw: bool = True,
) -> Root:
    """A root of the scalar function f(x, args) between the two ends of `bracket`, where f changes its sign.

    Newton steps that stay in the shrinking interval and halve |f| at least every other step, bisections otherwise,
    until the interval or the step is below `tolerance` (default: four units of rounding of the wider end) plus four
    units of rounding of x. For many roots use vmap. Derivatives in `args`, and in what `f` closes over, come from the
    implicit function theorem, both modes, any order; they are infinite where df/dx = 0. The bracket has no gradient.

    Result: `successful`, `no_bracket` (f has the same sign at both ends, or changes it at a pole; the value is then
    the end with the smaller |f|), `max_steps_reached`, `not_finite`. With `throw` (the default) every other result
    than `successful` is a run-time error. Raises ValueError if f is not scalar.
    Source: the safeguard of Dekker and Brent: Brent, Algorithms for Minimization without Derivatives (1973), ch. 4.

    ```python
    x = numerics.root(lambda x, a: jnp.cos(x) - a * x, (0.0, 2.0), jnp.array(1.0)).value
    ```
    """
    lower, upper = jnp.broadcast_arrays(*(jnp.asarray(end) for end in bracket))
    dtype = jnp.result_type(lower, upper)
    dtype = dtype if jnp.issubdtype(dtype, jnp.floating) else jnp.result_type(float)
    lower, upper = stopped((lower.astype(dtype), upper.astype(dtype)))
    shape = eqx.filter_eval_shape(f, lower, args)
    if lower.shape != () or getattr(shape, "shape", None) != ():
        raise ValueError(f"f must be a scalar function of a scalar: f(lower) is {shape}; use vmap for many roots")
    found = _solve(f, lower, upper, args, tolerance, max_steps)
    if not throw:
        return found
    value = found.result.error_if(found.value, found.result != RESULTS.successful)
    return Root(value, found.result, found.steps)


class _Bracket(eqx.Module):
    """Ends with f(negative) <= 0 <= f(positive), the current point between them and its f."""

    negative: Float[Array, ""]
    positive: Float[Array, ""]
    x: Float[Array, ""]
    value: Float[Array, ""]
    slope: Float[Array, ""]
    moved: Float[Array, ""]  # length of the last step
    steps: Int[Array, ""]


def _equation(x: Float[Array, " 1"], inputs: Any) -> Float[Array, " 1"]:
    f, args = inputs
    return f(x[0], args)[None]


@eqx.filter_jit
def _solve(f: Callable, lower: Array, upper: Array, args: Any, tolerance: float | None, max_steps: int) -> Root:
    f = eqx.filter_closure_convert(f, lower, args)
    g, held = stopped((f, args))
    eps = float(jnp.finfo(lower.dtype).eps)
    wide = jnp.maximum(jnp.abs(lower), jnp.abs(upper))
    small = 4 * eps * wide if tolerance is None else jnp.asarray(tolerance, lower.dtype)
    x, value, ends, steps, ended = _search(lambda x: g(x, held), lower, upper, small, eps, max_steps)
    smaller = jnp.where(jnp.abs(ends[0]) <= jnp.abs(ends[1]), lower, upper)
    finite = jnp.isfinite(ends[0]) & jnp.isfinite(ends[1]) & jnp.isfinite(value)
    # at a pole |f| grows above both ends
    bracketed = (jnp.sign(ends[0]) * jnp.sign(ends[1]) <= 0) & (jnp.abs(value) <= jnp.max(jnp.abs(ends)))
    result = RESULTS.where(ended, RESULTS.successful, RESULTS.max_steps_reached)
    result = RESULTS.where(bracketed, result, RESULTS.no_bracket)
    result = RESULTS.where(finite, result, RESULTS.not_finite)
    x = jnp.where(bracketed & finite, x, smaller)
    return Root(implicit(_equation, stopped(x)[None], (f, args), True)[0], result, stopped(steps))


def _search(
    f: Callable, lower: Array, upper: Array, small: Array, eps: float, max_steps: int
) -> tuple[Array, Array, Array, Array, Array]:
    """The point, f there, f at both ends, the steps taken and whether the interval closed."""
    ends = jax.lax.map(f, jnp.stack([lower, upper]))

    def open_(b: _Bracket) -> Array:
        width = jnp.abs(b.positive - b.negative)
        close = jnp.minimum(width, b.moved) <= small + 4 * eps * jnp.abs(b.x)
        return (b.steps < 0) | ((b.value != 0) & jnp.isfinite(b.value) & ~close & (b.steps < max_steps))

    def step(b: _Bracket) -> _Bracket:
        newton = -b.value / b.slope
        inside = (b.x + newton - b.negative) * (b.x + newton - b.positive) <= 0
        fast = 2 * jnp.abs(newton) < b.moved
        fit = inside & fast & jnp.isfinite(b.slope)
        tried = jnp.where(fit, b.x + newton, b.negative + (b.positive - b.negative) / 2)
        x = jnp.where(b.steps < 0, b.x, tried)
        value, slope = jax.jvp(f, (x,), (jnp.ones_like(x),))
        negative, positive = jnp.where(value < 0, x, b.negative), jnp.where(value < 0, b.positive, x)
        moved = jnp.where(b.steps < 0, b.moved, jnp.abs(x - b.x))
        return _Bracket(negative, positive, x, value, slope, moved, b.steps + 1)

    last = jax.lax.while_loop(open_, step, _first(lower, upper, ends))
    ended = (last.value == 0) | (last.steps < max_steps)
    return last.x, last.value, ends, last.steps, ended


def _first(lower: Array, upper: Array, ends: Float[Array, " 2"]) -> _Bracket:
    """Before the function is known at the point where the search begins: an end that is a root, else the middle."""
    negative, positive = jnp.where(ends[0] < 0, lower, upper), jnp.where(ends[0] < 0, upper, lower)
    at_end = jnp.where(ends[0] == 0, lower, upper)
    x = jnp.where(jnp.any(ends == 0), at_end, lower + (upper - lower) / 2)
    nothing = jnp.full_like(x, jnp.nan)
    return _Bracket(negative, positive, x, nothing, nothing, jnp.abs(upper - lower), jnp.asarray(-1))

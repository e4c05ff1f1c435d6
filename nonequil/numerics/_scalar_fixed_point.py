"""Fixed points of a function of one variable that only rises or only falls, by guarded Newton steps."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from .._results import RESULTS
from ._fixed_point import FixedPoint
from ._implicit import implicit, stopped


def scalar_fixed_point(
    f: Callable[[Any, Any], Any],
    x0: Any,
    args: Any = None,
    *,
    bracket: tuple[Any, Any],
    rising: Any = True,
    max_steps: int = 200,
    tolerance: float | None = None,
    throw: bool = True,
) -> FixedPoint:
    """The fixed point x = f(x, args) that plain steps from `x0` move towards, for a monotone f of one number.

    f maps the `bracket` into itself. Where it is `rising` (which may be traced), plain steps go one way and never
    jump over a fixed point: Newton's steps on f(x) - x are taken where they go the same way and stay in the bracket,
    which shrinks, and plain ones elsewhere. They reach the branch of the plain steps where f is concave above or
    convex below its fixed point (sigmoid curves from the ends of the bracket); a stationary start stays. A falling f
    has one fixed point: it is found whether or not plain steps settle there, and bisection helps where Newton's steps
    do not halve f(x) - x. Far fewer evaluations than `fixed_point`, and many at once under vmap.

    `steps` counts evaluations, `spectral_radius` is |df/dx|. Derivatives in `args`, and in what `f` closes over, come
    from the implicit function theorem; they do not exist where df/dx = 1.
    Result: `successful` (|f(x) - x| <= `tolerance`, by default 512 units of rounding); `max_steps_reached`;
    `not_finite`; `marginal`, df/dx is one within 4 eps**0.5. With `throw` every other result than `successful` is a
    run-time error.

    ```python
    m = numerics.scalar_fixed_point(lambda m, J: jnp.tanh(J * m), 1.0, jnp.array(1.5), bracket=(-1.0, 1.0)).value
    ```
    """
    x0 = jnp.asarray(x0)
    x0 = x0 if jnp.issubdtype(x0.dtype, jnp.floating) else x0.astype(float)
    f = eqx.filter_closure_convert(f, x0, args)
    lower, upper = (jnp.broadcast_to(jnp.asarray(end, x0.dtype), x0.shape) for end in bracket)
    g, held = stopped((f, args))
    search = _Search(lambda x: jax.jvp(lambda x: g(x, held), (x,), (jnp.ones_like(x),)), jnp.asarray(rising), max_steps)
    end = search.run(*stopped((x0, lower, upper)))
    result = _verdict(end, 512 * float(jnp.finfo(x0.dtype).eps) if tolerance is None else tolerance)
    x = implicit(_defect, stopped(end.x)[None], (f, args), True)[0]
    found = FixedPoint(x, result, end.steps, *stopped((jnp.abs(end.change), jnp.abs(end.slope))))
    if not throw:
        return found
    return eqx.tree_at(lambda p: p.value, found, result.error_if(x, result != RESULTS.successful))


def _defect(x: Float[Array, " 1"], inputs: tuple) -> Float[Array, " 1"]:
    f, args = inputs
    return f(x[0], args)[None] - x


class _Point(eqx.Module):
    """Where the search is: x, f(x) - x, f'(x), the change before, the bracket, evaluations so far."""

    x: Float[Array, ""]
    change: Float[Array, ""]
    slope: Float[Array, ""]
    before: Float[Array, ""]
    lower: Float[Array, ""]
    upper: Float[Array, ""]
    steps: Int[Array, ""]


class _Search(eqx.Module):
    f: Callable  # x to f(x), f'(x)
    rising: Bool[Array, ""]
    max_steps: int

    def run(self, x: Float[Array, ""], lower: Float[Array, ""], upper: Float[Array, ""]) -> _Point:
        """The first of its steps is to `x` itself, so that f enters the program once."""
        still, zero = 4 * float(jnp.finfo(x.dtype).eps), jnp.zeros_like(x)
        return jax.lax.while_loop(
            lambda p: (p.steps == 0) | ((jnp.abs(p.change) > still) & (p.steps < self.max_steps)),
            lambda p: self._step(p),
            _Point(x, zero, zero, zero, lower, upper, jnp.asarray(0)),
        )

    def _step(self, p: _Point) -> _Point:
        lower, upper = jnp.where(p.change > 0, p.x, p.lower), jnp.where(p.change < 0, p.x, p.upper)
        newton = p.x + p.change / jnp.where(p.slope == 1, 1, 1 - p.slope)
        fit = (p.slope < 1) & (newton >= lower) & (newton <= upper)
        fit = fit & (self.rising | (2 * jnp.abs(p.change) < p.before))
        moved = jnp.where(fit, newton, jnp.where(self.rising, p.x + p.change, (lower + upper) / 2))
        x = jnp.where(p.steps == 0, p.x, moved)
        value, slope = self.f(x)
        before = jnp.where(p.steps == 0, jnp.inf, jnp.abs(p.change))
        return _Point(x, value - x, slope, before, lower, upper, p.steps + 1)


def _verdict(end: _Point, tolerance: float) -> RESULTS:
    margin = 4 * float(jnp.finfo(end.x.dtype).eps) ** 0.5
    marginal, solved = jnp.abs(1 - end.slope) <= margin, jnp.abs(end.change) <= tolerance
    result = RESULTS.where(marginal, RESULTS.marginal, RESULTS.successful)
    result = RESULTS.where(solved, result, RESULTS.max_steps_reached)
    return RESULTS.where(jnp.isfinite(end.change), result, RESULTS.not_finite)

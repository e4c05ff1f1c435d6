"""Newton's method on systems of equations, guarded by a line search; gradients by the implicit function theorem."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from .._results import RESULTS
from ._implicit import implicit, solve_jacobian, stopped
from ._root import Root

HALVINGS = 6


def newton_root(
    f: Callable[[Any, Any], Any],
    x0: Float[Array, " n"],
    args: Any = None,
    *,
    max_steps: int = 40,
    tolerance: Any = None,
    throw: bool = True,
) -> Root:
    """A root f(x, args) = 0 of n equations of n unknowns near `x0`, by Newton's method.

    Steps are halved where they do not lower the residual, until it falls no more. Derivatives in `args`, and in what f
    closes over, come from the implicit function theorem, both modes, any order; `x0` carries none. For one unknown
    between two ends use `root`.

    Result: `successful` if max |f| <= `tolerance` (default: 512 units of rounding); `max_steps_reached`; `not_finite`.
    With `throw` (the default) every other result than `successful` is a run-time error.

    ```python
    circle = lambda x, a: jnp.array([x[0] ** 2 + x[1] ** 2 - 1, x[1] - a * x[0]])
    nq.numerics.newton_root(circle, jnp.array([1.0, 0.5]), jnp.array(1.0)).value  # 2**-0.5, 2**-0.5
    ```
    """
    found = _solve(f, x0, args, max_steps, tolerance)
    if not throw:
        return found
    value = found.result.error_if(found.value, found.result != RESULTS.successful)
    return Root(value, found.result, found.steps)


@eqx.filter_jit
def _solve(f: Callable, x0: Array, args: Any, max_steps: int, tolerance: Any) -> Root:
    f = eqx.filter_closure_convert(f, x0, args)
    g, held = stopped((f, args))
    defect = lambda x: g(x, held)  # noqa: E731
    start = stopped(x0)
    x, change, steps = stopped(newton_steps(defect, start, defect(start), max_steps, True))
    small = 512 * float(jnp.finfo(x0.dtype).eps) if tolerance is None else tolerance
    residual = jnp.max(jnp.abs(change))
    result = RESULTS.where(residual <= small, RESULTS.successful, RESULTS.max_steps_reached)
    result = RESULTS.where(jnp.isfinite(residual), result, RESULTS.not_finite)
    return Root(implicit(_equations, x, (f, args), True), result, steps)


def _equations(x: Array, inputs: Any) -> Array:
    f, args = inputs
    return f(x, args)


def newton_steps(
    defect: Callable, x: Array, change: Array, most: int, dense: bool, wanted: Bool[Array, ""] | bool = True
) -> tuple[Array, Array, Array]:
    """Newton on `defect` until it falls no more: the point, its defect, the steps. `change` is the defect at x."""

    def improving(carry: tuple) -> Array:
        _, change, taken, going = carry
        return going & (taken < most) & jnp.any(change != 0)

    def step(carry: tuple) -> tuple:
        x, change, taken, _ = carry
        towards = solve_jacobian(defect, x, -change, dense)
        x, change, improved = line_search(defect, x, change, towards)
        return x, change, taken + 1, improved

    return jax.lax.while_loop(improving, step, (x, change, jnp.asarray(0), jnp.asarray(wanted)))[:3]


def line_search(defect: Callable, x: Array, change: Array, towards: Array) -> tuple[Array, Array, Array]:
    """The longest of the steps 1, 1/2, 1/4, ... that lowers the residual: the point, its defect, whether one does."""
    norm = jnp.linalg.norm(change)

    def lower(t: Array, new: Array) -> Array:
        return jnp.linalg.norm(new) < (1 - 1e-4 * t) * norm  # false for what is not finite

    def halve(carry: tuple) -> tuple:
        t, _ = carry
        return t / 2, defect(x + t / 2 * towards)

    def unfit(carry: tuple) -> Array:
        return ~lower(*carry) & (carry[0] > 0.5**HALVINGS)

    t, new = jax.lax.while_loop(unfit, halve, (jnp.full((), 2, x.dtype), jnp.full_like(x, jnp.inf)))
    improved = lower(t, new)
    return jnp.where(improved, x + t * towards, x), jnp.where(improved, new, change), improved

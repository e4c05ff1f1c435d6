"""Fixed points: plain steps into the basin, Newton to finish, gradients by the implicit function theorem."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, Int, PyTree

from .._results import RESULTS
from ._implicit import DENSE_LIMIT, implicit, stopped
from ._newton_root import newton_steps
from ._spectral import krylov_radius, spectral_radius

FIRST_ROUND = 16  # plain steps before Newton is first tried; each later round is twice as long
NEARLY = 0.1


class FixedPoint(eqx.Module):
    """Where an iteration rests: `value = f(value, args)`.

    `steps` counts plain and Newton steps, `residual` is max |f(value) - value|, `spectral_radius` the largest modulus
    of the eigenvalues of df/dx there (below one: stable under plain steps). Only `value` carries a gradient.
    """

    value: PyTree[Float[Array, "..."]]
    result: RESULTS
    steps: Int[Array, ""]
    residual: Float[Array, ""]
    spectral_radius: Float[Array, ""]


def fixed_point(
    f: Callable[[Any, Any], Any],
    x0: PyTree[Any],
    args: Any = None,
    *,
    plain: int = 10_000,
    damping: float = 1.0,
    newton: int = 40,
    tolerance: float | None = None,
    dense: bool | None = None,
    throw: bool = True,
) -> FixedPoint:
    """The fixed point x = f(x, args) that plain steps from `x0` would reach, found in far fewer steps.

    Rounds of plain steps, x <- x + damping (f(x) - x) (16, then twice as many each round, `plain` in all), are each
    followed by a Newton iteration on f(x) - x = 0, halved where it does not lower the residual (at most `newton`
    steps). Newton's point is kept if max |f(x) - x| <= tolerance max(1, max |x|), if plain steps would stay there
    (spectral radius of the damped map at most one) and if the round's plain steps were on their way to it: they came
    closer, to where the map is linear up to a tenth. Otherwise plain steps go on. So a saddle that the plain steps
    leave is not an answer. A point on which they stand still exactly (a symmetric start) is, stable or not.
    `tolerance` is 512 units of rounding by default; `plain=0` trusts Newton alone, if its point is stable.

    `x0` is any pytree of floating arrays; it picks the branch and carries no gradient. Derivatives in `args`, and in
    what `f` closes over, come from the implicit function theorem: forward and reverse mode, any order, under jit and
    vmap. `dense` (default: up to 512 unknowns) forms the Jacobian, for an LU factorisation and a radius exact to
    rounding; otherwise GMRES solves and the radius is an estimate from 64 products with the Jacobian (Arnoldi).
    Nothing checks GMRES in the gradient: near a marginal point of a large system compare with `dense=True`.

    Result: `successful`; `max_steps_reached` (the value is where the plain steps got to); `not_finite`; `marginal`,
    the radius is one within the square root of rounding, 4 eps**0.5, where derivatives do not exist. With `throw`
    (the default) every other result than `successful` is a run-time error.
    Raises ValueError if `x0` is not floating or `f` does not keep its shapes and types.

    ```python
    m = numerics.fixed_point(lambda m, J: jnp.tanh(J * m), jnp.array(1.0), jnp.array(1.5)).value
    ```
    """
    x0 = _checked(f, x0, args)
    size = sum(leaf.size for leaf in jax.tree.leaves(x0))
    dense = size <= DENSE_LIMIT if dense is None else dense
    eps = float(jnp.finfo(jnp.result_type(*jax.tree.leaves(x0))).eps)
    search = _Search(plain, damping, newton, 512 * eps if tolerance is None else tolerance, 4 * eps**0.5, dense)
    found = _solve(f, x0, args, search)
    if not throw:
        return found
    value = found.result.error_if(found.value, found.result != RESULTS.successful)
    return FixedPoint(value, found.result, found.steps, found.residual, found.spectral_radius)


def _checked(f: Callable, x0: Any, args: Any) -> Any:
    x0 = jax.tree.map(jnp.asarray, x0)
    if not jax.tree.leaves(x0) or not all(jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in jax.tree.leaves(x0)):
        raise ValueError(f"x0 must hold floating arrays: x0 = {x0}; convert it with jnp.asarray(x0, float)")
    x0 = jax.tree.map(lambda leaf: leaf.astype(leaf.dtype), x0)  # no weak types
    after = eqx.filter_eval_shape(f, x0, args)
    before = eqx.filter_eval_shape(lambda x: x, x0)
    if not eqx.tree_equal(after, before):
        raise ValueError(f"f must return what it takes: f(x0) is {after}, but x0 is {before}")
    return x0


def _defect(x: Float[Array, " n"], inputs: Any) -> Float[Array, " n"]:
    f, args, unravel = inputs
    return ravel_pytree(f(unravel(x), args))[0] - x


@eqx.filter_jit
def _solve(f: Callable, x0: Any, args: Any, search: "_Search") -> FixedPoint:
    f = eqx.filter_closure_convert(f, x0, args)  # what f closes over becomes an input with a gradient
    start, unravel = ravel_pytree(stopped(x0))
    held = stopped((f, args, unravel))
    found = stopped(search.run(lambda x: _defect(x, held), start))
    x = implicit(_defect, found.x, (f, args, unravel), search.dense)
    return FixedPoint(unravel(x), found.result, found.steps, _largest(found.change), found.radius)


class _Round(eqx.Module):
    """What one round of plain steps and Newton leaves to the next: the point, f(x) - x there, counts, verdicts."""

    x: Float[Array, " n"]
    change: Float[Array, " n"]
    length: Int[Array, ""]
    plain: Int[Array, ""]
    steps: Int[Array, ""]
    radius: Float[Array, ""]
    closing: Bool[Array, ""]  # the plain steps are used up: no more steps, only the radius where they ended
    done: Bool[Array, ""]
    result: RESULTS


class _Search(eqx.Module):
    """The settings of a search, and the search on flat vectors; `defect(x) = f(x) - x`."""

    plain: int
    damping: float
    newton: int
    tolerance: float
    margin: float
    dense: bool

    def run(self, defect: Callable[[Array], Array], start: Float[Array, " n"]) -> _Round:
        """Rounds until a point is accepted, the plain steps are used up or a value is not finite."""
        none, no, radius = jnp.asarray(0), jnp.asarray(False), jnp.asarray(jnp.nan, start.dtype)
        length = jnp.asarray(FIRST_ROUND)
        first = _Round(start, defect(start), length, none, none, radius, no, no, RESULTS.max_steps_reached)
        return jax.lax.while_loop(lambda r: ~r.done, lambda r: self._round(defect, r), first)

    def _round(self, defect: Callable, r: _Round) -> _Round:
        x, change, taken = self._plain_steps(defect, r)
        plain = r.plain + taken
        still, finite = jnp.all(change == 0), jnp.all(jnp.isfinite(x) & jnp.isfinite(change))
        point, rest, newton, solved = self._newton_steps(defect, x, change, ~still & finite & ~r.closing)
        radius, approached = self._judged(defect, point, x, change, _largest(r.x - point))
        accepted = jnp.isfinite(radius) & (still | (solved & approached))
        result = RESULTS.where(jnp.abs(radius - 1) <= self.margin, RESULTS.marginal, RESULTS.successful)
        result = RESULTS.where(accepted, result, RESULTS.max_steps_reached)
        result = RESULTS.where(finite, result, RESULTS.not_finite)
        x, change = jnp.where(accepted, point, x), jnp.where(accepted, rest, change)
        done = accepted | ~finite | r.closing
        return _Round(
            x, change, 2 * r.length, plain, r.steps + taken + newton, radius, plain >= self.plain, done, result
        )

    def _plain_steps(self, defect: Callable, r: _Round) -> tuple[Array, Array, Array]:
        """The round's plain steps, fewer if they stand still: the point, its defect, the steps taken."""
        count = jnp.minimum(r.length, self.plain - r.plain)

        def moving(carry: tuple) -> Array:
            _, change, taken = carry
            return (taken < count) & jnp.any(change != 0) & jnp.all(jnp.isfinite(change))

        def step(carry: tuple) -> tuple:
            x, change, taken = carry
            x = x + self.damping * change
            return x, defect(x), taken + 1

        return jax.lax.while_loop(moving, step, (r.x, r.change, jnp.asarray(0)))

    def _newton_steps(
        self, defect: Callable, x: Array, change: Array, wanted: Array
    ) -> tuple[Array, Array, Array, Array]:
        """Newton until the residual falls no more: the point, its defect, the steps, whether it solves the equation."""
        x, change, taken = newton_steps(defect, x, change, self.newton, self.dense, wanted)
        return x, change, taken, wanted & (_largest(change) <= self.tolerance * jnp.maximum(1, _largest(x)))

    def _judged(self, defect: Callable, point: Array, x: Array, change: Array, before: Array) -> tuple[Array, Array]:
        """The spectral radius at `point`, and whether plain steps rest there and the last ones were on their way.

        On their way: at x they are closer than `before`, and x lies where the map is almost linear around the point,
        its defect that of the linear map to a tenth of the distance. A cycle around or beside the point fails one or
        the other.
        """
        if self.dense:
            slope = jax.jacfwd(defect)(point)
            product = slope.__matmul__
            radius = lambda d: spectral_radius(jnp.eye(x.size, dtype=x.dtype) + d * slope)  # noqa: E731
        else:
            product = jax.linearize(defect, point)[1]
            radius = lambda d: krylov_radius(lambda v: v + d * product(v), x)  # noqa: E731
        whole = radius(1.0)
        damped = whole if self.damping == 1 else radius(self.damping)
        away, slack = x - point, self.margin * (1 + _largest(point))
        closer = _largest(away) <= before + slack
        linear = _largest(change - product(away)) <= NEARLY * _largest(away) + slack
        return whole, (damped <= 1 + self.margin) & ((closer & linear) | (self.plain == 0))


def _largest(x: Array) -> Float[Array, ""]:
    return jnp.max(jnp.abs(x), initial=0.0)

"""Fixed points: plain steps into the basin, Newton to finish, gradients by the implicit function theorem."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, Int, PyTree

from .._results import RESULTS
from ._implicit import DENSE_LIMIT, implicit, solve_jacobian, stopped
from ._spectral import krylov_radius, spectral_radius

FIRST_ROUND = 16  # plain steps before Newton is first tried; each later round is twice as long
HALVINGS = 6
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
    found = search.run(lambda x: _defect(x, held), start)
    x = implicit(_defect, stopped(found.x), (f, args, unravel), search.dense)
    defect = jnp.max(jnp.abs(_defect(found.x, held)))
    return FixedPoint(unravel(x), found.result, found.steps, stopped(defect), stopped(found.radius))


class _Round(eqx.Module):
    """What one round of plain steps and Newton leaves to the next."""

    x: Float[Array, " n"]
    length: Int[Array, ""]
    plain: Int[Array, ""]
    steps: Int[Array, ""]
    radius: Float[Array, ""]
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
        none = jnp.asarray(0)
        radius = jnp.asarray(jnp.nan, start.dtype)
        first = _Round(start, none + FIRST_ROUND, none, none, radius, jnp.asarray(False), RESULTS.max_steps_reached)
        last = jax.lax.while_loop(lambda r: ~r.done, lambda r: self._round(defect, r), first)
        radius = jnp.where(last.result == RESULTS.max_steps_reached, self._radius(defect, last.x, 1.0), last.radius)
        return eqx.tree_at(lambda r: r.radius, last, radius)

    def _round(self, defect: Callable, r: _Round) -> _Round:
        x, change, taken = self._plain_steps(defect, r.x, jnp.minimum(r.length, self.plain - r.plain))
        still, finite = jnp.all(change == 0), jnp.all(jnp.isfinite(x) & jnp.isfinite(change))
        point, newton_steps, solved = self._newton_steps(defect, x, ~still & finite)
        point, solved = jnp.where(still, x, point), solved | still
        radius = self._radius(defect, point, 1.0)
        damped = radius if self.damping == 1 else self._radius(defect, point, self.damping)
        approached = (damped <= 1 + self.margin) & self._approached(defect, r.x, x, change, point)
        accepted = solved & (still | approached) & jnp.isfinite(radius)
        plain = r.plain + taken
        marginal = jnp.abs(radius - 1) <= self.margin
        result = RESULTS.where(marginal, RESULTS.marginal, RESULTS.successful)
        result = RESULTS.where(accepted, result, RESULTS.max_steps_reached)
        result = RESULTS.where(finite, result, RESULTS.not_finite)
        done = accepted | ~finite | (plain >= self.plain)
        x = jnp.where(accepted, point, x)
        return _Round(x, 2 * r.length, plain, r.steps + taken + newton_steps, radius, done, result)

    def _approached(self, defect: Callable, start: Array, x: Array, change: Array, point: Array) -> Array:
        """Whether the round's plain steps, from `start` to `x`, were on their way to `point`.

        They came closer, and x is where the map is almost linear around the point: its defect is that of the linear
        map to a tenth of the distance. A cycle around or beside the point fails one or the other.
        """
        if self.plain == 0:
            return jnp.asarray(True)
        away, slack = x - point, self.margin * (1 + _largest(point))
        closer = _largest(away) <= _largest(start - point) + slack
        linear = jax.jvp(defect, (point,), (away,))[1]
        return closer & (_largest(change - linear) <= NEARLY * _largest(away) + slack)

    def _plain_steps(self, defect: Callable, x: Array, count: Array) -> tuple[Array, Array, Array]:
        """Up to `count` plain steps, fewer if they stand still: the point, its defect, the steps taken."""

        def moving(carry: tuple) -> Array:
            _, taken, change = carry
            return (taken < count) & jnp.any(change != 0) & jnp.all(jnp.isfinite(change))

        def step(carry: tuple) -> tuple:
            x, taken, change = carry
            x = x + self.damping * change
            return x, taken + 1, defect(x)

        x, taken, change = jax.lax.while_loop(moving, step, (x, jnp.asarray(0), defect(x)))
        return x, change, taken

    def _newton_steps(self, defect: Callable, x: Array, wanted: Array) -> tuple[Array, Array, Array]:
        """Newton until the residual falls no more: the point, the steps taken, whether it solves the equation."""

        def improving(carry: tuple) -> Array:
            _, change, taken, going = carry
            return going & (taken < self.newton) & jnp.any(change != 0)

        def step(carry: tuple) -> tuple:
            x, change, taken, _ = carry
            towards = solve_jacobian(defect, x, -change, self.dense)
            x, change, improved = _line_search(defect, x, change, towards)
            return x, change, taken + 1, improved

        start = (x, defect(x), jnp.asarray(0), wanted)
        x, change, taken, _ = jax.lax.while_loop(improving, step, start)
        return x, taken, wanted & (_largest(change) <= self.tolerance * jnp.maximum(1, _largest(x)))

    def _radius(self, defect: Callable, x: Array, damping: float) -> Float[Array, ""]:
        """Spectral radius of the damped map, 1 + damping d(f(x) - x)/dx."""
        if self.dense:
            return spectral_radius(jnp.eye(x.size, dtype=x.dtype) + damping * jax.jacfwd(defect)(x))
        return krylov_radius(lambda v: v + damping * jax.jvp(defect, (x,), (v,))[1], x)


def _largest(x: Array) -> Float[Array, ""]:
    return jnp.max(jnp.abs(x), initial=0.0)


def _line_search(defect: Callable, x: Array, change: Array, towards: Array) -> tuple[Array, Array, Array]:
    """The longest of the steps 1, 1/2, 1/4, ... that lowers the residual: the point, its defect, whether one does."""
    norm = jnp.linalg.norm(change)

    def lower(t: Array, new: Array) -> Array:
        return jnp.linalg.norm(new) < (1 - 1e-4 * t) * norm  # false for what is not finite

    def halve(carry: tuple) -> tuple:
        t, _ = carry
        return t / 2, defect(x + t / 2 * towards)

    def unfit(carry: tuple) -> Array:
        return ~lower(*carry) & (carry[0] > 0.5**HALVINGS)

    whole = jnp.ones((), x.dtype)
    t, new = jax.lax.while_loop(unfit, halve, (whole, defect(x + towards)))
    improved = lower(t, new)
    return jnp.where(improved, x + t * towards, x), jnp.where(improved, new, change), improved

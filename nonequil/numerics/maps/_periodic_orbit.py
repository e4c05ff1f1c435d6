"""Cycles of a map, stable or not: Newton on the map taken p times, Floquet multipliers, implicit derivatives."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Complex, Float, Int, PyTree, Shaped

from ..._results import RESULTS
from .._implicit import DENSE_LIMIT, implicit, stopped
from .._newton_root import newton_steps
from ._iterate import at_least, forward
from ._multipliers import multipliers
from ._period import period as period_of
from ._state import Coordinates, Map, checked, floating


class PeriodicOrbit(eqx.Module):
    """A cycle f^p(x) = x.

    - `states`: its p states in time order, the leading axis; the first is the one Newton solved for;
    - `multipliers`: the Floquet multipliers, eigenvalues of D f^p there, largest modulus first. Small ones are accurate
      only relative to the largest. log |mu| / p are the Lyapunov exponents of the cycle;
    - `result`, `steps` of Newton, `residual` = max |f^p(x) - x|.

    `states` and `multipliers` carry gradients.
    """

    states: PyTree[Shaped[Array, "period ..."]]
    multipliers: Complex[Array, " n"]
    result: RESULTS
    steps: Int[Array, ""]
    residual: Float[Array, ""]

    @property
    def stable(self) -> Bool[Array, "..."]:
        """Whether nearby orbits come closer: the largest modulus is below one and the cycle was found."""
        return (jnp.abs(self.multipliers[..., 0]) < 1) & (self.result == RESULTS.successful)

    @property
    def least_period(self) -> Int[Array, ""]:
        """The smallest number of steps after which the cycle comes back, to 1e-6: it divides p."""
        twice = jax.tree.map(lambda x: jnp.concatenate([x, x]), floating(self.states))
        return period_of(twice, tolerance=1e-6)


def periodic_orbit(
    f: Map,
    x0: PyTree[Any],
    period: int,
    *,
    newton: int = 40,
    tolerance: float | None = None,
    throw: bool = True,
) -> PeriodicOrbit:
    """The cycle of `period` steps near `x0`, stable or unstable, by Newton's method on f^p(x) - x = 0.

    Steps are halved where they do not lower the residual, at most `newton` of them, until it falls no more; accepted if
    max |f^p(x) - x| <= `tolerance` max(1, max |x|) (default: 512 units of rounding). Start from a point near the cycle,
    for a stable one from `advance`. Newton does not ask for the least period: a cycle whose length divides `period` is
    an answer too: see `least_period`. Floating leaves are solved for; other leaves (the phase of a periodic
    force) stay those of `x0`, and must come back after `period` steps.
    Derivatives in what f holds, of any order for `states` and of first order for `multipliers`, come from the implicit
    function theorem, in both modes; `x0` picks the cycle and carries no gradient.

    Result: `successful`; `max_steps_reached`, also where no step lowers the residual; `not_finite`; `marginal`, a
    multiplier is one within the square root of rounding, 4 eps**0.5: cycles meet there and derivatives do not exist.
    With `throw` (the default) every other result than `successful` is a run-time error.
    Raises ValueError if `period` is below one, if a clock does not come back (a run-time error where traced), or if f
    does not keep the shapes and types of `x0`.
    Source: Kuznetsov, Elements of Applied Bifurcation Theory (2004), section 10.1.

    ```python
    logistic = lambda x: 3.2 * x * (1 - x)
    nq.numerics.maps.periodic_orbit(logistic, 0.5, 2).multipliers  # 4 + 2 r - r^2 = 0.16
    ```
    """
    at_least(1, period=period, newton=newton)
    x0 = checked(f, x0)
    found, returns = _solve(f, x0, period, newton, tolerance)
    states = _with_its_clock(found.states, returns, period)
    states = found.result.error_if(states, found.result != RESULTS.successful) if throw else states
    return eqx.tree_at(lambda orbit: orbit.states, found, states)


def _with_its_clock(states: Any, returns: Bool[Array, ""], period: int) -> Any:
    """`states`, refused if what is not floating in the state does not come back."""
    message = (
        f"period = {period}: the leaves of x0 that are not floating (a clock) do not come back after so many steps"
    )
    if isinstance(returns, jax.core.Tracer):
        return eqx.error_if(states, ~returns, message)
    if not returns:
        raise ValueError(f"{message}; take a multiple of the clock's period")
    return states


def floquet(f: Map, x0: PyTree[Any], period: int) -> Complex[Array, " n"]:
    """The Floquet multipliers of a cycle through `x0`: the eigenvalues of D f^p(x0), largest modulus first.

    Of the floating leaves of the state. `x0` is taken to lie on the cycle; to find it, use `periodic_orbit`.
    Differentiable, first order, in `x0` and in what f holds.
    Raises ValueError if `period` is below one, or if f does not keep the shapes and types of `x0`.
    """
    at_least(1, period=period)
    return _floquet(f, checked(f, x0), period)


@eqx.filter_jit
def _floquet(f: Map, x: Any, period: int) -> Complex[Array, " n"]:
    coordinates = Coordinates.of(x)
    return multipliers(_derivative(f, x, period, coordinates))


def _derivative(f: Map, x: Any, period: int, coordinates: Coordinates) -> Float[Array, "n n"]:
    """D f^p at x, carried along the cycle with all tangents."""

    def push(carry: tuple[Any, Array], _: None) -> tuple[tuple[Any, Array], None]:
        return coordinates.tangents(f, *carry), None

    identity = jnp.eye(coordinates.size, dtype=coordinates.dtype)
    (_, rows), _ = jax.lax.scan(push, (x, identity), length=period)
    return rows.T


def _around(x: Float[Array, " n"], inputs: Any) -> Float[Array, " n"]:
    """f^p(x) - x."""
    f, rest, (coordinates, period) = inputs
    return coordinates.split(forward(f, coordinates.join(x, rest), period))[0] - x


@eqx.filter_jit
def _solve(f: Map, x0: Any, period: int, newton: int, tolerance: float | None) -> tuple[PeriodicOrbit, Array]:
    f = eqx.filter_closure_convert(f, x0)  # what f closes over becomes an input with a gradient
    coordinates = Coordinates.of(x0)
    start, rest = coordinates.split(stopped(x0))
    dense, eps = coordinates.size <= DENSE_LIMIT, float(jnp.finfo(coordinates.dtype).eps)
    inputs = f, rest, (coordinates, period)
    defect = lambda x: _around(x, stopped(inputs))  # noqa: E731
    end, change, steps = stopped(newton_steps(defect, start, defect(start), newton, dense))
    x = coordinates.join(implicit(_around, end, inputs, dense), rest)
    mu = multipliers(_derivative(f, x, period, coordinates))
    small = (512 * eps if tolerance is None else tolerance) * jnp.maximum(1, jnp.max(jnp.abs(end)))
    residual = jnp.max(jnp.abs(change))
    result = RESULTS.where(jnp.any(jnp.abs(mu - 1) <= 4 * eps**0.5), RESULTS.marginal, RESULTS.successful)
    result = RESULTS.where(residual <= small, result, RESULTS.max_steps_reached)
    result = RESULTS.where(jnp.isfinite(residual), result, RESULTS.not_finite)
    x_next, states = jax.lax.scan(lambda x, _: (f(x), x), x, length=period)
    returns = [
        jnp.all(a == b) for a, b in zip(*map(jax.tree.leaves, (coordinates.split(x_next)[1], rest)), strict=True)
    ]
    return PeriodicOrbit(states, mu, result, steps, residual), jnp.all(jnp.asarray(returns, bool))

"""Cycles of equations of motion dx/dt = drift(x): found along an orbit, finished by Newton, with derivatives."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Complex, Float, PyTree

from ..._results import RESULTS
from .._implicit import implicit, stopped
from .._newton_root import newton_steps
from ._iterate import at_least
from ._multipliers import multipliers

NEWTON = 20


def runge_kutta(drift: Callable[[Any], Any], x: PyTree[Array], dt: Any) -> PyTree[Array]:
    """The state a time `dt` later, by one classical Runge-Kutta step: its error is of order dt**5."""
    ahead = lambda slope, time: jax.tree.map(lambda a, b: a + time * b, x, slope)  # noqa: E731
    first = drift(x)
    second = drift(ahead(first, dt / 2))
    third = drift(ahead(second, dt / 2))
    fourth = drift(ahead(third, dt))
    return jax.tree.map(lambda a, k, l, m, n: a + dt / 6 * (k + 2 * l + 2 * m + n), x, first, second, third, fourth)


class FlowCycle(eqx.Module):
    """A cycle of an equation of motion.

    - `states`: at equal distances in time over one period, the leading axis; the mean over it is the mean in time;
    - `period`, in the unit of time of the drift;
    - `multipliers`: Floquet multipliers, largest modulus first. One of them, of the shift along the cycle, is 1;
    - `result`, `residual` = max |x(period) - x(0)|.

    `states`, `period` and `multipliers` carry gradients.
    """

    states: PyTree[Float[Array, "steps ..."]]
    period: Float[Array, ""]
    multipliers: Complex[Array, " n"]
    result: RESULTS
    residual: Float[Array, ""]

    @property
    def stable(self) -> Bool[Array, ""]:
        """Whether the cycle was found and attracts: no multiplier besides the one nearest to 1 has modulus >= 1."""
        others = jnp.sort(jnp.where(_nearest_to_one(self.multipliers), 0, jnp.abs(self.multipliers)))
        return (others[-1] < 1) & (self.result == RESULTS.successful)


def flow_cycle(
    drift: Callable[[Any], Any],
    x0: PyTree[Any],
    *,
    longest: float,
    transient: float,
    dt: float = 0.05,
    steps: int = 256,
    throw: bool = True,
) -> FlowCycle:
    """The cycle of dx/dt = drift(x) that the orbit from `x0` comes to after a time `transient`.

    The orbit goes on for a time `longest`, in steps `dt`, until it crosses its first point's surface again, in the
    same direction and nearby; from there Newton's method solves x(T) = x in x and T, over `steps` Runge-Kutta steps,
    with x on that surface. Derivatives in what `drift` holds come from the implicit function theorem.

    Result: `successful`; `max_steps_reached`, where the orbit does not come back within `longest` or Newton's residual
    stays above 1e-9 (float32: 1e-4); `not_finite`; `marginal`, where another multiplier is 1, too. With `throw` every
    other result than `successful` is a run-time error. Raises ValueError for times that are not positive.

    ```python
    van_der_pol = lambda x: jnp.array([x[1], (1 - x[0] ** 2) * x[1] - x[0]])
    nq.numerics.maps.flow_cycle(van_der_pol, jnp.array([1.0, 0.0]), transient=50.0, longest=10.0).period  # 6.6632869
    ```
    """
    if not (0 < dt < longest and transient >= 0):
        raise ValueError(
            f"dt = {dt}, longest = {longest}, transient = {transient}: need 0 < dt < longest and 0 <= transient"
        )
    at_least(8, steps=steps)
    start, join = ravel_pytree(jax.tree.map(jnp.asarray, x0))
    found = _solve(drift, start, join, round(transient / dt), round(longest / dt), dt, steps)
    states = found.result.error_if(found.states, found.result != RESULTS.successful) if throw else found.states
    return eqx.tree_at(lambda cycle: cycle.states, found, jax.vmap(join)(states))


@eqx.filter_jit
def _solve(
    drift: Callable, start: Array, join: Callable, transient: int, longest: int, dt: float, steps: int
) -> FlowCycle:
    drift = eqx.filter_closure_convert(drift, join(start))  # what it closes over becomes an input with a gradient
    held = stopped(drift)
    flow = lambda x, dt: ravel_pytree(runge_kutta(held, join(x), dt))[0]  # noqa: E731
    x = jax.lax.scan(lambda x, _: (flow(x, dt), None), stopped(start), length=transient)[0]
    orbit = jax.lax.scan(lambda x, _: (flow(x, dt),) * 2, x, length=longest)[1]
    across = ravel_pytree(held(join(x)))[0]
    anchor, around = (x, across), (join, steps)
    defect = lambda end: _defect(end, (held, anchor, around))  # noqa: E731
    start = jnp.append(x, _return_time(x, across, orbit, dt))
    end, change, _ = stopped(newton_steps(defect, start, defect(start), NEWTON, True))
    residual = jnp.max(jnp.abs(change[:-1]))
    end = implicit(_defect, end, (drift, anchor, around), True)
    return _described(drift, end, join, steps, residual)


def _described(drift: Callable, end: Array, join: Callable, steps: int, residual: Array) -> FlowCycle:
    """The cycle through a point, with its period."""
    x, period = end[:-1], end[-1]
    step = lambda x: ravel_pytree(runge_kutta(drift, join(x), period / steps))[0]  # noqa: E731
    _, states = jax.lax.scan(lambda x, _: (step(x), x), x, length=steps)
    derivative = jax.jacfwd(lambda x: jax.lax.scan(lambda x, _: (step(x), None), x, length=steps)[0])(x)
    mu = multipliers(derivative)
    close, small = (1e-2, 1e-4) if x.dtype == jnp.float32 else (1e-6, 1e-9)
    others = jnp.where(_nearest_to_one(mu), 0, mu)
    result = RESULTS.where(jnp.any(jnp.abs(others - 1) < close), RESULTS.marginal, RESULTS.successful)
    result = RESULTS.where((residual < small) & (period > 0), result, RESULTS.max_steps_reached)
    finite = jnp.all(jnp.isfinite(x)) & (jnp.isfinite(residual) | jnp.isnan(period))  # no return: no period
    result = RESULTS.where(finite, result, RESULTS.not_finite)
    return FlowCycle(states, period, mu, result, stopped(residual))


def _defect(end: Float[Array, " unknowns"], inputs: Any) -> Float[Array, " unknowns"]:
    """x(T) - x, and how far x is from the surface."""
    drift, (anchor, across), (join, steps) = inputs
    x, period = end[:-1], end[-1]
    step = lambda x: ravel_pytree(runge_kutta(drift, join(x), period / steps))[0]  # noqa: E731
    later = jax.lax.scan(lambda x, _: (step(x), None), x, length=steps)[0]
    return jnp.append(later - x, across @ (x - anchor))


def _return_time(x: Array, across: Array, orbit: Float[Array, "times n"], dt: float) -> Float[Array, ""]:
    """When the orbit first crosses the surface through `x` again, upward and nearby; NaN if it does not."""
    moved = orbit - x[None]
    away, height = jnp.linalg.norm(moved, axis=1), moved @ across
    earlier = jnp.roll(height, 1).at[0].set(0)  # the start itself lies on the surface
    crossed = (earlier < 0) & (height >= 0) & (away < 0.25 * jnp.max(away))
    k = jnp.argmax(crossed)
    time = (1 + k.astype(height.dtype) - height[k] / (height[k] - earlier[k])) * dt
    return jnp.where(crossed[k], time, jnp.nan)


def _nearest_to_one(mu: Complex[Array, " n"]) -> Bool[Array, " n"]:
    return jnp.arange(len(mu)) == jnp.argmin(jnp.abs(mu - 1))

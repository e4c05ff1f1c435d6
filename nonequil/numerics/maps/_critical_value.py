"""Where a cycle loses its stability, as a root in a parameter."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from ..._results import RESULTS
from .._root import Root, root
from ._periodic_orbit import periodic_orbit
from ._state import Family


def critical_value(
    family: Family,
    x0: PyTree[Any],
    bracket: tuple[Any, Any],
    period: int = 1,
    *,
    tolerance: float | None = None,
    throw: bool = True,
) -> Root:
    """The parameter in `bracket` at which the cycle near `x0` becomes unstable: its largest multiplier has modulus one.

    The root b of log |mu_1(b)|, with the multipliers of the cycle of `period` steps of the map `family(b)` that Newton
    finds from `x0`. It loses its stability there by a flip (mu_1 = -1), by a complex pair (Neimark-Sacker) or by a
    pitchfork or transcritical exchange (mu_1 = 1); at a fold the cycle ends and there is no root. So `x0` must lie near
    the cycle over the whole bracket, and the cycle exist, stable at one end and unstable at the other.
    Derivatives in what `family` holds come from the implicit function theorem, first order, in both modes; not at
    mu_1 = 1, where the cycle itself has none.

    Result and errors are those of `numerics.root`; `not_finite` where Newton finds no cycle. `tolerance` is in units of
    the parameter.

    ```python
    logistic = lambda r: lambda x: r * x * (1 - x)
    nq.numerics.maps.critical_value(logistic, 0.5, (3.2, 3.6), period=2).value  # 1 + 6**0.5
    ```
    """
    return root(lambda b, _: _growth(family, b, x0, period), bracket, tolerance=tolerance, throw=throw)


def _growth(family: Family, b: Array, x0: Any, period: int) -> Float[Array, ""]:
    """Logarithm of |mu_1|, not a number where there is no cycle."""
    orbit = periodic_orbit(family(b), x0, period, throw=False)
    known = (orbit.result == RESULTS.successful) | (orbit.result == RESULTS.marginal)
    return jnp.where(known, jnp.log(jnp.abs(orbit.multipliers[0])), jnp.nan)

"""One condensed pattern in Gaussian noise: what memories of extensive load have in common.

A field m + D z, z standard normal, holds the overlap m with one pattern and the noise D of all others. Theories differ
in how D follows from the load. At a fixed ratio w = D / m the overlap is unique, so a theory is a curve w -> load;
its maximum is the capacity, and a load below it is met on the rising side, where noise is weaker: retrieval.
With k = T / m everything is explicit: m = E tanh((1 + w z) / k).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .. import numerics
from .._checks import require
from .._results import RESULTS

USUAL = 0.5  # noise-to-overlap ratio near the capacities of all theories, at every temperature

Load = Callable[[Array, Array, Array], Array]  # of D, C, T


class Condensed(NamedTuple):
    """Overlap, noise, C = (1 - q) / T = E sech(h / T)**2 / T, and temperature."""

    m: Float[Array, ""]
    D: Float[Array, ""]
    C: Float[Array, ""]
    T: Float[Array, ""]


def condensed(w: Float[Array, ""], k: Float[Array, ""]) -> Condensed:
    """The state with noise w m at temperature k m."""
    one = jnp.ones_like(w)
    m = numerics.smooth_step(one, w, k)
    return Condensed(m, w * m, numerics.smooth_bell(one, w, k) / m, k * m)


def overlap(w: Float[Array, ""], T: Float[Array, ""]) -> Float[Array, ""]:
    """The positive m = E tanh((m + w m z) / T): unique, because the right side is concave in m; 0 from T = 1 on."""
    f = lambda m, given: numerics.smooth_step(m, given[0] * m, given[1])  # noqa: E731
    return numerics.scalar_fixed_point(f, jnp.ones_like(T), (w, T), bracket=(0.0, 1.0), throw=False).value


def steepest(y: Float[Array, " 2"], load: Load) -> Float[Array, ""]:
    """Zero where the load is largest along states of one temperature; y holds w and k."""

    def both(y: Array) -> tuple[Array, Array]:
        s = condensed(y[0], y[1])
        return jnp.log(load(s.D, s.C, s.T)), s.T

    by_load, by_T = jax.jacfwd(both)(y)
    return by_load[0] * by_T[1] - by_load[1] * by_T[0]


def largest(load: Load, T: Float[Array, ""]) -> Condensed:
    """The state of largest load at a temperature below one; NaN for others."""
    cold = T < 1
    T = jnp.where(cold, T, 0.5)
    w = jnp.full_like(T, USUAL)
    start = jax.lax.stop_gradient(jnp.stack([w, T / overlap(w, T)]))
    equations = lambda y, T: jnp.stack([condensed(y[0], y[1]).T - T, steepest(y, load)])  # noqa: E731
    y = numerics.newton_root(equations, start, T, throw=False)
    found = cold & (y.result == RESULTS.successful)
    return Condensed(*(jnp.where(found, x, jnp.nan) for x in condensed(y.value[0], y.value[1])))


def ratio(load: Load, alpha: Float[Array, ""], T: Float[Array, ""]) -> Float[Array, ""]:
    """The smallest ratio w at which the load is alpha; NaN where alpha exceeds the capacity.

    The load at w is at most w**2, because q >= m**2: the search begins at alpha**0.5.
    """
    most = jax.lax.stop_gradient(largest(load, T))
    fits = load(most.D, most.C, most.T) >= alpha  # false for NaN
    safe = lambda x, instead: jnp.where(fits, x, instead)  # noqa: E731

    def excess(w: Array, given: Any) -> Array:
        alpha, T = given
        m = overlap(w, T)
        return load(w * m, numerics.smooth_bell(m, w * m, T), T) / alpha - 1

    ends = (safe(jnp.sqrt(alpha), 0.2), safe(most.D / most.m, 0.4))
    found = numerics.root(excess, ends, (safe(alpha, 0.05), safe(T, 0.1)), throw=False)
    return jnp.where(fits, found.value, jnp.nan)


def branch(
    load: Load,
    alpha: Float[Array, ""],
    T: Float[Array, ""],
    m0: Float[Array, ""],
    noise: Callable[[Array, Array], Array],
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Overlap and noise of the branch that m0 picks; `noise` is that of the branch without memory."""
    w = ratio(load, alpha, T)
    remembers = ~jnp.isnan(w) & (m0 != 0)
    w = jnp.where(remembers, w, 0.1)
    m = overlap(w, jnp.where(remembers, T, 0.5))
    return jnp.where(remembers, jnp.sign(m0) * m, 0), jnp.where(remembers, w * m, noise(alpha, T))


def checked(alpha: Any, T: Any) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """A load and a temperature, refused unless the theory has them."""
    alpha, T = (jnp.asarray(x, None if hasattr(x, "dtype") else float) for x in (alpha, T))
    for name, x in (("alpha", alpha), ("T", T)):
        if x.shape != ():
            raise ValueError(f"{name} has shape {x.shape}, not that of a scalar: use jax.vmap over a grid")
    dtype = jnp.result_type(alpha, T)
    alpha, T = alpha.astype(dtype), T.astype(dtype)
    alpha = require(alpha, (alpha > 0) & jnp.isfinite(alpha), "alpha = p / n must be positive and finite: alpha")
    return alpha, temperature(T)


def temperature(T: Any) -> Float[Array, ""]:
    """A temperature, refused if negative or not finite."""
    T = jnp.asarray(T, None if hasattr(T, "dtype") else float)
    return require(T, (T >= 0) & jnp.isfinite(T), "T must be finite and not negative: T")

"""One condensed pattern in Gaussian noise: what memories of extensive load have in common.

A field m + D z, z standard normal, holds the overlap m with one pattern and the noise D of all others. Theories differ
in how D follows from the load. At a fixed ratio w = D / m the overlap is unique, so a theory is a curve w -> load;
its maximum is the capacity, and a load below it is met on the rising side, where noise is weaker: retrieval.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .. import numerics
from .._checks import require
from .._results import RESULTS

WIDEST = 3.0  # noise-to-overlap ratios beyond it are past every capacity
NARROWEST = 1e-3

Load = Callable[[Array, Array], Array]


def overlap(w: Float[Array, ""], T: Float[Array, ""]) -> Float[Array, ""]:
    """The positive m = E tanh((m + w m z) / T): unique, because the right side is concave in m; 0 from T = 1 on."""
    f = lambda m, given: numerics.smooth_step(m, given[0] * m, given[1])  # noqa: E731
    found = numerics.scalar_fixed_point(f, jnp.ones_like(T), (w, T), bracket=(0.0, 1.0), throw=False)
    return found.value


def susceptibility(m: Float[Array, ""], D: Float[Array, ""], T: Float[Array, ""]) -> Float[Array, ""]:
    """(1 - q) / T = E sech((m + D z) / T)**2 / T."""
    return numerics.smooth_bell(m, D, T)


def widest(load: Load, T: Float[Array, ""]) -> Float[Array, ""]:
    """The ratio w at which the load is largest. NaN where there is no maximum (T >= 1)."""
    slope = jax.grad(lambda w, T: jnp.log(load(w, T)))
    ends = (jnp.asarray(NARROWEST, T.dtype), jnp.asarray(WIDEST, T.dtype))
    cold = T < 1
    found = numerics.root(slope, ends, jnp.where(cold, T, 0.5), throw=False)
    return jnp.where(cold & (found.result == RESULTS.successful), found.value, jnp.nan)


def ratio(load: Load, alpha: Float[Array, ""], T: Float[Array, ""]) -> Float[Array, ""]:
    """The smallest ratio w at which the load is alpha; NaN where the load exceeds the capacity.

    The load at w is at most w**2, because q >= m**2.
    """
    most = jax.lax.stop_gradient(widest(load, T))
    fits = load(jnp.where(jnp.isnan(most), 1, most), jnp.where(jnp.isnan(most), 0.5, T)) >= alpha
    fits = fits & ~jnp.isnan(most)
    safe = lambda x, instead: jnp.where(fits, x, instead)  # noqa: E731
    ends = (safe(jnp.sqrt(alpha), 0.1), safe(most, 0.6))
    excess = lambda w, given: load(w, given[1]) - given[0]  # noqa: E731
    found = numerics.root(excess, ends, (safe(alpha, 0.05), safe(T, 0.1)), throw=False)
    return jnp.where(fits, found.value, jnp.nan)


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

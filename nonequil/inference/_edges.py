"""The table of couplings: who drives whom, and how sure that is."""

import equinox as eqx
import jax.numpy as jnp
import jax.scipy.stats as jst
import numpy as np
from jaxtyping import Array, Bool, Float, Int


class Edges(eqx.Module):
    """One row a fitted coupling, sorted by p: from `pre` to `post` (indices), and its test against zero.

    `z` = J / stderr, `p` two-sided Wald, `q` the smallest false discovery rate at which the row is called. A coupling
    without a finite standard error is no row of the table.
    """

    pre: Int[Array, " edges"]
    post: Int[Array, " edges"]
    J: Float[Array, " edges"]
    stderr: Float[Array, " edges"]
    z: Float[Array, " edges"]
    p: Float[Array, " edges"]
    q: Float[Array, " edges"]


def edges_of(J: Float[Array, "n n"], stderr: Float[Array, "n n"], infinite: Bool[Array, "n n"]) -> Edges:
    """The table for couplings with these standard errors."""
    post, pre = np.nonzero(np.isfinite(np.asarray(stderr)) & ~np.asarray(infinite))
    J, stderr = J[post, pre], stderr[post, pre]
    z = J / stderr
    p = 2 * jst.norm.sf(jnp.abs(z))
    order = jnp.argsort(p)
    columns = (jnp.asarray(pre), jnp.asarray(post), J, stderr, z, p, false_discovery_rate(p))
    return Edges(*(column[order] for column in columns))


def false_discovery_rate(p: Float[Array, " tests"]) -> Float[Array, " tests"]:
    """Adjusted p-values: q of rank r is the least of p_(s) m / s over ranks s >= r, for m tests.

    Source: Benjamini & Hochberg, J. R. Stat. Soc. B 57, 289 (1995).
    """
    m = p.shape[0]
    if m == 0:
        return p
    order = jnp.argsort(p)
    scaled = p[order] * m / jnp.arange(1, m + 1, dtype=p.dtype)
    least = jnp.flip(jnp.minimum.accumulate(jnp.flip(scaled)))
    return jnp.zeros_like(p).at[order].set(jnp.minimum(least, 1.0))

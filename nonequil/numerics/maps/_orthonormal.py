"""Orthonormal bases of a few tangents, and how much each tangent had grown."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

WRITTEN_OUT = 8  # tangents up to which the projections are written out: they then run through all lanes of a vmap
LOST = 64  # units of rounding


def orthonormal(V: Float[Array, "k n"]) -> tuple[Float[Array, "k n"], Float[Array, " k"], Bool[Array, " k"]]:
    """An orthonormal basis of the rows of V in their order, |R_jj| of V^T = Q R, and whether each is above rounding.

    R_jj is what is left of row j once the rows before it are projected out; where that is below 64 units of rounding of
    the row, its direction is noise. Rows of zeros stay, with R_jj = 0.
    """
    Q, growth = _gram_schmidt(V) if V.shape[0] <= WRITTEN_OUT else _householder(V)
    return Q, growth, growth > LOST * float(jnp.finfo(V.dtype).eps) * jnp.linalg.norm(V, axis=1)


def _gram_schmidt(V: Float[Array, "k n"]) -> tuple[Float[Array, "k n"], Float[Array, " k"]]:
    """Each row less its projections on those before, one after the other: R as accurate as Householder's.

    Rows are orthogonal to rounding times the condition number of V. Source: Bjorck, BIT 7, 1 (1967).
    """
    basis: list[Array] = []
    growth = []
    for v in V:
        for q in basis:
            v = v - jnp.sum(q * v) * q
        norm = _norm(v)
        basis.append(v / jnp.where(norm > 0, norm, 1))
        growth.append(norm)
    return jnp.stack(basis), jnp.stack(growth)


def _householder(V: Float[Array, "k n"]) -> tuple[Float[Array, "k n"], Float[Array, " k"]]:
    Q, R = jnp.linalg.qr(V.T)
    return Q.T, jnp.abs(jnp.diagonal(R))


def _norm(v: Float[Array, " n"]) -> Float[Array, ""]:
    """Length of a vector, with a finite derivative at zero."""
    square = jnp.sum(v**2)
    return jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1)), 0)


def first_directions(k: int, n: int) -> Float[np.ndarray, "k n"]:
    """`k` fixed orthonormal directions that no map has a reason to treat specially."""
    return np.linalg.qr(np.random.default_rng(0).normal(size=(n, k)))[0].T

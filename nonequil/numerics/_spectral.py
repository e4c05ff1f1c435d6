"""Spectral radius of a matrix, dense or known by its products with vectors."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

SQUARINGS = 48
KRYLOV = 64


def spectral_radius(matrix: Float[Array, "n n"], squarings: int = SQUARINGS) -> Float[Array, ""]:
    """Largest modulus of the eigenvalues of a square matrix, on every backend.

    Gelfand's formula lim ||A**k||**(1/k) at k = 2**squarings, by repeated squaring with the scale kept apart. The
    error of the formula falls like log(k) / k, so 48 squarings leave rounding alone; the price is 48 products.
    Not meant to be differentiated.
    """

    def square(carry: tuple[Array, Array], power: Array) -> tuple[tuple[Array, Array], None]:
        a, log_radius = carry
        a = jnp.matmul(a, a, precision=jax.lax.Precision.HIGHEST)
        a, norm = _normalised(a)
        return (a, log_radius + jnp.log(norm) * power), None

    a, norm = _normalised(matrix)
    powers = 0.5 ** jnp.arange(1, squarings + 1, dtype=matrix.dtype)
    (_, log_radius), _ = jax.lax.scan(square, (a, jnp.log(norm)), powers)
    return jnp.exp(log_radius)


def _normalised(a: Array) -> tuple[Array, Array]:
    largest = jnp.max(jnp.abs(a), initial=0.0)
    a = a / jnp.where(largest > 0, largest, 1)  # first by the largest entry, so that no square overflows
    norm = jnp.sqrt(jnp.sum(a**2))
    return a / jnp.where(norm > 0, norm, 1), norm * largest


def krylov_radius(product: Callable[[Array], Array], like: Float[Array, " n"], size: int = KRYLOV) -> Float[Array, ""]:
    """Largest modulus of the eigenvalues of the linear map v -> `product(v)`, estimated from `size` products.

    Arnoldi's projection on a Krylov space of `size` dimensions, orthogonalised twice, from a fixed random vector.
    Exact up to rounding where the space holds the leading eigenvectors (always if n <= size), else an estimate.
    """
    size = min(size, like.size)
    start = jax.random.normal(jax.random.key(0), like.shape, like.dtype)
    basis = jnp.zeros((size + 1, like.size), like.dtype).at[0].set(start / jnp.linalg.norm(start))

    def extend(basis: Array, k: Array) -> tuple[Array, Array]:
        w = product(basis[k])
        scale = jnp.linalg.norm(w)
        column = basis @ w
        w = w - column @ basis
        again = basis @ w
        w = w - again @ basis
        norm = jnp.linalg.norm(w)
        fresh = norm > 8 * jnp.finfo(like.dtype).eps * scale  # else the space is invariant: stop there
        basis = basis.at[k + 1].set(jnp.where(fresh, w / jnp.where(fresh, norm, 1), 0))
        return basis, (column + again).at[k + 1].set(jnp.where(fresh, norm, 0))

    _, columns = jax.lax.scan(extend, basis, jnp.arange(size))
    return spectral_radius(columns[:, :size].T)

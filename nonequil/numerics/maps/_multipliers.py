"""Eigenvalues of a general matrix with derivatives that stay apart: a defective one does not spoil the others."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float


@jax.custom_jvp
def multipliers(M: Float[Array, "n n"]) -> Complex[Array, " n"]:
    """The eigenvalues of M, largest modulus first, of a conjugate pair the one above the real axis first.

    d mu = w^* dM u / w^* u, with the right and the left eigenvector u and w (Magnus, Econometric Theory 1, 179 (1985)),
    one by one; infinite where mu is defective. First derivatives only.
    """
    values = jnp.linalg.eigvals(M)
    return values[_by_modulus(values)]


def _by_modulus(values: Complex[Array, " n"]) -> Array:
    """Largest first; the moduli of a conjugate pair are equal to the bit, and stay in their order."""
    return jnp.argsort(-jnp.abs(values), stable=True)


@multipliers.defjvp
def _multipliers_jvp(primals: tuple, tangents: tuple) -> tuple[Array, Array]:
    values, left, right = jax.lax.linalg.eig(primals[0])
    order = _by_modulus(values)
    left, right = left[:, order], right[:, order]
    overlap = jnp.sum(left.conj() * right, axis=0)
    overlap = jnp.where(overlap == 0, float(jnp.finfo(overlap.dtype).tiny), overlap)  # no 0 * inf beside the others
    moved = tangents[0].astype(right.dtype) @ right
    return values[order], jnp.sum(left.conj() * moved, axis=0) / overlap

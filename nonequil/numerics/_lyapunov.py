"""Stationary covariances of linear systems."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

DOUBLINGS = 64  # a system whose slowest rate is 2**-60 of its fastest has settled by then


def lyapunov(A: Float[Array, "n n"], Q: Float[Array, "n n"]) -> Float[Array, "n n"]:
    """The solution S of A S + S A^T + Q = 0 for a stable A (all eigenvalues to the left of the imaginary axis).

    With M = (I - h A)^-1 (I + h A) the equation is S = M S M^T + R, whose series doubles its terms at each step
    (Smith, SIAM J. Appl. Math. 16, 198 (1968)): matrix products only, on any device. Differentiable in A and Q in both
    modes, as the linear equation it is. NaN where A is not stable.
    """
    return jax.lax.custom_linear_solve(
        lambda S: -(A @ S + S @ A.T), Q, lambda _, Q: _smith(A, Q), lambda _, Q: _smith(A.T, Q)
    )


def _smith(A: Float[Array, "n n"], Q: Float[Array, "n n"]) -> Float[Array, "n n"]:
    identity = jnp.eye(A.shape[0], dtype=A.dtype)
    h = 1 / jnp.linalg.norm(A)  # of the order of the fastest rate: the series then starts with the fast directions
    left = jnp.linalg.inv(identity - h * A)
    M, S = left @ (identity + h * A), 2 * h * left @ Q @ left.T

    def double(carry: tuple[Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array]:
        M, S, _, k = carry
        more = M @ S @ M.T
        return M @ M, S + more, jnp.max(jnp.abs(more)), k + 1

    def going(carry: tuple[Array, Array, Array, Array]) -> Array:
        _, S, change, k = carry
        return (change > jnp.finfo(S.dtype).eps * jnp.max(jnp.abs(S)) / 8) & (k < DOUBLINGS)

    _, S, change, _ = jax.lax.while_loop(going, double, (M, S, jnp.max(jnp.abs(S)), jnp.zeros((), jnp.int32)))
    settled = (change <= jnp.finfo(S.dtype).eps * jnp.max(jnp.abs(S))) & jnp.isfinite(change)
    return jnp.where(settled, S, jnp.nan)

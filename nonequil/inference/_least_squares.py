"""Least squares of a few unknowns, each step of which evaluates the function and its slopes together."""

from collections.abc import Callable
from typing import Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from .._results import RESULTS

Residuals: TypeAlias = Callable[[Float[Array, " d"]], tuple[Float[Array, " n"], Any]]


class LeastSquares(eqx.Module):
    """Where the sum of squares is least: `x`, the `residuals` and their `slopes` there, and what came with them."""

    x: Float[Array, " d"]
    residuals: Float[Array, " n"]
    slopes: Float[Array, "n d"]
    also: Any
    result: RESULTS


class _Search(eqx.Module):
    """The best point so far and the next to try; `damping` is in units of the largest curvature."""

    best: LeastSquares
    trial: Float[Array, " d"]
    damping: Float[Array, ""]
    settled: Bool[Array, ""]
    steps: Int[Array, ""]


def least_squares(f: Residuals, start: Float[Array, " d"], max_steps: int = 200) -> LeastSquares:
    """The x near `start` at which the residuals have the least sum of squares; f(x) gives them and anything else.

    Steps -(S^T S + damping max diag(S^T S) 1)^-1 S^T r, S the slopes of the residuals r: each that lowers the sum
    divides the damping by ten, any other multiplies it by ten. Ends, `successful`, where steps are below 1e-10 (four
    units of rounding if that is more) of 1 + |x|; else `max_steps_reached`. Nothing raises, and no derivatives.
    Source: Marquardt, J. Soc. Ind. Appl. Math. 11, 431 (1963).
    """
    residuals, also = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(f, start))
    slopes = jnp.zeros((len(residuals), len(start)), start.dtype)
    best = LeastSquares(start, jnp.full_like(residuals, jnp.inf), slopes, also, RESULTS.successful)
    first = _Search(best, start, jnp.asarray(1.0, start.dtype), jnp.asarray(False), jnp.asarray(0))
    going = lambda p: ~p.settled & (p.steps < max_steps) & jnp.all(jnp.isfinite(p.trial))  # noqa: E731
    end = jax.lax.while_loop(going, lambda p: _step(f, p), first)
    result = RESULTS.where(end.settled, RESULTS.successful, RESULTS.max_steps_reached)
    return eqx.tree_at(lambda p: p.result, end.best, result)


def _evaluated(f: Residuals, x: Float[Array, " d"]) -> LeastSquares:
    def kept(x: Array) -> tuple[Array, tuple[Array, Any]]:
        residuals, also = f(x)
        return residuals, (residuals, also)

    slopes, (residuals, also) = jax.jacfwd(kept, has_aux=True)(x)
    return LeastSquares(x, residuals, slopes, also, RESULTS.successful)


def _step(f: Residuals, p: _Search) -> _Search:
    """Try the next point, keep the better one, and say where to go from there."""
    tried = _evaluated(f, p.trial)
    better = (jnp.sum(tried.residuals**2) < jnp.sum(p.best.residuals**2)) & jnp.all(jnp.isfinite(tried.slopes))
    best = jax.tree.map(lambda new, old: jnp.where(better, new, old), tried, p.best)
    damping = p.damping * jnp.where(better, 0.1, 10.0).astype(p.damping.dtype)
    curvature = best.slopes.T @ best.slopes
    damped = curvature + damping * jnp.max(jnp.diag(curvature)) * jnp.eye(len(best.x), dtype=best.x.dtype)
    change = -jnp.linalg.solve(damped, best.slopes.T @ best.residuals)
    small = max(1e-10, 4 * float(jnp.finfo(change.dtype).eps))
    settled = jnp.all(jnp.abs(change) <= small * (1 + jnp.abs(best.x)))
    return _Search(best, best.x + change, damping, settled, p.steps + 1)

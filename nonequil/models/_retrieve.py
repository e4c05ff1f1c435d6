"""Retrieval from a modern Hopfield network: some updates, or as many as it takes."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from .. import numerics
from .._checks import positive
from .._results import RESULTS
from ..numerics._implicit import DENSE_LIMIT, implicit, stopped
from ._modern_hopfield import ModernHopfield

MOST = 10_000


class Retrieval(eqx.Module):
    """What a state retrieves: the last state, how many updates led there, and how far the last one moved it.

    `result`: `successful`; `max_steps_reached`, the state still moves; `not_finite`. `x` carries gradients.
    """

    x: Float[Array, "*states n"]
    updates: Int[Array, ""]
    residual: Float[Array, ""]
    result: RESULTS


def retrieve(
    modern: ModernHopfield,
    x: Float[Array, "*states n"],
    *,
    updates: int | None = None,
    tolerance: float | None = None,
    seen: Bool[Array, "*states p"] | None = None,
    throw: bool = True,
) -> Retrieval:
    """The state that a modern Hopfield network makes of `x` in so many `updates`, or once it no longer moves.

    Without a number, x <- update(x) is repeated until max |x' - x| <= `tolerance` max(1, M), M the largest norm of a
    pattern (default: 64 units of rounding), 10,000 times at most. The energy never rises on the way, so that every
    orbit comes to rest; but where patterns are too close for beta it rests at a mean of them, further from the pattern
    than after one update. `residual` is max |update(x) - x| at the end. `seen` (p,) leaves patterns out.

    Differentiable in the patterns and beta; with a number of updates in `x` too, by the chain rule; without, by the
    implicit function theorem, where `x` only picks the attractor: no gradient. Run batches under vmap: each state stops
    by itself, while those in leading axes of `x` stop together. With `throw` a state that still moves, where none was
    asked for, is a run-time error.
    Raises ValueError if `updates` is negative or `tolerance` not positive.
    Source: Ramsauer et al., arXiv 2008.02217 (2020), theorems 1 and 2.

    ```python
    nq.memory.retrieve(nq.ModernHopfield(patterns, beta=4.0), x).x
    ```
    """
    if tolerance is not None and not tolerance > 0:
        raise ValueError(f"tolerance = {tolerance}: must be positive, or None for 64 units of rounding")
    if updates is not None:
        if updates < 0:
            raise ValueError(f"updates = {updates}: take at least 0, or None to go on until the state rests")
        step = lambda x, _: (modern.update(x, seen), None)  # noqa: E731
        x = jax.lax.scan(step, x, length=updates)[0]
        moved = jnp.max(jnp.abs(modern.update(x, seen) - x))
        return Retrieval(x, jnp.asarray(updates), moved, _finite(moved, RESULTS.successful))
    found = _settled(modern, x, tolerance, seen)
    if not throw:
        return found
    return eqx.tree_at(lambda r: r.x, found, found.result.error_if(found.x, found.result != RESULTS.successful))


@eqx.filter_jit
def _settled(modern: ModernHopfield, x: Array, tolerance: float | None, seen: Array | None) -> Retrieval:
    held, start = stopped((modern, x))
    eps = float(jnp.finfo(x.dtype).eps)
    small = (64 * eps if tolerance is None else tolerance) * jnp.maximum(1, held.largest_norm())

    def moves(carry: tuple[Array, Array, Array]) -> Array:
        _, moved, count = carry
        return (moved > small) & (count < MOST)

    def step(carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        x, _, count = carry
        x_next = held.update(x, seen)
        return x_next, jnp.max(jnp.abs(x_next - x)), count + 1

    first = start, jnp.asarray(jnp.inf, x.dtype), jnp.asarray(0)
    x, moved, count = stopped(jax.lax.while_loop(moves, step, first))
    result = RESULTS.where(moved <= small, RESULTS.successful, RESULTS.max_steps_reached)
    result = _finite(moved, result)
    x = implicit(_moved, x, (modern, seen), x.size <= DENSE_LIMIT)
    return Retrieval(x, count, moved, result)


def _finite(moved: Array, result: RESULTS) -> RESULTS:
    return RESULTS.where(jnp.isfinite(moved), result, RESULTS.not_finite)


def _moved(x: Array, inputs: Any) -> Array:
    modern, seen = inputs
    return modern.update(x, seen) - x


def one_update_bound(modern: ModernHopfield, x: Float[Array, " n"], mu: int) -> Float[Array, ""]:
    """A bound on |update(x) - xi_mu| near pattern mu: `2 (p - 1) exp(-beta (Delta_mu - 2 d M)) M`.

    d = max(|x - xi_mu|, |x* - xi_mu|) with x* the state retrieved from the pattern, M the largest norm of a pattern,
    Delta_mu its separation. Raises ValueError if there is no pattern mu.
    Source: Ramsauer et al., arXiv 2008.02217 (2020), theorem 4.
    """
    if not 0 <= mu < len(modern.patterns):
        raise ValueError(f"mu = {mu}: must be 0 to {len(modern.patterns) - 1}, the row of a pattern")
    pattern = modern.patterns[mu]
    rest = retrieve(modern, pattern, throw=False).x
    away = jnp.maximum(jnp.linalg.norm(x - pattern), jnp.linalg.norm(rest - pattern))
    M = modern.largest_norm()
    return 2 * (len(modern.patterns) - 1) * M * jnp.exp(-modern.beta * (modern.separation()[mu] - 2 * away * M))


def retrieval_bound(modern: ModernHopfield) -> Float[Array, " p"]:
    """A bound on the distance of each pattern from the state it retrieves: `2 e (p - 1) M exp(-beta Delta_mu)`.

    Holds where that distance is at most 1 / (2 beta M). Source: Ramsauer et al., arXiv 2008.02217 (2020), theorem 5.
    """
    return 2 * jnp.e * (len(modern.patterns) - 1) * modern.largest_norm() * jnp.exp(-modern.beta * modern.separation())


def stored(modern: ModernHopfield) -> Bool[Array, " p"]:
    """Which patterns are sure to be stored: each has a ball of radius 1 / (beta p M) that holds one attractor.

    Sufficient, not necessary: `Delta_mu >= 2 / (beta p) + ln(2 (p - 1) p beta M**2) / beta`.
    Source: Ramsauer et al., arXiv 2008.02217 (2020), theorem A5 of the appendix.
    """
    p, beta, M = len(modern.patterns), modern.beta, modern.largest_norm()
    return modern.separation() >= 2 / (beta * p) + jnp.log(2 * (p - 1) * p * beta * M**2) / beta


def modern_capacity(
    n: int, beta: Any = 1.0, K: Any = 1.0, failure: Any = 1e-3
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """How many random patterns on a sphere a modern Hopfield network stores at least: c, and sqrt(failure) c^((n-1)/4).

    Patterns in n dimensions on the sphere of radius K (n - 1)**0.5, all stored but with probability `failure`: c = b /
    W(exp(a + ln b)), a = 2 (1 + ln(2 beta K**2 failure (n - 1))) / (n - 1), b = 2 K**2 beta / 5, W Lambert's function.
    Raises ValueError if n is below two, or another number not positive.
    Source: Ramsauer et al., arXiv 2008.02217 (2020), theorem 3.

    ```python
    nq.memory.modern_capacity(20, beta=1.0, K=3.0)[0]  # 3.1546
    ```
    """
    if n < 2:
        raise ValueError(f"n = {n}: a sphere has at least two dimensions")
    given = {"beta": beta, "K": K, "failure": failure}
    beta, K, failure = (positive(name)(jnp.asarray(x, float)) for name, x in given.items())
    a = 2 / (n - 1) * (1 + jnp.log(2 * beta * K**2 * failure * (n - 1)))
    b = 2 * K**2 * beta / 5
    exponent = a + jnp.log(b)  # W(exp(y)) = w solves w + ln w = y; w lies below exp(y) and below max(1, y)
    equation = lambda log_w, y: jnp.exp(log_w) + log_w - y  # noqa: E731
    ends = jnp.minimum(exponent - 1, -1.0), jnp.maximum(exponent, 1.0)
    w = jnp.exp(numerics.root(equation, ends, exponent).value)
    c = b / w
    return c, jnp.sqrt(failure) * c ** ((n - 1) / 4)

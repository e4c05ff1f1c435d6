"""Where the magnetisation and the overlap of an infinite random network come to rest."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from .. import numerics
from .._results import RESULTS
from ..ensembles import SherringtonKirkpatrick
from ._sk_field import next_m
from ._sk_rule import SKRule

Slopes = Callable[[Float[Array, ""]], tuple[Float[Array, ""], Float[Array, ""]]]
MOST = 200
PLAIN = 4  # plain steps that verify a point found already


class Rest(eqx.Module):
    """A resting point of one order parameter, found by the common seam: no gradient."""

    value: Float[Array, ""]
    result: RESULTS
    residual: Float[Array, ""]
    steps: Int[Array, ""]


def resting_m(sk: SherringtonKirkpatrick, m0: Float[Array, ""], rule: SKRule) -> Rest:
    """The magnetisation that m -> E tanh(field) reaches from `m0`; for J0 < 0 its only resting point.

    For J0 >= 0 the map rises and its steps move one way, to the nearest resting point on that side. Without constant
    fields and with a gain of at most one that is m = 0.
    """
    zero = jnp.zeros_like(m0)
    disordered = (sk.H0 == 0) & (next_m(sk, zero, rule)[1] <= 1)
    rising = sk.J0 >= 0
    one = jnp.ones_like(m0)
    start = _approach(lambda m: next_m(sk, m, rule), jnp.where(disordered, zero, m0), -one, one, rising)
    rate = 1 / (1 + jnp.maximum(-sk.beta * sk.J0, 0))  # steps of a falling map, shortened so that they settle
    return _verified(lambda m: m + rate * (next_m(sk, m, rule)[0] - m), start)


def resting_overlap(overlap: Callable[[Float[Array, ""]], Float[Array, ""]], m: Float[Array, ""]) -> Rest:
    """The overlap that q -> F(q) reaches from m**2, its least possible value; F is convex and rises."""
    one = jnp.ones_like(m)
    slopes = lambda q: jax.jvp(overlap, (q,), (one,))  # noqa: E731
    return _verified(overlap, _approach(slopes, m**2, m**2, one, jnp.asarray(True)))


def _verified(f: Callable, start: Float[Array, ""]) -> Rest:
    found = numerics.fixed_point(lambda x, _: f(x), start, plain=PLAIN, throw=False)
    return Rest(found.value, found.result, found.residual, found.steps)


def _approach(
    f: Slopes, start: Float[Array, ""], lower: Float[Array, ""], upper: Float[Array, ""], rising: Bool[Array, ""]
) -> Float[Array, ""]:
    """Newton's steps on f(x) - x from `start` as long as they go where plain steps go, else those, until they rest.

    `f` returns value and slope. Plain steps of a rising map never jump over a resting point, and where it is concave
    (E tanh is for fields above zero) Newton's steps come down on it, so the branch is the one that plain steps
    reach. A falling map has one resting point: it stays enclosed, and bisection helps where Newton's steps do not
    halve f(x) - x.
    """
    eps = float(jnp.finfo(start.dtype).eps)

    def moving(carry: tuple) -> Array:
        _, change, *_, steps = carry
        return (jnp.abs(change) > 4 * eps) & (steps < MOST)

    def step(carry: tuple) -> tuple:
        x, change, slope, before, lower, upper, steps = carry
        lower, upper = jnp.where(change > 0, x, lower), jnp.where(change < 0, x, upper)
        newton = x + change / jnp.where(slope == 1, 1, 1 - slope)
        fit = (slope < 1) & (newton >= lower) & (newton <= upper) & (rising | (2 * jnp.abs(change) < before))
        x = jnp.where(fit, newton, jnp.where(rising, x + change, (lower + upper) / 2))
        value, slope = f(x)
        return x, value - x, slope, jnp.abs(change), lower, upper, steps + 1

    value, slope = f(start)
    first = (start, value - start, slope, jnp.full_like(start, jnp.inf), lower, upper, jnp.asarray(0))
    return jax.lax.while_loop(moving, step, first)[0]

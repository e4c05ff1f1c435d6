"""Averages at a resting magnetisation, with the derivatives that exist at a critical point too."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ..ensembles import SherringtonKirkpatrick
from ..numerics._implicit import stopped
from ._sk_field import Averages, averages, combined, field_law
from ._sk_rule import SKRule
from ._sk_slopes import FieldSlopes, field_slopes


@eqx.filter_custom_jvp
def settled(sk: SherringtonKirkpatrick, m: Float[Array, ""], m0: Float[Array, ""], rule: SKRule) -> Averages:
    """The averages at `m`, a solution of m = f(m, sk) reached from `m0`, with the derivatives of that solution.

    dm = (df/dsk) dsk / (1 - f'), f' = df/dm = beta J0 k. At a critical point, f' = 1 and m = 0 without constant
    fields, m**2 begins to grow linearly: f' + f''' m**2 / 6 = 1 gives d(m**2) = -6 (df'/dsk) dsk / f''', and
    everything else is even in m, de = (de/dsk) dsk + e'' d(m**2) / 2. There dm is infinite. Reached from m0 = 0, the
    point stays on the symmetric branch, dm = 0. At any other point with f' = 1 (where a branch ends) all is infinite.
    """
    return eqx.tree_at(lambda a: a.m, averages(sk, m, rule), m)


@settled.def_jvp
def _settled_jvp(primals: tuple, tangents: tuple) -> tuple[Averages, Averages]:
    sk, m, m0, rule = primals
    out = settled(sk, m, m0, rule)
    m = out.m  # the same number, which second derivatives follow
    change = jax.tree.map(
        lambda x, t: jnp.zeros_like(x) if t is None else t, sk, tangents[0], is_leaf=lambda x: x is None
    )
    slopes = field_slopes(field_law(sk, m, rule), rule)
    direct, growth_of_slope = _direct(sk, m, rule, slopes, change)
    along, curved = _along(sk, m, rule, slopes)
    slope = sk.beta * sk.J0 * out.k
    marginal = critical(slope)
    onset = marginal & (sk.H0 == 0) & (jnp.abs(m) < 0.1)
    third = stopped(sk.beta * sk.J0 * curved.k)
    growth = -6 / jnp.where(third < 0, third, -1) * jnp.where(m0 == 0, 0, 1)
    push = _push(sk, m, rule, slopes, onset)
    infinite = _infinite(change, push, jnp.where(onset, jnp.sign(m0) * growth, 1))
    dm = jnp.where(marginal, infinite, direct.m / jnp.where(marginal, 1, 1 - slope))
    amount = jnp.where(onset, growth * growth_of_slope / 2, dm)
    rates = jax.tree.map(lambda a, c: jnp.where(onset, stopped(c), a), along, curved)
    moved = jax.tree.map(lambda d, r: d + r * jnp.where(marginal & (r == 0), 0, amount), direct, rates)
    return out, eqx.tree_at(lambda a: a.m, moved, dm)


def critical(slope: Float[Array, ""]) -> Bool[Array, ""]:
    """Whether the slope is one, within the square root of rounding."""
    return jnp.abs(1 - slope) <= 4 * float(jnp.finfo(slope.dtype).eps) ** 0.5


def _direct(
    sk: SherringtonKirkpatrick, m: Array, rule: SKRule, slopes: FieldSlopes, change: Any
) -> tuple[Averages, Float[Array, ""]]:
    """What `change` makes of the averages at a fixed magnetisation, and of the slope f' of the map of m."""

    def law(sk: SherringtonKirkpatrick) -> tuple[Array, Array]:
        law = field_law(sk, m, rule)
        return law.offsets, law.scale

    means = slopes.moved(*eqx.filter_jvp(law, (sk,), (change,))[1])

    def both(sk: SherringtonKirkpatrick, means: Any) -> tuple[Averages, Array]:
        at = combined(sk, m, means, rule)
        return at, sk.beta * sk.J0 * at.k

    return eqx.filter_jvp(both, (sk, slopes.means), (change, means))[1]


def _along(sk: SherringtonKirkpatrick, m: Array, rule: SKRule, slopes: FieldSlopes) -> tuple[Averages, Averages]:
    """First and second derivatives of the averages in the magnetisation."""
    first = _derivative(lambda x: combined(sk, m + x, slopes.at(sk.beta * sk.J0 * x), rule))
    zero = jnp.zeros_like(m)
    return first(zero), _derivative(first)(zero)


def _derivative(f: Callable[[Array], Any]) -> Callable[[Array], Any]:
    return lambda m: jax.jvp(f, (m,), (jnp.ones_like(m),))[1]


def _push(
    sk: SherringtonKirkpatrick, m: Array, rule: SKRule, slopes: FieldSlopes, onset: Bool[Array, ""]
) -> SherringtonKirkpatrick:
    """Derivatives in the ensemble of the slope f' at the onset of order, elsewhere of f."""
    sk, m, slopes, here = stopped((sk, m, slopes, field_law(sk, m, rule)))

    def pushed(sk: SherringtonKirkpatrick) -> Array:
        law = field_law(sk, m, rule)
        change = slopes.moved(law.offsets - here.offsets, law.scale - here.scale)
        gain = sk.beta * sk.J0 * (law.weights @ (slopes.means.gain + change.gain))
        return jnp.where(onset, gain, law.weights @ change.mean)

    return eqx.filter_grad(pushed)(sk)


def _infinite(change: Any, slopes: Any, factor: Float[Array, ""]) -> Float[Array, ""]:
    """Sum over leaves of infinity times sign(slope factor) times the leaf's change, where neither is zero."""
    by = stopped(factor * jnp.stack(_numbers(slopes)))
    strength = jnp.where(by == 0, 0, jnp.inf) * jnp.sign(by)
    return jnp.sum(_scaled(strength, jnp.stack(_numbers(change))))


def _scaled(strength: Float[Array, " n"], x: Float[Array, " n"]) -> Float[Array, " n"]:
    """Strength x, and 0 for x = 0 even where the strength is infinite: declared linear, for both modes.

    The solution of a diagonal system is the one linear map of JAX whose rule one may write oneself.
    """
    times = lambda _, x: jnp.where((x == 0) | (strength == 0), 0, strength * x)  # noqa: E731
    return jax.lax.custom_linear_solve(lambda x: x, x, times, symmetric=True)


def _numbers(sk: Any) -> tuple:
    return sk.J0, sk.dJ, sk.H0, sk.dH, sk.beta

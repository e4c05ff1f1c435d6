"""Averages at a resting magnetisation, with the derivatives that exist at a critical point too."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ..ensembles import SherringtonKirkpatrick
from ._sk_field import Averages, averages, next_m
from ._sk_rule import SKRule


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
    out, change = settled(sk, m, m0, rule), tangents[0]
    m = out.m  # the same number, which second derivatives follow
    direct = eqx.filter_jvp(lambda sk: averages(sk, m, rule), (sk,), (change,))[1]
    along = _derivative(lambda m: averages(sk, m, rule))
    slope = next_m(sk, m, rule)[1]
    marginal = critical(slope)
    dm = direct.m / jnp.where(marginal, 1, 1 - slope)
    regular = eqx.tree_at(lambda a: a.m, _plus(direct, along(m), dm), dm)
    special = _special(sk, m, m0, rule, change, direct, along)
    return out, jax.tree.map(lambda s, r: jnp.where(marginal, s, r), special, regular)


def critical(slope: Float[Array, ""]) -> Bool[Array, ""]:
    """Whether the slope is one, within the square root of rounding."""
    return jnp.abs(1 - slope) <= 4 * float(jnp.finfo(slope.dtype).eps) ** 0.5


def _special(
    sk: SherringtonKirkpatrick, m: Array, m0: Array, rule: SKRule, change: Any, direct: Averages, along: Callable
) -> Averages:
    """Derivatives where f' = 1: one-sided at a critical point, infinite where a branch ends."""
    gain = lambda sk, m: next_m(sk, m, rule)[1]  # noqa: E731
    third = _derivative(_derivative(lambda m: gain(sk, m)))(m)
    onset = -6 / jnp.where(third < 0, third, -1) * jnp.where(m0 == 0, 0, 1)
    growth = onset * eqx.filter_jvp(lambda sk: gain(sk, m), (sk,), (change,))[1]
    one_sided = _plus(direct, _derivative(along)(m), growth / 2)
    rise = eqx.filter_grad(lambda sk: gain(sk, m))(sk)
    dm = _infinite(change, rise, jnp.sign(m0) * onset)
    one_sided = eqx.tree_at(lambda a: a.m, one_sided, dm)
    push = eqx.filter_grad(lambda sk: next_m(sk, m, rule)[0])(sk)
    ended = jax.tree.map(lambda d, a: d + _infinite(change, push, a), direct, along(m))
    ended = eqx.tree_at(lambda a: a.m, ended, _infinite(change, push, jnp.ones_like(m)))
    symmetric = (sk.H0 == 0) & (jnp.abs(m) < 0.1)
    return jax.tree.map(lambda s, e: jnp.where(symmetric, s, e), one_sided, ended)


def _plus(direct: Averages, along: Averages, dm: Float[Array, ""]) -> Averages:
    return jax.tree.map(lambda d, a: d + a * dm, direct, along)


def _derivative(f: Callable[[Array], Any]) -> Callable[[Array], Any]:
    return lambda m: jax.jvp(f, (m,), (jnp.ones_like(m),))[1]


def _infinite(change: Any, slopes: Any, factor: Float[Array, "..."]) -> Float[Array, "..."]:
    """Sum over leaves of infinity times sign(slope factor) times the leaf's change, where neither is zero."""
    total = jnp.zeros_like(factor)
    for leaf, by in zip(_numbers(change), _numbers(slopes), strict=True):
        if leaf is not None:
            strength = jnp.where(by * factor == 0, 0, jnp.inf) * jnp.sign(by * factor)
            total = total + _scaled(strength, jnp.broadcast_to(leaf, factor.shape))
    return total


def _scaled(strength: Float[Array, "..."], x: Float[Array, "..."]) -> Float[Array, "..."]:
    """Strength x, and 0 for x = 0 even where the strength is infinite: declared linear, for both modes.

    The solution of a diagonal system is the one linear map of JAX whose rule one may write oneself.
    """
    times = lambda _, x: jnp.where((x == 0) | (strength == 0), 0, strength * x)  # noqa: E731
    return jax.lax.custom_linear_solve(lambda x: x, x, times, symmetric=True)


def _numbers(sk: Any) -> tuple:
    return sk.J0, sk.dJ, sk.H0, sk.dH, sk.beta

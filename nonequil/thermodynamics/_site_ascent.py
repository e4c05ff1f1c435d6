"""Ascent of the coefficients of many spins at once: limited-memory quasi-Newton steps, two matrix products each.

A step reads all states in chunks: fields of all columns, one number a flip, and their sums over the states. Products
run in the precision of the weights, sums over chunks and everything of the size of the coefficients in double
precision. Every column has its own memory, length and end; one curvature preconditions all of them.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ._site_objectives import AbstractSiteObjective, Coefficients, Look, PerColumn

MEMORY = 6  # pairs of steps and changes of the gradient that a column remembers
FARTHEST = 4.0  # bound on the change of an exponent that a step foresees, root mean square
NOISE = 1e-6  # rounding of a value in single precision, relative
TINY = 1e-300


class SiteRows(NamedTuple):
    """States in chunks, the first `used` of which hold something: x (chunks, rows, d), int8; `w` their weights.

    `fold` of each row; `s` (chunks, columns or 1, rows) the sign of the spin of a column where it flips, 0 elsewhere.
    """

    x: Any
    w: Any
    fold: Any
    s: Any
    used: Any


class Spread(NamedTuple):
    """Ln Z, the effective share of the flips that the tilted weights rest on, and the largest of these weights."""

    log_z: Any
    share: Any
    largest: Any


class Columns(NamedTuple):
    """Problems side by side: the spin of each column, the fold it leaves out (-1 for none), the mean of y.

    `scale` is one over the sum of its weights; it ends where no component of its gradient is above `tolerance`, or
    where its value without the penalty is above `ceiling`.
    """

    site: Any
    left_out: Any
    mean: Any
    scale: Any
    penalty: Any
    ceiling: Any
    tolerance: Any


class Climb(NamedTuple):
    """Where the columns are: each has a trial ahead, `length` along a direction (0 where it is to be looked at)."""

    phi: Any
    value: Any  # without the penalty
    gradient: Any
    log_z: Any
    along: Any
    length: Any
    moves: Any  # newest first
    turns: Any  # what the gradient lost in them
    kept: Any
    behind: Any
    looks: Any


def climb(
    objective: AbstractSiteObjective,
    rows: SiteRows,
    columns: Columns,
    inverse: Float[Array, "d d"],
    start: Climb,
    most: Int[Array, ""],
) -> Climb:
    """Steps until no column is behind, `most` at most; `inverse` of a curvature of all columns."""

    def step(c: tuple[Climb, Array]) -> tuple[Climb, Array]:
        climb = c[0]
        phi = climb.phi + climb.length[:, None] * climb.along
        seen = look(objective, rows, columns, phi, climb.log_z)
        return aim(columns, inverse, moved(columns, climb, phi, seen)), c[1] + 1

    start = aim(columns, inverse, start)
    return jax.lax.while_loop(lambda c: jnp.any(c[0].behind) & (c[1] < most), step, (start, jnp.zeros((), int)))[0]


def look(objective: AbstractSiteObjective, rows: SiteRows, columns: Columns, phi: Coefficients, top: PerColumn) -> Look:
    """Value without the penalty, gradient with it."""
    real = rows.w.dtype
    v, c = phi.astype(real), top.astype(real)

    def add(k: Array, sums: Array) -> Array:
        x, s, weight = chunk(rows, columns, k)
        return sums + ((weight * objective.pull(s, v @ x.T, c)) @ x).astype(float)

    sums = jax.lax.fori_loop(0, rows.used, add, jnp.zeros(phi.shape)) * columns.scale[:, None]
    seen = objective.look(sums, columns.site, columns.mean, phi, top)
    own = jnp.arange(phi.shape[1])[None] == columns.site[:, None]
    return seen._replace(gradient=jnp.where(own, 0, seen.gradient - columns.penalty[:, None] * phi))


def chunk(rows: SiteRows, columns: Columns, k: Array) -> tuple[Array, Array, Array]:
    """States, signs and weights of some rows, in the precision of products."""
    real = rows.w.dtype
    inside = rows.fold[k][None] != columns.left_out[:, None]
    return rows.x[k].astype(real), rows.s[k].astype(real), jnp.where(inside, rows.w[k][None], 0)


def moved(columns: Columns, c: Climb, phi: Coefficients, seen: Look) -> Climb:
    """The trial taken where it is higher, else a shorter one along the same direction."""
    value, before = (v - columns.penalty * jnp.sum(p**2, 1) / 2 for v, p in ((seen.value, phi), (c.value, c.phi)))
    steep, slope = jnp.sum(c.gradient * c.along, 1), jnp.sum(seen.gradient * c.along, 1)
    finite = jnp.isfinite(value) & jnp.all(jnp.isfinite(seen.gradient), 1)
    level = (value >= before - NOISE * (1 + jnp.abs(before))) & (slope >= -0.9 * steep)
    taken = c.behind & finite & ((slope >= 0) | level)  # F is concave: a slope that still rises says that it rose
    root = jnp.where(finite, steep / jnp.where(steep > slope, steep - slope, jnp.inf), 0)
    new = remembered(c, phi, seen.gradient)._replace(phi=phi, value=seen.value, log_z=seen.log_z)
    new = where(taken, new._replace(gradient=seen.gradient, length=jnp.zeros_like(c.length)), c)
    far = jnp.max(jnp.abs(new.gradient), 1) > columns.tolerance
    return new._replace(
        length=jnp.where(taken, 0, c.length * jnp.clip(root, 0.1, 0.6)),
        behind=c.behind & ~(taken & (~far | (seen.value > columns.ceiling))),
        looks=c.looks + c.behind.astype(int),
    )


def remembered(c: Climb, phi: Coefficients, gradient: Coefficients) -> Climb:
    """The newest step put before the others, if the curvature along it can be told."""
    move, turn = phi - c.phi, c.gradient - gradient
    kept = jnp.sum(move * turn, 1) > 1e-10 * jnp.linalg.norm(move, axis=1) * jnp.linalg.norm(turn, axis=1)
    put = lambda old, new: jnp.concatenate([new[:, None].astype(old.dtype), old[:, :-1]], 1)  # noqa: E731
    return c._replace(moves=put(c.moves, move), turns=put(c.turns, turn), kept=put(c.kept, kept))


def aim(columns: Columns, inverse: Float[Array, "d d"], c: Climb) -> Climb:
    """A direction for the columns that have arrived: that of the limited-memory quasi-Newton method."""
    plain = preconditioned(inverse, columns.site, c.gradient)
    along = quasi_newton(inverse, columns.site, c)
    slope = jnp.sum(c.gradient * along, 1)
    sound = slope > 1e-4 * jnp.sum(c.gradient * plain, 1)
    along, slope = (
        jnp.where(sound[:, None], along, plain),
        jnp.sum(c.gradient * jnp.where(sound[:, None], along, plain), 1),
    )
    ready, length = c.length == 0, jnp.minimum(1, FARTHEST / jnp.sqrt(jnp.maximum(slope, TINY)))
    return where(ready, c._replace(along=along, length=length, kept=c.kept & sound[:, None]), c)


def quasi_newton(inverse: Float[Array, "d d"], site: Int[Array, " columns"], c: Climb) -> Coefficients:
    """The two loops over the memory; Nocedal & Wright, Numerical Optimization, algorithm 7.4."""
    moves, turns = (jnp.swapaxes(a, 0, 1).astype(float) for a in (c.moves, c.turns))
    kept = c.kept.T
    curved = jnp.sum(moves * turns, 2)
    rho = jnp.where(kept, 1 / jnp.where(kept, curved, 1), 0)

    def newest_first(r: Array, pair: tuple) -> tuple[Array, Array]:
        move, turn, rho = pair
        share = rho * jnp.sum(move * r, 1)
        return r - share[:, None] * turn, share

    def oldest_first(z: Array, pair: tuple) -> tuple[Array, None]:
        move, turn, rho, share = pair
        return z + (share - rho * jnp.sum(turn * z, 1))[:, None] * move, None

    r, share = jax.lax.scan(newest_first, c.gradient, (moves, turns, rho))
    images = preconditioned(inverse, site, turns[0])
    scale = jnp.where(kept[0], curved[0] / jnp.maximum(jnp.sum(turns[0] * images, 1), TINY), 1)
    z = preconditioned(inverse, site, r) * scale[:, None]
    return jax.lax.scan(oldest_first, z, (moves, turns, rho, share), reverse=True)[0]


def preconditioned(inverse: Float[Array, "d d"], site: Int[Array, " columns"], r: Coefficients) -> Coefficients:
    """The inverse of the curvature without the spin's own row and column, by a rank-one correction."""
    z, row = r @ inverse, inverse[site]
    own = jnp.take_along_axis(z, site[:, None], 1) / jnp.take_along_axis(row, site[:, None], 1)
    return z - own * row


def where(chosen: Bool[Array, " columns"], new: Climb, old: Climb) -> Climb:
    """One or the other, column by column."""
    pick = lambda a, b: jnp.where(chosen.reshape(-1, *[1] * (a.ndim - 1)), a, b)  # noqa: E731
    return jax.tree.map(pick, new, old)


def gram(
    objective: AbstractSiteObjective, rows: SiteRows, columns: Columns, c: Climb, column: Int[Array, ""]
) -> Float[Array, "d d"]:
    """Tilted sum of x x over the flips of one column."""
    one = jax.tree.map(lambda a: a[column][None], columns)
    phi, top = (a[column][None].astype(rows.w.dtype) for a in (c.phi, c.log_z))

    def add(k: Array, sums: Array) -> Array:
        x, s, weight = chunk(rows, one, k)
        p = weight * objective.tilt(s, phi @ x.T, top)
        return sums + ((x * p.T).T @ x).astype(float)

    return jax.lax.fori_loop(0, rows.used, add, jnp.zeros((phi.shape[1],) * 2))


def spread(rows: SiteRows, columns: Columns, phi: Coefficients) -> Spread:
    """How the tilted weights of F are spread over the flips."""
    v, zero = phi.astype(rows.w.dtype), jnp.zeros(phi.shape[0])

    def add(k: Array, sums: tuple[Array, ...]) -> tuple[Array, ...]:
        x, s, weight = chunk(rows, columns, k)
        e = jnp.where((s != 0) & (weight > 0), s * (v @ x.T), -jnp.inf)
        top = jnp.maximum(sums[0], jnp.max(e, 1).astype(float))
        q, shift = jnp.exp(e - top[:, None].astype(e.dtype)), jnp.exp(sums[0] - top)
        here = jnp.sum(weight * q, 1), jnp.sum(weight * q * q, 1), jnp.max(weight * q, 1)
        z, squares, largest = (a.astype(float) for a in here)
        return top, shift * sums[1] + z, shift**2 * sums[2] + squares, jnp.maximum(shift * sums[3], largest)

    lowest = jnp.full_like(zero, -1e30)  # below every exponent, yet a number
    top, z, squares, largest = jax.lax.fori_loop(0, rows.used, add, (lowest, zero, zero, zero))
    return Spread(jnp.log(z * columns.scale) + top, z**2 * columns.scale / squares, largest / z)

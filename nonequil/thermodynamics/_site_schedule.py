"""Which columns of coefficients rise side by side, and which go on alone."""

import functools as ft
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from ..numerics import one_thread
from ._site_ascent import MEMORY, Climb, Columns, SiteRows, Spread, climb, curvature, spread
from ._site_data import ROWS, SiteData
from ._site_objectives import AbstractSiteObjective

TOGETHER = 128  # most columns of a product
ROUND = 8  # looks after which columns that have arrived make room
ROUNDS = 4  # after which the others go on alone
EVERY = 8  # looks after which a spin alone computes its curvature anew
MOST = 200  # looks of a spin alone
JITTER = 1e-4  # of the shared curvature: copies of a spin leave it singular

Table = TypeVar("Table")


class Arrived(NamedTuple):
    """Where the columns are, numbers as in `Climb` and `Spread`."""

    phi: np.ndarray
    gradient: np.ndarray
    behind: np.ndarray
    looks: np.ndarray
    log_z: np.ndarray
    share: np.ndarray
    largest: np.ndarray


def ascended(data: SiteData, objective: AbstractSiteObjective, columns: Columns, start: np.ndarray | None) -> Arrived:
    """All columns: side by side while that pays, then spin by spin those that are still behind.

    Without a start, folds begin where the fits to all rows ended.
    """
    found = nowhere(columns, start)
    if data.crowded:
        whole = columns.left_out < 0
        together(data, objective, columns, found, np.flatnonzero(whole), cold=start is None)
        if start is None:
            ended = np.isfinite(found.phi).all(1)
            found.phi[:] = np.repeat(np.where(ended[:, None], found.phi, 0)[whole], data.folds.columns, 0)
        together(data, objective, columns, found, np.flatnonzero(~whole))
        spread_out(data, columns, found)
    for site in np.unique(columns.site[found.behind]):
        mine = np.flatnonzero(columns.site == site)
        put(found, mine, alone(data, objective, take(columns, mine), found.phi[mine], int(site)))
    return found


def nowhere(columns: Columns, start: np.ndarray | None) -> Arrived:
    """Every column at its start, not looked at yet."""
    shape = columns.mean.shape
    zero, phi = np.zeros(shape[0]), np.zeros(shape) if start is None else start.copy()
    return Arrived(
        phi, np.zeros(shape), np.isfinite(columns.tolerance), np.zeros(shape[0], int), zero, zero.copy(), zero.copy()
    )


def together(
    data: SiteData,
    objective: AbstractSiteObjective,
    columns: Columns,
    found: Arrived,
    ids: np.ndarray,
    *,
    cold: bool = False,
) -> None:
    """Rounds of blocks of one width, until few columns are left; fills in where they are."""
    n = data.flips.n_units
    width, inverse = -(-n // -(-n // TOGETHER)), shared(data, columns)
    waiting = at(take(columns, ids), found.phi[ids], data.real, cold)
    for _ in range(ROUNDS):
        if len(ids) <= width // 4:
            break
        ended = []
        for block in np.split(np.arange(len(ids)), range(width, len(ids), width)):
            padded = np.resize(block, width)
            begin = take(waiting, padded)._replace(behind=np.arange(width) < len(block))
            mine = take(columns, ids[padded])
            rows = data.with_signs(mine.site)
            if not np.any(begin.looks) and not cold:  # an exponent is safe beside ln Z alone
                begin = begin._replace(log_z=_spread(rows, mine, begin.phi).log_z)
            c = _climb(objective, rows, mine, inverse, begin, ROUND)
            ended.append(take(jax.device_get(c), slice(0, len(block))))
        waiting = jax.tree.map(lambda *a: np.concatenate(a), *ended)
        found.phi[ids], found.gradient[ids] = waiting.phi, waiting.gradient
        found.behind[ids], found.looks[ids] = waiting.behind, waiting.looks
        ids, waiting = ids[waiting.behind], take(waiting, waiting.behind)


@one_thread
def shared(data: SiteData, columns: Columns) -> np.ndarray:
    """Inverse of the second moment of the states with a mean penalty."""
    held = float(np.mean(columns.penalty)) + JITTER
    return np.linalg.inv(data.second_moment + held * np.eye(data.d))


def at(columns: Columns, phi: np.ndarray, real: type, cold: bool) -> Climb:
    """Columns at phi, to be looked at; where phi is zero the gradient is known, twice the mean of y."""
    count, d = phi.shape
    none: np.ndarray = np.zeros(count)
    history: np.ndarray = np.zeros((count, MEMORY, d), real)
    gradient = 2 * columns.mean if cold else np.zeros_like(phi)
    value = none.copy() if cold else np.full(count, -np.inf)
    kept, behind, looks = np.zeros((count, MEMORY), bool), np.isfinite(columns.tolerance), np.zeros(count, int)
    return Climb(phi, value, gradient, none, 0 * phi, none, history, history, kept, behind, looks)


def spread_out(data: SiteData, columns: Columns, found: Arrived) -> None:
    """Fills in ln Z and the spread of the weights of columns that have arrived."""
    ids, n = np.flatnonzero(~found.behind), data.flips.n_units
    width = -(-n // -(-n // TOGETHER))
    for block in np.split(ids, range(width, len(ids), width)) if len(ids) else ():
        mine = take(columns, np.resize(block, width))
        each = jax.device_get(_spread(data.with_signs(mine.site), mine, found.phi[np.resize(block, width)]))
        found.log_z[block], found.share[block], found.largest[block] = (a[: len(block)] for a in each)


def alone(data: SiteData, objective: AbstractSiteObjective, columns: Columns, phi: np.ndarray, site: int) -> Arrived:
    """All columns of one spin, from its own flips."""
    most = int(data.flips.counts.max())
    chunks = 1 << (-(-most // ROWS) - 1).bit_length()
    rows = data.own_rows(site, chunks, min(ROWS, 1 << max(4, (most - 1).bit_length())))
    cold = not np.any(phi)
    start = at(columns, np.where(np.isfinite(phi), phi, 0), data.real, cold)
    c, found = jax.device_get(_alone(objective, rows, columns, start, EVERY, MOST))
    return Arrived(c.phi, c.gradient, c.behind, c.looks, *found)


def take(table: Table, ids: Any) -> Table:
    """Some rows of a table."""
    return jax.tree.map(lambda a: a[ids], table)


def put(table: Any, ids: np.ndarray, rows: Any) -> None:
    """Rows written into a table."""
    for whole, part in zip(table, rows, strict=True):
        whole[ids] = part


_spread = jax.jit(spread)
_climb = jax.jit(climb, static_argnums=0)


@ft.partial(jax.jit, static_argnums=0)
def _alone(
    objective: AbstractSiteObjective, rows: SiteRows, columns: Columns, start: Climb, every: Any, most: Any
) -> tuple[Climb, Spread]:
    def lines(c: Climb) -> Climb:
        inverse = curvature(objective, rows, columns, c)
        fresh = c._replace(length=jnp.zeros_like(c.length), kept=jnp.zeros_like(c.kept))
        return climb(objective, rows, columns, inverse, fresh, every)

    start = start._replace(log_z=spread(rows, columns, start.phi).log_z)
    c = jax.lax.while_loop(lambda c: jnp.any(c.behind) & (jnp.max(c.looks) < most), lines, start)
    return c, spread(rows, columns, c.phi)

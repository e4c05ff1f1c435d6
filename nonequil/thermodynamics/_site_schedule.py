"""Which columns of coefficients rise side by side, and which go on alone."""

from typing import Any, NamedTuple, TypeVar

import jax
import numpy as np
import scipy.linalg

from ..numerics import one_thread
from ._site_ascent import MEMORY, Climb, Columns, climb, gram, spread
from ._site_data import SiteData
from ._site_objectives import AbstractSiteObjective

TOGETHER = 128  # most columns of a product
ROUND = 6  # looks after which columns that have arrived make room
ROUNDS = 6  # after which the others go on alone
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
    columns, rows = jax.device_put((columns, data.own_rows(site)))
    c = at(columns, np.where(np.isfinite(phi), phi, 0), data.real, cold=not np.any(phi))
    c = c._replace(log_z=_spread(rows, columns, c.phi).log_z)
    while np.any(c.behind) and np.max(c.looks) < MOST:
        column = np.argmax(np.where(c.behind, np.max(np.abs(c.gradient), 1), -1))
        inverse = inverted(_gram(objective, rows, columns, c, column), site, columns.penalty[column], data.real)
        c = c._replace(length=np.zeros(len(phi)), kept=np.zeros_like(c.kept))
        c = _climb(objective, rows, columns, inverse, c, EVERY)
    return Arrived(*jax.device_get((c.phi, c.gradient, c.behind, c.looks, *_spread(rows, columns, c.phi))))


@one_thread
def inverted(gram: Any, site: int, penalty: Any, real: type) -> np.ndarray:
    """Inverse of the covariance of y with its penalty; the spin's own row and column stand apart."""
    M = np.asarray(gram) / np.asarray(gram)[site, site]
    H = M - np.outer(M[site], M[site])  # a flip has x_i y = -x: the row of the spin itself is the mean
    diagonal = np.diag(H) + float(penalty)
    diagonal = np.where(diagonal > 1e-12, diagonal, 1)  # what never varies, the spin itself among it
    np.fill_diagonal(H, diagonal * (1 + 100 * float(np.finfo(real).eps)))
    try:
        return scipy.linalg.cho_solve(scipy.linalg.cho_factor(H), np.eye(len(H)))
    except (np.linalg.LinAlgError, ValueError):  # not positive, or not finite
        return np.diag(1 / diagonal)


def take(table: Table, ids: Any) -> Table:
    """Some rows of a table."""
    return jax.tree.map(lambda a: a[ids], table)


def put(table: Any, ids: np.ndarray, rows: Any) -> None:
    """Rows written into a table."""
    for whole, part in zip(table, rows, strict=True):
        whole[ids] = part


_spread = jax.jit(spread)
_climb = jax.jit(climb, static_argnums=0)

_gram = jax.jit(gram, static_argnums=0)

"""States, flips and their moments on the host, dealt into chunks: what the ascent reads."""

import dataclasses
import functools

import jax
import numpy as np

from ..numerics import one_thread
from ._site_ascent import SiteRows
from ._site_flips import Flips, SiteFlips

ROWS = 1024  # in a chunk, on a CPU
SIDE_BY_SIDE = 16  # times as many on an accelerator
SUMMED = 8192  # in a chunk of sums on the host
FEW_FLIPS = 0.05  # share of states from which a spin flips below which it reads its own flips alone


@dataclasses.dataclass(frozen=True)
class Folds:
    """Fold of each row, numbered from 0, and how many there are: none for a fit to all rows alone."""

    of: np.ndarray
    count: int

    @property
    def columns(self) -> int:
        """All rows, then all rows but those of each fold."""
        return 1 + self.count


@dataclasses.dataclass(frozen=True)
class SiteData:
    """Flips of every spin and the folds of their rows, with what all fits share."""

    flips: Flips
    g: SiteFlips
    folds: Folds

    @property
    def d(self) -> int:
        """Columns of the states, a constant one among them where the set has single-unit terms."""
        return self.g.size(self.flips.n_units)

    @property
    def real(self) -> type:
        """Precision of products and exponents."""
        return np.float64 if self.flips.pairs.population else np.float32

    @property
    def crowded(self) -> bool:
        """Whether products of all states with the coefficients of many spins mostly meet flips."""
        return bool(self.flips.counts.sum() > FEW_FLIPS * self.flips.flipped.size)

    def rows_of(self, fold: int) -> np.ndarray:
        """Rows of a fold; all of them where there are no folds."""
        return np.flatnonzero(self.folds.of == fold) if self.folds.count else np.arange(len(self.folds.of))

    def states(self, rows: np.ndarray | slice) -> np.ndarray:
        """Some states, (rows, d), int8."""
        x = self.flips.pairs.x[rows]
        return np.column_stack([x, np.ones((len(x), 1), np.int8)]) if self.d > x.shape[1] else x

    def signs(self, rows: np.ndarray | slice, sites: np.ndarray | slice | int) -> np.ndarray:
        """x_i where spin i flips, 0 elsewhere."""
        return self.flips.pairs.x[rows][:, sites] * self.flips.flipped[rows][:, sites]

    @functools.cached_property
    @one_thread
    def moments(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """In each fold the weight of the flips of every spin, the sum of its squares, and <y> times the weight."""
        n, count = self.flips.n_units, max(1, self.folds.count)
        weight, squares, pulls = np.zeros((count, n)), np.zeros((count, n)), np.zeros((count, n, self.d))
        for fold in range(count):
            for part in parts(self.rows_of(fold)):
                w, flipped = self.flips.w[part], self.flips.flipped[part].astype(float)
                sums = np.stack([w, w**2]) @ flipped
                weight[fold], squares[fold] = weight[fold] + sums[0], squares[fold] + sums[1]
                s = self.signs(part, slice(None)) * w[:, None].astype(self.real)
                pulls[fold] -= s.T @ self.states(part).astype(self.real)
        return weight, squares, pulls

    @functools.cached_property
    @one_thread
    def second_moment(self) -> np.ndarray:
        """Mean of x x over all states, (d, d)."""
        sums = np.zeros((self.d, self.d))
        for rows in self.flips.pairs.slices(SUMMED):
            x: np.ndarray = self.states(rows).astype(self.real)
            sums += (x * self.flips.w[rows, None].astype(self.real)).T @ x
        return sums / self.flips.w.sum()

    def column_moments(self, sites: np.ndarray, left_out: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Weight, effective number and mean of y of spins without a fold (-1: with all)."""
        out = left_out >= 0
        weight, squares, pulls = (
            m.sum(0)[sites] - np.where(_tall(out, m), m[left_out, sites], 0) for m in self.moments
        )
        positive = weight > 1e-12 * self.moments[0].sum(0)[sites]  # what rounding leaves is nothing
        n = np.divide(weight**2, squares, out=np.zeros_like(weight), where=positive)
        mean = pulls / np.where(positive, weight, 1)[:, None]
        mean[np.arange(len(sites)), sites] = 0
        return weight * positive, np.where(positive & self.flips.pairs.population, np.inf, n), mean

    @functools.cached_property
    def all_rows(self) -> SiteRows:
        """All states in chunks, without signs."""
        size = min(ROWS if jax.default_backend() == "cpu" else ROWS * SIDE_BY_SIDE, _power(len(self.flips.w)))
        return self.chunks(np.arange(len(self.flips.w)), size, few_shapes(len(self.flips.w), size))

    def with_signs(self, sites: np.ndarray) -> SiteRows:
        """All states with the signs of some spins."""
        rows = self.all_rows
        chunks, size = rows.w.shape
        s = np.zeros((chunks, len(sites), size), np.int8)
        for k in range(chunks):
            signs = self.signs(slice(k * size, (k + 1) * size), sites)
            s[k, :, : len(signs)] = signs.T
        return rows._replace(s=s)

    def own_rows(self, site: int) -> SiteRows:
        """The states from which one spin flips, in the room that the spin which flips most would need."""
        rows, most = self.flips.of(site), int(self.flips.counts.max())
        size = min(ROWS, _power(most))
        return self.chunks(rows, size, few_shapes(most, size), self.signs(rows, site))

    def chunks(self, rows: np.ndarray, size: int, chunks: int, s: np.ndarray | None = None) -> SiteRows:
        """Some states, padded with weights of zero."""
        whole = size * chunks
        x, signs = np.zeros((whole, self.d), np.int8), np.zeros(whole, np.int8)
        w: np.ndarray = np.zeros(whole, self.real)
        fold = np.zeros(whole, np.int32)
        x[: len(rows)], w[: len(rows)], fold[: len(rows)] = self.states(rows), self.flips.w[rows], self.folds.of[rows]
        signs[: len(rows)] = 0 if s is None else s
        used, shape = np.asarray(-(-len(rows) // size)), (chunks, size)
        s = signs.reshape(chunks, 1, size)
        return SiteRows(x.reshape(*shape, self.d), w.reshape(shape), fold.reshape(shape), s, used)


def parts(rows: np.ndarray) -> list[np.ndarray]:
    """Rows some at a time."""
    return [rows[start : start + SUMMED] for start in range(0, len(rows), SUMMED)]


def few_shapes(rows: int, size: int) -> int:
    """Number of chunks to make room for, empty ones too, which cost nothing: a program serves all that share it."""
    power = 1 << (-(-rows // size) - 1).bit_length()
    return power * 3 // 4 if power >= 4 and rows <= power * 3 // 4 * size else power


def _power(count: int) -> int:
    return 1 << max(4, (count - 1).bit_length())


def _tall(a: np.ndarray, like: np.ndarray) -> np.ndarray:
    return a.reshape(-1, *[1] * (like.ndim - 2))

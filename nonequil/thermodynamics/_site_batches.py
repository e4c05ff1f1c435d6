"""Flips of spins on the host, padded and dealt into chunks: what the ascent reads."""

import dataclasses
from collections.abc import Iterator

import jax
import numpy as np

from ._site_flips import Flips, SiteFlips

FLIPS = 4096  # most flips of one spin in a chunk
FEWEST = 1024  # what fewer are padded to
TOGETHER = 2**26  # numbers in the observables of the spins that an accelerator solves side by side


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
class Batch:
    """Flips of spins with similar numbers of them, padded to one shape: the states x (spins, chunks, flips, d), int8.

    `rows` of each spin, dealt to the chunks in turn; `w` (spins, chunks, columns, flips), each column summing to one,
    in the precision of products and exponents (single for samples); `n` (spins, columns) the effective number of flips;
    `fold` (spins, chunks, flips) the column that was fitted without the flip.
    """

    sites: np.ndarray
    rows: list[np.ndarray]
    x: np.ndarray
    w: np.ndarray
    n: np.ndarray
    fold: np.ndarray

    @property
    def places(self) -> np.ndarray:
        """Column of each spin in its states, where the last stands in for missing ones."""
        return self.sites[np.minimum(np.arange(len(self.x)), len(self.sites) - 1)]

    def undealt(self, values: np.ndarray) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Each spin with its rows and their values (spins, chunks, flips)."""
        for site, rows, v in zip(self.sites, self.rows, values, strict=False):
            yield int(site), rows, v.T.reshape(-1)[: len(rows)]


def batches(flips: Flips, g: SiteFlips, folds: Folds, active: np.ndarray | None = None) -> Iterator[Batch]:
    """The active spins that flip at all, those of one padded shape side by side."""
    shapes: dict[tuple[int, int], list[int]] = {}
    for site, count in enumerate(flips.counts):
        if count and (active is None or active[site]):
            shapes.setdefault(padded(int(count)), []).append(site)
    for (chunks, size), sites in sorted(shapes.items()):
        most = 1 if jax.default_backend() == "cpu" else max(1, TOGETHER // (chunks * size * g.size(flips.n_units)))
        most = min(most, 1 << (len(sites) - 1).bit_length())
        for start in range(0, len(sites), most):
            yield batch(flips, g, folds, sites[start : start + most], most, chunks, size)


def padded(count: int) -> tuple[int, int]:
    """Number of chunks and of flips a chunk that hold so many: few different shapes, for each is compiled."""
    if count <= FLIPS:
        return 1, FEWEST if count <= FEWEST else FLIPS
    chunks = -(-count // FLIPS)
    power = 1 << (chunks - 1).bit_length()
    return (power * 3 // 4 if power >= 4 and chunks <= power * 3 // 4 else power), FLIPS


def batch(flips: Flips, g: SiteFlips, folds: Folds, sites: list[int], most: int, chunks: int, size: int) -> Batch:
    """The flips of some spins; the last spin stands in for missing ones. Each chunk is a fair sample of all rows."""
    real = np.float64 if flips.pairs.population else np.float32
    x = np.zeros((most, chunks, size, g.size(flips.n_units)), np.int8)
    w, n = np.zeros((most, chunks, folds.columns, size), real), np.zeros((most, folds.columns))
    fold = np.zeros((most, chunks, size), np.int32)
    rows = [flips.of(site) for site in sites]
    for k in range(len(sites)):
        every, n[k] = weights(flips, folds, rows[k])
        for c in range(chunks):
            dealt = rows[k][c::chunks]
            x[k, c, : len(dealt), : flips.n_units] = flips.pairs.x[dealt]
            x[k, c, : len(dealt), flips.n_units :] = 1
            w[k, c, :, : len(dealt)] = every[:, c::chunks]
            fold[k, c, : len(dealt)] = 1 + folds.of[dealt] if folds.count else 0
    for a in (x, w, n, fold):
        a[len(sites) :] = a[len(sites) - 1]
    return Batch(np.asarray(sites), rows, x, w, n, fold)


def weights(flips: Flips, folds: Folds, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights of all rows and of those outside each fold, summing to one, and their effective numbers."""
    inside = np.arange(-1, folds.count)[:, None]  # no row is in the fold numbered -1
    w = flips.w[rows] * (folds.of[rows] != inside)
    sums, squares = w.sum(1), (w**2).sum(1)
    n = np.divide(sums**2, squares, out=np.zeros_like(sums), where=squares > 0)
    w /= np.where(sums > 0, sums, 1)[:, None]
    return w, np.full_like(n, np.inf) if flips.pairs.population else n

"""Flips of spins on the host, padded and dealt into chunks: what the ascent reads."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from ._site_flips import Flips, SiteFlips

FLIPS = 4096  # most flips of one spin in a chunk
TOGETHER = 2**22  # numbers in the observables of the spins that are solved side by side


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
    """Flips of spins with similar numbers of them, padded to one shape: y (spins, chunks, flips, d) int8.

    `rows` of each spin; `w` (spins, chunks, columns, flips), each column summing to one, in the precision of products
    and exponents (single for samples); `n` (spins, columns) the effective number of flips; `fold` (spins, chunks,
    flips) the column that was fitted without the flip.
    """

    sites: np.ndarray
    rows: list[np.ndarray]
    y: np.ndarray
    w: np.ndarray
    n: np.ndarray
    fold: np.ndarray

    def undealt(self, values: np.ndarray) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Each spin with its rows and their values, from those dealt into chunks."""
        flat = values.swapaxes(1, 2).reshape(len(values), -1)
        for k, (site, rows) in enumerate(zip(self.sites, self.rows, strict=True)):
            yield int(site), rows, flat[k, : len(rows)]


def batches(flips: Flips, g: SiteFlips, folds: Folds) -> Iterator[Batch]:
    """The spins that flip at all, those of one padded shape side by side."""
    shapes: dict[tuple[int, int], list[int]] = {}
    for site, count in enumerate(np.count_nonzero(flips.flipped, 0)):
        if count:
            shapes.setdefault(padded(int(count)), []).append(site)
    for (chunks, size), sites in sorted(shapes.items()):
        most = max(1, TOGETHER // (chunks * size * g.size(flips.n_units)))
        most = min(most, 1 << (len(sites) - 1).bit_length())
        for start in range(0, len(sites), most):
            yield batch(flips, g, folds, sites[start : start + most], most, chunks, size)


def padded(count: int) -> tuple[int, int]:
    """Number of chunks and of flips a chunk that hold so many: few different shapes, for each is compiled."""
    if count <= FLIPS:
        return 1, max(256, 1 << (count - 1).bit_length())
    chunks = -(-count // FLIPS)
    power = 1 << (chunks - 1).bit_length()
    return (power * 3 // 4 if power >= 4 and chunks <= power * 3 // 4 else power), FLIPS


def batch(flips: Flips, g: SiteFlips, folds: Folds, sites: list[int], most: int, chunks: int, size: int) -> Batch:
    """The flips of some spins; the last spin stands in for missing ones. Each chunk is a fair sample of all rows."""
    rows, shape = [flips.of(site) for site in sites], (most, chunks * size)
    y, fold = np.zeros((*shape, g.size(flips.n_units)), np.int8), np.zeros(shape, np.int32)
    real = np.float64 if flips.pairs.population else np.float32
    w, n = np.zeros((most, folds.columns, chunks * size), real), np.zeros((most, folds.columns))
    for k, site in enumerate(sites):
        r = rows[k]
        y[k, : len(r)] = flips.observables(site, r, g.single)
        w[k, :, : len(r)], n[k] = weights(flips, folds, r)
        fold[k, : len(r)] = 1 + folds.of[r] if folds.count else 0
    for a in (y, w, n, fold):
        a[len(sites) :] = a[len(sites) - 1]
    w = w.reshape(most, folds.columns, size, chunks).transpose(0, 3, 1, 2)
    deal = lambda a: a.reshape(most, size, chunks, *a.shape[2:]).swapaxes(1, 2)  # noqa: E731
    return Batch(np.asarray(sites), rows, deal(y), w, n, deal(fold))


def weights(flips: Flips, folds: Folds, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights of all rows and of those outside each fold, summing to one, and their effective numbers."""
    inside = np.arange(-1, folds.count)[:, None]  # no row is in the fold numbered -1
    w = flips.w[rows] * (folds.of[rows] != inside)
    sums, squares = w.sum(1), (w**2).sum(1)
    n = np.divide(sums**2, squares, out=np.zeros_like(sums), where=squares > 0)
    w /= np.where(sums > 0, sums, 1)[:, None]
    return w, np.full_like(n, np.inf) if flips.pairs.population else n

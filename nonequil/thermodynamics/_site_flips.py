"""One set of observables for each spin that can flip, and what data say about its flips."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import equinox as eqx
import numpy as np

from .._results import Unit
from ..data import Attempts, Transitions
from ..numerics import one_thread
from ._base import unit_of
from ._function import as_observable
from ._observable import AbstractObservable
from ._pairs import Pairs, newest, read_pairs


class SiteFlips(eqx.Module):
    """Products of the spin that flips with all others, a separate set for each spin: g_ij = (x'_i - x_i) x_j, j != i.

    Where one spin moves at a time, transitions split by the spin that moved, and so does the entropy production:
    Sigma = sum_i p_i KL_i, p_i the share of all attempts in which spin i flips, KL_i the divergence of its flips from
    the reversed ones. Each term is bounded alone, with n - 1 observables, so the bound is tighter and cheaper than one
    with all n (n - 1) together.

    - `single`: adds x'_i - x_i to the set of spin i. It does not change the value where the law of the spins is
      symmetric under a global flip (no fields); with it the value does not depend on the coding of the spins.

    For `MaxEntBound`, `OneStepNewton` and `ThermodynamicUncertainty`, applied to `Attempts` or to `Transitions` in
    which at most one spin changes. Source: Aguilera, Ito & Kolchinsky, PRL 136, 077101 (2026).

    ```python
    nq.thermodynamics.MaxEntBound(nq.thermodynamics.SiteFlips())(nq.Attempts(x, flipped))
    ```
    """

    single: bool = eqx.field(static=True, default=False)

    steps = 1

    def size(self, n: int) -> int:
        """Number of columns that the observables of one spin fill, its own one empty."""
        return n + self.single

    def parameters(self, n: int) -> int:
        """Number d of observables of all spins together."""
        return n * (self.size(n) - 1)


def as_observable_or_sites(observable: Any) -> AbstractObservable | SiteFlips:
    """The set itself, or a function of a pair made one. Raises ValueError for anything else."""
    return observable if isinstance(observable, SiteFlips) else as_observable(observable)


@dataclasses.dataclass(frozen=True)
class Flips:
    """States and the spins that flip from each, on the host.

    `pairs` holds the states, their weights and blocks; `flipped` (rows, n) tells which spins flip; a row stands for
    `attempts` attempts; `rows` carries weights and blocks to the statistics.
    """

    pairs: Pairs
    flipped: np.ndarray
    attempts: int
    rows: Transitions
    unit: Unit

    @property
    def n_units(self) -> int:
        """Number of spins."""
        return self.pairs.n_units

    @property
    def w(self) -> np.ndarray:
        """Weight of each row."""
        return self.pairs.w

    @property
    def n_attempts(self) -> float:
        """Effective number of attempts; infinite for a population."""
        return self.attempts * self.pairs.n

    @functools.cached_property
    @one_thread
    def sums(self) -> np.ndarray:
        """Number of flips of each spin, sum of their weights and of their squares: (3, n)."""
        powers, found = np.stack([self.w > 0, self.w, self.w**2]), np.zeros((3, self.n_units))
        for rows in self.pairs.slices(8192):
            found += powers[:, rows] @ self.flipped[rows].astype(float)  # products of mixed types are slow
        return found

    @property
    def counts(self) -> np.ndarray:
        """Number of flips of each spin."""
        return self.sums[0].astype(int)

    @property
    def n(self) -> float:
        """Effective number of flips of all spins; infinite for a population."""
        _, first, second = self.sums
        return np.inf if self.pairs.population else float(np.sum(first**2 / np.where(second > 0, second, 1)))

    @property
    def shares(self) -> np.ndarray:
        """Share of all attempts in which each spin flips."""
        return self.sums[1] / (self.attempts * self.w.sum())

    def of(self, site: int) -> np.ndarray:
        """Rows from which this spin flips."""
        return np.flatnonzero(self.flipped[:, site] & (self.w > 0))

    def currents(self, phi: np.ndarray, rows: np.ndarray, sites: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Phi_i . y of the flip of some spins from some rows: (rows, sites)."""
        x, n, v = self.pairs.x[rows].astype(phi.dtype), self.n_units, phi[sites]
        field = x @ v[:, :n].T
        return -x[:, sites] * (field + v[:, n] if v.shape[1] > n else field)


@functools.singledispatch
def read_flips(data: Any, spins: Callable = newest) -> Flips:
    """Flips of each spin. Raises ValueError for spins other than -1/+1, and for pairs in which several spins change."""
    raise ValueError(f"data of type {type(data).__name__}: SiteFlips reads Attempts or Transitions")


@read_flips.register
def _(data: Attempts, spins: Callable = newest) -> Flips:
    rows = Transitions(data.x, data.x, weight=data.weight, block=data.block)
    pairs = dataclasses.replace(read_pairs(rows, spins), population=False)
    return Flips(pairs, np.asarray(data.flipped), pairs.n_units, rows, Unit.per_attempt)


@read_flips.register
def _(data: Transitions, spins: Callable = newest) -> Flips:
    pairs = read_pairs(data, spins)
    flipped = pairs.x != pairs.x_next
    changed = np.where(pairs.w > 0, flipped.sum(1), 0)
    for k in np.flatnonzero(changed > 1)[:1]:
        raise ValueError(
            f"x_next differs from x in {changed[k]} spins, at pair {k}: SiteFlips needs a clock that moves one spin at "
            "a time (Sequential); use Cross() for others"
        )
    return Flips(pairs, flipped, 1, data, unit_of(data))

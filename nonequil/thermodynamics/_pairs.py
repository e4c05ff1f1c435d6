"""The spins of transitions on the host, checked once and read in chunks of one size."""

import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .. import statistics
from .._checks import spins as check_spins
from ..data import Attempts, Transitions
from ._base import is_population
from ._observable import AbstractObservable

SPARSE_BELOW = 0.3  # share of bins with its rarer sign under which a unit is taken about its commoner sign


def newest(x: Any) -> Any:
    """A state that is its own spins."""
    return x


def half_of_path(x: Any) -> Any:
    """Several states in the place of one, which are their own spins."""
    return x


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Spins before and after, int8 on the host (views of the data where they can be), weights and blocks.

    `w` (pairs,) float64; `block` (pairs,) numbered from 0 without gaps; `population` as in `is_population`. Halves
    of paths, (pairs, half, n), may stand in the place of spins.
    """

    x: np.ndarray
    x_next: np.ndarray
    w: np.ndarray
    block: np.ndarray
    population: bool

    @property
    def n_units(self) -> int:
        """Number of spins."""
        return self.x.shape[-1]

    @property
    def n(self) -> float:
        """Effective number of pairs (sum w)**2 / sum w**2; infinite for a population."""
        return np.inf if self.population else float(self.w.sum() ** 2 / (self.w @ self.w))

    @property
    def block_weights(self) -> np.ndarray:
        """Sum of the weights of each block."""
        return np.bincount(self.block, self.w)

    def slices(self, size: int) -> Iterator[slice]:
        """Rows of at most `size` pairs at a time."""
        return (slice(k, min(k + size, len(self.x))) for k in range(0, len(self.x), size))


@functools.singledispatch
def read_pairs(t: Transitions, spins: Callable = newest) -> Pairs:
    """The spins of transitions, checked.

    Raises ValueError if they are not -1 or +1, if a pair holds no row of spins, if there is no pair or no weight.
    """
    if len(t) == 0:
        raise ValueError("transitions hold no pair: there is nothing to estimate")
    x, x_next = (host_spins(s, spins, name) for s, name in ((t.x, "x"), (t.x_next, "x_next")))
    w = np.ones(len(t)) if t.weight is None else np.asarray(t.weight, np.float64)
    if not (np.all(np.isfinite(w)) and np.all(w >= 0) and np.any(w > 0)):
        raise ValueError("weight must be finite, not negative and somewhere positive: check the weights of the pairs")
    block = np.unique(np.asarray(statistics.blocks(t)), return_inverse=True)[1]
    return Pairs(x, x_next, w, block.reshape(-1), is_population(t))


@read_pairs.register
def _(t: Attempts, spins: Callable = newest) -> Pairs:
    raise ValueError("Attempts hold no pairs: pass attempts.transitions(), or bound them with SiteFlips()")


def host_spins(states: Any, spins: Callable, name: str) -> np.ndarray:
    """The spins of a pytree of states as int8 on the host. Raises ValueError unless all are -1 or +1."""
    if spins not in (newest, half_of_path):
        states = jax.vmap(spins)(jax.tree.map(jnp.asarray, states))
    shapes = [np.shape(leaf) for leaf in jax.tree.leaves(states)]
    if len(shapes) != 1 or len(shapes[0]) != (3 if spins is half_of_path else 2):
        raise ValueError(f"{name} must hold one row of spins a pair, found shapes {shapes}: pass spins=dynamics.spins")
    x = np.asarray(states)
    for start in range(0, len(x), 65536):
        if not np.all(np.abs(x[start : start + 65536]) == 1):
            check_spins(x, name)
    return x if x.dtype == np.int8 else x.astype(np.int8)


def with_centre(observable: AbstractObservable, pairs: Pairs) -> AbstractObservable:
    """The same span in a well-conditioned basis, or the set as it is where it has no single-unit terms.

    Products are taken about the mean, or about the commoner sign where a unit is sparse, so that most of them vanish.
    """
    if not observable.spans_single:
        return observable
    first = pairs.x.reshape(len(pairs.x), -1, pairs.n_units)[:, 0]
    mean = sum(pairs.w[rows] @ first[rows] for rows in pairs.slices(65536)) / pairs.w.sum()
    sparse = 1 - np.abs(mean) < 2 * SPARSE_BELOW
    return observable.centred(jnp.asarray(np.where(sparse, np.where(mean > 0, 1.0, -1.0), mean)))


def about_zero(g: AbstractObservable, theta: np.ndarray, n_units: int) -> tuple[AbstractObservable, np.ndarray]:
    """What `with_centre` returned and its coefficients, with products about zero where it chose a centre."""
    if not g.spans_single:
        return g, theta
    return g.centred(jnp.zeros(n_units)), np.asarray(g.restored(jnp.asarray(theta), n_units)[0])

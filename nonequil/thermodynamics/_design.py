"""Observables of all pairs as a linear map, never listed as a pairs x d matrix."""

import abc
import dataclasses
import functools
from collections.abc import Iterator

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse

from ._base import pad
from ._observable import AbstractObservable
from ._pairs import Pairs

ONE_CHUNK = 2**22  # number of entries that are kept as they are (32 MB)
SPARSE = 0.03  # share of nonzero entries below which observables are kept as a sparse matrix
MAX_NONZERO = 10**8  # and the number of entries above which they are not (1.2 GB)
EXACT_IN_FLOAT32 = 2.0**24  # sums of integers below this are exact in float32


class AbstractDesign(abc.ABC):
    """The matrix G of g(first, second), a row a pair, seen through its products with vectors. float64 throughout."""

    size: int
    lists_quickly: bool  # whether a second moment costs no more than some ten projections

    @abc.abstractmethod
    def project(self, theta: np.ndarray) -> np.ndarray:
        """`G theta` for theta (d, k): (pairs, k)."""

    @abc.abstractmethod
    def pull(self, w: np.ndarray) -> np.ndarray:
        """`G^T w` for w (pairs, k): (d, k)."""

    @abc.abstractmethod
    def block_sums(self, w: np.ndarray, block: np.ndarray) -> np.ndarray:
        """Weighted sum of the rows of each block: (blocks, d)."""

    @abc.abstractmethod
    def squares(self, w: np.ndarray) -> np.ndarray:
        """The diagonal of `second_moment(w)`."""

    @abc.abstractmethod
    def second_moment(self, w: np.ndarray) -> np.ndarray:
        """`G^T diag(w) G`: (d, d)."""


class SparseDesign(AbstractDesign):
    """Few observables of a pair differ from zero (products of 0/1 spikes): kept as a sparse matrix."""

    def __init__(self, matrix: scipy.sparse.csr_array) -> None:
        self.matrix, self.size, self.lists_quickly = matrix, matrix.shape[1], True

    @functools.cached_property
    def _transposed(self) -> scipy.sparse.csr_array:
        return self.matrix.T.tocsr()

    def project(self, theta: np.ndarray) -> np.ndarray:
        """One sparse product."""
        return self.matrix @ theta

    def pull(self, w: np.ndarray) -> np.ndarray:
        """One sparse product."""
        return self._transposed @ w

    def block_sums(self, w: np.ndarray, block: np.ndarray) -> np.ndarray:
        """One sparse product."""
        member = scipy.sparse.csr_array((w, (block, np.arange(len(w)))))
        return (member @ self.matrix).toarray()

    def squares(self, w: np.ndarray) -> np.ndarray:
        """One sparse product."""
        return self._transposed.power(2) @ w

    def second_moment(self, w: np.ndarray) -> np.ndarray:
        """Only pairs of observables that are both nonzero contribute."""
        weighted = self.matrix.copy()
        weighted.data = weighted.data * np.repeat(w, np.diff(self.matrix.indptr))
        return (self._transposed @ weighted).toarray()


class ListedDesign(AbstractDesign):
    """No more numbers than one chunk holds: kept as they are."""

    def __init__(self, matrix: np.ndarray) -> None:
        self.matrix, self.size, self.lists_quickly = matrix, matrix.shape[1], True

    def project(self, theta: np.ndarray) -> np.ndarray:
        """One product."""
        return self.matrix @ theta

    def pull(self, w: np.ndarray) -> np.ndarray:
        """One product."""
        return self.matrix.T @ w

    def block_sums(self, w: np.ndarray, block: np.ndarray) -> np.ndarray:
        """One sparse product."""
        return scipy.sparse.csr_array((w, (block, np.arange(len(w))))) @ self.matrix

    def squares(self, w: np.ndarray) -> np.ndarray:
        """One product."""
        return w @ self.matrix**2

    def second_moment(self, w: np.ndarray) -> np.ndarray:
        """One product."""
        return (self.matrix * w[:, None]).T @ self.matrix


@dataclasses.dataclass
class ChunkedDesign(AbstractDesign):
    """Observables evaluated anew in each chunk, by the observable's own matrix products. Call in double precision."""

    observable: AbstractObservable
    pairs: Pairs
    backwards: bool

    def __post_init__(self) -> None:
        self.size = self.observable.size(self.pairs.n_units)
        self.lists_quickly = len(self.pairs.x) * self.size**2 < 10**10

    def project(self, theta: np.ndarray) -> np.ndarray:
        """Chunk by chunk; all columns of theta together."""
        columns = jnp.asarray(theta)
        parts = []
        for rows, x, x_next in self._chunks(theta.shape[1]):
            part = _project(self.observable, columns, x, x_next)
            parts.append(np.asarray(part)[: rows.stop - rows.start])
        return np.concatenate(parts)

    def pull(self, w: np.ndarray) -> np.ndarray:
        """Chunk by chunk; sums across chunks in double precision."""
        total = np.zeros((self.size, w.shape[1]))
        for rows, x, x_next in self._chunks(w.shape[1]):
            part = np.zeros((x.shape[0], w.shape[1]))
            part[: rows.stop - rows.start] = w[rows]
            total += np.asarray(_pull(self.observable, jnp.asarray(part), x, x_next))
        return total

    def block_sums(self, w: np.ndarray, block: np.ndarray) -> np.ndarray:
        """Pairs in the order of their blocks, so that a chunk meets few of them."""
        order = np.argsort(block, kind="stable")
        total = np.zeros((block.max() + 1, self.size))
        for rows in self.pairs.slices(4096):
            picked = order[rows]
            met, member = np.unique(block[picked], return_inverse=True)
            columns = np.zeros((4096, 1 << (len(met) - 1).bit_length()))
            columns[np.arange(len(picked)), member.reshape(-1)] = w[picked]
            x, x_next = (jnp.asarray(pad(s[picked], 4096)) for s in self._ends())
            total[met] += np.asarray(_pull(self.observable, jnp.asarray(columns), x, x_next)).T[: len(met)]
        return total

    def squares(self, w: np.ndarray) -> np.ndarray:
        """Chunk by chunk."""
        return sum((w[rows] @ g**2 for rows, g in self.listed()), np.zeros(self.size))

    def second_moment(self, w: np.ndarray) -> np.ndarray:
        """Products of listed chunks; whole numbers are multiplied in single precision, where that is exact."""
        total = np.zeros((self.size, self.size))
        for rows, g in self.listed():
            root = g * np.sqrt(w[rows, None])
            whole = np.max(np.abs(root)) ** 2 * len(root) < EXACT_IN_FLOAT32 and np.all(root == np.rint(root))
            root = root.astype(np.float32) if whole else root
            total += root.T @ root
        return total

    def listed(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Rows of G, a chunk at a time."""
        for rows, x, x_next in self._chunks(max(1, self.size // 16)):
            yield rows, np.asarray(_features(self.observable, x, x_next))[: rows.stop - rows.start]

    def _chunks(self, columns: int) -> Iterator[tuple[slice, jax.Array, jax.Array]]:
        size = int(np.clip(2**24 // (columns * self.pairs.n_units), 512, 16384))
        for rows in self.pairs.slices(size):
            x, x_next = (jnp.asarray(pad(s[rows], min(size, len(s)))) for s in self._ends())
            yield rows, x, x_next

    def _ends(self) -> tuple[np.ndarray, np.ndarray]:
        """Spins before and after, or after and before."""
        return (self.pairs.x_next, self.pairs.x) if self.backwards else (self.pairs.x, self.pairs.x_next)


def design(observable: AbstractObservable, pairs: Pairs, *, backwards: bool = False) -> AbstractDesign:
    """The observables of the pairs (of the reversed ones with `backwards`), as the cheapest map that holds them."""
    dense = ChunkedDesign(observable, pairs, backwards)
    if len(pairs.x) * dense.size <= ONE_CHUNK:
        return ListedDesign(np.concatenate([g for _, g in dense.listed()]))
    picked = np.unique(np.linspace(0, len(pairs.x) - 1, 1024).astype(int))
    x, x_next = (jnp.asarray(s[picked]) for s in dense._ends())
    density = float(jnp.mean(_features(observable, x, x_next) != 0))
    if density > SPARSE or density * len(pairs.x) * dense.size > MAX_NONZERO:
        return dense
    rows = [scipy.sparse.csr_array(g) for _, g in dense.listed()]
    return SparseDesign(scipy.sparse.vstack(rows, format="csr"))


@eqx.filter_jit
def _features(observable: AbstractObservable, x: jax.Array, x_next: jax.Array) -> jax.Array:
    return observable.features(x, x_next)


@eqx.filter_jit
def _project(observable: AbstractObservable, theta: jax.Array, x: jax.Array, x_next: jax.Array) -> jax.Array:
    return jax.vmap(lambda column: observable.project(column, x, x_next), in_axes=1, out_axes=1)(theta)


@eqx.filter_jit
def _pull(observable: AbstractObservable, w: jax.Array, x: jax.Array, x_next: jax.Array) -> jax.Array:
    return jax.vmap(lambda column: observable.pull(column, x, x_next), in_axes=1, out_axes=1)(w)

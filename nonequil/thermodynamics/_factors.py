"""Coefficients of pairs of units as products of a few vectors a unit."""

import abc
import functools
from itertools import accumulate
from typing import Any

import numpy as np

from ._cross import Cross
from ._delta import Delta
from ._observables import Observables


class AbstractFactors(abc.ABC):
    """A block of theta as a function of free parameters."""

    count: int  # of parameters
    size: int  # of the block of theta
    largest_rank: int  # the rank from which on every block can be reached; 0 where there is no matrix

    @abc.abstractmethod
    def theta(self, parameters: np.ndarray) -> np.ndarray:
        """The block."""

    @abc.abstractmethod
    def pull(self, parameters: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """Derivative by the parameters of what has this `gradient` by the block."""

    @abc.abstractmethod
    def nearest(self, theta: np.ndarray) -> np.ndarray:
        """Parameters of the block that is nearest to `theta` in the sum of squares."""

    @abc.abstractmethod
    def norm(self, gradient: np.ndarray) -> float:
        """The largest singular value of a gradient by the block as a matrix; 0 where it is none."""


class Free(AbstractFactors):
    """A block without structure: its parameters are itself."""

    def __init__(self, size: int) -> None:
        self.count, self.size, self.largest_rank = size, size, 0

    def theta(self, parameters: np.ndarray) -> np.ndarray:
        """The parameters."""
        return parameters

    def pull(self, parameters: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """The gradient."""
        return gradient

    def nearest(self, theta: np.ndarray) -> np.ndarray:
        """The block."""
        return theta

    def norm(self, gradient: np.ndarray) -> float:
        """No matrix."""
        return 0.0


class Square(AbstractFactors):
    """All entries of A B^T, row by row; A and B have `rank` columns."""

    def __init__(self, n: int, rank: int) -> None:
        self.n, self.rank, self.count, self.size, self.largest_rank = n, rank, 2 * n * rank, n * n, n

    def theta(self, parameters: np.ndarray) -> np.ndarray:
        """A B^T."""
        A, B = parameters.reshape(2, self.n, self.rank)
        return (A @ B.T).reshape(-1)

    def pull(self, parameters: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """G B and G^T A."""
        A, B = parameters.reshape(2, self.n, self.rank)
        G = gradient.reshape(self.n, self.n)
        return np.stack([G @ B, G.T @ A]).reshape(-1)

    def nearest(self, theta: np.ndarray) -> np.ndarray:
        """The largest singular values (Eckart & Young), shared evenly between A and B."""
        U, s, Vt = np.linalg.svd(theta.reshape(self.n, self.n))
        root = np.sqrt(s[: self.rank])
        return np.stack([U[:, : self.rank] * root, Vt[: self.rank].T * root]).reshape(-1)

    def norm(self, gradient: np.ndarray) -> float:
        """Of the gradient by A B^T."""
        return float(np.linalg.norm(gradient.reshape(self.n, self.n), 2))


class Antisymmetric(AbstractFactors):
    """The upper triangle of A B^T - B A^T: `rank` planes, in each of which one vector pulls on the other."""

    def __init__(self, n: int, rank: int) -> None:
        self.square, self.upper = Square(n, rank), np.triu_indices(n, 1)
        self.n, self.count, self.size, self.largest_rank = n, self.square.count, n * (n - 1) // 2, n // 2

    def theta(self, parameters: np.ndarray) -> np.ndarray:
        """A B^T - B A^T above the diagonal."""
        M = self.square.theta(parameters).reshape(self.n, self.n)
        return (M - M.T)[self.upper]

    def pull(self, parameters: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """That of A B^T, by the antisymmetric matrix of the gradient."""
        return self.square.pull(parameters, self._filled(gradient))

    def nearest(self, theta: np.ndarray) -> np.ndarray:
        """The planes of the largest eigenvalues of i T: T x = s y and T y = -s x for an eigenvector x + i y."""
        s, z = np.linalg.eigh(1j * self._filled(theta))
        root = np.sqrt(2 * np.maximum(s[::-1][: self.square.rank], 0))
        planes = z[:, ::-1][:, : self.square.rank] * root
        return np.stack([planes.imag, planes.real]).reshape(-1)

    def norm(self, gradient: np.ndarray) -> float:
        """Of the gradient by A B^T."""
        return self.square.norm(self._filled(gradient))

    def _filled(self, theta: np.ndarray) -> np.ndarray:
        T = np.zeros((self.n, self.n))
        T[self.upper] = theta
        return T - T.T


class Joined(AbstractFactors):
    """Blocks one after the other."""

    def __init__(self, parts: list[AbstractFactors]) -> None:
        self.parts = parts
        self.count, self.size = (sum(getattr(part, name) for part in parts) for name in ("count", "size"))
        self.largest_rank = max(part.largest_rank for part in parts)

    def theta(self, parameters: np.ndarray) -> np.ndarray:
        """Each from its own parameters."""
        pieces = self._split(parameters, "count")
        return np.concatenate([part.theta(piece) for part, piece in zip(self.parts, pieces, strict=True)])

    def pull(self, parameters: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """Each by its own parameters."""
        pieces = zip(self.parts, self._split(parameters, "count"), self._split(gradient, "size"), strict=True)
        return np.concatenate([part.pull(piece, slope) for part, piece, slope in pieces])

    def nearest(self, theta: np.ndarray) -> np.ndarray:
        """Each to its own block."""
        pieces = self._split(theta, "size")
        return np.concatenate([part.nearest(piece) for part, piece in zip(self.parts, pieces, strict=True)])

    def norm(self, gradient: np.ndarray) -> float:
        """The largest of the parts."""
        pieces = self._split(gradient, "size")
        return max(part.norm(piece) for part, piece in zip(self.parts, pieces, strict=True))

    def _split(self, vector: np.ndarray, name: str) -> list[np.ndarray]:
        return np.split(vector, list(accumulate(getattr(part, name) for part in self.parts))[:-1])


@functools.singledispatch
def factors_of(observable: Any, n: int, rank: int) -> AbstractFactors:
    """How the coefficients of a set of observables of n units are held at low rank: free where they are no matrix."""
    return Free(observable.size(n))


@factors_of.register
def _(observable: Cross, n: int, rank: int) -> AbstractFactors:
    return Antisymmetric(n, rank)


@factors_of.register
def _(observable: Delta, n: int, rank: int) -> AbstractFactors:
    return Square(n, rank)


@factors_of.register
def _(observable: Observables, n: int, rank: int) -> AbstractFactors:
    return Joined([factors_of(part, n, rank) for part in observable.parts])

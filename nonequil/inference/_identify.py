"""Which parameters the data determine: constant units, infinite coefficients, collinear senders."""

import dataclasses

import numpy as np

from ._passes import counts
from ._rows import Rows

HELD = 3.5  # |J| of a coefficient known to be infinite: 14 log-odds between the two states of the sender
CERTAIN = 7.0  # |H| of a unit that never changes: log-odds of 14
SINGULAR = 1e-10  # eigenvalue of a correlation matrix below which features count as collinear


@dataclasses.dataclass(frozen=True)
class Problem:
    """One fit of all neurons: what is free, where it starts, what is penalised.

    `free` (n, p) marks fitted parameters of (H, J, drive weights); `start` (n, p) holds their first values and those
    of the held ones. `null` (n, p, q) spans, neuron by neuron, the directions in which the likelihood is flat,
    orthonormal in all but the bias; None where there are none. `infinite` (n, n) is the sign of coefficients held
    because they are infinite, `constant` (n,) marks units that never change; `gram` (p, p) sums w z z^T over the pairs,
    `cross` (n, p) w s' z^T, s' the spins that followed.
    """

    rows: Rows
    free: np.ndarray
    start: np.ndarray
    infinite: np.ndarray
    constant: np.ndarray
    null: np.ndarray | None
    gram: np.ndarray
    cross: np.ndarray
    l2: float = 0.0
    l1: float = 0.0

    @property
    def coupled(self) -> np.ndarray:
        """Which features are past spins: the penalised ones."""
        return (np.arange(self.free.shape[1]) > 0) & (np.arange(self.free.shape[1]) <= self.rows.n)

    @property
    def up(self) -> np.ndarray:
        """Sum of the spins that followed, weighted, (n,)."""
        return self.cross[:, 0]

    @property
    def prior(self) -> np.ndarray:
        """The l2 penalty as a matrix, (p, p)."""
        return np.diag(self.l2 * self.coupled)

    @property
    def ridge(self) -> np.ndarray:
        """The quadratic penalty, (n or 1, p, p): l2 on couplings, and a free choice of scale on flat directions."""
        ridge = self.prior[None]
        return ridge if self.null is None else ridge + self.stiffness * self.null_projector

    def pull(self, theta: np.ndarray, neurons: np.ndarray) -> np.ndarray:
        """Gradient (k, p) of the quadratic penalty of these neurons."""
        if self.null is None:
            return self.l2 * self.coupled * theta
        return np.squeeze(self.ridge[neurons] @ theta[:, :, None], axis=2)

    def residual(self, theta: np.ndarray, gradient: np.ndarray, neurons: np.ndarray | slice) -> np.ndarray:
        """Largest entry of the gradient per transition, or of the smallest subgradient under an l1 penalty."""
        pull = self.l1 * self.coupled * self.free[neurons]
        least = np.where(theta == 0, np.maximum(np.abs(gradient) - pull, 0), np.abs(gradient + pull * np.sign(theta)))
        return least.max(axis=1) / self.rows.weight

    @property
    def stiffness(self) -> float:
        """Curvature given to flat directions; the optimum does not depend on it."""
        return self.rows.weight / 100

    @property
    def null_projector(self) -> np.ndarray:
        """Projector on the flat directions, the bias left out, (n, p, p)."""
        null = np.zeros((*self.free.shape, 0)) if self.null is None else self.null.copy()
        null[:, 0] = 0
        return null @ null.swapaxes(1, 2)


def pose(rows: Rows, mask: np.ndarray | None, drive_mask: np.ndarray | None, l2: float, l1: float) -> Problem:
    """The problem that these rows and masks pose, with what is constant, infinite or collinear found."""
    n, p = rows.n, rows.features
    counted = rows.counted()
    gram, cross = counts(counted)
    weighed = (gram, cross) if counted is rows else counts(rows)
    target = np.abs(cross[:, 0]) >= gram[0, 0] - 0.5
    sender = np.abs(gram[0, 1 : n + 1]) >= gram[0, 0] - 0.5
    allowed = np.ones((n, p), bool)
    allowed[:, 1 : n + 1] = (True if mask is None else mask) & ~sender
    allowed[:, n + 1 :] = True if drive_mask is None else drive_mask
    allowed[target] = False
    infinite, away = _empty_cells(gram, cross, n)
    finite_anyway = l2 > 0 or l1 > 0
    infinite = np.where(allowed[:, 1 : n + 1], 0 if finite_anyway else infinite, 0)
    free = allowed.copy()
    free[:, 1 : n + 1] &= infinite == 0
    start = np.zeros((n, p))
    start[:, 1 : n + 1] = HELD * infinite
    mean = np.clip(weighed[1][:, 0] / rows.weight, -1 + 1e-12, 1 - 1e-12)
    start[:, 0] = np.where(target, CERTAIN * np.sign(mean), np.arctanh(mean) + (away * start[:, 1 : n + 1]).sum(axis=1))
    return Problem(rows, free, start, infinite, target | sender, _flat(gram, free), *weighed, l2, l1)


def _empty_cells(gram: np.ndarray, cross: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Sign of the coefficients that an empty cell of a pair's 2 x 2 table sends to infinity, and the past it names.

    If present spin a never follows past spin b, the likelihood of neuron i grows without end in -a b J_ij, at fixed
    field for past spin -b.
    """
    sign, away = np.zeros((n, n)), np.zeros((n, n))
    for a in (-1, 1):
        for b in (-1, 1):
            cell = (gram[0, 0] + a * cross[:, :1] + b * gram[0, 1 : n + 1] + a * b * cross[:, 1 : n + 1]) / 4
            empty = (cell < 0.5) & (sign == 0)
            sign[empty], away[empty] = -a * b, b
    return sign, away


def _flat(gram: np.ndarray, free: np.ndarray) -> np.ndarray | None:
    """Directions of each neuron's free parameters in which no field changes, padded with zeros; None if none does."""
    varying = np.asarray(free.any(axis=0))
    if not varying.any() or _kernel(gram, varying).shape[1] == 0:
        return None
    kernels = [_kernel(gram, row) for row in free]
    width = max(kernel.shape[1] for kernel in kernels)
    null = np.zeros((*free.shape, width))
    for i, kernel in enumerate(kernels):
        null[i, :, : kernel.shape[1]] = kernel
    return null if width else None


def _kernel(gram: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Null vectors of the Gram matrix of some features, (p, q), orthonormal in all components but the bias."""
    at = np.flatnonzero(free)
    if len(at) == 0:
        return np.zeros((len(free), 0))
    scale = np.sqrt(np.diag(gram)[at])
    scale = np.where(scale > 0, scale, 1)
    values, vectors = np.linalg.eigh(gram[np.ix_(at, at)] / np.outer(scale, scale))
    kernel = np.zeros((len(free), int((values < SINGULAR * values[-1]).sum())))
    kernel[at] = vectors[:, : kernel.shape[1]] / scale[:, None]
    if kernel.shape[1]:
        _, factor = np.linalg.qr(kernel[1:])
        kernel = kernel @ np.linalg.inv(factor)
    return kernel

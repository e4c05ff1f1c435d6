"""Hessians for Newton's method: exact where that is cheap, else sampled, and kept as long as they serve."""

import numpy as np

from ._grams import grams, sparsity
from ._identify import Problem
from ._rows import Rows

LEAST, MOST = 1e-12, 1e-3  # curvature given to every transition, relative to the mean one, so that none is quite flat
SHORT = 0.3  # part of a step below which the quadratic model was too flat
DENSE = 2e11  # products of one evaluation of all dense Hessians
SPARSE = 5e6  # pairs of features held for the sparse ones
ENOUGH = 50  # rows a parameter that a sampled Hessian has at least
SERVES = 0.3  # a Hessian is kept while each step lowers the gradient by this factor
LIMIT = 2**30  # bytes of kept Hessians


def dense_rows(rows: Rows) -> int:
    """Rows of which sums of pair products may be taken for all neurons."""
    return int(max(DENSE / (rows.n * rows.features**2), ENOUGH * rows.features))


class Curvature:
    """Second derivatives of the likelihood, one matrix a neuron.

    The gradient decides where a fit ends, the Hessian only how fast, so very long recordings give it from evenly
    spaced transitions, and dense ones are taken anew only where a step no longer lowers the gradient.
    """

    def __init__(self, problem: Problem):
        rows, p = problem.rows, problem.rows.features
        sparse, held = sparsity(rows)
        self.rows, self.factor = rows.thinned(int(SPARSE / held) if sparse else dense_rows(rows))
        self.gram = problem.gram / problem.gram[0, 0]
        self.floor = np.full(rows.n, LEAST)
        keep = not sparse and 8 * rows.n * p**2 <= LIMIT
        self.kept = np.zeros((rows.n, p, p)) if keep else None
        self.stale = np.ones(rows.n, bool)

    def hessians(self, theta: np.ndarray, neurons: np.ndarray) -> np.ndarray:
        """Hessians (k, p, p) of these neurons, no direction quite flat."""
        if self.kept is None:
            hessian = self.factor * grams(theta, self.rows, neurons)
        else:
            old = neurons[self.stale[neurons]]
            if len(old):
                self.kept[old] = self.factor * grams(theta, self.rows, old)
            hessian = self.kept[neurons]
        return hessian + self.floor[neurons, None, None] * hessian[:, :1, :1] * self.gram

    def judge(self, neurons: np.ndarray, left: np.ndarray, size: np.ndarray) -> np.ndarray:
        """Learn from a step that kept `left` of the gradient and was taken at `size` (0 if not): who should give up.

        A step cut short came from too flat a model (it overshot where sigmoids saturate): more curvature is given.
        """
        self.stale[neurons] = left > SERVES
        hopeless = (size == 0) & (self.floor[neurons] >= MOST)
        self.floor[neurons] = np.where(size < SHORT, MOST, np.maximum(self.floor[neurons] / 10, LEAST))
        return hopeless

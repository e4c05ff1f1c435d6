"""Fits of parts of the data, warm from one to the next."""

import dataclasses

import numpy as np

from ._identify import Problem, pose
from ._newton import Solution, maximise
from ._rows import Rows

MAX_STEPS = 100


@dataclasses.dataclass
class Part:
    """Some of the pairs: their rows, and the solution found on them last."""

    rows: Rows
    mask: np.ndarray | None
    start: np.ndarray | None = None
    posed: dict[bool, Problem] = dataclasses.field(default_factory=dict)

    def solve(self, l2: float, l1: float, tolerance: float) -> tuple[Problem, Solution]:
        """The problem and its solution for these penalties, started from the last one."""
        finite = l2 + l1 > 0
        if finite not in self.posed:
            self.posed[finite] = pose(self.rows, self.mask, None, l2, l1)
        problem = dataclasses.replace(self.posed[finite], l2=l2, l1=l1)
        solution = maximise(problem, self.start, tolerance, MAX_STEPS)
        self.start = solution.theta
        return problem, solution


def without(rows: Rows, fold: np.ndarray, mask: np.ndarray | None, start: np.ndarray | None) -> list[Part]:
    """For each fold, the pairs outside it."""
    weights = (rows.pair_weight * (fold != k) for k in range(int(fold.max()) + 1))
    return [Part(rows.reweighted(weight), mask, start) for weight in weights]

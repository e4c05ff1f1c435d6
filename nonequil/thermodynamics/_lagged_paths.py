"""Bounds on paths of several steps: the bounds on pairs, given the two halves of each path in the place of a pair."""

import dataclasses
from collections.abc import Callable
from typing import Any

from .. import statistics
from .._results import Estimate
from ..data import Transitions
from ._bound import per_step
from ._pairs import Pairs, half_of_path, read_pairs
from ._windows import halves, in_a_row, windows


def on_paths(bound: Callable[[Any, Any], Estimate], estimator: Any, t: Any) -> Estimate:
    """`bound(estimator, t)`; where the observable reads paths of several steps, that of the paths, a step."""
    steps = estimator.observable.steps
    if steps == 1:
        return bound(estimator, t)
    reader = dataclasses.replace(estimator, spins=half_of_path)
    return per_step(bound(reader, _path_transitions(t, read_pairs(t, estimator.spins), steps)), steps)


def read_paths(t: Transitions, steps: int, spins: Callable) -> Pairs:
    """The spins of transitions, for several steps of the halves of paths."""
    pairs = read_pairs(t, spins)
    return pairs if steps == 1 else read_pairs(_path_transitions(t, pairs, steps), half_of_path)


def _path_transitions(t: Transitions, pairs: Pairs, steps: int) -> Transitions:
    """Paths of `steps` transitions in a row, each as the transition from one of its halves to the other.

    Spins (paths, half, n); weights and blocks are those of the first pair. Those of a population keep their law.
    """
    starts = windows(t, steps)
    x, x_next = halves(in_a_row(pairs.x, pairs.x_next, starts, steps))
    w = pairs.w[starts]
    if pairs.population:
        return Transitions(x, x_next, weight=w / w.sum(), unit=t.unit)
    return Transitions(x, x_next, weight=w, block=pairs.block[starts], unit=t.unit)


def beginnings(t: Transitions, steps: int) -> Transitions:
    """The pairs with which the paths begin, in the blocks of all pairs; for a single step, all of them."""
    return t if steps == 1 else statistics.with_blocks(t)[windows(t, steps)]

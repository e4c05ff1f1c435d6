"""Averages over time where steps last differently long."""

import dataclasses
from typing import Any

from jaxtyping import PyTree

from ..data import Transitions
from ._base import AbstractObserver
from ._blocks import weights


class TimeWeighted(AbstractObserver):
    """What `observer` sees if each state is shown for as long as it is held: averages over time, not over steps.

    Each pair (x, x') that lasts dt becomes the pair (x, x) with weight dt times its own: both sides of `Moments` are
    then the law at a time. In `ContinuousTime` that is the law of the master equation; the law over flips differs.
    Raises ValueError if the transitions have no `dt`.

    ```python
    moments = nq.statistics.TimeWeighted(nq.Moments(dynamics.spins))
    ```
    """

    observer: AbstractObserver

    def init(self, t: Transitions) -> PyTree:
        """As the observer."""
        return self.observer.init(t)

    def update(self, total: PyTree, t: Transitions) -> PyTree:
        """The observer's, shown the states held."""
        if t.dt is None:
            raise ValueError("dt is None: averages over time need the duration of each pair")
        weight = weights(t).astype(t.dt.dtype) * t.dt
        return self.observer.update(total, dataclasses.replace(t, x_next=t.x, weight=weight))

    def finish(self, total: PyTree) -> Any:
        """As the observer."""
        return self.observer.finish(total)

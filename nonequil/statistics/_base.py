"""What an observer is: a fold over transitions, live in a simulation or replayed on data."""

import abc
from typing import Any

import equinox as eqx
from jaxtyping import PyTree

from ..data import Transitions


class AbstractObserver(eqx.Module):
    """A statistic gathered pair by pair: `init`, `update` with each chunk of transitions, `finish`."""

    @abc.abstractmethod
    def init(self, t: Transitions) -> PyTree:
        """The total before any transition; `t` shows the shapes of all pairs to come and may be abstract."""

    @abc.abstractmethod
    def update(self, total: PyTree, t: Transitions) -> PyTree:
        """The total with one more chunk of transitions."""

    @abc.abstractmethod
    def finish(self, total: PyTree) -> Any:
        """What the total says."""

"""Observers: folds over transitions, live in a simulation or replayed on data."""

import abc
from collections.abc import Iterable
from typing import Any

import equinox as eqx
from jaxtyping import PyTree

from ..data import Transitions


class AbstractObserver(eqx.Module):
    """A statistic gathered pair by pair: `init`, `update` with each chunk of transitions, `finish`."""

    @abc.abstractmethod
    def init(self, t: Transitions) -> PyTree:
        """The total before any transition; `t` shows shapes only and may be abstract."""

    @abc.abstractmethod
    def update(self, total: PyTree, t: Transitions) -> PyTree:
        """The total with one more chunk of transitions."""

    @abc.abstractmethod
    def finish(self, total: PyTree) -> Any:
        """What the total says."""


def fold(
    observers: tuple[AbstractObserver, ...], transitions: Transitions | Iterable[Transitions], chunk: int = 65536
) -> tuple[Any, ...]:
    """What observers see of recorded or enumerated transitions, read `chunk` pairs at a time.

    `transitions` is one list of pairs or an iterable of them (a recording read piece by piece).
    """
    update = eqx.filter_jit(
        lambda observers, totals, t: tuple(o.update(s, t) for o, s in zip(observers, totals, strict=True))
    )
    pieces = transitions.chunks(chunk) if isinstance(transitions, Transitions) else iter(transitions)
    totals = None
    for t in pieces:
        if totals is None:
            totals = tuple(o.init(t) for o in observers)
        totals = update(observers, totals, t)
    if totals is None:
        raise ValueError("transitions hold no pair: there is nothing to observe")
    return tuple(o.finish(s) for o, s in zip(observers, totals, strict=True))

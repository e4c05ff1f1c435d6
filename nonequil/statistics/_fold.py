"""Observers replayed on recorded or enumerated transitions."""

import dataclasses
import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..data import Transitions
from ._base import AbstractObserver
from ._blocks import weights

CHUNK = 16384  # pairs read at once: large enough for a matrix product, far below 2**24, where float32 stops counting


def fold(
    observers: tuple[AbstractObserver, ...], transitions: Transitions | Iterable[Transitions], chunk: int = CHUNK
) -> tuple[Any, ...]:
    """What observers see of recorded or enumerated transitions, read `chunk` pairs at a time.

    `transitions` is one list of pairs or an iterable of them (a recording read piece by piece), in time order.
    Raises ValueError if there is no pair.

    ```python
    (moments,) = nq.statistics.fold((nq.Moments(),), transitions)
    ```
    """
    if isinstance(transitions, Transitions):
        shapes, pieces = _shapes(transitions), padded_chunks(transitions, chunk)
    else:
        first = next(iter(transitions := iter(transitions)), None)
        if first is None:
            raise ValueError("transitions hold no pair: there is nothing to observe")
        shapes, pieces = _shapes(first), itertools.chain([first], transitions)
    if len(shapes) == 0:
        raise ValueError("transitions hold no pair: there is nothing to observe")
    totals = tuple(o.init(shapes) for o in observers)
    for t in pieces:
        totals = update_all(observers, totals, jax.tree.map(jnp.asarray, t))
    return tuple(o.finish(s) for o, s in zip(observers, totals, strict=True))


@eqx.filter_jit
def update_all(observers: tuple[AbstractObserver, ...], totals: tuple, t: Transitions) -> tuple:
    """The totals of all observers with one more chunk of transitions."""
    return tuple(o.update(s, t) for o, s in zip(observers, totals, strict=True))


def padded_chunks(t: Transitions, size: int) -> Iterator[Transitions]:
    """The same pairs, `size` at a time; the last chunk of several is filled up with pairs of weight 0.

    All chunks have one shape, so that what reads them compiles once.
    """
    if len(t) <= size:
        yield t
        return
    for piece in t.chunks(size):
        short = size - len(piece)
        weight = jnp.concatenate([weights(piece), jnp.zeros(short, weights(piece).dtype)])
        last = np.minimum(np.arange(size), len(piece) - 1)
        yield dataclasses.replace(piece[last] if short else piece, weight=weight)


def _shapes(t: Transitions) -> Transitions:
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(np.shape(leaf), leaf.dtype), t)

"""Paths of several states, read off transitions that follow one another."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .. import statistics
from ..data import Transitions


def windows(t: Transitions, steps: int) -> np.ndarray:
    """Places of the pairs at which `steps` pairs in a row begin: same block, each starting where the last one ended.

    Pairs of weight zero are in no window. Raises ValueError if there is none.
    """
    weight = np.asarray(statistics.weights(t))
    starts = np.flatnonzero(weight > 0)
    if steps == 1:
        return starts
    joined = _joined(t) & (weight[:-1] > 0) & (weight[1:] > 0)
    run = np.cumsum(np.concatenate([[0], joined]))  # joints before each pair
    last = starts + steps - 1
    starts, last = starts[last < len(t)], last[last < len(t)]
    starts = starts[run[last] - run[starts] == steps - 1]
    if len(starts) == 0:
        raise ValueError(f"no {steps} transitions follow one another: paths of {steps + 1} states need a recording")
    return starts


def paths(t: Transitions, starts: np.ndarray, steps: int) -> Any:
    """The `steps` + 1 states of each window, axes (windows, time, ...)."""
    at = starts[:, None] + np.arange(steps)
    join = lambda x, x_next: np.concatenate([np.asarray(x)[at], np.asarray(x_next)[at[:, -1:]]], 1)  # noqa: E731
    return jax.tree.map(join, t.x, t.x_next)


def _joined(t: Transitions) -> np.ndarray:
    """Whether each pair but the last ends where the next one begins, in the same block."""
    block = np.zeros(len(t)) if t.block is None else np.asarray(t.block)
    same = block[:-1] == block[1:]
    for x, x_next in zip(jax.tree.leaves(t.x), jax.tree.leaves(t.x_next), strict=True):
        equal = np.asarray(x_next)[:-1] == np.asarray(x)[1:]
        same = same & equal.reshape(len(equal), -1).all(1)
    return same


def reweighted(t: Transitions, w: np.ndarray) -> Transitions:
    """The same pairs with other weights."""
    return eqx.tree_at(lambda t: t.weight, t, jnp.asarray(w, float), is_leaf=lambda leaf: leaf is None)

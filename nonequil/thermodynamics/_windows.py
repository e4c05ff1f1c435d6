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

    Pairs of weight zero are in no window, so that they also part the paths of a population. Raises ValueError if there
    is none, or if the pairs are no recording: then too few of them go on where the one before ended.
    """
    weight = np.asarray(statistics.weights(t))
    starts = np.flatnonzero(weight > 0)
    if steps == 1:
        return starts
    near = (weight[:-1] > 0) & (weight[1:] > 0) & _same_block(t)
    joined = near & _joined(t, 1)
    _check_recording(t, near, joined, steps)
    run = np.cumsum(np.concatenate([[0], joined]))  # joints before each pair
    last = starts + steps - 1
    starts, last = starts[last < len(t)], last[last < len(t)]
    starts = starts[run[last] - run[starts] == steps - 1]
    if len(starts) == 0:
        raise ValueError(f"no {steps} transitions follow one another: paths of {steps + 1} states need a recording")
    return starts


def paths(t: Transitions, starts: np.ndarray, steps: int) -> Any:
    """The `steps` + 1 states of each window, axes (windows, time, ...)."""
    return jax.tree.map(lambda x, x_next: in_a_row(x, x_next, starts, steps), t.x, t.x_next)


def in_a_row(x: Any, x_next: Any, starts: np.ndarray, steps: int) -> np.ndarray:
    """The same of one leaf. Past the end of the list its last pair is repeated."""
    at = np.minimum(starts[:, None] + np.arange(steps), len(x) - 1)
    return np.concatenate([np.asarray(x)[at], np.asarray(x_next)[at[:, -1:]]], 1)


def half_shape(steps: int) -> tuple[int, ...]:
    """Shape of what stands for a state at each end of a path: nothing for a pair, else the number of states of half."""
    return () if steps == 1 else (steps // 2 + 1,)


def halves(path: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The states of paths (paths, time, ...) counted from the start, and from the end, up to the middle.

    Both hold the middle state, if there is one. Reversal in time swaps them, as it swaps the two states of a pair.
    """
    half = path.shape[1] // 2 + path.shape[1] % 2
    return path[:, :half], path[:, ::-1][:, :half]


def whole(x: Any, x_next: Any, steps: int) -> Any:
    """The `steps` + 1 states of the paths that `halves` cut."""
    first, last = (s[:, None] if steps == 1 else s for s in (x, x_next))
    return jnp.concatenate([first, last[:, ::-1][:, first.shape[1] + last.shape[1] - steps - 1 :]], axis=1)


def _same_block(t: Transitions) -> np.ndarray:
    """Whether each pair but the last lies in the block of the next one."""
    block = np.zeros(len(t)) if t.block is None else np.asarray(t.block)
    return block[:-1] == block[1:]


def _joined(t: Transitions, apart: int) -> np.ndarray:
    """Whether each pair but the last ends where the pair `apart` places further on begins (counted round)."""
    same = np.ones(len(t) - 1, bool)
    for x, x_next in zip(jax.tree.leaves(t.x), jax.tree.leaves(t.x_next), strict=True):
        equal = np.asarray(x_next) == np.roll(np.asarray(x), -apart, axis=0)
        same = same & equal.reshape(len(equal), -1).all(1)[:-1]
    return same


def _check_recording(t: Transitions, near: np.ndarray, joined: np.ndarray, steps: int) -> None:
    """Raise ValueError if the share of joints is nearer to that of pairs far apart than to one: gaps are rarer."""
    chance = np.mean(_joined(t, len(t) // 2)[near]) if np.any(near) else 0
    if np.sum(joined) < (1 + chance) / 2 * np.sum(near):
        raise ValueError(
            f"{np.sum(joined)} of {np.sum(near)} transitions go on where the one before ended: shuffled pairs and an "
            f"enumerated population hold no paths of {steps + 1} states; pass a recording, in time order within a block"
        )


def reweighted(t: Transitions, w: np.ndarray) -> Transitions:
    """The same pairs with other weights."""
    return eqx.tree_at(lambda t: t.weight, t, jnp.asarray(w, float), is_leaf=lambda leaf: leaf is None)

"""Data in which one property is destroyed on purpose."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Key

from ..data import Transitions
from ._blocks import blocks


def time_reversed_blocks(t: Transitions, *, key: Key[Array, ""]) -> Transitions:
    """The same transitions with each block, by a fair coin, run backwards: no arrow of time on average.

    In a block run backwards every pair is swapped and the pairs come in the opposite order. States that are more than
    spins need their own reversal. Blocks are the declared ones, else 200 contiguous ones, which the result declares.
    """
    block = np.asarray(blocks(t))
    backwards = np.asarray(jr.bernoulli(key, 0.5, (block.max() + 1,)))[block]
    listed, first, size = _listed(block)
    place = np.empty_like(block)
    place[listed] = np.arange(len(block)) - first[block[listed]]  # rank of each pair in its block
    mirrored = listed[first[block] + size[block] - 1 - place]
    moved = t[np.where(backwards, mirrored, np.arange(len(block)))]

    def swapped(x: Any, x_next: Any) -> np.ndarray:
        return np.where(backwards.reshape(-1, *(1,) * (np.ndim(x) - 1)), np.asarray(x_next), np.asarray(x))

    x, x_next = (jax.tree.map(swapped, *pair) for pair in ((moved.x, moved.x_next), (moved.x_next, moved.x)))
    return dataclasses.replace(moved, x=x, x_next=x_next, block=jnp.asarray(block))


def trial_shuffle(t: Transitions, *, key: Key[Array, ""]) -> Transitions:
    """The same transitions with the trials of each unit permuted on their own: rates and self-couplings stay, all
    couplings between units that are not locked to the trial's time go.

    Pair k of trial b shows unit i as it was in pair k of trial pi_i(b), x and x' alike. Where that trial is shorter,
    its pairs are used again from its start, so only trials of equal length keep the units' pairs exactly.
    `x` must be (pairs, n). Raises ValueError if no blocks (trials) are declared.
    """
    if t.block is None:
        raise ValueError("block is None: a trial shuffle needs trials; declare them, or use statistics.with_blocks")
    block = np.asarray(blocks(t))
    listed, first, size = _listed(block)
    place = np.empty_like(block)
    place[listed] = np.arange(len(block)) - first[block[listed]]
    x, x_next = np.array(t.x), np.array(t.x_next)
    for unit, unit_key in enumerate(jr.split(key, x.shape[1])):
        source = np.asarray(jr.permutation(unit_key, len(size)))[block]
        pair = listed[first[source] + place % size[source]]
        x[:, unit], x_next[:, unit] = np.asarray(t.x)[pair, unit], np.asarray(t.x_next)[pair, unit]
    return dataclasses.replace(t, x=x, x_next=x_next)


def _listed(block: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs block by block in time order, where each block begins in that list, and its size."""
    size = np.bincount(block)
    return np.argsort(block, kind="stable"), np.cumsum(size) - size, size

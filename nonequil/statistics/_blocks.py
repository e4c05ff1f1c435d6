"""Blocks of transitions: what errors, folds and surrogates respect."""

import dataclasses
import functools as ft

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from ..data import Transitions

CONTIGUOUS = 200  # number of blocks where the data declare none


def weights(t: Transitions) -> Float[Array, " pairs"]:
    """Weight of each pair, one where none is given."""
    return jnp.asarray(np.ones(len(t)), float) if t.weight is None else jnp.asarray(t.weight)


def blocks(t: Transitions, count: int = CONTIGUOUS) -> Int[Array, " pairs"]:
    """Block of each pair, numbered from 0 without gaps: the declared ones, else `count` contiguous ones."""
    if t.block is not None:
        if isinstance(t.block, jax.core.Tracer):
            return jnp.unique(t.block, return_inverse=True, size=len(t))[1]
        return jnp.asarray(np.unique(np.asarray(t.block), return_inverse=True)[1])
    count = min(count, len(t))
    return jnp.asarray((np.arange(len(t)) * count) // len(t))


def with_blocks(t: Transitions, count: int = CONTIGUOUS) -> Transitions:
    """The same transitions with every block declared, numbered from 0 without gaps."""
    return dataclasses.replace(t, block=blocks(t, count))


def block_sums(
    values: Shaped[Array, "pairs ..."], block: Int[Array, " pairs"], count: int
) -> Shaped[Array, "blocks ..."]:
    """Sum of `values` over the pairs of each block."""
    return jax.ops.segment_sum(values, block, num_segments=count)


def block_mean(
    values: Float[Array, " pairs"], t: Transitions, count: int = CONTIGUOUS
) -> tuple[Float[Array, ""], Float[Array, ""], Float[Array, ""]]:
    """Weighted mean of one value a pair, its standard error between blocks, and the effective number of samples.

    mean = sum_k w_k v_k / sum_k w_k;  stderr**2 = B / (B - 1) sum_b (sum_{k in b} w_k (v_k - mean))**2 / (sum_k w_k)**2
    over B blocks (the ratio estimator's linearisation). n_eff = variance of the values / stderr**2.
    A declared population (weights that sum to one over an enumeration) has no sampling error: use `mean` alone.
    With one block the standard error is NaN: unknown, not zero.
    """
    return _mean_over(values, weights(t).astype(values.dtype), blocks(t, count), _most_blocks(t, count))


@ft.partial(jax.jit, static_argnums=3)
def _mean_over(
    values: Float[Array, " pairs"], w: Float[Array, " pairs"], block: Int[Array, " pairs"], most: int
) -> tuple[Float[Array, ""], Float[Array, ""], Float[Array, ""]]:
    """The same, of given weights and at most `most` blocks, in one program."""
    mean = jnp.sum(jnp.where(w == 0, 0, w * values)) / jnp.sum(w)
    deviation = jnp.where(w == 0, 0, w * (values - mean))
    held = block_sums((w != 0).astype(values.dtype), block, most) > 0
    number = jnp.sum(held).astype(values.dtype)
    variance = jnp.sum(block_sums(deviation, block, most) ** 2) / jnp.sum(w) ** 2
    stderr = jnp.sqrt(variance * jnp.where(number > 1, number / jnp.maximum(number - 1, 1), jnp.nan))
    spread = jnp.sum(jnp.where(w == 0, 0, w * (values - mean) ** 2)) / jnp.sum(w)
    return mean, stderr, spread / stderr**2


def _most_blocks(t: Transitions, count: int) -> int:
    if t.block is None:
        return min(count, len(t))
    if isinstance(t.block, jax.core.Tracer):
        return len(t)  # under jit the labels are unknown: blocks that hold no pair count for nothing
    return int(np.unique(np.asarray(t.block)).size)


def folds(t: Transitions, count: int, *, contiguous: int = CONTIGUOUS) -> Int[Array, " pairs"]:
    """Fold of each pair, 0 to count - 1, made of whole blocks and balanced in number of pairs.

    Blocks are dealt in order of decreasing size to the fold that holds fewest pairs, so no block is ever split.
    Raises ValueError if there are fewer blocks than folds.
    """
    block = np.asarray(blocks(t, contiguous))
    sizes = np.bincount(block)
    if len(sizes) < count:
        raise ValueError(f"count = {count} folds need at least as many blocks, found {len(sizes)}: ask for fewer folds")
    held, fold_of = np.zeros(count), np.zeros(len(sizes), dtype=int)
    for b in np.argsort(-sizes, kind="stable"):
        fold_of[b] = np.argmin(held)
        held[fold_of[b]] += sizes[b]
    return jnp.asarray(fold_of[block])

"""Errors by drawing whole blocks again."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int, Key, PyTree


class Resampled(eqx.Module):
    """A statistic over bootstrap draws: mean, standard deviation (its standard error), all `draws` (leading axis)."""

    mean: PyTree[Float[Array, "..."]]
    stderr: PyTree[Float[Array, "..."]]
    draws: PyTree[Float[Array, "draws ..."]]


def multiplicities(blocks: int, *, key: Key[Array, ""], draws: int = 200) -> Int[Array, "draws blocks"]:
    """How often each block occurs in `draws` samples of `blocks` blocks with replacement: rows sum to `blocks`."""
    picked = jr.randint(key, (draws, blocks), 0, blocks)
    return jax.vmap(lambda row: jnp.zeros(blocks, int).at[row].add(1))(picked)


def bootstrap(
    statistic: Callable[[Float[Array, " blocks"]], Any], blocks: int, *, key: Key[Array, ""], draws: int = 200
) -> Resampled:
    """Distribution of a statistic when whole blocks (trials, chains, stretches of time) are drawn with replacement.

    `statistic(multiplicity)` is the value where block b enters `multiplicity[b]` times: for block sums S (blocks, ...)
    a mean is `(multiplicity @ S) / (multiplicity @ n)`. Any pytree of numbers. Raises ValueError below two blocks.
    Source: Efron & Tibshirani, An Introduction to the Bootstrap (1993), chapter 6.
    """
    if blocks < 2:
        raise ValueError(f"blocks = {blocks}: a bootstrap draws from at least two")
    drawn = multiplicities(blocks, key=key, draws=draws).astype(float)
    values = jax.lax.map(statistic, drawn)
    mean = jax.tree.map(lambda leaf: jnp.mean(leaf, axis=0), values)
    return Resampled(mean, jax.tree.map(lambda leaf: jnp.std(leaf, axis=0, ddof=1), values), values)

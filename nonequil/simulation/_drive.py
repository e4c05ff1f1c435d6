"""Time-dependent input of a simulation: rows of an array, or a function of the step."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from .._types import Drive, Index


def drive_at(drive: Any, index: Index) -> Drive:
    """The input of one step: None, `drive(index)`, or row `index` of each array."""
    if drive is None or callable(drive):
        return None if drive is None else drive(index)
    return jax.tree.map(lambda leaf: jax.lax.dynamic_index_in_dim(jnp.asarray(leaf), index, keepdims=False), drive)


def drives_at(drive: Any, index: Int[Array, " steps"]) -> Drive:
    """The inputs of several steps, along a leading axis."""
    return None if drive is None else jax.vmap(lambda i: drive_at(drive, i))(index)


def check_drive(drive: Any, steps: int) -> None:
    """Raises ValueError unless each array has a row for each of `steps` steps, burn-in included."""
    if drive is None or callable(drive):
        return
    for shape in (jnp.shape(leaf) for leaf in jax.tree.leaves(drive)):
        if len(shape) == 0 or shape[0] != steps:
            raise ValueError(
                f"drive has shape {shape}: its leading axis must be {steps} steps, burn-in included "
                "(or pass a function of the step)"
            )

"""Checks of values that work eagerly (ValueError) and under jit (a run-time error)."""

from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Bool
from jaxtyping import ArrayLike as JaxArrayLike


def require(x: Any, ok: Bool[JaxArrayLike, "..."], message: str) -> Array:
    """`x` where `ok` holds everywhere.

    Otherwise ValueError with the message, the first bad value and its index; if `ok` is traced, a run-time error
    with the message alone. `ok` broadcasts against `x` from the left (a flag a row may judge a matrix).
    """
    if isinstance(ok, jax.core.Tracer):
        return eqx.error_if(x, ~ok, message)
    for at in np.argwhere(~np.asarray(ok))[:1].tolist():
        value = "(traced)" if isinstance(x, jax.core.Tracer) else np.asarray(x)[tuple(at)]
        raise ValueError(f"{message} = {value}" + (f", at {at}" if at else ""))
    return x

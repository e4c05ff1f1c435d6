"""Checks of values that work eagerly (ValueError) and under jit (a run-time error)."""

import contextlib
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool
from jaxtyping import ArrayLike as JaxArrayLike

SMALL = 2**16  # entries that are checked on the host: nothing is compiled


def require(x: Any, ok: Bool[JaxArrayLike, "..."], message: str) -> Array:
    """`x` where `ok` holds everywhere.

    Otherwise ValueError with the message, the first bad value and its index; if `ok` is traced, a run-time error
    with the message alone; so does an array of which other processes hold parts.
    """
    if isinstance(ok, jax.core.Tracer):
        return eqx.error_if(x, ~ok, message)
    if not getattr(ok, "is_fully_addressable", True):
        if not bool(jnp.all(ok)):
            raise ValueError(f"{message}, on some process")
        return x
    for at in np.argwhere(~np.asarray(ok))[:1].tolist():
        value = "(traced)" if isinstance(x, jax.core.Tracer) else np.asarray(x)[tuple(at)]
        raise ValueError(f"{message} = {value}" + (f", at {at}" if at else ""))
    return x


def finite(name: str) -> Callable[[Any], Array]:
    """A converter of a field `name`: a floating array, refused unless every entry is finite."""
    return _converter(lambda xp, x: xp.isfinite(x), f"{name} must be finite: {name}")


def nonnegative(name: str) -> Callable[[Any], Array]:
    """A converter of a field `name`: a floating array, refused unless every entry is finite and at least zero."""
    return _converter(lambda xp, x: xp.isfinite(x) & (x >= 0), f"{name} must be finite and not negative: {name}")


def positive(name: str) -> Callable[[Any], Array]:
    """A converter of a field `name`: a floating array, refused unless every entry is finite and above zero."""
    return _converter(lambda xp, x: xp.isfinite(x) & (x > 0), f"{name} must be finite and positive: {name}")


def optional(check: Callable[[Any], Array]) -> Callable[[Any], Array | None]:
    """The converter `check` of a field that may be None."""
    return lambda x: None if x is None else check(x)


def share(name: str) -> Callable[[Any], Array]:
    """A converter of a field `name`: a floating array, refused unless every entry is between zero and one."""
    return _converter(lambda xp, x: (x >= 0) & (x <= 1), f"{name} must be between 0 and 1: {name}")


def _converter(fine: Callable[[Any, Any], Any], message: str) -> Callable[[Any], Array]:
    def convert(x: Any) -> Array:
        if not isinstance(x, (jax.Array, np.ndarray, float, int, list, tuple, np.generic)):
            return x  # a placeholder put there by a tree map, not a value
        traced = any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(x))
        with contextlib.nullcontext() if traced else jax.ensure_compile_time_eval():  # known values stay known
            x = jnp.asarray(x)
            x = x if jnp.issubdtype(x.dtype, jnp.floating) else x.astype(float)
            small = not traced and x.size <= SMALL
            return require(x, fine(np, np.asarray(x)) if small else fine(jnp, x), message)

    return convert


def spins(x: Any, name: str) -> Any:
    """`x`, refused unless every entry is -1 or +1."""
    return require(
        x, (x == 1) | (x == -1), f"{name} must hold spins -1 or +1 (convert 0/1 counts with 2 x - 1): {name}"
    )

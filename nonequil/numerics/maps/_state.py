"""States of a map: checked, and seen as one vector of real numbers beside what is no real number (a clock)."""

from collections.abc import Callable
from typing import Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

Map: TypeAlias = Callable[[Any], Any]
"""A deterministic map: the next state from a state, any pytree of arrays. Its parameters are leaves or closed over."""

Family: TypeAlias = Callable[[Any], Map]
"""Maps that differ in a parameter: the map from the value of the parameter."""


def checked(f: Map, x0: Any) -> Any:
    """`x0` as arrays. Raises ValueError if none of them is floating or if f does not keep shapes and types."""
    x0 = jax.tree.map(lambda leaf: jnp.asarray(leaf), x0)
    if not any(jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in jax.tree.leaves(x0)):
        raise ValueError(f"x0 must hold a floating array: x0 = {x0}; convert it with jnp.asarray(x0, float)")
    x0 = jax.tree.map(_strong, x0)
    after, before = eqx.filter_eval_shape(f, x0), eqx.filter_eval_shape(lambda x: x, x0)
    if not eqx.tree_equal(after, before):
        raise ValueError(f"f must return what it takes: f(x0) is {after}, but x0 is {before}")
    return x0


def floating(x: Any) -> Any:
    """The floating leaves of a state: all of it but a clock."""
    return eqx.filter(x, eqx.is_inexact_array)


def _strong(leaf: Array) -> Array:
    """The same array with a type that holds in a loop, where a bare Python number gave it a weak one."""
    return leaf.astype(leaf.dtype) if jnp.issubdtype(leaf.dtype, jnp.number) else leaf


class Coordinates(eqx.Module):
    """How a state is split: its floating leaves as one vector, everything else, a clock for example, as it is."""

    unravel: Callable = eqx.field(static=True)
    size: int = eqx.field(static=True)
    dtype: Any = eqx.field(static=True)

    @classmethod
    def of(cls, x: Any) -> "Coordinates":
        """The coordinates of states like `x`."""
        vector, unravel = ravel_pytree(floating(x))
        return cls(unravel, vector.size, vector.dtype)

    def split(self, x: Any) -> tuple[Float[Array, " n"], Any]:
        """The vector and the rest."""
        real, rest = eqx.partition(x, eqx.is_inexact_array)
        return ravel_pytree(real)[0], rest

    def join(self, vector: Float[Array, " n"], rest: Any) -> Any:
        """The state."""
        return eqx.combine(self.unravel(vector), rest)

    def tangents(self, f: Map, x: Any, V: Float[Array, "k n"]) -> tuple[Any, Float[Array, "k n"]]:
        """f(x) and the products of its derivative with the rows of V, without the derivative itself."""
        vector, rest = self.split(x)

        def move(vector: Array) -> tuple[Array, Any]:
            return self.split(f(self.join(vector, rest)))

        def push(v: Array) -> tuple[Array, Array, Any]:
            return jax.jvp(move, (vector,), (v,), has_aux=True)

        vector, V, rest = jax.vmap(push, out_axes=(None, 0, None))(V)
        return self.join(vector, rest), V

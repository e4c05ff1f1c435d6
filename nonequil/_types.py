"""Aliases of types that every layer shares."""

from typing import Any, TypeAlias

from jaxtyping import Array, Float, Int, Key, PyTree, Shaped

State: TypeAlias = PyTree[Shaped[Array, "..."]]
"""One state of a system, without a batch axis: an array of spins, a window, spins with a delay trace."""

Drive: TypeAlias = Any
"""Time-dependent input of one step: None, an array or a pytree of arrays."""

Index: TypeAlias = Int[Array, ""] | int
"""A step or a site."""

PRNGKey: TypeAlias = Key[Array, ""]
"""A typed random key, `jax.random.key(0)`."""

Scalar: TypeAlias = Float[Array, ""]
"""One real number."""

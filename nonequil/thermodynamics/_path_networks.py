"""Small networks that read a path: what a neural bound is trained with."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, PyTree, Shaped

from ._observable import real


class PathMLP(eqx.Module):
    """A perceptron on all states of a path at once: h(path) = MLP(encode(x_0), ..., encode(x_m)).

    - `encode(state) -> vector` (by default the state as numbers; `lambda x: jax.nn.one_hot(x, 6)` for numbered states);
    - `size`: length of that vector; `length`: states of a path, 2 for pairs; `width`, `depth`: of the hidden layers.
    """

    mlp: eqx.nn.MLP
    encode: Callable = eqx.field(static=True)

    def __init__(
        self,
        size: int,
        *,
        length: int = 2,
        width: int = 64,
        depth: int = 2,
        encode: Callable = real,
        key: Key[Array, ""],
    ) -> None:
        self.mlp = eqx.nn.MLP(size * length, "scalar", width, depth, activation=jax.nn.silu, key=key)
        self.encode = encode

    def __call__(self, path: PyTree[Shaped[Array, "time ..."]]) -> Float[Array, ""]:
        """The number h of a path."""
        weight: Any = self.mlp.layers[0].weight
        return self.mlp(jax.vmap(self.encode)(path).reshape(-1).astype(weight.dtype))


class PathGRU(eqx.Module):
    """A recurrent network that reads a path state by state: h(path) = mean over time of a readout. Any length.

    `encode`, `size` as in `PathMLP`; `width`: of the recurrent state.
    """

    cell: eqx.nn.GRUCell
    readout: eqx.nn.Linear
    encode: Callable = eqx.field(static=True)

    def __init__(self, size: int, *, width: int = 64, encode: Callable = real, key: Key[Array, ""]) -> None:
        cell, readout = jax.random.split(key)
        self.cell = eqx.nn.GRUCell(size, width, key=cell)
        self.readout = eqx.nn.Linear(width, "scalar", key=readout)
        self.encode = encode

    def __call__(self, path: PyTree[Shaped[Array, "time ..."]]) -> Float[Array, ""]:
        """The number h of a path."""
        inputs = jax.vmap(self.encode)(path).astype(self.cell.weight_hh.dtype)

        def read(state: Array, x: Array) -> tuple[Array, Array]:
            state = self.cell(x, state)
            return state, self.readout(state)

        return jnp.mean(jax.lax.scan(read, jnp.zeros(self.cell.hidden_size, inputs.dtype), inputs)[1])

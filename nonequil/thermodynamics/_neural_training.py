"""Training of a network whose antisymmetric part is the entropy production of a path."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Key, PyTree, Shaped

CHUNK = 8192  # paths that are judged at once

Paths = PyTree[Shaped[Array, "paths time ..."]]
Weighed = tuple[PyTree[Shaped[Array, "_ time ..."]], Float[Array, " _"]]
"""Paths and their weights, which sum to one."""
Gain = Callable[[Float[Array, " paths"], Float[Array, " paths"]], Float[Array, ""]]
"""What is maximised: a mean over paths, given their entropy productions and weights that sum to one."""


class Trained(NamedTuple):
    """The network that was best on held-out paths, its value there, and the values along the way."""

    net: Any
    value: Float[Array, ""]
    history: Float[Array, " evaluations"]


def path_production(net: Callable, path: PyTree) -> Float[Array, ""]:
    """s(path) = h(path) - h(path backwards), in nats."""
    return net(path) - net(jax.tree.map(lambda leaf: leaf[::-1], path))


@eqx.filter_jit
def productions(net: Callable, path: Paths) -> Float[Array, " paths"]:
    """Entropy production of each path, chunk by chunk."""
    return jax.lax.map(lambda one: path_production(net, one), path, batch_size=CHUNK)


@eqx.filter_jit
def train(
    net: Any,
    train_on: Weighed,
    judge_on: Weighed,
    gain: Gain,
    optimiser: Any,
    key: Key[Array, ""],
    steps: int,
    batch: int,
    evaluations: int,
) -> Trained:
    """Stochastic ascent of `gain` on minibatches, of which the network that is best on `judge_on` is kept.

    Paths are drawn in proportion to their weights.
    """
    params, static = eqx.partition(net, eqx.is_inexact_array)
    paths, weight = train_on
    upto = jnp.cumsum(weight) / jnp.sum(weight)

    def loss(params: Any, chosen: Any) -> Float[Array, ""]:
        s = jax.vmap(lambda one: path_production(eqx.combine(params, static), one))(chosen)
        return -gain(s, jnp.full(s.shape, 1 / batch, s.dtype))

    def step(k: Array, carry: tuple) -> tuple:
        params, state, key = carry
        key, now = jr.split(key)
        drawn = jnp.searchsorted(upto, jr.uniform(now, (batch,), upto.dtype), side="right")
        chosen = jax.tree.map(lambda leaf: leaf[jnp.minimum(drawn, len(leaf) - 1)], paths)
        gradient = jax.grad(loss)(params, chosen)
        with jax.numpy_dtype_promotion("standard"):  # optax raises numbers to the power of its step count
            updates, state = optimiser.update(gradient, state, params)
        return eqx.apply_updates(params, updates), state, key

    def evaluate(carry: tuple, _: None) -> tuple[tuple, Array]:
        params, state, key, best, best_value = carry
        params, state, key = jax.lax.fori_loop(0, steps // evaluations, step, (params, state, key))
        value = gain(productions(eqx.combine(params, static), judge_on[0]), judge_on[1])
        better = value > best_value
        best = jax.tree.map(lambda new, old: jnp.where(better, new, old), params, best)
        return (params, state, key, best, jnp.where(better, value, best_value)), value

    start = (params, optimiser.init(params), key, params, jnp.asarray(-jnp.inf, upto.dtype))
    (_, _, _, best, value), history = jax.lax.scan(evaluate, start, length=evaluations)
    return Trained(eqx.combine(best, static), value, history)

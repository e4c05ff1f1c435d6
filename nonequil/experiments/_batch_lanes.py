"""Points side by side: one compiled program for all of them, on all devices, each point the same bits anywhere."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, PyTree

from .. import numerics


def padded(own: list[Any], width: int) -> tuple[list[Any], Int[Array, " devices"]]:
    """Points and copies of the last one, `width` for each device; how many of each device's are no copies."""
    seats = width * len(numerics.devices())
    count = np.clip(len(own) - width * np.arange(len(numerics.devices())), 0, width)
    return own + own[-1:] * (seats - len(own)), jnp.asarray(count)


@eqx.filter_jit
def side_by_side(
    one: Callable[..., PyTree], own: PyTree, shared: tuple[Any, ...], count: Int[Array, " devices"]
) -> PyTree:
    """`one(point, *shared)` for each point along the leading axis of `own`, as many on each device.

    Of what a device holds the first `count` are computed, the rest may be anything. On processors one point is
    computed after the other, which there is as fast as all at once and gives each the same bits in any company; on
    other devices `vmap` computes as many as there are, so that number has to stay the same.
    """
    arrays, static = eqx.partition(own, eqx.is_array)

    def points(arrays: PyTree) -> PyTree:
        return one(eqx.combine(arrays, static), *shared)

    def on_device(arrays: PyTree, count: Int[Array, " 1"]) -> PyTree:
        return jax.vmap(points)(arrays) if _parallel() else _one_by_one(points, arrays, count[0])

    mesh = numerics.mesh()
    spec = jax.P(mesh.axis_names)
    return jax.shard_map(on_device, mesh=mesh, in_specs=spec, out_specs=spec, check_vma=False)(arrays, count)


def _parallel() -> bool:
    return numerics.devices()[0].platform != "cpu"


def _one_by_one(one: Callable[[PyTree], PyTree], own: PyTree, count: Int[Array, ""]) -> PyTree:
    """The first `count` points, zeros elsewhere."""
    width = jax.tree.leaves(own)[0].shape[0]
    shapes = jax.eval_shape(one, jax.tree.map(lambda leaf: leaf[0], own))
    empty = jax.tree.map(lambda leaf: jnp.zeros((width, *leaf.shape), leaf.dtype), shapes)

    def body(k: Int[Array, ""], found: PyTree) -> PyTree:
        new = one(jax.tree.map(lambda leaf: leaf[k], own))
        return jax.tree.map(lambda leaf, x: leaf.at[k].set(x), found, new)

    return jax.lax.fori_loop(0, count, body, empty)

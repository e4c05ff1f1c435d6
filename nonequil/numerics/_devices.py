"""Where arrays lie when there are several devices: one named mesh, along which leading axes are spread."""

import functools as ft
import os
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding
from jaxtyping import Array, PyTree

AXIS = "devices"
"""Name of the one axis of the mesh."""
VARIABLE = "NONEQUIL_DEVICES"
"""Environment variable with the number of devices that each process uses."""


def devices() -> list[Any]:
    """The devices that a run uses: those of all its processes, of each process as many as `NONEQUIL_DEVICES` says.

    Without that variable all of them. Raises ValueError unless it holds a number from 1 to that of local devices.
    """
    here, text = jax.local_device_count(), os.environ.get(VARIABLE, "")
    if text and not (text.isdigit() and 1 <= int(text) <= here):
        raise ValueError(f"devices = {text}: this process has {here}, give a number from 1 to {here}")
    by_process: dict[int, list[Any]] = {}
    for device in sorted(jax.devices(), key=lambda device: (device.process_index, device.id)):
        by_process.setdefault(device.process_index, []).append(device)
    return [device for own in by_process.values() for device in own[: int(text) if text else None]]


def mesh(count: int | None = None) -> Mesh:
    """The first `count` devices in a row (default: all that the run uses), along the axis `devices`.

    Raises ValueError if there are fewer.
    """
    found = devices()
    if count is not None and not 1 <= count <= len(found):
        raise ValueError(f"devices = {count}: there are {len(found)}, give a number from 1 to {len(found)}")
    chosen = found[:count]
    return jax.make_mesh((len(chosen),), (AXIS,), axis_types=(AxisType.Auto,), devices=chosen)


def spread(tree: PyTree, devices: int | None = None) -> PyTree:
    """The same arrays with their leading axes spread over devices, so that what is computed from them is too.

    An array whose leading axis does not divide lies whole on every device; leaves that are no arrays stay as they are,
    and on one device everything does. `devices` counts them; default: all, or what the environment variable
    `NONEQUIL_DEVICES` says. In a run of several processes (`jax.distributed`) these are the devices of all of them,
    and every process has to call this with the same arrays.

    Spread either first states, whose leading axis is chains, or the model, whose leading axis is receivers (rows of the
    couplings): chains need no communication, rows one exchange of the spins a step and each device holds only its part
    of the couplings. `simulate` fills up chains that do not divide, so its results are the same bits on any number of
    devices. Raises ValueError if there are fewer devices.

    ```python
    x0 = nq.spread(nq.random_spins(jax.random.key(1), (256, 64)))
    ```
    """
    row = mesh(devices)
    if row.size == 1:
        return tree
    arrays, rest = eqx.partition(tree, eqx.is_array)
    return eqx.combine(jax.tree.map(lambda leaf: jax.device_put(leaf, _place(leaf, row)), arrays), rest)


def _place(leaf: Any, row: Mesh) -> NamedSharding:
    divides = leaf.ndim > 0 and leaf.shape[0] > 0 and leaf.shape[0] % row.size == 0
    return NamedSharding(row, jax.P(AXIS) if divides else jax.P())


def mesh_of(tree: PyTree) -> Mesh | None:
    """The mesh that `spread` laid a tree on; None on one device, and while tracing."""
    for leaf in jax.tree.leaves(tree):
        sharding = None if isinstance(leaf, jax.core.Tracer) else getattr(leaf, "sharding", None)
        if isinstance(sharding, NamedSharding) and sharding.mesh.axis_names == (AXIS,):
            return sharding.mesh if isinstance(sharding.mesh, Mesh) and sharding.mesh.size > 1 else None
    return None


def along(leaf: Array, row: Mesh | None) -> Array:
    """While tracing: an array with its leading axis, which divides, spread over a mesh."""
    return leaf if row is None else jax.lax.with_sharding_constraint(leaf, NamedSharding(row, jax.P(AXIS)))


def over_devices(function: Callable[[Any, Any], PyTree], *, total: bool) -> Callable[[Any, Any], PyTree]:
    """`function(whole, part)`, compiled, with `part` spread over devices and `whole` on each of them.

    Each device computes its part; where `total`, results are summed over devices, in one exchange, else they stay
    where they are, leading axes spread like those of `part`.
    """

    @ft.partial(jax.jit, static_argnums=2)
    def compiled(whole: Any, part: Any, row: Mesh | None) -> PyTree:
        if row is None:
            return function(whole, part)
        spec = jax.P() if total else jax.P(AXIS)
        own = lambda w, p: jax.lax.psum(function(w, p), AXIS) if total else function(w, p)  # noqa: E731
        return jax.shard_map(own, mesh=row, in_specs=(jax.P(), jax.P(AXIS)), out_specs=spec, check_vma=False)(
            whole, part
        )

    @ft.wraps(function)
    def spread_out(whole: Any, part: Any) -> PyTree:
        return compiled(whole, part, mesh_of(part))

    return spread_out


def gathered(x: Array) -> np.ndarray:
    """An array on the host, also where other processes hold parts of it; every process has to ask."""
    if x.is_fully_addressable or x.is_fully_replicated:
        return np.asarray(x)
    from jax.experimental import multihost_utils

    return np.asarray(multihost_utils.process_allgather(x, tiled=True))

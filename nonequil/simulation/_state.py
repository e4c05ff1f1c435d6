"""What a simulation is between two pieces: the chains, the totals of its observers, the pairs not yet shown to them."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.sharding import Mesh
from jaxtyping import Array, Int, PyTree, Shaped

from .. import numerics
from .._checks import spins as check_spins
from .._results import Unit
from ..data import Transitions
from ..dynamics import AbstractDynamics
from ..statistics import AbstractObserver
from ._chunks import capacity, pairs
from ._drive import check_drive, drives_at

Chains = PyTree[Shaped[Array, "chains ..."]]
LAST = 2**31 - 1  # steps are counted in 32 bits


class SimulationState(eqx.Module):
    """A simulation between two calls of `advance`: a pytree of arrays, to be saved and continued bit for bit.

    - `x`: state of each chain (leading axis: chains);
    - `index`: absolute index of the next step, burn-in included: it names the random numbers;
    - `burn_in`: number of steps before the first one that observers may see;
    - `totals`: one total per observer;
    - `held`: pairs x and x_next, (chains, steps, ...), that wait until their chunk is full, so that observers see the
      same chunks however a run is cut into pieces;
    - `mesh`: the devices over which `spread` laid the chains, if they are several.
    """

    x: Chains
    index: Int[Array, ""]
    burn_in: Int[Array, ""]
    totals: PyTree
    held: PyTree
    mesh: Mesh | None = eqx.field(static=True, default=None)


def start(
    dynamics: AbstractDynamics,
    x0: Chains,
    *,
    steps: int,
    observers: tuple[AbstractObserver, ...] = (),
    burn_in: int = 0,
    every: int | None = None,
    drive: Any = None,
) -> SimulationState:
    """The state before the first step.

    `x0` has a leading axis of chains; `steps` is the number of steps to come after `burn_in`, over all pieces (an
    observer that records needs it); `every` and `drive` as in `simulate`.
    Raises ValueError if `x0` does not fit the dynamics or holds values other than -1/+1, if `steps` or `burn_in` is
    negative, if `every` is below one, if `drive` has another number of rows than `burn_in + steps`.
    """
    x0 = jax.tree.map(jnp.asarray, x0)
    _check_counts(steps, burn_in)
    _check_fit(dynamics, x0, drive)
    check_spins(jax.vmap(dynamics.spins)(x0), "x0")
    check_drive(drive, burn_in + steps)
    shown = steps // period(dynamics, x0, every)
    shapes = eqx.filter_eval_shape(_all_pairs, dynamics, x0, shown, drive)
    totals = tuple(o.init(shapes) for o in observers)
    held = jax.tree.map(_slots, (x0, x0)) if observers else ()
    return SimulationState(x0, jnp.zeros((), int), jnp.full((), burn_in, int), totals, held, numerics.mesh_of(x0))


def period(dynamics: AbstractDynamics, x: Chains, every: int | None) -> int:
    """Steps from one shown pair to the next: `every`, else those of one unit of time (n attempts, or one step)."""
    if every is None:
        spins = eqx.filter_eval_shape(jax.vmap(dynamics.spins), x)
        return spins.shape[-1] if dynamics.unit is Unit.per_attempt else 1
    if every < 1:
        raise ValueError(f"every = {every}: show each pair (1) or each second, third, ... one")
    return every


def _slots(leaf: Array) -> Array:
    chains = leaf.shape[0]
    return jnp.zeros((chains, capacity(chains), *leaf.shape[1:]), leaf.dtype)


def _all_pairs(dynamics: AbstractDynamics, x: Chains, shown: int, drive: Any) -> Transitions:
    repeated = jax.tree.map(lambda leaf: jnp.repeat(leaf[:, None], shown, axis=1), x)
    return pairs(dynamics, repeated, repeated, drives_at(drive, jnp.arange(shown)), jnp.asarray(shown))


def _check_counts(steps: int, burn_in: int) -> None:
    for name, number in (("steps", steps), ("burn_in", burn_in)):
        if number < 0:
            raise ValueError(f"{name} = {number}: the number of steps must not be negative")
    if steps + burn_in > LAST:
        raise ValueError(f"steps + burn_in = {steps + burn_in} exceeds {LAST}: use several runs with their own keys")


def _check_fit(dynamics: AbstractDynamics, x0: Chains, drive: Any) -> None:
    name, shapes = type(dynamics).__name__, [leaf.shape for leaf in jax.tree.leaves(x0)]
    if not shapes or () in shapes or len({shape[0] for shape in shapes}) > 1 or shapes[0][0] == 0:
        raise ValueError(f"x0 has leaves of shapes {shapes}: the leading axis of each must be chains, at least one")
    one = jax.eval_shape(lambda: jax.tree.map(lambda leaf: leaf[0], x0))
    row = lambda leaf: jnp.zeros(jnp.shape(leaf)[1:], jnp.result_type(leaf))  # noqa: E731
    given = drive(0) if callable(drive) else jax.tree.map(row, drive)
    try:
        after: Any = eqx.filter_eval_shape(lambda x: dynamics.step(x, 0, key=jax.random.key(0), drive=given), one)
    except (TypeError, ValueError, IndexError) as error:
        raise ValueError(f"x0 with shapes {shapes} does not fit {name}, make it (chains, ...): {error}") from error
    if not eqx.tree_equal(one, after):
        raise ValueError(f"x0 with shapes {shapes} does not fit {name}: a step makes {after} of {one}")

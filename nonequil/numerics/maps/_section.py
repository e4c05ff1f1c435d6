"""Sections of an orbit: its points near a surface, gathered while it runs."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PyTree

from ._iterate import at_least, forward
from ._state import Map, checked, floating


class Section(eqx.Module):
    """Points of an orbit near a surface, in time order; NaN from the `count`-th on, if fewer were met."""

    points: PyTree[Float[Array, "points ..."]]
    count: Int[Array, ""]


def section(
    f: Map,
    x0: PyTree[Any],
    through: Callable[[Any], Any],
    *,
    width: Float[Array, ""] | float,
    steps: int,
    points: int,
    transient: int = 0,
    record: Callable[[Any], Any] = floating,
) -> Section:
    """The first `points` records of an orbit where |through(x)| <= `width`, in `steps` steps after the transient.

    A slice of the attractor: of a torus it is a closed curve or a pair of them, of a cycle some points. A map jumps
    over surfaces, hence the width. Records are floating numbers, by default
    those of the state. Memory grows with `points`, not with `steps`.
    Raises ValueError if a count is out of range, if records are not floating, or if f does not keep shapes and types.

    ```python
    nq.numerics.maps.section(f, x0, lambda x: x[1], width=1e-3, steps=10**6, points=500)
    ```
    """
    at_least(0, steps=steps, transient=transient)
    at_least(1, points=points)
    x0 = checked(f, x0)
    seen = eqx.filter_eval_shape(record, x0)
    if not all(jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in jax.tree.leaves(seen)):
        raise ValueError(f"record(x0) is {seen}: record floating numbers, a section is filled up with NaN")
    return _section(f, x0, through, width, steps, points, transient, record)


@eqx.filter_jit
def _section(
    f: Map, x: Any, through: Callable, width: Any, steps: int, points: int, transient: int, record: Callable
) -> Section:
    def step(carry: tuple, _: None) -> tuple[tuple, None]:
        x, rows, count = carry
        x = f(x)
        place = jnp.where((jnp.abs(through(x)) <= width) & (count < points), count, points)  # the spare row else
        rows = jax.tree.map(lambda row, value: row.at[place].set(value), rows, record(x))
        return (x, rows, jnp.where(place < points, count + 1, count)), None

    empty = jax.tree.map(lambda a: jnp.full((points + 1, *a.shape), jnp.nan, a.dtype), eqx.filter_eval_shape(record, x))
    (_, rows, count), _ = jax.lax.scan(step, (forward(f, x, transient), empty, jnp.asarray(0)), length=steps)
    return Section(jax.tree.map(lambda leaf: leaf[:points], rows), count)

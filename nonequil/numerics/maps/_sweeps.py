"""Orbits along a parameter: all from one state, or each from the one before."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PyTree, Shaped

from ._iterate import at_least, identity, iterate
from ._state import Family, checked

CACHED = 512  # states of a few dozen numbers that a core keeps near: many thousands at once take three times as long


def bifurcation_diagram(
    family: Family,
    x0: PyTree[Any],
    values: Shaped[Array, "values ..."],
    steps: int,
    *,
    transient: int = 0,
    every: int = 1,
    record: Callable[[Any], Any] = identity,
    batch: int | None = None,
) -> tuple[PyTree[Shaped[Array, "values ..."]], PyTree[Shaped[Array, "values records ..."]]]:
    """The orbit of every map `family(value)` from the same state: last states, and records after the transient.

    `batch` values run side by side, one batch after the other: by default 512 on a CPU, whose cache more small states
    would leave, and all of them elsewhere. Counts and `record` are those of `iterate`. Where branches coexist, the
    state `x0` alone decides which one each value shows: compare with `continuation` and `branch_fractions`.
    Differentiable like `iterate`. Raises ValueError like it, and if `batch` is below one.

    ```python
    r = jnp.linspace(2.8, 4, 1000)
    last, x = nq.numerics.maps.bifurcation_diagram(lambda r: lambda x: r * x * (1 - x), 0.4, r, 100, transient=1000)
    nq.plot.bifurcation_diagram(r, x)
    ```
    """
    if batch is None:
        batch = CACHED if jax.default_backend() == "cpu" else len(values)
    at_least(1, batch=batch)
    x0 = jax.tree.map(jnp.asarray, x0)
    return _diagram(family, x0, jnp.asarray(values), (steps, transient, every), record, batch)


@eqx.filter_jit
def _diagram(family: Family, x0: Any, values: Array, counts: tuple, record: Callable, batch: int) -> tuple[Any, Any]:
    steps, transient, every = counts

    def orbit(value: Any) -> tuple[Any, Any]:
        return iterate(family(value), x0, steps, transient=transient, every=every, record=record)

    return jax.vmap(orbit)(values) if len(values) <= batch else jax.lax.map(orbit, values, batch_size=batch)


def continuation(
    family: Family,
    x0: PyTree[Any],
    values: Shaped[Array, "values ..."],
    steps: int,
    *,
    start: int = 0,
    transient: int = 0,
    every: int = 1,
    record: Callable[[Any], Any] = identity,
) -> tuple[PyTree[Shaped[Array, "values ..."]], PyTree[Shaped[Array, "values records ..."]]]:
    """Orbits along a parameter, each from the last state of the one before it: last states and records, in the order
    of `values`.

    The march begins with `values[start]` from `x0` and goes up to the last value; then from the last state at
    `values[start]` down to the first. So `start=0` marches up, `start=-1` down, and where the two differ branches
    coexist. Counts and `record` are those of `iterate`; one compilation; many starts or second parameters by `vmap`.
    A state with a clock is carried with its clock: let each stretch last whole periods.
    Differentiable like `iterate`. Raises ValueError like it, and if `start` is no index of `values`.

    ```python
    up, down = (nq.numerics.maps.continuation(family, x0, values, 100, start=k, transient=1000)[1] for k in (0, -1))
    ```
    """
    number = len(values)
    if not -number <= start < number:
        raise ValueError(f"start = {start} is no index of the {number} values")
    start %= number
    order = np.concatenate([np.arange(start, number), np.arange(start - 1, -1, -1)])
    x0 = checked(family(values[start]), x0)

    def stretch(carry: tuple[Any, Any], given: tuple[Array, Array]) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
        (x, home), (value, place) = carry, given
        x = jax.tree.map(lambda x, home: jnp.where(place == number - start, home, x), x, home)
        last, records = iterate(family(value), x, steps, transient=transient, every=every, record=record)
        home = jax.tree.map(lambda home, last: jnp.where(place == 0, last, home), home, last)
        return (last, home), (last, records)

    marched = jax.lax.scan(stretch, (x0, x0), (values[order], jnp.arange(number)))[1]
    return jax.tree.map(lambda leaf: leaf[np.argsort(order)], marched)

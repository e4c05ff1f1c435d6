"""Orbits of a map: records in a scan, and steps that leave none."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array, PyTree, Shaped

from ._state import Map, checked


def identity(x: Any) -> Any:
    """The state itself: what is recorded unless told otherwise."""
    return x


def at_least(least: int, **counts: int) -> None:
    """Raises ValueError for a count below `least`, by its name."""
    for name, count in counts.items():
        if count < least:
            raise ValueError(f"{name} = {count}: take at least {least}")


def forward(f: Map, x: Any, steps: int) -> Any:
    """The state after `steps` steps from a checked state."""
    return f(x) if steps == 1 else jax.lax.scan(lambda x, _: (f(x), None), x, length=steps)[0]


def advance(f: Map, x0: PyTree[Any], steps: int) -> PyTree[Shaped[Array, "..."]]:
    """The state after `steps` steps x <- f(x) from `x0`. Nothing is recorded: memory does not grow with `steps`.

    The state is any pytree with a floating leaf; other leaves (a clock) are carried along. Differentiable in what f
    holds; reverse mode stores the steps, forward mode does not.
    Raises ValueError if `steps` is negative or if f does not keep the shapes and types of `x0`.
    """
    at_least(0, steps=steps)
    return _advance(f, checked(f, x0), steps)


@eqx.filter_jit
def _advance(f: Map, x: Any, steps: int) -> Any:
    return forward(f, x, steps)


def iterate(
    f: Map,
    x0: PyTree[Any],
    steps: int,
    *,
    transient: int = 0,
    every: int = 1,
    record: Callable[[Any], Any] = identity,
) -> tuple[PyTree[Shaped[Array, "..."]], PyTree[Shaped[Array, "records ..."]]]:
    """An orbit of the map x <- f(x): the last state, and `record(x)` at each `every`-th step after the transient.

    First `transient` steps from `x0` that leave no record, then `steps` steps; records are of the states after
    every, 2 every, ... of these, so `steps / every` of them, and only they take memory. One compilation for all values
    of the leaves of f; sweep its parameters with `vmap` outside. Differentiable in what f holds, where the orbit is
    regular: in chaos derivatives grow like the orbit's exponents say.
    Raises ValueError if a count is out of range, if `every` does not divide `steps`, or if f does not keep the shapes
    and types of `x0`.

    ```python
    last, m = nq.numerics.maps.iterate(lambda m: jnp.tanh(J @ m), m0, 1000, transient=10_000)
    ```
    """
    at_least(0, steps=steps, transient=transient)
    at_least(1, every=every)
    if steps % every:
        raise ValueError(f"steps = {steps} is no multiple of every = {every}; take {-(-steps // every) * every}")
    return _iterate(f, checked(f, x0), steps // every, transient, every, record)


@eqx.filter_jit
def _iterate(f: Map, x: Any, records: int, transient: int, every: int, record: Callable) -> tuple[Any, Any]:
    def stretch(x: Any, _: None) -> tuple[Any, Any]:
        x = forward(f, x, every)
        return x, record(x)

    return jax.lax.scan(stretch, forward(f, x, transient), length=records)

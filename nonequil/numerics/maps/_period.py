"""The period of a recorded orbit."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PyTree

LONGEST = 256


def period(
    orbit: PyTree[Float[Array, "steps ..."]], tolerance: Float[Array, ""] | float = 1e-8, longest: int | None = None
) -> Int[Array, ""]:
    """The smallest number of steps after which a recorded orbit comes back, and goes on doing so; 0 if it does not.

    The smallest p up to `longest` with max |x_t - x_{t-p}| <= `tolerance`, over all leaves and over the last
    steps - `longest` steps t: at least as many as a period is long. `longest` is by default half of the steps, 256 at
    most. Take a `tolerance` above what is left of the transient and far below the distance of points on the orbit.
    Raises ValueError if the orbit is shorter than twice `longest`.

    ```python
    nq.numerics.maps.period(nq.numerics.maps.iterate(f, x0, 512, transient=10_000)[1])
    ```
    """
    leaves: list[Any] = jax.tree.leaves(orbit)
    steps = leaves[0].shape[0]
    longest = min(steps // 2, LONGEST) if longest is None else longest
    if longest < 1 or steps < 2 * longest:
        raise ValueError(f"the orbit has {steps} steps: a period up to longest = {longest} needs {max(2, 2 * longest)}")
    return _period(leaves, tolerance, longest)


@eqx.filter_jit
def _period(leaves: list[Array], tolerance: Any, longest: int) -> Int[Array, ""]:
    def repeats(p: Array) -> Array:
        return jnp.all(jnp.stack([_repeats(x, p, longest, tolerance) for x in leaves]))

    first = jnp.asarray(1)
    p, found = jax.lax.while_loop(
        lambda carry: ~carry[1] & (carry[0] < longest),
        lambda carry: (carry[0] + 1, repeats(carry[0] + 1)),
        (first, repeats(first)),
    )
    return jnp.where(found, p, 0)


def _repeats(x: Array, p: Array, longest: int, tolerance: Any) -> Array:
    length = x.shape[0] - longest
    earlier = jax.lax.dynamic_slice_in_dim(x, longest - p, length)
    return jnp.max(jnp.abs(x[longest:] - earlier), initial=0.0) <= tolerance

"""Lyapunov exponents of a map, from the growth of a few tangents along one orbit."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from ._exponents import Exponents, summary
from ._iterate import at_least, forward
from ._orthonormal import first_directions, orthonormal
from ._state import Coordinates, Map, checked, floating


def lyapunov(
    f: Map, x0: PyTree[Any], *, count: int = 1, steps: int, transient: int = 0, every: int = 1, blocks: int = 20
) -> Exponents:
    """The `count` largest Lyapunov exponents of the map x <- f(x): how fast nearby orbits part. Unit: nats per step.

    lambda_j = lim (1 / T) sum of log R_jj, where the tangents V <- Df(x) V are replaced every `every` steps by Q of
    V = Q R. Only `count` products with Df are taken a step. After `transient` steps of the state alone, the tangents
    first turn, uncounted, for the length of one block; then `steps` steps in `blocks` blocks, whose scatter gives
    the error and whose drift shows an attractor reached late: see `Exponents`.
    Floating leaves of the state have tangents; others (the clock of a periodic force) are carried along, and add no
    exponents of zero. Memory does not grow with `steps`. Rare orthonormalisation saves time, but is right for the
    leading exponents only: read `resolved`.
    Differentiable in what f holds on a regular orbit (steps are stored in reverse mode); not in chaos.
    Source: Benettin, Galgani, Giorgilli & Strelcyn, Meccanica 15, 9 (1980).

    Raises ValueError in single precision, whose rounding a chaotic orbit doubles into noise within about a hundred
    steps and which leaves no digit of an exponent near zero; if `count` is more than the state has numbers; if `steps`
    is no multiple of `blocks` times `every`; if a count is out of range.

    ```python
    henon = lambda x: jnp.stack([1 - 1.4 * x[0] ** 2 + x[1], 0.3 * x[0]])
    nq.numerics.maps.lyapunov(henon, jnp.zeros(2), count=2, steps=20_000, transient=1000).value  # 0.419, -1.623
    ```
    """
    x0 = checked(f, x0)
    at_least(0, transient=transient)
    at_least(1, count=count, steps=steps, every=every)
    at_least(2, blocks=blocks)
    coordinates = Coordinates.of(x0)
    if any(leaf.dtype != jnp.float64 for leaf in jax.tree.leaves(floating(x0))):
        raise ValueError(
            f"x0 is {coordinates.dtype}: exponents need float64, since rounding grows with the orbit's own exponents; "
            "set jax.config.update('jax_enable_x64', True) and convert x0 and the map"
        )
    if count > coordinates.size:
        raise ValueError(
            f"count = {count}, but the state has {coordinates.size} floating numbers; ask for at most those"
        )
    if steps % (blocks * every):
        whole = -(-steps // (blocks * every)) * blocks * every
        raise ValueError(f"steps = {steps} is no multiple of blocks * every = {blocks * every}; take {whole}")
    return _lyapunov(f, x0, count, steps // (blocks * every), transient, every, blocks)


@eqx.filter_jit
def _lyapunov(f: Map, x: Any, count: int, turns: int, transient: int, every: int, blocks: int) -> Exponents:
    coordinates = Coordinates.of(x)

    def push(carry: tuple[Any, Array], _: None) -> tuple[tuple[Any, Array], None]:
        return coordinates.tangents(f, *carry), None

    def turn(carry: tuple, _: None) -> tuple[tuple, None]:
        x, Q, total, resolved = carry
        x, V = push((x, Q), None)[0] if every == 1 else jax.lax.scan(push, (x, Q), length=every)[0]
        Q, growth, clear = orthonormal(V)
        return (x, Q, total + jnp.log(growth), resolved & clear), None

    def block(carry: tuple[Any, Array], _: None) -> tuple[tuple[Any, Array], tuple[Array, Array]]:
        start = (*carry, jnp.zeros(count, coordinates.dtype), jnp.ones(count, bool))
        (x, Q, total, resolved), _ = jax.lax.scan(turn, start, length=turns)
        return (x, Q), (total / (turns * every), resolved)

    Q = jnp.asarray(first_directions(count, coordinates.size))
    (x, _), (means, resolved) = jax.lax.scan(block, (forward(f, x, transient), Q), length=blocks + 1)
    return summary(means[1:], resolved[1:], x, jnp.all(jnp.isfinite(coordinates.split(x)[0])))

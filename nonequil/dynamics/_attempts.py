"""Many attempts of the sequential clock, in many chains at once."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from .. import numerics
from .._types import Index
from ._local_update import LocalUpdate

BLOCK = 8  # attempts whose flips reach the carried fields together; some compilers double their code for each more
Drives = Callable[[Int[Array, " steps"]], Float[Array, "steps n"]]


class _Draws(NamedTuple):
    """What a block of attempts needs before any spin is read; leading axes block, chains."""

    sites: Int[Array, "block chains"]
    uniforms: Float[Array, "block chains"]
    push: Float[Array, "block chains"] | None
    counts: Bool[Array, "block #chains"]  # whether the attempt is not after the last one


def attempts(
    local: LocalUpdate,
    h: Int[Array, "chains n"],
    first: Index,
    stop: Index,
    *,
    keys: Key[Array, " chains"],
    drives: Drives | None = None,
    block: int = BLOCK,
    until: Int[Array, " chains"] | None = None,
) -> tuple[Int[Array, "chains n"], Int[Array, "chains n"]]:
    """Carried fields before the last one, and after all, of the steps of `Sequential` numbered `first` to `stop` - 1.

    `h` is `local.init(x)`, `keys` are those of the steps, `drives(indices)` the input of several steps; there must be
    one step at least, and chain c makes only those before `until[c]`. The random numbers are those of
    `Sequential.step`; a spin can differ from what single steps give only where its field meets its random number to
    rounding. n additions an attempt.

    The attempts of a block, at sites i_1, ..., i_B, are decided in order from the fields h before the block and the
    couplings among their sites, h_k = h(i_k) + sum_{l < k} J(i_k, i_l) d_l with d_l = -2, 0 or 2 the change of spin
    i_l at attempt l; sites may come twice. All changes then go into the fields in one pass over memory. The result
    does not depend on `block`: a run of few attempts wants a short one, and none has more than 8.
    """
    block = min(block, BLOCK)
    start, stop = jnp.asarray(first), jnp.asarray(stop)
    slots = jnp.arange(block, dtype=start.dtype)
    draw = lambda k: _draw(local, start + block * k + slots, stop, keys, drives, until)  # noqa: E731

    def decide(k: Array, carry: tuple) -> tuple:
        h, sites, flips, draws = carry
        h = _flipped(local, h, sites, flips)  # of the block before, so that the compiler decides them once
        return h, draws.sites, _decide(local, h, draws), draw(k + 1)

    draws, none = draw(0), jnp.zeros(keys.shape, jnp.int32)
    blocks = (stop - start - 1) // block + 1
    h, sites, flips, _ = jax.lax.fori_loop(0, blocks, decide, (h, draws.sites, none, draws))
    last = 1 << ((stop - start - 1) % block).astype(jnp.int32)
    return _flipped(local, h, sites, flips & ~last), _flipped(local, h, sites, flips)


def _draw(
    local: LocalUpdate, steps: Array, stop: Array, keys: Array, drives: Drives | None, until: Array | None
) -> _Draws:
    n = local.unit.shape[0]
    pushed = None if drives is None else drives(steps)
    dtype = local.unit.dtype if pushed is None else jnp.result_type(local.unit, pushed)
    by_chain = lambda f: jax.vmap(lambda step: jax.vmap(lambda key: f(key, step))(keys))(steps)  # noqa: E731
    sites = by_chain(lambda key, step: numerics.integers(key, step, (), n))
    uniforms = by_chain(lambda key, step: numerics.uniforms(key, step, (), dtype))
    push = None if pushed is None else jax.vmap(lambda row, at: row[at])(pushed, sites)
    counts = (steps - stop < 0)[:, None]  # true also where the count of steps runs over
    return _Draws(sites, uniforms, push, counts if until is None else counts & (steps[:, None] < until[None]))


def _decide(local: LocalUpdate, h: Array, draws: _Draws) -> Int[Array, " chains"]:
    """One word a chain: bit k says whether attempt k changes its spin, bit BLOCK + k whether it is up then."""
    here = jax.vmap(lambda h, at: h[at], in_axes=(0, 1), out_axes=1)(h, draws.sites)
    unit = local.unit[draws.sites]
    changes: list[Array] = []
    word = jnp.zeros(h.shape[:1], jnp.int32)
    for k in range(len(here)):
        now = here[k]
        for at, change in zip(draws.sites, changes, strict=False):
            now = now + change * local.columns[at, draws.sites[k]]
        field = (now >> 1).astype(unit.dtype) * unit[k]
        field = field if draws.push is None else field + draws.push[k]
        up = (draws.uniforms[k] < jax.nn.sigmoid(2 * field)).astype(h.dtype)
        changes.append(jnp.where(draws.counts[k], up - (now & 1), 0))
        word = word | ((changes[k] & 1) | (up << BLOCK)).astype(jnp.int32) << k
    return word


def _flipped(local: LocalUpdate, h: Array, sites: Array, flips: Array) -> Array:
    """The fields after the changes of a block."""
    for k, at in enumerate(sites):
        changed, up = (flips >> k) & 1, (flips >> (BLOCK + k)) & 1
        h = h + (changed * (2 * up - 1)).astype(h.dtype)[:, None] * local.columns[at]
    return h

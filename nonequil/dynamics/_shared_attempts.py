"""Many attempts of the sequential clock, in groups of chains that redraw the same sites."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key, UInt32

from .. import numerics
from .._types import Index
from ._attempts import Drives
from ._exact_rows import ExactRows

BLOCK = 16  # attempts that go through one matrix product; longer ones save little and take longer to compile


class _Draws(NamedTuple):
    """What a block of attempts needs before any spin is read."""

    sites: Int[Array, " block"]
    thresholds: Float[Array, "block chains"]
    among: Float[Array, "block block"]  # what the change of spin i_l at attempt l adds at attempt k, in [k, l]


class _Decided(NamedTuple):
    """Attempts whose outcomes are not yet in the state: bit k of a chain's word says whether spin i_k is up."""

    sites: Int[Array, " block"]
    words: UInt32[Array, " chains"]


def shared_attempts(
    rows: ExactRows,
    up: Float[Array, "groups n chains"],
    first: Index,
    stop: Index,
    *,
    keys: Key[Array, "groups chains"],
    drives: Drives | None = None,
    block: int = BLOCK,
) -> tuple[Float[Array, "groups n chains"], Float[Array, "groups n chains"]]:
    """States before the last one, and after all, of the steps of `Sequential` numbered `first` to `stop` - 1.

    `up` is `rows.init(x, sharing)`, 1 where a spin is up; there must be one step at least. The sites of a group are
    those of its first chain; all other random numbers are those of `Sequential.step`, and a spin can differ from what
    single steps give only where its field meets its random number to rounding. Each chain follows the law of the clock,
    as do chains of different groups together; those of one group are not independent. `drives(indices)` is the input
    of several steps. 2 n operations an attempt.

    The attempts of a block, at sites i_1, ..., i_B, are decided in order from the fields before the block, one matrix
    product for all chains of a group, and the couplings among their sites: h_k = h(i_k) + sum_l J(i_k, i_l) d_l over
    the l < k that are the last ones before k at their site, with d_l the change of spin i_l since the block began.
    The result does not depend on `block`, at most 16: a run of few attempts wants a short one.
    """
    block = min(block, BLOCK)
    start, stop = jnp.asarray(first), jnp.asarray(stop)
    group = lambda up, keys: _group(rows, up, start, stop, keys, drives, block)  # noqa: E731
    return jax.vmap(group)(up, keys)


def _group(
    rows: ExactRows, up: Array, start: Array, stop: Array, keys: Array, drives: Drives | None, block: int
) -> tuple[Array, Array]:
    steps = lambda k: start + block * k + jnp.arange(block, dtype=start.dtype)  # noqa: E731
    sites = lambda k: _sites(keys[0], steps(k), rows.H.shape[0])  # noqa: E731  (a block early: else drawn once a use)
    draw = lambda k, sites: _draw(rows, steps(k), sites, keys, drives)  # noqa: E731

    def decide(k: Array, carry: tuple) -> tuple:
        up, before, draws, sites_next = carry
        up = _written(up, before, None)  # of the block before, so that the compiler decides them once
        return up, _decide(rows, up, draws), draw(k + 1, sites_next), sites(k + 2)

    count = (stop - start - 1) // block
    none = _Decided(jnp.full(block, up.shape[0], jnp.int32), jnp.zeros(up.shape[1:], jnp.uint32))
    carry = jax.lax.fori_loop(0, count + 1, decide, (up, none, draw(0, sites(0)), sites(1)))
    up, decided = carry[:2]
    last = (stop - start - 1) % block
    return _written(up, decided, last), _written(up, decided, last + 1)


def _sites(key: Array, steps: Array, n: int) -> Int[Array, " block"]:
    return jax.vmap(lambda step: numerics.integers(key, step, (), n))(steps)


def _draw(rows: ExactRows, steps: Array, sites: Array, keys: Array, drives: Drives | None) -> _Draws:
    push = None if drives is None else jax.vmap(lambda row, i: row[i])(drives(steps), sites).astype(rows.H.dtype)
    uniform = lambda step, key: numerics.uniforms(key, step, (), rows.H.dtype)  # noqa: E731
    uniforms = jax.vmap(lambda step: jax.vmap(lambda key: uniform(step, key))(keys))(steps)
    slots = jnp.arange(len(sites), dtype=sites.dtype)
    felt = (slots[None] < slots[:, None]) & (slots[:, None] <= _again(sites)[None])
    among = jnp.where(felt, rows.rows[sites[:, None], sites[None]], 0)
    return _Draws(sites, rows.thresholds(sites, uniforms, push), among)


def _decide(rows: ExactRows, up: Array, draws: _Draws) -> _Decided:
    """All attempts of a block in order."""
    sums = jnp.matmul(rows.rows[draws.sites], up, precision=jax.lax.Precision.HIGHEST)
    old = up[draws.sites]
    changes: list[Array] = []
    words = jnp.zeros(up.shape[1:], jnp.uint32)
    for k in range(len(sums)):
        now = sums[k]
        for felt, change in zip(draws.among[k], changes, strict=False):
            now = now + felt * change
        turned_up = now > draws.thresholds[k]
        changes.append(turned_up.astype(up.dtype) - old[k])
        words = words | turned_up.astype(jnp.uint32) << jnp.uint32(k)
    return _Decided(draws.sites, words)


def _written(up: Array, decided: _Decided, count: Array | None) -> Array:
    """The state after the first `count` of the decided attempts (None: all): each site as its last one left it."""
    slots = jnp.arange(len(decided.sites), dtype=decided.sites.dtype)
    end = len(slots) if count is None else count.astype(slots.dtype)
    last: Bool[Array, " block"] = (slots < end) & (_again(decided.sites) >= end)
    new = (decided.words[None] >> slots[:, None].astype(jnp.uint32)) & jnp.uint32(1)
    target = jnp.where(last, decided.sites, up.shape[0] + slots)  # the others fall outside
    return up.at[target].set(new.astype(up.dtype), mode="drop", unique_indices=True)


def _again(sites: Array) -> Int[Array, " block"]:
    """The next attempt at the same site, `block` if there is none."""
    slots = jnp.arange(len(sites), dtype=sites.dtype)
    later = (sites[None] == sites[:, None]) & (slots[None] > slots[:, None])
    return jnp.min(jnp.where(later, slots[None], len(sites)), axis=1)

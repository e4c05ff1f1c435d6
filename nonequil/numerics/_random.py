"""The one source of random numbers of clocks: a number is named by (key, step, site), whatever the batch."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
import jax.scipy.special
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int, Key, Shaped, UInt32

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA


@jax.jit  # traced once a shape: its hundred operations else take most of a short call
def threefry(
    key: tuple[UInt32[Array, ""], UInt32[Array, ""]], counter: tuple[UInt32[Array, "*shape"], UInt32[Array, "*shape"]]
) -> tuple[UInt32[Array, "*shape"], UInt32[Array, "*shape"]]:
    """Threefry-2x32 with all 20 rounds, written out so that XLA fuses it with what reads the numbers.

    Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
    """
    schedule = (*key, key[0] ^ key[1] ^ jnp.uint32(_PARITY))
    a, b = counter[0] + schedule[0], counter[1] + schedule[1]
    for block in range(5):
        for rotation in _ROTATIONS[block % 2]:
            a = a + b
            b = ((b << jnp.uint32(rotation)) | (b >> jnp.uint32(32 - rotation))) ^ a
        a = a + schedule[(block + 1) % 3]
        b = b + schedule[(block + 2) % 3] + jnp.uint32(block + 1)
    return a, b


def uniforms(
    key: Key[Array, ""], step: Int[Array, ""] | int, shape: tuple[int, ...], dtype: DTypeLike | None = None
) -> Float[Array, "..."]:
    """Independent uniform numbers in [0, 1), one for each site of `shape`, named by (key, step, site).

    As many random bits as the type holds: 24 in float32, 53 in float64. The same name gives the same number in any
    batch, chunk or device.
    """
    site = jnp.arange(math.prod(shape), dtype=jnp.uint32).reshape(shape)
    return uniforms_at(key, step, site, dtype or jnp.result_type(float))


def uniforms_at(
    key: Key[Array, ""], step: Int[Array, ""] | int, site: Shaped[Array, "*shape"], dtype: DTypeLike
) -> Float[Array, "*shape"]:
    """The numbers of `uniforms` at some of the sites: for layouts in which sites do not come last."""
    words, site = jr.key_data(key).astype(jnp.uint32), site.astype(jnp.uint32)
    step = jnp.broadcast_to(jnp.asarray(step).astype(jnp.uint32), site.shape)
    first, second = threefry((words[..., -2], words[..., -1]), (site, step))
    return _fractions(first, second, jnp.dtype(dtype))


def uniform_pairs(
    key: Key[Array, ""], step: Int[Array, ""] | int, pair: Shaped[Array, "*shape"], dtype: DTypeLike
) -> tuple[Float[Array, "*shape"], Float[Array, "*shape"]]:
    """Two independent uniform numbers in [0, 1) for each pair, named by (key, step, number of the pair below 2**31).

    As many random bits as the type holds. In single precision both come from one block of random bits, at half the cost
    of `uniforms`, whose numbers have the same names: a clock uses one of the two.
    """
    words = jr.key_data(key).astype(jnp.uint32)
    step = jnp.broadcast_to(jnp.asarray(step).astype(jnp.uint32), pair.shape)
    block = lambda number: threefry((words[..., -2], words[..., -1]), (number, step))  # noqa: E731
    number, dtype = pair.astype(jnp.uint32), jnp.dtype(dtype)
    first, second = block(number)
    if dtype == jnp.float64:
        third, fourth = block(number | jnp.uint32(0x80000000))
        return _fractions(first, second, dtype), _fractions(third, fourth, dtype)
    return _fractions(first, first, dtype), _fractions(second, second, dtype)


def _fractions(first: UInt32[Array, "*shape"], second: UInt32[Array, "*shape"], dtype: Any) -> Float[Array, "*shape"]:
    """Numbers in [0, 1) from random words: the second ones are read only in double precision."""
    if dtype == jnp.float64:
        high, low = (first >> jnp.uint32(5)).astype(dtype), (second >> jnp.uint32(6)).astype(dtype)
        return (high * 2.0**26 + low) * 2.0**-53
    bits = jnp.finfo(dtype).nmant + 1
    return (first >> jnp.uint32(32 - bits)).astype(dtype) * jnp.asarray(2.0**-bits, dtype)


def exponentials(
    key: Key[Array, ""], step: Int[Array, ""] | int, shape: tuple[int, ...], dtype: DTypeLike | None = None
) -> Float[Array, "..."]:
    """Independent waiting times of rate one, from the same named uniform numbers."""
    return -jnp.log1p(-uniforms(key, step, shape, dtype))


def normals(
    key: Key[Array, ""], step: Int[Array, ""] | int, shape: tuple[int, ...], dtype: DTypeLike | None = None
) -> Float[Array, "..."]:
    """Independent standard normal numbers, by the inverse of their distribution from the same named uniform numbers.

    The smallest and largest are as far out as the type's uniform numbers reach: 5.3 in float32, 8.2 in float64.
    """
    u = uniforms(key, step, shape, dtype)
    middle = u - 0.5 + 2.0 ** -(jnp.finfo(u.dtype).nmant + 2)  # the middle of the number's interval, exactly
    return jnp.sqrt(jnp.asarray(2, u.dtype)) * jax.scipy.special.erfinv(2 * middle)


def integers(key: Key[Array, ""], step: Int[Array, ""] | int, shape: tuple[int, ...], count: int) -> Int[Array, "..."]:
    """Independent integers in [0, count), named by (key, step, site), apart from the uniform numbers of the same name.

    32 random bits modulo `count`: no value's probability is off by more than count / 2**32 of itself.
    """
    words = jr.key_data(key).astype(jnp.uint32)
    site = jnp.arange(math.prod(shape), dtype=jnp.uint32).reshape(shape) | jnp.uint32(0x80000000)
    step = jnp.broadcast_to(jnp.asarray(step).astype(jnp.uint32), shape)
    return (threefry((words[..., -2], words[..., -1]), (site, step))[0] % jnp.uint32(count)).astype(jnp.int32)


def chain_keys(key: Key[Array, ""], chains: int) -> Key[Array, " chains"]:
    """One key a chain, the same for chain c whatever the number of chains."""
    return jax.vmap(lambda chain: jr.fold_in(key, chain))(jnp.arange(chains))

"""Self-attention networks from the patterns or from the correlations between them."""

import itertools
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Shaped

from .._checks import finite
from ._attention import AttentionNetwork

NAMES = ("out", "value", "query", "key")


def attention_from_patterns(
    out: Shaped[ArrayLike, "..."],
    value: Shaped[ArrayLike, "..."],
    query: Shaped[ArrayLike, "..."],
    key: Shaped[ArrayLike, "..."],
    *,
    beta: Shaped[ArrayLike, ""],
    gamma: Shaped[ArrayLike, "..."],
    eps: Shaped[ArrayLike, ""] = 0.0,
    bits: Sequence[Shaped[ArrayLike, "..."]] | None = None,
    window: int | None = None,
    weights: Shaped[ArrayLike, "..."] | None = None,
) -> AttentionNetwork:
    """The network whose patterns are the rows of four matrices: each column is a class of spins.

    The matrices are (features, n), or (heads, features, n), real or binary. With as many columns as spins the mean
    field is that of the finite sites; columns that stand for shares of an infinite network have `weights` (default:
    equal shares). `bits` are the positional columns of the four matrices, (features, bits) or (heads, features, bits):
    position p is written in binary, most significant bit first, 0 as -1, and needs a window of 2**bits tokens. Without
    `bits` a `window` is needed.
    Raises ValueError if the matrices differ in shape or the window is not that of the positional code.

    ```python
    W = jax.random.rademacher(jax.random.key(0), (4, 3, 99), float)
    net = nq.attention.from_patterns(*W, window=4, beta=1.2, gamma=10.0)
    ```
    """
    W = _stacked((out, value, query, key), "the patterns")
    positions = None if bits is None else _codes(bits, W.shape[1:3])
    if window is None and positions is None:
        raise ValueError("window is None: give the number of tokens, or a positional code in bits")
    if positions is not None and window not in (None, positions.shape[1]):
        raise ValueError(
            f"window = {window}, but the positional code has {positions.shape[1]} positions: make it those"
        )
    omega = jnp.moveaxis(W, -1, 1)
    shares: Any = jnp.full(W.shape[-1], 1 / W.shape[-1], W.dtype) if weights is None else weights
    size: Any = window if positions is None else positions.shape[1]
    leaves: Any = {"weights": shares, "beta": beta, "gamma": gamma, "eps": eps, "positions": positions}
    return AttentionNetwork(sigma=omega[0], omega=omega, **leaves, window=size)


def attention_from_correlations(
    tables: Shaped[ArrayLike, "..."],
    *,
    beta: Shaped[ArrayLike, ""],
    gamma: Shaped[ArrayLike, ""],
    eps: Shaped[ArrayLike, ""] = 0.0,
    bits: Sequence[Shaped[ArrayLike, "..."]] | None = None,
    window: int | None = None,
) -> AttentionNetwork:
    """The network of infinitely many spins whose binary patterns are known by their correlations.

    `tables[a, B, j]` = <prod_(b in B) W^out_b W^a_j>, a = out, value, query, key, B the sets of an odd number of
    features, small ones first (`odd_sets`): for 3 features {0}, {1}, {2}, {0, 1, 2}. The classes are the 2**(M - 1)
    signs eta of the out patterns relative to the first, omega^a_(eta, j) = sum_B prod_(b in B) eta_b tables[a, B, j]:
    tanh is odd. Tables that no patterns have are taken as they are; overlaps may then leave [-1, 1].
    Raises ValueError if the tables do not have a row for each odd set. Source: Poc-Lopez & Aguilera, arXiv 2406.07247.
    """
    tables = finite("tables")(tables)
    features = tables.shape[-1]
    if tables.shape != (4, 2 ** (features - 1), features):
        raise ValueError(
            f"tables has shape {tables.shape}: {features} features have {2 ** (features - 1)} odd sets, so it must be "
            f"{(4, 2 ** (features - 1), features)}"
        )
    eta = np.array([[1.0, *signs] for signs in itertools.product((1.0, -1.0), repeat=features - 1)])
    signs = np.stack([eta[:, list(B)].prod(axis=1) for B in odd_sets(features)], axis=1)
    omega = jnp.einsum("kb,abj->akj", signs, tables)[:, :, None]
    given = attention_from_patterns(*[eta.T] * 4, beta=beta, gamma=gamma, eps=eps, bits=bits, window=window)
    return eqx.tree_at(lambda net: net.omega, given, omega)


def odd_sets(features: int) -> list[tuple[int, ...]]:
    """The sets of an odd number of features, small ones first."""
    sizes = range(1, features + 1, 2)
    return [B for size in sizes for B in itertools.combinations(range(features), size)]


def duplicated_attention(
    which: Shaped[ArrayLike, "..."],
    *,
    beta: Shaped[ArrayLike, ""],
    gamma: Shaped[ArrayLike, ""],
    eps: Shaped[ArrayLike, ""],
    positions: Shaped[ArrayLike, "..."],
) -> AttentionNetwork:
    """The network of infinitely many spins whose features are copies of few independent random sign patterns.

    `which[a, j]` numbers the pattern that feature j of matrix a (out, value, query, key) carries; M_s patterns make
    2**M_s classes of equal weight. `positions[a, p, j]` are the overlaps of position p, given as they are: rectified
    codes max(0, P p / n) write a memory of sequences. Source: Poc-Lopez & Aguilera, arXiv 2406.07247 (2024).
    """
    which, positions = np.asarray(which), jnp.asarray(positions, float)
    if which.ndim != 2 or which.shape[0] != 4 or not np.issubdtype(which.dtype, np.integer) or which.min() < 0:
        raise ValueError(
            f"which has shape {which.shape} and dtype {which.dtype}: number the patterns 0, 1, ... as (4, features)"
        )
    signs = np.array(list(itertools.product((-1.0, 1.0), repeat=int(which.max()) + 1)))
    omega = jnp.asarray(np.moveaxis(signs[:, which], 0, 1))[:, :, None]
    weights = np.full(len(signs), 1 / len(signs))
    leaves: Any = {"weights": weights, "beta": beta, "gamma": gamma, "eps": eps, "positions": positions[:, :, None]}
    return AttentionNetwork(sigma=omega[0], omega=omega, **leaves, window=positions.shape[1])


def _stacked(four: Sequence[Any], what: str) -> Float[Array, "4 heads features n"]:
    """Four matrices as one array, with an axis of heads."""
    shapes = {name: jnp.shape(x) for name, x in zip(NAMES, four, strict=True)}
    if len(set(shapes.values())) > 1 or len(shapes["out"]) not in (2, 3):
        raise ValueError(f"{what} have shapes {shapes}: make them equal, (features, n) or (heads, features, n)")
    W = jnp.stack([x if jnp.issubdtype(x.dtype, jnp.floating) else x.astype(float) for x in map(jnp.asarray, four)])
    return W if W.ndim == 4 else W[:, None]


def _codes(bits: Sequence[Any], features: tuple[int, ...]) -> Float[Array, "4 window heads features"]:
    """Overlaps P^a p / n of the positions p = 0, 1, ..., written in n bits, most significant first."""
    P = _stacked(bits, "the four matrices of bits")
    if P.shape[1:3] != tuple(features):
        raise ValueError(f"bits have shape {P.shape[1:]}, but the patterns have (heads, features) = {tuple(features)}")
    n = P.shape[-1]
    p = 2 * ((np.arange(2**n)[:, None] >> np.arange(n - 1, -1, -1)) & 1) - 1
    return jnp.einsum("ahmn,ln->alhm", P, p.astype(P.dtype)) / n

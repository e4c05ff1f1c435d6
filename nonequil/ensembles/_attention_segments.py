"""Self-attention networks whose patterns are constant on equal segments of the spins."""

import math
from typing import Any

import jax.random as jr
import numpy as np
from jaxtyping import Array, ArrayLike, Key, Shaped

from ._attention import AttentionNetwork
from ._attention_patterns import attention_from_patterns

SEGMENTS = np.array(  # out, value, query, key: (features, segments)
    [
        [[-1, 1, 1], [-1, 1, -1], [1, 1, 1]],
        [[-1, 1, -1], [-1, -1, 1], [-1, 1, 1]],
        [[1, -1, -1], [-1, -1, -1], [1, -1, 1]],
        [[-1, -1, -1], [-1, -1, 1], [-1, 1, -1]],
    ],
    float,
)
BITS = {  # columns for the positions, by their number
    2: np.array(
        [
            [[-1, -1], [1, -1], [1, 1]],
            [[-1, -1], [1, -1], [-1, 1]],
            [[1, -1], [1, 1], [-1, -1]],
            [[-1, -1], [-1, -1], [-1, 1]],
        ],
        float,
    ),
    5: np.array(
        [
            [[-1, 1, -1, -1, -1], [-1, -1, 1, 1, -1], [-1, 1, 1, 1, 1]],
            [[-1, -1, -1, -1, -1], [-1, -1, 1, 1, -1], [-1, -1, 1, -1, 1]],
            [[-1, 1, -1, 1, -1], [1, 1, 1, 1, 1], [1, 1, 1, -1, -1]],
            [[-1, 1, -1, -1, -1], [-1, -1, -1, -1, -1], [1, -1, -1, -1, 1]],
        ],
        float,
    ),
}
GAMMA = 220 / math.sqrt(3)


def standard_attention(
    n_bits: int = 2,
    beta: Shaped[ArrayLike, ""] = 1.27,
    gamma: Shaped[ArrayLike, ""] = GAMMA,
    eps: Shaped[ArrayLike, ""] = 0.02,
) -> AttentionNetwork:
    """The published network: 3 features, binary patterns constant on 3 equal segments, a window of 2**n_bits tokens.

    With 2 bits the mean field is a small cycle of period 4 below beta = 1.2434, then quasi-periodic, and chaotic with
    periodic windows from about 1.266 to 2.5. `gamma` = 220 / sqrt(3) is the inverse temperature of the softmax itself.
    Raises ValueError unless n_bits is 2 or 5, for which positional columns are known (`random_segments` draws others).
    Source: Poc-Lopez & Aguilera, arXiv 2406.07247 (2024), and its code.

    ```python
    net = nq.attention.standard(n_bits=2, beta=1.27)
    ```
    """
    if n_bits not in BITS:
        raise ValueError(f"n_bits = {n_bits}: the published networks have {sorted(BITS)}; use random_segments")
    return attention_from_patterns(*SEGMENTS, beta=beta, gamma=gamma, eps=eps, bits=tuple(BITS[n_bits]))


def random_segments(
    *,
    key: Key[Array, ""],
    n_bits: int = 2,
    features: int = 3,
    segments: int = 3,
    heads: int = 1,
    beta: Shaped[ArrayLike, ""] = 1.27,
    gamma: Shaped[ArrayLike, "..."] = GAMMA,
    eps: Shaped[ArrayLike, ""] = 0.02,
) -> AttentionNetwork:
    """A network like the published one with random signs: one a feature, segment, matrix and head, and for each bit.

    ```python
    net = nq.attention.random_segments(key=jax.random.key(0), n_bits=3, heads=2)
    ```
    """
    key_W, key_P = jr.split(key)
    draw: Any = lambda key, columns: tuple(jr.rademacher(key, (4, heads, features, columns), float))  # noqa: E731
    W, P = draw(key_W, segments), draw(key_P, n_bits)
    return attention_from_patterns(*W, beta=beta, gamma=gamma, eps=eps, bits=P)

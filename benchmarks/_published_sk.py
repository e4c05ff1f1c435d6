"""The asymmetric Sherrington-Kirkpatrick theory by the published method, written anew in NumPy.

Rectangle sums on [-5, 5] with 10,000 points in one variable and 200 x 200 in two, iterated from m = 1 (Aguilera,
Igarashi & Shimazaki, Nat. Commun. 14, 3685 (2023), and the code they published), in double precision and with matrix
products where NumPy can. Stopped when both m and q move by less than 1e-10.
"""

from typing import NamedTuple

import numpy as np

TOLERANCE = 1e-10
STEPS = 2000


def _rectangle(points: int) -> tuple[np.ndarray, np.ndarray]:
    z = np.linspace(-5, 5, points)
    return z, np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) * (z[1] - z[0])


LINE, LINE_WEIGHTS = _rectangle(10_000)
SIDE, SIDE_WEIGHTS = _rectangle(200)


class Point(NamedTuple):
    """One point of the phase diagram; `converged` tells whether m and q had settled before the steps were used up."""

    m: float
    q: float
    S: float
    S_reverse: float
    sigma: float
    converged: bool
    steps: int


def published(beta: float, dJ: float, J0: float = 1.0, steps: int = STEPS) -> Point:
    """m, q, entropies and entropy production per spin of a parallel step, without fields."""
    s, m, q, moved, taken = beta * dJ, 1.0, 1.0, np.inf, 0
    noise = s * LINE
    while moved >= TOLERANCE and taken < steps:
        g = beta * J0 * m
        m_next = LINE_WEIGHTS @ np.tanh(g + noise)
        q_next = _overlap(g, s, q)
        moved = max(abs(m_next - m), abs(q_next - q))
        m, q, taken = m_next, q_next, taken + 1
    x = beta * J0 * m + noise
    tanh = np.tanh(x)
    k = LINE_WEIGHTS @ (1 - tanh**2)
    log_partition = LINE_WEIGHTS @ np.log(2 * np.cosh(x))
    S = log_partition - LINE_WEIGHTS @ (x * tanh)
    S_reverse = log_partition - beta * J0 * m**2 - s**2 * k * q
    return Point(m, q, S, S_reverse, s**2 * (1 - q) * k, bool(moved < TOLERANCE), taken)


def _overlap(g: float, s: float, q: float) -> float:
    """E tanh(g + s x) tanh(g + s y), x and y of correlation q."""
    first = np.tanh(g + s * SIDE) * SIDE_WEIGHTS
    second = np.tanh((g + s * q * SIDE)[:, None] + s * np.sqrt(max(1 - q**2, 0.0)) * SIDE)
    return first @ (second @ SIDE_WEIGHTS)

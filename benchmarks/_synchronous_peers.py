"""Synchronous kinetic Ising networks as others write them, each a function of (J, H, x0, steps, seed).

J (n, n), receiver first; x0 (chains, n) of -1/+1; the answer is the last state of every chain.
"""

import functools
from collections.abc import Callable

import numpy as np
from threadpoolctl import ThreadpoolController

THREADS = ThreadpoolController()
Peer = Callable[[np.ndarray, np.ndarray, np.ndarray, int, int], np.ndarray]


class Network:
    """One chain in double precision, as research code has it: an object with a state and a step."""

    def __init__(self, J: np.ndarray, H: np.ndarray, s: np.ndarray, seed: int) -> None:
        self.J, self.H, self.s = J.astype(float), H.astype(float), s.astype(float)
        self.size, self.beta = len(H), 1.0
        self.random = np.random.default_rng(seed)

    def step(self) -> None:
        """Redraw all spins at once."""
        h = self.H + np.dot(self.J, self.s)
        r = self.random.random(self.size)
        self.s = np.where(r < 1 / (1 + np.exp(-2 * self.beta * h)), 1.0, -1.0)


def by_class(J: np.ndarray, H: np.ndarray, x0: np.ndarray, steps: int, seed: int) -> np.ndarray:
    """The class, chain after chain."""
    last = []
    for chain, s in enumerate(x0):
        network = Network(J, H, s, seed + chain)
        for _ in range(steps):
            network.step()
        last.append(network.s)
    return np.array(last)


def batched(J: np.ndarray, H: np.ndarray, x0: np.ndarray, steps: int, seed: int) -> np.ndarray:
    """All chains in one float32 matrix product, a line a step."""
    random, weights = np.random.default_rng(seed), np.ascontiguousarray(J.T, np.float32)
    x, one = x0.astype(np.float32), np.float32(1)
    for _ in range(steps):
        p = one / (one + np.exp(np.float32(-2) * (H + x @ weights)))
        x = np.where(random.random(x.shape, dtype=np.float32) < p, one, -one)
    return x


def tuned(J: np.ndarray, H: np.ndarray, x0: np.ndarray, steps: int, seed: int) -> np.ndarray:
    """The same, written for speed: arrays reused, no division, no selection."""
    random, weights = np.random.default_rng(seed), np.ascontiguousarray(J.T, np.float32)
    x, h, u = x0.astype(np.float32), np.empty(x0.shape, np.float32), np.empty(x0.shape, np.float32)
    for _ in range(steps):
        np.matmul(x, weights, out=h)
        h += H
        h *= np.float32(-2)
        np.exp(h, out=h)
        h += np.float32(1)
        random.random(out=u, dtype=np.float32)
        u *= h
        np.copysign(np.float32(1), np.subtract(np.float32(1), u, out=u), out=x)
    return x


def with_threads(peer: Peer, threads: int) -> Peer:
    """The same with so many threads in the matrix products."""

    def limited(*arguments: object) -> np.ndarray:
        with THREADS.limit(limits=threads):
            return peer(*arguments)  # type: ignore[arg-type]

    return limited


@functools.cache
def by_numba() -> Peer | None:
    """A compiled loop on one thread, chain after chain: columns of J added or taken away. None without numba."""
    try:
        import numba
    except ImportError:
        return None

    @numba.njit(fastmath=True)
    def run(weights: np.ndarray, H: np.ndarray, x: np.ndarray, steps: int, seed: int) -> np.ndarray:
        np.random.seed(seed)  # noqa: NPY002  (what numba compiles)
        n = len(H)
        h = np.empty(n, np.float32)
        for chain in range(len(x)):
            for _ in range(steps):
                h[:] = H
                for j in range(n):
                    s = x[chain, j]
                    for i in range(n):
                        h[i] += s * weights[j, i]
                for i in range(n):
                    u = np.float32(np.random.random())  # noqa: NPY002
                    x[chain, i] = 1 if u * (1 + np.exp(np.float32(-2) * h[i])) < 1 else -1
        return x

    def peer(J: np.ndarray, H: np.ndarray, x0: np.ndarray, steps: int, seed: int) -> np.ndarray:
        weights = np.ascontiguousarray(J.T, np.float32)
        return run(weights, H.astype(np.float32), x0.astype(np.float32), steps, seed)

    return peer

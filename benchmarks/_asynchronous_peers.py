"""One random site at a time by other means: a class as research code has it, and compiled loops on carried fields."""

import functools as ft
from collections.abc import Callable
from typing import Any

import numpy as np

Start = Callable[[np.ndarray, np.ndarray, np.ndarray], Callable[[int, int], np.ndarray]]
"""From couplings, fields and first states to a function of (steps, seed) that returns the last states."""


class Network:
    """One chain as research code has it: a step reads one row of the couplings."""

    def __init__(self, J: np.ndarray, H: np.ndarray, x: np.ndarray, seed: int) -> None:
        self.J, self.H, self.x = J.astype(float), H.astype(float), x.astype(float)
        self.random = np.random.default_rng(seed)

    def step(self) -> None:
        """Redraw one site."""
        i = self.random.integers(len(self.x))
        h = self.H[i] + np.dot(self.J[i], self.x)
        self.x[i] = 1 if self.random.random() < 1 / (1 + np.exp(-2 * h)) else -1


def by_class(J: np.ndarray, H: np.ndarray, x0: np.ndarray) -> Callable[[int, int], np.ndarray]:
    """One chain after the other."""

    def run(steps: int, seed: int) -> np.ndarray:
        last = np.empty_like(x0)
        for chain, x in enumerate(x0):
            chain_of = Network(J, H, x, seed + chain)
            for _ in range(steps):
                chain_of.step()
            last[chain] = chain_of.x
        return last

    return run


@ft.cache
def compiled(parallel: bool) -> Any:
    """The loop over chains and attempts: float32, columns contiguous, work only for flips."""
    import numba

    @numba.njit(fastmath=True, parallel=parallel)
    def run(columns, first, x0, steps, seed):  # type: ignore[no-untyped-def]
        x = x0.copy()
        for chain in numba.prange(len(x)):
            np.random.seed(seed + chain)  # noqa: NPY002  (what numba compiles)
            spins, fields = x[chain], first[chain].copy()
            for _ in range(steps):
                i = np.random.randint(x.shape[1])  # noqa: NPY002
                u = np.random.random()  # noqa: NPY002
                up = 1 if u < 1 / (1 + np.exp(-2 * fields[i])) else -1
                if up != spins[i]:
                    spins[i] = up
                    twice, column = np.float32(2 * up), columns[i]
                    for j in range(len(column)):
                        fields[j] += twice * column[j]
        return x

    return run


def by_numba(parallel: bool, J: np.ndarray, H: np.ndarray, x0: np.ndarray) -> Callable[[int, int], np.ndarray]:
    """Fields are carried along; their first values and the layout of the couplings are made outside the clock."""
    columns = np.ascontiguousarray(J.T.astype(np.float32))
    first = (H + x0.astype(float) @ J.T.astype(float)).astype(np.float32)
    return lambda steps, seed: compiled(parallel)(columns, first, x0, steps, seed)


def numbas() -> dict[str, Start]:
    """The compiled loops by name: on one thread and on one a core; none without numba."""
    try:
        import numba
    except ImportError:
        return {}
    names = {"numba, one thread": False, f"numba, {numba.get_num_threads()} threads": True}
    return {name: ft.partial(by_numba, parallel) for name, parallel in names.items()}

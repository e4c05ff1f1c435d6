"""One random site at a time, each chain with its own sites: the public simulation against a class and compiled loops.

Every contestant is judged before any clock: from one state of 4 spins it makes five attempts in each of many chains,
and its last states must follow the exact law (chi-square, p > 1e-4).
"""

import functools as ft
import os
import sys
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from _harness import Contestant, Race, Target
from _report import report
from scipy.stats import chisquare

import nonequil as nq

SIZES, CHAINS, SEED = (128, 512), (16, 64), 2026
TURN = {"class": 20_000, "numba": 1_000_000, "nonequil": 2_000_000}  # attempts of a turn
LAW = {"attempts": 5, "chains": 8192}
CLASS, NUMBA = "class, one chain at a time", "numba, one thread"
Peer = Callable[[np.ndarray, np.ndarray, np.ndarray, int, int], np.ndarray]


@ft.cache
def network(n: int) -> nq.Ising:
    """Asymmetric couplings of standard deviation 1 / sqrt(n)."""
    return nq.SherringtonKirkpatrick(J0=0.0, dJ=1.0, dH=0.3).sample(jax.random.key(SEED), n)


def ours(model: nq.Ising, x0: Any, steps: int, seed: int, **settings: Any) -> Any:
    """The last states by the public simulation."""
    return nq.simulate(nq.Sequential(model), x0, steps=steps, key=jax.random.key(seed), **settings)[0]


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


def by_class(J: np.ndarray, H: np.ndarray, x0: np.ndarray, steps: int, seed: int) -> np.ndarray:
    """Last states, one chain after the other."""
    last = np.empty_like(x0)
    for chain, x in enumerate(x0):
        chain_of = Network(J, H, x, seed + chain)
        for _ in range(steps):
            chain_of.step()
        last[chain] = chain_of.x
    return last


@ft.cache
def by_numba() -> Peer | None:
    """Fields carried along, columns contiguous, float32, one thread; None without numba."""
    try:
        import numba
    except ImportError:
        return None

    @numba.njit(fastmath=True)
    def run(columns, h, x, steps, seed):  # type: ignore[no-untyped-def]
        np.random.seed(seed)  # noqa: NPY002  (what numba compiles)
        for chain in range(len(x)):
            for _ in range(steps):
                i = np.random.randint(x.shape[1])  # noqa: NPY002
                u = np.random.random()  # noqa: NPY002
                up = 1 if u < 1 / (1 + np.exp(-2 * h[chain, i])) else -1
                if up != x[chain, i]:
                    x[chain, i] = up
                    twice, column, fields = np.float32(2 * up), columns[i], h[chain]
                    for j in range(len(column)):
                        fields[j] += twice * column[j]
        return x

    def peer(J: np.ndarray, H: np.ndarray, x0: np.ndarray, steps: int, seed: int) -> np.ndarray:
        h = H.astype(np.float32) + x0.astype(np.float32) @ J.T.astype(np.float32)
        return run(np.ascontiguousarray(J.T.astype(np.float32)), h, x0.copy(), steps, seed)

    return peer


def judge(last: Callable[[nq.Ising, np.ndarray, int, int], Any]) -> str:
    """What is wrong with the law of a contestant's states after a few attempts, "" if nothing is."""
    model, start = network(4), np.array([1, -1, -1, 1], np.int8)
    exact = nq.enumerate_states(nq.Sequential(model))
    law = jnp.zeros(16).at[nq.Sequential(model).index(start)].set(1.0)
    for _ in range(LAW["attempts"]):
        law = exact.push(law)
    x = np.asarray(last(model, np.tile(start, (LAW["chains"], 1)), LAW["attempts"], SEED))
    seen = np.bincount((x > 0) @ (1 << np.arange(4)), minlength=16)
    expected = np.asarray(law, float) / np.sum(np.asarray(law, float)) * len(x)
    p = chisquare(seen, expected).pvalue
    return "" if p > 1e-4 else f"another law than the exact one: p = {p:.1e}"


def contestant(name: str, peer: Peer, n: int, attempts: int) -> Contestant:
    """A peer on 4 chains; its work is attempts."""
    J, H = np.asarray(network(n).J), np.asarray(network(n).H)
    x0 = np.asarray(nq.random_spins(jax.random.key(1), (4, n)))
    small = lambda model, x0, steps, seed: peer(np.asarray(model.J), np.asarray(model.H), x0, steps, seed)  # noqa: E731
    run = ft.partial(peer, J, H, x0, attempts // 4, SEED)
    return Contestant(name, run, float(attempts // 4 * 4), lambda _: judge(small))


def package_name(chains: int) -> str:
    """How the public simulation is called in the table."""
    return f"nonequil, {chains} chains"


def package(n: int, chains: int) -> Contestant:
    """The public simulation; its work is attempts."""
    steps = TURN["nonequil"] // chains
    x0 = nq.random_spins(jax.random.key(1), (chains, n))
    name, run = package_name(chains), ft.partial(ours, network(n), x0, steps, SEED)
    return Contestant(
        name, run, float(steps * chains), lambda _: judge(lambda m, x, s, k: ours(m, jnp.asarray(x), s, k))
    )


def race(n: int) -> Race:
    """All contestants at one size."""
    found = [package(n, chains) for chains in CHAINS] + [contestant(CLASS, by_class, n, TURN["class"])]
    fastest = package_name(max(CHAINS))
    targets = [Target("against the class", fastest, [CLASS], 20, clock="cpu")]
    if (peer := by_numba()) is not None:
        found.append(contestant(NUMBA, peer, n, TURN["numba"]))
        targets.append(Target("within 3x of numba", fastest, [NUMBA], 1 / 3, clock="cpu"))
    return Race(f"n = {n}, flip fraction {flip_fraction(n):.2f}", "one attempt", found, targets)


def flip_fraction(n: int) -> float:
    """Attempts that change their spin, in the steady state."""
    changed = nq.Mean(lambda x, x_next: jnp.any(x != x_next).astype(float))
    x0 = nq.random_spins(jax.random.key(1), (64, n))
    settings = {"steps": 200 * n, "burn_in": 20 * n, "key": jax.random.key(2), "observers": (changed,)}
    return float(nq.simulate(nq.Sequential(network(n)), x0, **settings)[1][0].value)


NOTES = """
- A site is drawn afresh, uniformly, at each attempt; every chain has its own list of sites.
- `class`: double precision, one row of the couplings an attempt. `numba`: fields carried along, work only for flips.
  `nonequil` does the same work for an attempt that flips as for one that does not, so it loses ground where flips are
  rare.
"""


def main() -> int:
    """Print the page."""
    races = [race(n).race() for n in SIZES]
    absent = "" if by_numba() else "- numba is not installed (extra `bench`), so its rows are missing.\n"
    sizes = {"n": SIZES, "chains": CHAINS, "attempts a turn": TURN, "seed": SEED, "cores": os.cpu_count()}
    return report(__doc__, sizes, races, NOTES.strip() + "\n" + absent)


if __name__ == "__main__":
    sys.exit(main())

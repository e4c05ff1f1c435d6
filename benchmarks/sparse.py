"""Sparse networks, a colour at a time: the public simulation against thrml's block Gibbs sampling and a compiled loop.

Symmetric couplings -J or +J, so all contestants settle into the same Boltzmann law. Every contestant is judged before
any clock: its mean energy on a network of 10 spins against that of all 1024 states, and at full size against that of a
longer run of the package, both within 4.5 standard errors between chains.
"""

import functools as ft
import os
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from _harness import Contestant, Race, Target
from _report import report
from _sparse_peers import by_numba, by_thrml, edges, from_blocks

import nonequil as nq

SIDE, SEED = 100, 2026
NETWORKS = {"square lattice": 0.5, "about 3 neighbours at random": 0.6, "about 6 neighbours at random": 0.35}  # J
RACES = (
    ("square lattice", 64),
    ("square lattice", 256),
    ("about 3 neighbours at random", 128),
    ("about 6 neighbours at random", 128),
)
UPDATES = {"nonequil": 2e8, "thrml": 3e7, "numba": 3e7}  # spin updates of a turn
SETTLED = 100  # sweeps after which energies are compared
SMALL = {"n": 10, "chains": 4096, "sweeps": 40}
LIMIT = 4.5
THRML, NUMBA = "thrml", "numba, one thread"


@ft.cache
def network(kind: str, n: int) -> nq.ColouredSweep:
    """Couplings -J or +J, the same in both directions, and its colours."""
    rng = np.random.default_rng(SEED)
    pairs = lattice(round(n**0.5)) if kind == "square lattice" and n > SMALL["n"] else random_pairs(n, kind, rng)
    weights = rng.choice([-1.0, 1.0], len(pairs)) * NETWORKS[kind]
    (a, b), twice = pairs.T, np.concatenate([weights, weights])
    return nq.ColouredSweep(nq.SparseIsing.from_edges(np.r_[a, b], np.r_[b, a], twice, 0.1 * np.ones(n)))


def lattice(side: int) -> np.ndarray:
    """Nearest neighbours on a square, periodic in both directions."""
    at = np.arange(side**2).reshape(side, side)
    return np.concatenate([np.stack([at, np.roll(at, 1, axis)], -1).reshape(-1, 2) for axis in (0, 1)])


def random_pairs(n: int, kind: str, rng: np.random.Generator) -> np.ndarray:
    """Stubs joined at random; the few loops and pairs that come twice are left out."""
    degree = 6 if "6" in kind else 3
    pairs = np.sort(rng.permutation(np.repeat(np.arange(n), degree)).reshape(-1, 2), axis=1)
    return np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0)


def ours(clock: nq.ColouredSweep, x0: Any, sweeps: int, seed: int) -> Any:
    """The last states by the public simulation."""
    return nq.simulate(clock, jnp.asarray(x0), steps=sweeps, key=jax.random.key(seed))[0]


def thrml(clock: nq.ColouredSweep, x0: Any, sweeps: int, seed: int) -> np.ndarray:
    """The last states by thrml, as spins."""
    return from_blocks(clock, by_thrml()(clock, x0, sweeps, seed))


def energies(model: nq.SparseIsing, x: Any) -> np.ndarray:
    """-sum_ij J_ij x_i x_j / 2 - sum_i H_i x_i of each chain, a spin."""
    receivers, senders, weights = edges(model)
    x = np.asarray(x, np.float32)
    pairs = np.array([weights @ (row[receivers] * row[senders]) for row in x])
    return -(pairs / 2 + x @ np.asarray(model.H)) / model.n


@ft.cache
def exact(kind: str) -> float:
    """Mean energy a spin of the small network over all states."""
    clock = network(kind, SMALL["n"])
    e = nq.enumerate_states(nq.Sequential(clock.model))
    return float(energies(clock.model, e.states) @ np.asarray(e.stationary))


@ft.cache
def long_run(kind: str) -> np.ndarray:
    """Energies at full size after many sweeps, a chain each."""
    clock = network(kind, SIDE**2)
    return energies(clock.model, ours(clock, nq.random_spins(jax.random.key(7), (64, SIDE**2)), 5 * SETTLED, 8))


@ft.cache
def judge(peer: Any, kind: str) -> str:
    """What is wrong with a contestant's energies, "" if nothing is."""
    clock = network(kind, SMALL["n"])
    x0 = np.asarray(nq.random_spins(jax.random.key(1), (SMALL["chains"], SMALL["n"])))
    small = energies(clock.model, peer(clock, x0, SMALL["sweeps"], SEED))
    if (z := abs(small.mean() - exact(kind)) / error(small)) > LIMIT:
        return f"energy of {SMALL['n']} spins off by {z:.1f} standard errors"
    clock = network(kind, SIDE**2)
    x0 = np.asarray(nq.random_spins(jax.random.key(2), (64, SIDE**2)))
    large = energies(clock.model, peer(clock, x0, SETTLED, SEED))
    z = abs(large.mean() - long_run(kind).mean()) / np.hypot(error(large), error(long_run(kind)))
    return f"energy at full size off by {z:.1f} standard errors" if z > LIMIT else ""


def error(values: np.ndarray) -> float:
    """Standard error of the mean."""
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def contestant(name: str, peer: Any, judged: Any, kind: str, chains: int, updates: float) -> Contestant:
    """Its work is spin updates."""
    clock = network(kind, SIDE**2)
    sweeps = max(1, round(updates / chains / SIDE**2))
    x0 = nq.random_spins(jax.random.key(1), (chains, SIDE**2))
    x0 = x0 if name == "nonequil" else np.asarray(x0)
    return Contestant(
        name, ft.partial(peer, clock, x0, sweeps, SEED), float(sweeps * x0.size), lambda _: judge(judged, kind)
    )


def race(kind: str, chains: int) -> Race:
    """All contestants at one network and number of chains."""
    found, targets = [contestant("nonequil", ours, ours, kind, chains, UPDATES["nonequil"])], []
    if by_thrml() is not None:
        found.append(contestant(THRML, by_thrml(), thrml, kind, chains, UPDATES["thrml"]))
        targets.append(Target("against thrml", "nonequil", [THRML], 4, clock="cpu"))
    if by_numba() is not None:
        found.append(contestant(NUMBA, by_numba(), by_numba(), kind, chains, UPDATES["numba"]))
        targets.append(Target("against the compiled loop", "nonequil", [NUMBA], 1, clock="cpu"))
    colours = len(network(kind, SIDE**2).sites)
    return Race(f"{kind}, {chains} chains, {colours} colours", "one spin update", found, targets)


NOTES = """
- `nonequil`: `simulate` on a `ColouredSweep`, observers left out. `thrml`: `sample_states` under `vmap`, a block a
  colour, its own random numbers, states left in its blocks. `numba`: chains side by side in memory, xorshift numbers.
- All redraw the same sites in the same order of colours.
"""


def main() -> int:
    """Print the page."""
    races = [race(*one).race() for one in RACES]
    absent = [name for name, peer in (("thrml", by_thrml()), ("numba", by_numba())) if peer is None]
    missing = f"- not installed (extra `bench`), so left out: {', '.join(absent)}.\n" if absent else ""
    sizes = {"n": SIDE**2, "J": NETWORKS, "spin updates a turn": UPDATES, "seed": SEED, "cores": os.cpu_count()}
    return report(__doc__, sizes, races, NOTES.strip() + "\n" + missing)


if __name__ == "__main__":
    sys.exit(main())

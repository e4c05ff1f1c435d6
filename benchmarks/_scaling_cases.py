"""What scaling curves are drawn of: each kernel with the axes along which it is varied, one at a time."""

import dataclasses
import functools as ft
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import nonequil as nq

SEED = 2026
Sizes = dict[str, int]


@dataclasses.dataclass(frozen=True)
class Kernel:
    """`make(sizes)` gives a call; operations and bytes are the least that it can do, for the machine's limits."""

    title: str
    base: Sizes
    axes: dict[str, tuple[int, ...]]
    make: Callable[[Sizes], Callable[[], Any]]
    operations: Callable[[Sizes], float]
    bytes: Callable[[Sizes], float]

    def points(self) -> Iterator[tuple[str, Sizes]]:
        """Each axis in turn, the other sizes as in `base`."""
        for axis, values in self.axes.items():
            for value in values:
                yield axis, {**self.base, axis: value}


@ft.cache
def dense(n: int) -> nq.Ising:
    """Asymmetric couplings of standard deviation 1 / sqrt(n)."""
    return nq.SherringtonKirkpatrick(J0=0.0, dJ=1.0, dH=0.3).sample(jax.random.key(SEED), n)


@ft.cache
def lattice(n: int) -> nq.ColouredSweep:
    """A periodic square of side sqrt(n), an even number, coloured as a chessboard."""
    side = round(n**0.5)
    at = np.arange(n).reshape(side, side)
    senders = [np.roll(at, move, axis).ravel() for move in (1, -1) for axis in (0, 1)]
    weights = np.random.default_rng(SEED).choice([-0.5, 0.5], 4 * n)
    model = nq.SparseIsing.from_edges(np.tile(at.ravel(), 4), np.concatenate(senders), weights, np.zeros(n))
    return nq.ColouredSweep(model, (np.add.outer(np.arange(side), np.arange(side)) % 2).ravel())


@ft.cache
def recording(n: int, T: int) -> nq.Transitions:
    """One chain of the parallel clock."""
    x0 = nq.random_spins(jax.random.key(1), (1, n))
    settings = {"steps": T, "burn_in": 100, "key": jax.random.key(2), "observers": (nq.Record(),)}
    record = nq.simulate(nq.Parallel(dense(n)), x0, **settings)[1][0]
    return nq.Transitions(record.x, record.x_next)


def simulation(clock: Callable[[int], Any], sizes: Sizes) -> Callable[[], Any]:
    """The public simulation without observers."""
    dynamics, x0 = clock(sizes["n"]), nq.random_spins(jax.random.key(1), (sizes["chains"], sizes["n"]))
    return lambda: nq.simulate(dynamics, x0, steps=sizes["T"], key=jax.random.key(3))[0]


def fitting(sizes: Sizes) -> Callable[[], Any]:
    """Maximum likelihood of one recording, with its standard errors."""
    transitions = recording(sizes["n"], sizes["T"])
    return lambda: jnp.asarray(nq.fit(transitions).model.J)


def updates(sizes: Sizes) -> float:
    """Spins redrawn where a step redraws all."""
    return float(sizes["n"]) * sizes["chains"] * sizes["T"]


def attempts(sizes: Sizes) -> float:
    """Spins redrawn where a step redraws one a chain."""
    return float(sizes["chains"]) * sizes["T"]


SHARING, DEGREE = 64, 4
KERNELS = {
    "parallel": Kernel(
        "All spins at once",
        {"n": 512, "chains": 256, "T": 20},
        {"n": (64, 128, 256, 512, 1024, 2048), "chains": (16, 64, 256, 1024), "T": (5, 20, 80, 320)},
        ft.partial(simulation, lambda n: nq.Parallel(dense(n))),
        lambda s: 2 * s["n"] * updates(s),
        lambda s: 4.0 * s["T"] * s["n"] ** 2,
    ),
    "sequential": Kernel(
        "One spin at random, each chain its own",
        {"n": 256, "chains": 64, "T": 10_000},
        {"n": (64, 128, 256, 512, 1024), "chains": (16, 64, 256), "T": (2_500, 10_000, 40_000)},
        ft.partial(simulation, lambda n: nq.Sequential(dense(n))),
        lambda s: s["n"] * attempts(s),
        lambda s: 4 * s["n"] * attempts(s),
    ),
    "shared": Kernel(
        f"One spin at random, sites shared by {SHARING} chains",
        {"n": 256, "chains": 256, "T": 4_000},
        {"n": (64, 128, 256, 512, 1024), "chains": (64, 256, 1024), "T": (1_000, 4_000, 16_000)},
        ft.partial(simulation, lambda n: nq.Sequential(dense(n), sharing=SHARING)),
        lambda s: 2 * s["n"] * attempts(s),
        lambda s: 4 * s["n"] * attempts(s) / SHARING,
    ),
    "coloured": Kernel(
        "A colour at a time, square lattice",
        {"n": 10_000, "chains": 64, "T": 20},
        {"n": (100, 1_024, 10_000, 102_400), "chains": (16, 64, 256, 1024), "T": (5, 20, 80, 320)},
        ft.partial(simulation, lattice),
        lambda s: 2 * DEGREE * updates(s),
        lambda s: (1 + DEGREE) / 2 * updates(s),
    ),
    "fit": Kernel(
        "Maximum likelihood",
        {"n": 50, "T": 20_000},
        {"n": (12, 25, 50, 100), "T": (5_000, 20_000, 80_000)},
        fitting,
        lambda s: 4.0 * s["T"] * s["n"] ** 2,
        lambda s: 2.0 * s["T"] * s["n"],
    ),
}

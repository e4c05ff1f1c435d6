"""One random site at a time: the public simulation, with lists of sites of one or of many chains, against other means.

Every contestant is judged before any clock: from one state of 4 spins it makes five attempts in each of many chains,
and its last states must follow the exact law (chi-square, p > 1e-4; of chains that share their sites, one a group).
"""

import functools as ft
import os
import sys
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from _asynchronous_peers import Start, by_class, numbas
from _asynchronous_price import MEASURED, correlations, inflation
from _harness import Contestant, Race, Target, ratio
from _report import report
from scipy.linalg import expm
from scipy.stats import chisquare

import nonequil as nq

SEED, CLASS = 2026, "class, one chain at a time"
TIMED = "nonequil, 64 chains in continuous time, seen once a sweep"
INDEPENDENT = {"n": (128, 512), "chains": (16, 64)}
SHARED = {"n": (128, 512, 2048), "chains": 1024, "sharing": (16, 64, 256)}
FIELD = {"many flips": 0.0, "few flips": 2.4}  # H0
WANTED = {"many flips": {128: 2.0, 512: 1.5, 2048: 2.0}, "few flips": {128: 0.8, 512: 0.8, 2048: 0.8}}
TURN = {"class": 20_000, "numba": 1_000_000, "independent": 2_000_000, "shared": 4_000_000}  # attempts of a turn
LAW = {"attempts": 5, "chains": 4096}
START = np.array([1, -1, -1, 1], np.int8)


@ft.cache
def network(n: int, field: float = 0.0) -> nq.Ising:
    """Asymmetric couplings of standard deviation 1 / sqrt(n)."""
    return nq.SherringtonKirkpatrick(J0=0.0, dJ=1.0, H0=field, dH=0.3).sample(jax.random.key(SEED), n)


def judge(last: Callable[[nq.Ising, np.ndarray, int, int], Any], sharing: int = 1) -> str:
    """What is wrong with the law of a contestant's states after a few attempts, "" if nothing is."""
    x = np.asarray(last(network(4), np.tile(START, (LAW["chains"] * sharing, 1)), LAW["attempts"], SEED))[::sharing]
    return compare(x, np.linalg.matrix_power(attempt_law(), LAW["attempts"]))


def judge_intervals(last: Callable[[nq.Ising, np.ndarray, int, int], Any]) -> str:
    """The same after two intervals, each of one attempt a spin on average."""
    x = np.asarray(last(network(4), np.tile(START, (LAW["chains"], 1)), 2, SEED))
    return compare(x, expm(2 * 4 * (attempt_law() - np.eye(16))))


def attempt_law() -> np.ndarray:
    """The law of one attempt, from each of the 16 states to each."""
    exact = nq.enumerate_states(nq.Sequential(network(4)))
    law = np.asarray(jax.vmap(exact.push)(jnp.eye(16)), float)
    return law / law.sum(axis=1, keepdims=True)


def compare(x: np.ndarray, law: np.ndarray) -> str:
    """What is wrong with states that began in one, "" if nothing is."""
    number = lambda x: (x > 0) @ (1 << np.arange(4))  # noqa: E731
    p = chisquare(np.bincount(number(x), minlength=16), law[number(START)] * len(x)).pvalue
    return "" if p > 1e-4 else f"another law than the exact one: p = {p:.1e}"


def peer(name: str, start: Start, model: nq.Ising, attempts: int) -> Contestant:
    """Another means on 4 chains; its work is attempts."""
    x0 = np.asarray(nq.random_spins(jax.random.key(1), (4, model.n)))
    begin = lambda model, x0: start(np.asarray(model.J), np.asarray(model.H), x0)  # noqa: E731
    last = lambda model, x0, steps, seed: begin(model, x0)(steps, seed)  # noqa: E731
    run = ft.partial(begin(model, x0), attempts // 4, SEED)
    return Contestant(name, run, float(attempts // 4 * 4), lambda _: judge(last))


def package(name: str, model: nq.Ising, chains: int, attempts: int, sharing: int = 1) -> Contestant:
    """The public simulation; its work is attempts."""

    def last(model: nq.Ising, x0: Any, steps: int, seed: int) -> Any:
        clock = nq.Sequential(model, sharing=sharing)
        return nq.simulate(clock, jnp.asarray(x0), steps=steps, key=jax.random.key(seed))[0]

    x0, steps = nq.random_spins(jax.random.key(1), (chains, model.n)), attempts // chains
    run = ft.partial(last, model, x0, steps, SEED)
    return Contestant(name, run, float(steps * chains), lambda _: judge(last, sharing))


def intervals(name: str, model: nq.Ising, chains: int, attempts: int) -> Contestant:
    """Continuous time, seen once a sweep; its work is the mean number of attempts."""

    def last(model: nq.Ising, x0: Any, steps: int, seed: int) -> Any:
        return nq.simulate(nq.Snapshots(model, dt=1.0), jnp.asarray(x0), steps=steps, key=jax.random.key(seed))[0]

    x0, steps = nq.random_spins(jax.random.key(1), (chains, model.n)), attempts // (chains * model.n)
    run = ft.partial(last, model, x0, steps, SEED)
    return Contestant(name, run, float(steps * chains * model.n), lambda _: judge_intervals(last))


def race(n: int) -> Race:
    """Each chain with its own sites."""
    names = [f"nonequil, {chains} chains" for chains in INDEPENDENT["chains"]]
    found = [
        package(name, network(n), chains, TURN["independent"])
        for name, chains in zip(names, INDEPENDENT["chains"], strict=True)
    ]
    found += [intervals(TIMED, network(n), max(INDEPENDENT["chains"]), TURN["independent"])]
    found += [peer(CLASS, by_class, network(n), TURN["class"])]
    found += [peer(name, start, network(n), TURN["numba"]) for name, start in numbas().items()]
    targets = [
        Target("against the class", names[-1], [CLASS], 20, clock="cpu"),
        Target("continuous time, against attempts", TIMED, names[-1:], 0.6, clock="cpu"),
        Target("within 3x of numba", names[-1], list(numbas()), 1 / 3, clock="cpu"),
    ]
    return Race(f"n = {n}, own sites, {flips(network(n))}", "one attempt", found, targets[: 2 + bool(numbas())])


def shared_race(n: int, kind: str) -> Race:
    """Groups of chains that redraw the same sites."""
    model = network(n, FIELD[kind])
    found = [
        package(shared_name(sharing), model, SHARED["chains"], TURN["shared"], sharing) for sharing in SHARED["sharing"]
    ]
    found += [peer(name, start, model, TURN["numba"]) for name, start in numbas().items()]
    wanted = WANTED[kind][n]
    targets = [
        Target(f"{shared_name(sharing)}, against numba", shared_name(sharing), list(numbas()), wanted, clock="cpu")
        for sharing in SHARED["sharing"][1:]
        if numbas()
    ]
    return Race(f"n = {n}, shared sites, {flips(model)}", "one attempt", found, targets)


def shared_name(sharing: int) -> str:
    """How the simulation of groups is called in the table."""
    return f"nonequil, {SHARED['chains']} chains, sharing = {sharing}"


def flips(model: nq.Ising) -> str:
    """Attempts that change their spin, in the steady state."""
    changed = nq.Mean(lambda x, x_next: jnp.any(x != x_next).astype(float))
    x0, n = nq.random_spins(jax.random.key(1), (64, model.n)), model.n
    settings = {"steps": 100 * n, "burn_in": 20 * n, "key": jax.random.key(2), "observers": (changed,)}
    return f"flip fraction {float(nq.simulate(nq.Sequential(model), x0, **settings)[1][0].value):.2f}"


def price(races: dict[int, Race]) -> str:
    """How much more the mean over chains varies if they share their sites, and what is left of the ratio."""
    lines = [
        "## What sharing costs: variance of a mean over chains, in units of independent ones, and CPU ratio over it"
    ]
    lines.append("| n | sharing | CPU ratio | " + " | ".join(MEASURED) + " |\n|" + " --- |" * (3 + len(MEASURED)))
    for n, race in races.items():
        rho = correlations(network(n))
        by_name = {c.name: c for c in race.contestants}
        for sharing in SHARED["sharing"]:
            mine, others = by_name[shared_name(sharing)], [by_name[name] for name in numbas()]
            fair = not any(c.failure for c in (mine, *others)) and bool(others)
            gain = ratio(mine, others, "cpu") if fair else float("nan")
            costs = [inflation(rho[name], sharing) for name in MEASURED]
            cells = [f"{cost:.2f}: {gain / cost:.2f}" for cost in costs]
            lines.append(f"| {n} | {sharing} | {gain:.2f} | " + " | ".join(cells) + " |")
    return "\n\n".join([lines[0], "\n".join(lines[1:])])


NOTES = """
- A site is drawn afresh, uniformly, at each attempt. `own sites`: every chain has its own list. `sharing = R`: R chains
  at a time redraw the same sites; each chain follows the exact law, but chains of one group are not independent. A mean
  over chains then has 1 + (R - 1) rho times the variance, rho the measured correlation of two chains of a group, and
  the ratio divided by it is what counts: each cell above is `variance: ratio over it`.
- Continuous time: a Poisson number of attempts in each interval, as many for all chains as the busiest one makes.
- `class`: double precision, one row of the couplings an attempt. `numba`: fields carried along, work only for flips.
  `nonequil` does the same work for an attempt that flips as for one that does not, so it loses ground where flips are
  rare.
- With 2048 spins an attempt is 4096 operations of a matrix product, some 18 ns of CPU at the machine's limit and nearly
  half of what shared sites take there; the rest is gathering the rows of the couplings and deciding. `numba` reads one
  row of 8 KiB a flip, so that the ratio follows the speed of memory: 1.8 where memory is quick, 2.4 where it was not.
"""


def main() -> int:
    """Print the page."""
    independent = [race(n).race() for n in INDEPENDENT["n"]]
    shared = {kind: {n: shared_race(n, kind).race() for n in SHARED["n"]} for kind in FIELD}
    absent = "" if numbas() else "- numba is not installed (extra `bench`), so its rows are missing.\n"
    sizes = {"own sites": INDEPENDENT, "shared sites": SHARED, "attempts a turn": TURN}
    sizes |= {"seed": SEED, "cores": os.cpu_count()}
    races = independent + [race for by_size in shared.values() for race in by_size.values()]
    return report(__doc__, sizes, races, price(shared["many flips"]) + "\n\n" + NOTES.strip() + "\n" + absent)


if __name__ == "__main__":
    sys.exit(main())

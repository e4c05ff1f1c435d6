"""All spins at once: the public simulation against NumPy, compiled loops and the limits of the machine.

Every contestant is judged before any clock: the state of 4 spins after three steps against the exact law (chi-square),
and one step at full size against tanh of the fields (standard errors). Peers run few chains where each chain costs the
same, and all are compared by the time of one spin update.
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
from _machine import copy, gemm
from _report import report
from _synchronous_law import judge
from _synchronous_peers import Peer, batched, by_class, by_numba, tuned, with_threads

import nonequil as nq

SIZES = ((128, 1), (512, 1), (2048, 1), (512, 64), (2048, 64), (512, 1024))  # n, chains
SEED = 2026
SECONDS = 0.12  # of one turn, about
OBSERVED = {"n": 512, "chains": 256}
PERIODS = {1: 160, 10: 640}  # steps from one pair that the observer sees to the next, and those of a turn
NUMPY = {f"NumPy, {threads} thread{'s' * (threads > 1)}": with_threads(batched, threads) for threads in (1, 2)}
TUNED = {"tuned NumPy, 1 thread": with_threads(tuned, 1)}


@ft.cache
def network(n: int) -> nq.Ising:
    """Asymmetric couplings of standard deviation 1 / sqrt(n)."""
    return nq.SherringtonKirkpatrick(J0=0.0, dJ=1.0, dH=0.3).sample(jax.random.key(SEED), n)


def ours(J: Any, H: Any, x0: Any, steps: int, seed: int, **settings: Any) -> Any:
    """The last states by the public simulation (float32)."""
    model = nq.Ising(jnp.asarray(J, jnp.float32), jnp.asarray(H, jnp.float32))
    return simulated(model, jnp.asarray(x0, jnp.int8), steps, seed, **settings)


def simulated(model: nq.Ising, x0: Any, steps: int, seed: int, **settings: Any) -> Any:
    """The same for a model that is at hand."""
    return nq.simulate(nq.Parallel(model), x0, steps=steps, key=jax.random.key(seed), **settings)[0]


def scaled(seconds: float, n: int, chains: int) -> int:
    """Steps that take about so long: matrix products at 90 GFLOP/s and 3 ns a spin for the rest."""
    return max(2, int(seconds / (chains * n * (2 * n / 9e10 + 3e-9))))


@ft.cache
def judged(peer: Peer, n: int) -> str:
    """What is wrong with a peer on the network of this size."""
    model = network(n)
    return judge(peer, np.asarray(model.J), np.asarray(model.H))


def simulator(name: str, peer: Peer, n: int, chains: int, steps: int) -> Contestant:
    """A peer on `chains` chains; its work is spin updates."""
    J, H = np.asarray(network(n).J), np.asarray(network(n).H)
    x0 = np.asarray(nq.random_spins(jax.random.key(1), (chains, n)))
    return Contestant(name, ft.partial(peer, J, H, x0, steps, SEED), float(steps * chains * n), _check(peer, n))


def package(name: str, n: int, chains: int, steps: int, **settings: Any) -> Contestant:
    """The public simulation; its work is spin updates."""
    x0 = nq.random_spins(jax.random.key(1), (chains, n))
    run = ft.partial(simulated, network(n), x0, steps, SEED, **settings)
    return Contestant(name, run, float(steps * chains * n), _check(ours, n))


def _check(peer: Peer, n: int) -> Callable[[Any], str]:
    return lambda last: judged(peer, n) or ("" if np.all(np.abs(last) == 1) else "states other than -1/+1")


def products(model: nq.Ising, chains: int, steps: int) -> Contestant:
    """Only the matrix products of the steps, on signs of the fields: no random number."""
    x0 = nq.random_spins(jax.random.key(1), (model.n, chains)).astype(jnp.float32)

    signs = lambda J, x: jnp.where(J @ x > 0, 1.0, -1.0).astype(x.dtype)  # noqa: E731

    @jax.jit
    def run(J: Any, x: Any) -> Any:
        return jax.lax.fori_loop(0, steps, lambda _, x: signs(J, x), x)

    return Contestant("only its matrix products", ft.partial(run, model.J, x0), float(steps * chains * model.n))


def draws(model: nq.Ising, chains: int, steps: int) -> Contestant:
    """Only the random numbers and thresholds of the steps, at fields that do not change."""
    keys = nq.numerics.chain_keys(jax.random.key(1), chains)

    @jax.jit
    def run(H: Any, keys: Any) -> Any:
        step = lambda key, t: nq.numerics.uniforms(key, t, H.shape, H.dtype) < jax.nn.sigmoid(2 * H)  # noqa: E731
        down = lambda t, seen: seen + jax.vmap(lambda key: step(key, t))(keys).astype(jnp.int8)  # noqa: E731
        return jax.lax.fori_loop(0, steps, down, jnp.zeros((chains, model.n), jnp.int8))

    return Contestant("only its random numbers", ft.partial(run, model.H, keys), float(steps * chains * model.n))


def limits(n: int, chains: int) -> list[Contestant]:
    """The machine's limits in spin updates: 2 n operations each, and n weights of 4 bytes shared by all chains."""
    (multiply, operations), (move, moved) = gemm(), copy()
    return [
        Contestant("limit: float32 matrix product", multiply, operations / (2 * n)),
        Contestant("limit: memory, J read once a step", move, moved * chains / (4 * n)),
    ]


def race(n: int, chains: int) -> Race:
    """All contestants at one size."""
    few, steps = min(chains, 8), ft.partial(scaled, n=n)
    batch = steps(SECONDS, chains=max(chains, 4))
    found = [
        package("nonequil", n, chains, steps(2 * SECONDS, chains=chains)),
        simulator("class, one chain", by_class, n, 1, steps(SECONDS, chains=10)),
        *(simulator(name, peer, n, chains, batch) for name, peer in {**NUMPY, **TUNED}.items()),
    ]
    if (peer := by_numba()) is not None:
        found.append(simulator("numba, one thread", peer, n, few, steps(SECONDS, chains=2 * few)))
    found += [build(network(n), chains, steps(SECONDS, chains=chains)) for build in (products, draws)]
    return Race(f"n = {n}, chains = {chains}", "one spin update", [*found, *limits(n, chains)], targets(n, chains))


def targets(n: int, chains: int) -> list[Target]:
    """What is expected at this size."""
    mine = ft.partial(Target, name="nonequil")
    slow = mine("against the class", than=["class, one chain"], wanted=5 if chains == 1 else 10)
    peers, wanted = {"batched NumPy": NUMPY, "tuned NumPy": TUNED}, 1 if chains == 1 else 1.5
    fast = [mine(f"against {name}", than=list(names), wanted=wanted) for name, names in peers.items()]
    if chains == 1:
        return fast if n == 2048 else [slow]
    share = 0.8 if chains >= 1024 else 0.65
    limit = mine("share of the matrix product limit", than=["limit: float32 matrix product"], wanted=share)
    return [slow, *fast, limit] if n >= 512 else [slow]


def observed() -> Race:
    """What the moments observer costs: the whole simulation with it against without."""
    n, chains = OBSERVED.values()
    found, targets = [package("nonequil", n, chains, max(PERIODS.values()))], []
    for every, steps in PERIODS.items():
        name = f"with Moments, every = {every}"
        found.append(package(name, n, chains, steps, observers=(nq.Moments(),), every=every))
        targets.append(Target(f"at most 25 % more, every = {every}", name, ["nonequil"], 0.8))
    title = f"moments, n = {n}, chains = {chains}"
    return Race(title, "one spin update", [*found, *limits(n, chains)], targets)


NOTES = """
- `class`: one chain in double precision, the object with a `step` that research code has. `NumPy`: all chains in one
  float32 product, a line a step; `tuned`: arrays reused, no division, no selection. `numba`: a compiled loop over
  chains, one thread.
- `only its ...`: parts of a step, timed alone; they need not add up. The limits are the product of two matrices of
  side 1536 and a pass over 256 MiB of memory.
- A lone chain is a product of a matrix and a vector a step, which takes nine tenths of its time at 512 spins: the
  couplings pass at about 115 GB/s on one core, as they do at 128 spins, where they lie in near caches. Tables of the
  sums of 2 or 4 couplings, rows in two halves and transposed couplings were not clearly faster.
- Of a step of 64 chains of 512 spins the product takes about three quarters, of 1024 chains seven tenths; the random
  numbers (20 rounds of Threefry each) take most of the rest. Without its exponential a step takes 4 to 10 % less.
  Keeping the second word of a block of random bits for the next step saved nothing; two spins that share a block saved
  up to 7 % in a prototype, not adopted. (CPU time on a loaded machine.)
- A pair of states costs the moments observer two products of the size of a step's own, so with every pair it must take
  about 160 % more than the simulation even at the limit of the machine: that target cannot be met. With `every = 10`
  it is about 16 %.
"""


def main() -> int:
    """Print the page."""
    races = [race(*size).race() for size in SIZES] + [observed().race()]
    absent = "" if by_numba() else "- numba is not installed (extra `bench`), so its rows are missing.\n"
    sizes = {"n, chains": SIZES, "turn": f"{SECONDS} s", "seed": SEED, "cores": os.cpu_count()}
    return report(__doc__, sizes, races, NOTES.strip() + "\n" + absent)


if __name__ == "__main__":
    sys.exit(main())

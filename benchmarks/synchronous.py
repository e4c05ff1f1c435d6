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

SIZES, CHAINS, SEED = (128, 512, 2048), (1, 64, 1024), 2026
SECONDS = 0.25  # of one turn, about
OBSERVED = {"n": 512, "chains": 256, "steps": 640}
PERIODS = (1, 10)  # steps from one pair that the observer sees to the next
NUMPY, TUNED = (
    [f"{name}, {threads} thread{'s' * (threads > 1)}" for threads in (1, 2)] for name in ("NumPy", "tuned NumPy")
)
Steps = Callable[[Any, Any], Any]


def network(n: int) -> nq.Ising:
    """Asymmetric couplings of standard deviation 1 / sqrt(n)."""
    return nq.SherringtonKirkpatrick(J0=0.0, dJ=1.0, dH=0.3).sample(jax.random.key(SEED), n)


def ours(J: Any, H: Any, x0: Any, steps: int, seed: int, **settings: Any) -> Any:
    """The last states by the public simulation (float32)."""
    model = nq.Ising(jnp.asarray(J, jnp.float32), jnp.asarray(H, jnp.float32))
    x0 = jnp.asarray(x0, jnp.int8)
    return nq.simulate(nq.Parallel(model), x0, steps=steps, key=jax.random.key(seed), **settings)[0]


def scaled(seconds: float, n: int, chains: int) -> int:
    """Steps that take about so long: matrix products at 90 GFLOP/s and 3 ns a spin for the rest."""
    return max(2, int(seconds / (chains * n * (2 * n / 9e10 + 3e-9))))


def simulator(name: str, peer: Peer, model: nq.Ising, chains: int, steps: int) -> Contestant:
    """A peer on `chains` chains; its work is spin updates."""
    J, H = np.asarray(model.J), np.asarray(model.H)
    x0 = np.asarray(nq.random_spins(jax.random.key(1), (chains, model.n)))
    return Contestant(
        name,
        ft.partial(peer, J, H, x0, steps, SEED),
        float(steps * chains * model.n),
        lambda last: judge(peer, J, H) or ("" if np.all(np.abs(last) == 1) else "states other than -1/+1"),
    )


def products(model: nq.Ising, chains: int, steps: int) -> Contestant:
    """Only the matrix products of the steps, on signs of the fields: no random number."""
    x0 = nq.random_spins(jax.random.key(1), (chains, model.n)).astype(jnp.float32)

    @jax.jit
    def run(J: Any, x: Any) -> Any:
        return jax.lax.fori_loop(0, steps, lambda _, x: jnp.where(x @ J.T > 0, 1.0, -1.0).astype(x.dtype), x)

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
    model = network(n)
    few, steps = min(chains, 8), ft.partial(scaled, n=n)
    found = [
        simulator("nonequil", ours, model, chains, steps(SECONDS, chains=chains)),
        simulator("class, one chain", by_class, model, 1, steps(SECONDS, chains=10)),
    ]
    for names, peer in ((NUMPY, batched), (TUNED, tuned)):
        turn = steps(SECONDS, chains=max(chains, 4))
        found += [simulator(name, with_threads(peer, k + 1), model, chains, turn) for k, name in enumerate(names)]
    if (peer := by_numba()) is not None:
        found.append(simulator("numba, one thread", peer, model, few, steps(SECONDS, chains=2 * few)))
    parts = [build(model, chains, steps(SECONDS, chains=chains)) for build in (products, draws)]
    return Race(
        f"n = {n}, chains = {chains}", "one spin update", [*found, *parts, *limits(n, chains)], targets(n, chains)
    )


def targets(n: int, chains: int) -> list[Target]:
    """What is expected at this size."""
    mine = ft.partial(Target, name="nonequil")
    slow = mine("against the class", than=["class, one chain"], wanted=5 if chains == 1 else 10)
    fast = [
        mine(f"against batched {names[0].split(',')[0]}", than=names, wanted=1 if chains == 1 else 1.5)
        for names in (NUMPY, TUNED)
    ]
    if chains == 1:
        return fast if n == 2048 else [slow]
    share = 0.8 if chains >= 1024 else 0.65
    limit = mine("share of the matrix product limit", than=["limit: float32 matrix product"], wanted=share)
    return [slow, *fast, limit] if n >= 512 else [slow]


def observed() -> Race:
    """What the moments observer costs: the whole simulation with it against without."""
    n, chains, steps = OBSERVED.values()
    model, targets = network(n), []
    found = [simulator("nonequil", ours, model, chains, steps)]
    for every in PERIODS:
        peer = ft.partial(_with_moments, every=every)
        found.append(simulator(f"with Moments, every = {every}", peer, model, chains, steps))
        targets.append(Target(f"at most 25 % more, every = {every}", found[-1].name, ["nonequil"], 0.8))
    return Race(f"moments, n = {n}, chains = {chains}", "one spin update", [*found, *limits(n, chains)], targets)


def _with_moments(*arguments: Any, every: int) -> Any:
    return ours(*arguments, observers=(nq.Moments(),), every=every)


NOTES = """
- `class`: one chain in double precision, the object with a `step` that research code has. `NumPy`: all chains in one
  float32 product, a line a step; `tuned`: arrays reused, no division, no selection. `numba`: a compiled loop over
  chains, one thread.
- `only its ...`: parts of a step, timed alone; they need not add up. The limits are the product of two matrices of
  side 1536 and a pass over 256 MiB of memory.
- A pair of states costs the moments observer twice the operations of the step that made it, so showing it every pair
  cannot be cheap; with `every = 10` it sees each tenth.
"""


def main() -> int:
    """Print the page."""
    races = [race(n, chains).race() for n in SIZES for chains in CHAINS] + [observed().race()]
    absent = "" if by_numba() else "- numba is not installed (extra `bench`), so its rows are missing.\n"
    sizes = {"n": SIZES, "chains": CHAINS, "turn": f"{SECONDS} s", "seed": SEED, "cores": os.cpu_count()}
    return report(__doc__, sizes, races, NOTES.strip() + "\n" + absent)


if __name__ == "__main__":
    sys.exit(main())

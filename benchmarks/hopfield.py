"""Retrieval from 1,000 patterns of 10,000 spins: the patterns alone against all 10^8 couplings written out.

The same network both ways: a tenth of the spins of each start are wrong, at a temperature of 0.1. All spins at once,
and one spin at a time. The answers are the overlaps with the patterns at the end; they must be those of a remembered
pattern. What is timed is retrieval; to write the couplings out is shown as a race of its own.
"""

import sys
from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from _harness import Contestant, Race, Target
from _report import report

import nonequil as nq

N, P, CHAINS, STEPS, SINGLE, BETA, ROUNDS = 10_000, 1_000, 64, 4, 16, 10.0, 3


def problem() -> tuple[Any, Any, Any]:
    """The memory, its couplings, and starts near its first patterns."""
    memory = nq.Hebbian(P, beta=BETA).sample(jr.key(0), N)
    memory = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), memory)
    wrong = jr.uniform(jr.key(1), (CHAINS, N)) < 0.1
    x0 = jnp.where(wrong, -1, 1) * memory.xi[:CHAINS]
    return memory, jax.jit(lambda memory: memory.dense())(memory), x0.astype(jnp.int8)


def remembered(memory: Any, x: Any) -> str:
    """What is wrong with states at the end: each is to overlap by 0.93 and more with its pattern."""
    m = np.asarray(jnp.diag(nq.memory.overlaps(memory, jnp.asarray(x))))
    return "" if m.min() > 0.93 else f"an overlap is {m.min():.2f}"


def by_numpy(J: np.ndarray, x0: np.ndarray) -> np.ndarray:
    """Parallel steps of all chains, one product each."""
    rng, x = np.random.default_rng(0), x0.astype(np.float32)
    for _ in range(STEPS):
        h = x @ J.T
        x = np.where(rng.random(x.shape, np.float32) < 1 / (1 + np.exp(-2 * h)), np.float32(1), np.float32(-1))
    return x


def main() -> int:
    """Print the page; 0 if all remember."""
    memory, dense, x0 = problem()
    check = lambda x: remembered(memory, x)  # noqa: E731
    J, start = np.asarray(dense.J), np.asarray(x0)

    def run(clock: Any, model: Any, x0: Any, steps: int) -> Any:
        return nq.simulate(clock(model), x0, steps=steps, key=jr.key(2))[0]

    at_once = [
        Contestant("patterns", lambda: run(nq.Parallel, memory, x0, STEPS), CHAINS * STEPS * N, check),
        Contestant("couplings", lambda: run(nq.Parallel, dense, x0, STEPS), CHAINS * STEPS * N, check),
        Contestant("couplings, numpy", lambda: by_numpy(J, start), CHAINS * STEPS * N, check),
    ]
    one_by_one = [
        Contestant("patterns", lambda: run(nq.Sequential, memory, x0[:SINGLE], 2 * N), 2 * SINGLE * N, check),
        Contestant("couplings", lambda: run(nq.Sequential, dense, x0[:SINGLE], 2 * N), 2 * SINGLE * N, check),
    ]
    written = [Contestant("couplings", lambda: jax.jit(lambda m: m.dense().J)(memory), 1)]
    couplings = ["couplings", "couplings, numpy"]
    races = [
        Race("all spins at once", "one spin", at_once, [Target("faster", "patterns", couplings, 1.0)]).race(ROUNDS),
        Race("one spin at a time", "one attempt", one_by_one, [Target("faster", "patterns", couplings, 1.0)]).race(
            ROUNDS
        ),
        Race("writing the couplings out", "all of them", written).race(ROUNDS),
    ]
    notes = (
        "A field costs 4 p operations a spin from the patterns, 2 n from the couplings: at most n / p / 2 = 5 times "
        "as many. An attempt costs p, of which the couplings need none unless the spin turns, and n then; they take "
        f"{N * N * 4 / 2**20:.0f} MiB, the patterns {N * P * 4 / 2**20:.0f} MiB."
    )
    sizes = {"n": N, "p": P, "chains": CHAINS, "steps": STEPS, "beta": BETA, "rounds": ROUNDS, "seed": 0}
    return report(__doc__, sizes, races, notes)


if __name__ == "__main__":
    sys.exit(main())

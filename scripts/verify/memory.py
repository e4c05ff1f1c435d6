"""Hopfield networks of extensive load and of sequences, simulated, against the theory of infinitely many spins."""

import argparse
import sys
from collections.abc import Callable

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from _page import page

import nonequil as nq

SEED, SPINS, STEPS, SWEEPS = 23, 3000, 12, (50, 100)
ALPHA, T = 0.2, 0.1
STARTS = (0.8, 0.5, 0.25)
STATES = ((0.05, 0.2), (0.05, 0.4), (0.1, 0.2))  # alpha, T
REMEMBERING = 1000
STEPS_TEXT = """
Sequences of {p} patterns, all {n} spins at once, alpha = {alpha:g}, T = {T:g}: mean overlap with the pattern whose turn
it is, over {networks} networks, and its standard error; below, the recursion of overlap and noise (During, Coolen &
Sherrington 1998), begun at the mean overlap that the networks begin with. Allowed: 4 standard errors plus 0.02, as
near the edge of recall some finite networks gain overlap and some lose it: their mean leaves the curve of the mean.
"""
STATES_TEXT = """
Stored patterns, one spin at a time, {n} spins, {burn} sweeps from the pattern, then {steps} averaged: mean overlap over
{networks} networks beside the replica-symmetric saddle point (Amit, Gutfreund & Sompolinsky 1985). Allowed: 4 standard
errors plus 0.002.
"""


def each(network: Callable, networks: int, key: jax.Array) -> np.ndarray:
    """`network` of each key, one compilation."""
    compiled = jax.jit(network)
    return np.stack([np.asarray(compiled(k)) for k in jr.split(key, networks)])


def recalled(m0: float) -> Callable:
    """Overlaps with the pattern whose turn it is, at steps 0 to STEPS, of the network drawn from a key."""
    p = round(ALPHA * SPINS)

    def network(key: jax.Array) -> jax.Array:
        patterns, start, path = jr.split(key, 3)
        memory = nq.Hebbian(p, A=nq.memory.sequence(p), beta=1 / T).sample(patterns, SPINS)
        x0 = (memory.xi[0] * jnp.where(jr.uniform(start, (SPINS,)) < (1 + m0) / 2, 1, -1)).astype(jnp.int8)
        run = nq.simulate(nq.Parallel(memory), x0[None], steps=STEPS, key=path, observers=(nq.Record(),))
        states = jnp.concatenate([x0[None], run[1][0].x_next])
        return jnp.diagonal(nq.memory.overlaps(memory, states))

    return network


def remembered(alpha: float, T: float) -> Callable:
    """Mean overlap with the pattern that the network drawn from a key starts from."""
    burn, steps = (sweeps * REMEMBERING for sweeps in SWEEPS)

    def network(key: jax.Array) -> jax.Array:
        patterns, path = jr.split(key)
        memory = nq.Hebbian(round(alpha * REMEMBERING), beta=1 / T).sample(patterns, REMEMBERING)
        pattern = memory.xi[0]
        mean = nq.Mean(lambda x, x_next: pattern @ x_next.astype(pattern.dtype) / REMEMBERING)
        run = nq.simulate(
            nq.Sequential(memory.dense()), pattern[None].astype(jnp.int8), steps=steps, burn_in=burn, key=path,
            observers=(mean,),
        )  # fmt: skip
        return run[1][0].value

    return network


def sequences(networks: int) -> tuple[list[str], bool]:
    """A table of transients, and whether all agree."""
    lines = ["| | " + " | ".join(f"step {k}" for k in range(STEPS + 1)) + " |", "| --- |" + " --- |" * (STEPS + 1)]
    fine = True
    for case, m0 in enumerate(STARTS):
        m = each(recalled(m0), networks, jr.key(SEED + case))
        mean, error = m.mean(axis=0), m.std(axis=0, ddof=1) / np.sqrt(networks)
        theory = np.asarray(nq.memory.sequence_transient(ALPHA, T, mean[0], STEPS).m)
        fine = fine and bool(np.all(abs(mean - theory) < 4 * error + 0.02))
        lines.append(f"| networks | {' | '.join(f'{a:.3f} +- {e:.3f}' for a, e in zip(mean, error, strict=True))} |")
        lines.append(f"| theory | {' | '.join(f'{a:.3f}' for a in theory)} |")
    return lines, fine


def states(networks: int) -> tuple[list[str], bool]:
    """A table of stationary overlaps, and whether all agree."""
    lines, fine = ["| alpha | T | networks | theory | agrees |", "| --- | --- | --- | --- | --- |"], True
    for case, (alpha, T) in enumerate(STATES):
        m = each(remembered(alpha, T), networks, jr.key(SEED + 100 + case))
        mean, error = m.mean(), m.std(ddof=1) / np.sqrt(networks)
        theory = float(nq.memory.saddle_point(alpha, T).m)
        agrees = abs(mean - theory) < 4 * error + 0.002
        fine = fine and bool(agrees)
        lines.append(f"| {alpha} | {T} | {mean:.4f} +- {error:.4f} | {theory:.4f} | {'yes' if agrees else 'NO'} |")
    return lines, fine


def main() -> int:
    """Print the page; 0 if every mean over networks agrees with the theory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", type=int, default=12, help="freshly drawn networks of each case (at least 10)")
    networks = parser.parse_args().networks
    moving, recall = sequences(networks)
    resting, remember = states(networks)
    burn, steps = SWEEPS
    sizes = {"n": SPINS, "alpha": ALPHA, "T": T, "networks": networks, "p": round(ALPHA * SPINS)}
    first = STEPS_TEXT.format(**sizes)
    second = STATES_TEXT.format(n=REMEMBERING, burn=burn, steps=steps, networks=networks)
    page(__doc__, {"networks": networks, "seed": SEED}, "\n".join([first, *moving, second, *resting]))
    return 0 if recall and remember else 1


if __name__ == "__main__":
    sys.exit(main())

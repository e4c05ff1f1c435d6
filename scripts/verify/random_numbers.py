"""Random numbers of the clocks: pairs of neighbouring names by serial tests, and transitions against exact laws."""

import sys
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import scipy.stats
from _page import page

import nonequil as nq
from nonequil import numerics

SEEDS, CHAINS, STEPS, SITES = range(4), 64, 512, 64  # 2**21 numbers a seed
BINS = 32  # of each number of a pair
SPINS, TRANSITIONS = 4, 10_000_000
LEAST = 0.001  # of the smallest p-value of the page, times their number
SHIFTS = {
    "next step": (0, 1, 0),
    "two steps on": (0, 2, 0),
    "next site": (0, 0, 1),
    "next chain": (1, 0, 0),
    "next chain and step": (1, 1, 0),
    "next site and step": (0, 1, 1),
    "next chain and site": (1, 0, 1),
}


def uniforms(key: jax.Array) -> np.ndarray:
    """Numbers in [0, 1) of the parallel clock, (chains, steps, sites), in single precision."""
    keys, steps = numerics.chain_keys(key, CHAINS), jnp.arange(STEPS)
    draw = lambda key: jax.vmap(lambda step: numerics.uniforms(key, step, (SITES,), jnp.float32))(steps)  # noqa: E731
    return np.asarray(jax.jit(jax.vmap(draw))(keys), float)


def sites(key: jax.Array) -> np.ndarray:
    """Sites of the sequential clock among `BINS`, as fractions, for so many chains that there are as many numbers."""
    keys, steps = numerics.chain_keys(key, CHAINS * SITES), jnp.arange(STEPS)
    draw = lambda key: jax.vmap(lambda step: numerics.integers(key, step, (), BINS))(steps)  # noqa: E731
    return np.asarray(jax.jit(jax.vmap(draw))(keys), float)[:, :, None] / BINS


def both(key: jax.Array) -> tuple[np.ndarray, np.ndarray]:
    """The uniform number of an attempt and the site it is used at."""
    keys, steps = numerics.chain_keys(key, CHAINS * SITES), jnp.arange(STEPS)
    draw = lambda key: jax.vmap(lambda step: numerics.uniforms(key, step, (), jnp.float32))(steps)  # noqa: E731
    return np.asarray(jax.jit(jax.vmap(draw))(keys), float)[:, :, None], sites(key)


def shifted(u: np.ndarray, shift: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of numbers whose names differ by a shift."""
    return u[tuple(slice(None, -s or None) for s in shift)], u[tuple(slice(s, None) for s in shift)]


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """P-value of the correlation of two sets of uniform numbers, whose means and variances are those of the sets."""
    r = np.mean((a - a.mean()) * (b - b.mean())) / (a.std() * b.std())
    return float(2 * scipy.stats.norm.sf(abs(r) * np.sqrt(a.size)))


def serial(a: np.ndarray, b: np.ndarray) -> float:
    """P-value of the pairs on a square of BINS x BINS equal cells.

    Overlapping pairs are no independent sample: the chi-square of the pairs less those of both numbers alone is tested,
    with (BINS - 1)**2 degrees of freedom (Good, Proc. Camb. Phil. Soc. 49, 276 (1953)).
    """
    cells = np.bincount((np.floor(a * BINS) * BINS + np.floor(b * BINS)).astype(int).ravel(), minlength=BINS**2)
    table = cells.reshape(BINS, BINS).astype(float)
    chi2 = sum(
        sign * len(counts) / counts.sum() * np.sum((counts - counts.mean()) ** 2)
        for sign, counts in ((1, table.ravel()), (-1, table.sum(axis=0)), (-1, table.sum(axis=1)))
    )
    return float(scipy.stats.chi2.sf(chi2, (BINS - 1) ** 2))


def even(u: np.ndarray, bins: int) -> float:
    """P-value of equal bins."""
    return float(scipy.stats.chisquare(np.bincount((u * bins).astype(int).ravel(), minlength=bins)).pvalue)


def of_names(kind: str, draw: Callable[[jax.Array], np.ndarray], bins: int) -> Iterator[tuple[str, list[float]]]:
    """Rows of one kind of number: p-values of all seeds."""
    samples = [draw(jr.key(seed)) for seed in SEEDS]
    yield f"{kind}: uniform", [even(u, bins) for u in samples]
    for name, shift in SHIFTS.items():
        if samples[0].shape[2] == 1 and shift[2]:
            continue
        pairs = [shifted(u, shift) for u in samples]
        yield f"{kind}, {name}: correlation", [correlation(a, b) for a, b in pairs]
        yield f"{kind}, {name}: pairs", [serial(a, b) for a, b in pairs]


def of_attempts() -> Iterator[tuple[str, list[float]]]:
    """Rows of the number and the site of one attempt, which have the same name but for one bit."""
    pairs = [both(jr.key(seed)) for seed in SEEDS]
    yield "number and site of an attempt: correlation", [correlation(a, b) for a, b in pairs]
    yield "number and site of an attempt: pairs", [serial(a, b) for a, b in pairs]


def transitions(dynamics: nq.dynamics.AbstractSpinClock, seed: int, chains: int = 1000) -> tuple[float, int]:
    """P-value of all pairs that `simulate` shows against the exact probabilities, given their first states."""
    steps = TRANSITIONS // chains
    size = 2**SPINS

    def pair(x: jax.Array, x_next: jax.Array) -> jax.Array:
        return jax.nn.one_hot(dynamics.index(x) * size + dynamics.index(x_next), size**2)

    x0 = nq.random_spins(jr.key(seed), (chains, SPINS))
    settings = {"key": jr.key(seed + 1), "observers": (nq.Mean(pair),), "burn_in": 100, "every": 1}
    _, (mean,) = nq.simulate(dynamics, x0, steps=steps, **settings)
    seen = np.round(np.asarray(mean.value, float) * steps * chains).reshape(size, size)
    states = dynamics.states()
    P = np.exp(np.asarray(jax.vmap(lambda a: jax.vmap(lambda b: dynamics.log_prob(a, b))(states))(states), float))
    expected = seen.sum(axis=1, keepdims=True) * P
    likely = expected > 5
    chi2 = np.sum((seen - expected)[likely] ** 2 / expected[likely])
    possible = bool(np.all(seen[P == 0] == 0))
    return float(scipy.stats.chi2.sf(chi2, likely.sum() - size)) if possible else 0.0, int(seen.sum())


def main() -> int:
    """Print the page; 0 if no p-value is too small for their number."""
    rows = [*of_names("uniforms", uniforms, 1024), *of_names("integers", sites, BINS), *of_attempts()]
    model = nq.SherringtonKirkpatrick(J0=0.0, dJ=1.0, H0=0.1, dH=0.3, beta=1.2).sample(jr.key(7), SPINS)
    for clock in (nq.Parallel, nq.Sequential):
        values = [transitions(clock(model), 10 * seed) for seed in SEEDS[:2]]
        rows.append((f"{clock.__name__}, {values[0][1]:,} transitions of {SPINS} spins", [p for p, _ in values]))
    found = np.array([p for _, values in rows for p in values])
    lines = ["| what | p-values, a seed each |", "| --- | --- |"]
    lines += [f"| {name} | {', '.join(f'{p:.3g}' for p in values)} |" for name, values in rows]
    least, spread = len(found) * found.min(), scipy.stats.kstest(found, "uniform").pvalue
    lines += [
        "",
        f"{len(found)} p-values: the smallest times their number is {least:.3g} (a failure below {LEAST}), and "
        f"they are uniform themselves with p = {spread:.3g} (Kolmogorov-Smirnov).",
    ]
    page(__doc__, {"chains, steps, sites": (CHAINS, STEPS, SITES), "bins": BINS, "seeds": len(SEEDS)}, "\n".join(lines))
    return 0 if least > LEAST and spread > LEAST else 1


if __name__ == "__main__":
    sys.exit(main())

"""What it costs in variance that chains redraw the same sites."""

import jax
import jax.numpy as jnp
import numpy as np

import nonequil as nq

GROUPS, SHARING, PAIRS = 32, 64, 2000
MEASURED = ("s_i", "s_i s_j", "s_i(0) s_j(1 sweep)", "s_i(0) s_i(1 sweep)")


def correlations(model: nq.Ising) -> dict[str, float]:
    """Correlation of two chains of a group, for each kind of value, pooled over sites or pairs of sites."""
    x, later = snapshots(model)
    i, j = np.random.default_rng(0).integers(0, model.n, (2, PAIRS))
    i, j = i[i != j], j[i != j]
    values = (x, x[..., i] * x[..., j], x[..., i] * later[..., j], x * later)
    return {name: within_groups(value) for name, value in zip(MEASURED, values, strict=True)}


def snapshots(model: nq.Ising) -> tuple[np.ndarray, np.ndarray]:
    """Steady states and those a sweep later, (groups, chains, n)."""
    clock, n = nq.Sequential(model, sharing=SHARING), model.n
    states = [nq.random_spins(jax.random.key(1), (GROUPS * SHARING, n))]
    for seed, sweeps in ((2, 20), (3, 1)):
        states.append(nq.simulate(clock, states[-1], steps=sweeps * n, key=jax.random.key(seed))[0])
    return tuple(np.asarray(x, np.float32).reshape(GROUPS, SHARING, n) for x in map(jnp.asarray, states[1:]))


def within_groups(value: np.ndarray) -> float:
    """Intraclass correlation of (groups, chains, values), by analysis of variance: sums over all values first."""
    means = value.mean(axis=1)
    between = SHARING * np.sum((means - means.mean(axis=0)) ** 2) / (GROUPS - 1)
    inside = np.sum((value - means[:, None]) ** 2) / (GROUPS * (SHARING - 1))
    return float((between - inside) / (between + (SHARING - 1) * inside))


def inflation(rho: float, sharing: int) -> float:
    """Variance of a mean over chains that share their sites, in units of that over independent ones."""
    return 1 + (sharing - 1) * max(rho, 0.0)

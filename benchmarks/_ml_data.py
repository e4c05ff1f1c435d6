"""Recordings that fits are timed on, and what is wrong with an answer."""

import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import nonequil as nq

CHAINS = 100


def recording(model: nq.Ising, pairs: int, start: jax.Array) -> nq.Transitions:
    """Transitions of many short runs of a network."""
    settings = {"steps": pairs // CHAINS, "key": jax.random.key(2), "observers": (nq.Record(),), "burn_in": 100}
    _, (seen,) = nq.simulate(nq.Parallel(model), start, **settings)
    return nq.Transitions(*(np.asarray(side).reshape(-1, model.n) for side in (seen.x, seen.x_next)))


def dense(n: int, pairs: int) -> nq.Transitions:
    """Balanced spins, couplings of standard deviation 1 / sqrt(n)."""
    model = nq.SherringtonKirkpatrick(J0=0.0, dJ=1.0, dH=0.2).sample(jax.random.key(0), n)
    return recording(model, pairs, nq.random_spins(jax.random.key(1), (CHAINS, n)))


def sparse(n: int, pairs: int, rate: float) -> nq.Transitions:
    """Units that would fire in this part of the bins without each other."""
    J = nq.SherringtonKirkpatrick(J0=0.0, dJ=0.7).sample(jax.random.key(3), n).J
    model = nq.Ising(J, jax.scipy.special.logit(jnp.full(n, rate)) / 2 + J.sum(axis=1))
    return recording(model, pairs, -jnp.ones((CHAINS, n), jnp.int8))


def retina() -> nq.Transitions | None:
    """53 cells of a salamander's retina under a moving bar, 20 ms bins (Lynn et al. 2022); None where it is not."""
    path = Path(os.environ.get("NONEQUIL_DATA", "")) / "retina-salamander-lynn" / "Data_processed.mat"
    if not path.is_file():
        return None
    from scipy.io import loadmat

    file, parts = loadmat(path), []
    for times, cells, length in zip(
        *(file[name][0, 1].ravel() for name in ("spike_times", "cell_IDs", "stimuli_lengths")), strict=True
    ):
        x = -np.ones((int(float(length) // 20), 53), np.int8)
        bins = (times.ravel() / 20).astype(int)
        inside = bins < len(x)
        x[bins[inside], cells.ravel().astype(int)[inside] - 1] = 1
        parts.append((x[:-1], x[1:]))
    return nq.Transitions(*(np.concatenate(side) for side in zip(*parts, strict=True)))


def slope(t: nq.Transitions, theta: np.ndarray, neurons: list[int]) -> np.ndarray:
    """Gradients (k, 1 + n) per transition of rows (H, J), in double precision."""
    x, after = np.asarray(t.x), np.asarray(t.x_next)[:, neurons]
    total = np.zeros((len(neurons), 1 + x.shape[1]))
    for start in range(0, len(x), 8192):
        z = np.concatenate([np.ones((len(x[start : start + 8192]), 1)), x[start : start + 8192]], axis=1)
        total += (after[start : start + 8192] - np.tanh(z @ theta.T)).T @ z
    return total / len(x)


def rows_of(fitted: nq.inference.Fit, neurons: list[int]) -> np.ndarray:
    """Parameters (H, J) of some neurons."""
    H, J = np.asarray(fitted.model.H, float), np.asarray(fitted.model.J, float)
    return np.concatenate([H[:, None], J], axis=1)[neurons]


def too_steep(largest: float, wanted: float) -> str:
    """What is wrong with a gradient, "" if nothing is."""
    return "" if largest <= wanted else f"largest gradient {largest:.1e} is above {wanted:.0e}"

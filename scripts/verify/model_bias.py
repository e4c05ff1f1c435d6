"""Entropy production of a fitted model: evaluated on its own data it is biased upward; cross-fitted it is not."""

import sys

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from _page import page

import nonequil as nq

UNITS, BINS, SETS, SEED = 40, 50_000, 20, 11
CASES = (("sparse", 0.5, (0.022, 0.03)), ("sparse, stronger", 0.7, (0.022, 0.03)), ("dense", 1.0, (0.4, 0.6)))


def network(key: jax.Array, dJ: float, rates: tuple[float, float]) -> nq.Ising:
    """Random couplings; each unit alone fires in a fraction of the bins between the two rates."""
    key_J, key_rate = jr.split(key)
    J = nq.SherringtonKirkpatrick(J0=0.0, dJ=dJ).sample(key_J, UNITS).J
    rate = jr.uniform(key_rate, (UNITS,), minval=rates[0], maxval=rates[1])
    background = J.sum(axis=1) if rates[1] < 0.1 else 0.0
    return nq.Ising(J, jax.scipy.special.logit(rate) / 2 + background)


def truth(model: nq.Ising, key: jax.Array) -> float:
    """Entropy production of the network itself: sum_ij (J_ij - J_ji) D_ij from 512 chains of 4000 steps."""
    x0 = nq.random_spins(key, (512, UNITS))
    _, (c,) = nq.simulate(nq.Parallel(model), x0, steps=4000, key=key, observers=(nq.Moments(),), burn_in=200)
    return float(jnp.sum((model.J - model.J.T) * (c.D + jnp.outer(c.m, c.m_before))))


def one(model: nq.Ising, key: jax.Array) -> tuple[float, float, float, float]:
    """In-sample value, cross-fitted value, its standard error and the mean firing of one recording."""
    silent = -jnp.ones((1, UNITS), jnp.int8)
    _, (pairs,) = nq.simulate(nq.Parallel(model), silent, steps=BINS, key=key, observers=(nq.Record(),), burn_in=200)
    t = nq.Transitions(np.asarray(pairs.x), np.asarray(pairs.x_next), unit=nq.Unit.per_bin)
    e = nq.inference.fitted_entropy_production(t)
    return float(e.details["in_sample"]), float(e.value), float(e.stderr), float((np.asarray(pairs.x) > 0).mean())


def main() -> int:
    """Print the page; 0 if the cross-fitted values are unbiased within three standard errors."""
    jax.config.update("jax_enable_x64", True)
    floor, fine = UNITS * (UNITS - 1) / BINS, True
    lines = [
        "| firing | units active | true | in-sample - true | cross-fitted - true | mean printed s.e. |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for case, (name, dJ, rates) in enumerate(CASES):
        model = network(jr.key(SEED + case), dJ, rates)
        true = truth(model, jr.key(100 + case))
        found = np.array([one(model, jr.fold_in(jr.key(200 + case), k)) for k in range(SETS)])
        bias, error = found.mean(axis=0) - true, found.std(axis=0, ddof=1) / np.sqrt(SETS)
        fine = fine and abs(bias[1]) < 3 * max(error[1], found[:, 2].mean() / np.sqrt(SETS))
        fine = fine and (name == "dense" or bias[0] > 0.5 * floor)
        lines.append(
            f"| {name} | {100 * found[:, 3].mean():.1f} % | {true:.4f} | {bias[0]:+.4f} +- {error[0]:.4f} | "
            f"{bias[1]:+.4f} +- {error[1]:.4f} | {found[:, 2].mean():.4f} |"
        )
    page(
        __doc__,
        {"units": UNITS, "bins": BINS, "data sets a row": SETS, "seed": SEED},
        "\n".join(lines)
        + f"\n\nValues in nats per bin. 2 d / n = {floor:.4f} with d = n (n - 1) / 2 antisymmetric terms.",
    )
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())

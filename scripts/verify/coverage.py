"""Coverage of 95 % intervals over 200 data sets: couplings, fields and entropy production of the fitted model."""

import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from _page import page

import nonequil as nq

SETS, UNITS, BINS, SEED = 200, 10, 20_000, 7
ALLOWED = (0.93, 0.97)  # the couplings; the other rows are judged by three standard errors around 0.95


def networks(key: jax.Array) -> nq.Ising:
    """One random network a data set, each unit firing in about 5 % of the bins."""

    def one(key: jax.Array) -> nq.Ising:
        key_J, key_rate = jr.split(key)
        J = nq.SherringtonKirkpatrick(J0=0.0, dJ=0.7).sample(key_J, UNITS).J
        rate = jr.uniform(key_rate, (UNITS,), minval=0.03, maxval=0.06)
        return nq.Ising(J, jax.scipy.special.logit(rate) / 2 + J.sum(axis=1))

    return eqx.filter_vmap(one)(jr.split(key, SETS))


@eqx.filter_jit
def spins(model: nq.Ising, key: jax.Array) -> jax.Array:
    """One recording of a network: (bins + 1, units)."""
    silent = -jnp.ones((1, UNITS), jnp.int8)
    _, (pairs,) = nq.simulate(nq.Parallel(model), silent, steps=BINS, key=key, observers=(nq.Record(),), burn_in=200)
    return jnp.concatenate([pairs.x[:1], pairs.x_next])


def intervals(model: nq.Ising, key: jax.Array) -> dict[str, np.ndarray]:
    """For one data set: which 95 % intervals hold the truth."""
    x = np.asarray(spins(model, key))
    t = nq.Transitions(x[:-1], x[1:], unit=nq.Unit.per_bin)
    fitted = nq.fit(t)
    production = nq.inference.fitted_entropy_production(t)
    truth = nq.thermodynamics.exact(nq.Parallel(model)).value

    def held(value: jax.Array, stderr: jax.Array, true: jax.Array) -> np.ndarray:
        return np.abs(np.asarray(value - true)) < 1.96 * np.asarray(stderr)

    return {
        "couplings": held(fitted.model.J, fitted.J_stderr, model.J),
        "fields": held(fitted.model.H, fitted.H_stderr, model.H),
        "entropy production": held(production.value, production.stderr, truth),
    }


def main() -> int:
    """Print the page; 0 if the intervals cover."""
    jax.config.update("jax_enable_x64", True)
    keys = jr.split(jr.key(SEED), SETS + 1)
    models = networks(keys[0])
    rows = [intervals(nq.Ising(J, H), key) for J, H, key in zip(models.J, models.H, keys[1:], strict=True)]
    lines, fine = ["| quantity | intervals | coverage | standard error |", "| --- | --- | --- | --- |"], True
    for name in rows[0]:
        per_set = np.array([np.mean(row[name]) for row in rows])
        coverage, error = per_set.mean(), per_set.std(ddof=1) / np.sqrt(SETS)
        low, high = ALLOWED if name == "couplings" else (0.95 - 3 * error, 0.95 + 3 * error)
        fine = fine and low <= coverage <= high
        lines.append(f"| {name} | {sum(np.size(row[name]) for row in rows)} | {coverage:.4f} | {error:.4f} |")
    page(
        __doc__,
        {"data sets": SETS, "units": UNITS, "bins": BINS, "seed": SEED},
        "\n".join(lines) + f"\n\nAllowed for the couplings: {ALLOWED[0]} to {ALLOWED[1]}.",
    )
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())

"""Calibration of the bounds over 200 data sets: p-values and biases in equilibrium, intervals of driven networks."""

import functools as ft
import sys

import equinox as eqx
import jax
import jax.random as jr
import numpy as np
import scipy.stats
from _page import page

import nonequil as nq

SETS, UNITS, CHAINS, STEPS, FLIPS, SEED = 200, 8, 100, 40, 999, 11
APART = 25  # steps between the pairs that the bias law takes as independent
LEVEL = 0.01  # of one test over all statistics together (Bonferroni)
th = nq.thermodynamics
OBSERVABLES = {
    "Cross": th.Cross(),
    "Cross + Single": th.Cross() + th.Single(),
    "Single": th.Single(),
    "Cross + Single + Triple": th.Cross() + th.Single() + th.Triple(),
}
BIASED = {
    "MaxEntBound, no ridge": ft.partial(th.MaxEntBound, ridge=0.0),
    "OneStepNewton": th.OneStepNewton,
    "ThermodynamicUncertainty": th.ThermodynamicUncertainty,
}
COVERING = {"QuadraticBound": th.QuadraticBound, "ThermodynamicUncertainty": th.ThermodynamicUncertainty}


def network(key: jax.Array, symmetric: bool) -> nq.Ising:
    """Couplings of either kind, with fields."""
    J = nq.SherringtonKirkpatrick(J0=0.0, dJ=0.6).sample(key, UNITS).J
    return nq.Ising((J + J.T) / 2 if symmetric else J, 0.3 * jr.normal(jr.fold_in(key, 1), (UNITS,)))


@eqx.filter_jit
def data_set(model: nq.Ising, key: jax.Array, every: int) -> nq.Transitions:
    """Each `every`-th pair of independent chains: a block a chain."""
    start, run = jr.split(key)
    x0, steps = nq.random_spins(start, (CHAINS, UNITS)), STEPS * every
    _, (pairs,) = nq.simulate(
        nq.Parallel(model), x0, steps=steps, key=run, observers=(nq.Record(),), burn_in=60, every=every
    )
    return pairs


def p_values(t: nq.Transitions, key: jax.Array) -> list[float]:
    """For each set of observables: U against flipped blocks."""
    bounds = (th.QuadraticBound(observable, draws=FLIPS) for observable in OBSERVABLES.values())
    return [bound(t, key=key).details["p_value"] for bound in bounds]


def biases(t: nq.Transitions) -> list[tuple[float, float, float]]:
    """For each estimator: value in sample, held out, and the floor 2 d / n."""
    estimates = [estimator(th.Cross() + th.Single())(t) for estimator in BIASED.values()]
    return [(float(e.details["in_sample"]), float(e.value), float(e.floor)) for e in estimates]


def covered(model: nq.Ising, t: nq.Transitions) -> list[bool]:
    """For each estimator of a driven network: whether its 95 % interval holds the bound of the exact law."""
    everything = nq.enumerate_states(nq.Parallel(model)).transitions()
    pairs = [(make()(t), make()(everything)) for make in COVERING.values()]
    return [bool(abs(sample.value - truth.value) < 1.96 * sample.stderr) for sample, truth in pairs]


def p_value_rows(found: np.ndarray) -> tuple[list[str], bool]:
    """One row a set of observables: whether its p-values are uniform."""
    lines = ["| observables | mean p-value | below 0.05 | Kolmogorov-Smirnov p |", "| --- | --- | --- | --- |"]
    tests = [scipy.stats.kstest(p, "uniform").pvalue for p in found.T]
    for name, p, test in zip(OBSERVABLES, found.T, tests, strict=True):
        lines.append(f"| {name} | {p.mean():.3f} | {np.mean(p < 0.05):.3f} | {test:.3f} |")
    return lines, min(tests) > LEVEL / len(tests)


def bias_rows(found: np.ndarray) -> tuple[list[str], bool]:
    """One row an estimator: its mean in sample and held out over 2 d / n."""
    lines = [
        "| estimator, Cross + Single | in sample over 2 d / n | held out over 2 d / n | expected |",
        "| --- | --- | --- | --- |",
    ]
    fine = True
    for k, name in enumerate(BIASED):
        parts = np.array([found[:, k, column] / found[:, k, 2] for column in (0, 1)])
        mean, error = parts.mean(1), parts.std(1, ddof=1) / np.sqrt(SETS)
        expected = 0.0 if name == "ThermodynamicUncertainty" else -1.25  # coefficients from four fifths of the data
        fine = fine and bool(np.all(np.abs(mean - [1, expected]) < 4 * error + 0.1))
        shown = [f"{m:.3f} ± {e:.3f}" for m, e in zip(mean, error, strict=True)]
        lines.append(f"| {name} | {shown[0]} | {shown[1]} | 1, {expected} |")
    return lines, fine


def coverage_rows(found: np.ndarray) -> tuple[list[str], bool]:
    """One row an estimator: how often its interval held."""
    allowed = 0.95 - 3 * np.sqrt(0.05 * 0.95 / SETS)
    lines = ["| 95 % interval, driven networks | coverage |", "| --- | --- |"]
    lines += [f"| {name} | {held.mean():.3f} |" for name, held in zip(COVERING, found.T, strict=True)]
    return lines, bool(np.all(found.mean(0) >= allowed))


def main() -> int:
    """Print the page; 0 if everything is calibrated."""
    jax.config.update("jax_enable_x64", True)
    tested, lawful, held = [], [], []
    for key in jr.split(jr.key(SEED), SETS):
        draw, run, flips = jr.split(key, 3)
        rest, driven = network(draw, symmetric=True), network(draw, symmetric=False)
        tested.append(p_values(data_set(rest, run, 1), flips))
        lawful.append(biases(data_set(rest, run, APART)))
        held.append(covered(driven, data_set(driven, run, 1)))
    parts = p_value_rows(np.array(tested)), bias_rows(np.array(lawful)), coverage_rows(np.array(held))
    sizes = {"data sets": SETS, "units": UNITS, "chains": CHAINS, "pairs": STEPS, "flips": FLIPS, "seed": SEED}
    notes = (
        f"p-values: `QuadraticBound`, successive pairs of chains in equilibrium, whole chains flipped. Biases: pairs "
        f"{APART} steps apart, over the floor 2 d / n. Coverage: of the bound of the exact law, successive pairs "
        "of asymmetric networks. Allowed: one test at 0.01 over all sets together; biases within four standard "
        "errors and a tenth; coverage at most three standard errors below 0.95."
    )
    body = [line for lines, _ in parts for line in (*lines, "")]
    page(__doc__, sizes, "\n".join([*body, notes]))
    return 0 if all(fine for _, fine in parts) else 1


if __name__ == "__main__":
    sys.exit(main())

"""Bounds on the entropy production of a diluted network from its flips, beside the published curves."""

import sys
import time
from typing import NamedTuple

import jax
import jax.random as jr
import numpy as np
from _page import page

import nonequil as nq
from nonequil.thermodynamics import MaxEntBound, OneStepNewton, SiteFlips, ThermodynamicUncertainty

N, DEGREE, STATES, CHAINS, BURN_IN, NETWORKS, SEED = 100, 6.0, 100_000, 400, 100, 3, 7
PUBLISHED = {  # beta: flow, uncertainty relation, one Newton step, maximum entropy, R2 of the latter
    0.5: (0.0961, 0.0886, 0.0931, 0.0939, 0.988),
    1.0: (0.2606, 0.1930, 0.2527, 0.2525, 0.992),
    1.3485: (0.3723, 0.2405, 0.3534, 0.3563, 0.990),
    2.0: (0.5633, 0.2920, 0.5074, 0.5283, 0.978),
    2.5: (0.7007, 0.3158, 0.5929, 0.6637, 0.958),
    3.0: (0.8322, 0.3328, 0.6598, 0.8045, 0.892),
    4.0: (1.0843, 0.3575, 0.7498, 1.0821, 0.846),
}
NEAR, NEAR_R2 = 0.04, 0.03  # of the ratio to the flow, of R2


def recorded(model: nq.Ising, key: jax.Array) -> nq.Attempts:
    """States a sweep apart, each with one hypothetical attempt at every site."""
    x0 = nq.random_spins(key, (CHAINS, N))
    steps, record = N * STATES // CHAINS, (nq.Record(),)
    dynamics = nq.Sequential(model)
    _, (pairs,) = nq.simulate(dynamics, x0, steps=steps, key=key, observers=record, burn_in=N * BURN_IN, every=N)
    x = np.asarray(pairs.x)
    block = np.repeat(np.arange(CHAINS), len(x) // CHAINS) if pairs.block is None else np.asarray(pairs.block)
    return nq.Attempts(x, attempted(model, x, jr.fold_in(key, 1)), block=block)


def attempted(model: nq.Ising, x: np.ndarray, key: jax.Array) -> np.ndarray:
    """Whether an attempt at each site flips it, by the site law."""

    @jax.jit
    def part(x: jax.Array, key: jax.Array) -> jax.Array:
        return jr.uniform(key, x.shape) < jax.nn.sigmoid(-2 * x * jax.vmap(model.field)(x))

    pieces = np.split(x, range(10_000, len(x), 10_000))
    return np.concatenate([np.asarray(part(piece, jr.fold_in(key, k))) for k, piece in enumerate(pieces)])


def flow(model: nq.Ising, attempts: nq.Attempts) -> tuple[float, float]:
    """Mean entropy flow an attempt from the couplings, and its standard error between chains."""
    x, J = np.asarray(attempts.x, np.float32), np.asarray(model.J)
    rows = np.mean(attempts.flipped * (-2 * x * (x @ J.T)), axis=1)
    chains = np.bincount(attempts.block, rows) / np.bincount(attempts.block)
    return float(rows.mean()), float(chains.std(ddof=1) / np.sqrt(len(chains)))


def coefficient(theta: np.ndarray, J: np.ndarray) -> float:
    """R2 of theta_ij - theta_ji as an estimate of J_ij - J_ji, i < j."""
    upper = np.triu_indices(N, 1)
    found, true = (theta - theta.T)[upper], (J - J.T)[upper]
    return float(1 - np.mean((found - true) ** 2) / np.var(found))


class Network(NamedTuple):
    """What one network of a row shows: values, and their standard errors where they have one."""

    flow: float
    flow_error: float
    tur: float
    newton: float
    maxent: float
    maxent_error: float
    r2: float
    ridge: float
    left_out: int


def network(beta: float, key: jax.Array) -> Network:
    """Flow and bounds of one network."""
    model = nq.Diluted(k=DEGREE, beta=beta).sample(key, N)
    attempts = recorded(model, jr.fold_in(key, 1))
    tur, newton, maxent = (e(SiteFlips())(attempts) for e in (ThermodynamicUncertainty, OneStepNewton, MaxEntBound))
    r2 = coefficient(maxent.details["theta"], np.asarray(model.J))
    ridge, left_out = np.median(maxent.details["ridge"]), len(maxent.details["left_out"])
    values = (float(v) for v in (tur.value, newton.value, maxent.value, maxent.stderr))
    return Network(*flow(model, attempts), *values, r2, float(ridge), left_out)


def row(beta: float, index: int) -> tuple[str, list[str]]:
    """One line of the table, the mean over networks, and what is wrong with it."""
    started, key = time.monotonic(), jr.fold_in(jr.key(SEED), index)
    found = [network(beta, jr.fold_in(key, k)) for k in range(NETWORKS)]
    mean, published = Network(*np.mean(found, axis=0)), PUBLISHED[beta]
    ratio, target = np.mean([each.maxent / each.flow for each in found]), published[3] / published[0]
    checks = {
        "the order of the bounds": all(each.tur <= each.newton <= each.flow for each in found),
        "never above the flow": all(e.maxent <= e.flow + 3 * np.hypot(e.maxent_error, e.flow_error) for e in found),
        "the published ratio": abs(ratio - target) <= NEAR,
        "the published R2": mean.r2 >= published[4] - NEAR_R2,
    }
    cells = [
        f"{beta:g}",
        *(f"{value:.4f}" for value in (mean.flow, mean.tur, mean.newton, mean.maxent)),
        f"{ratio:.3f} +- {spread([e.maxent / e.flow for e in found]):.3f} ({target:.3f})",
        f"{mean.r2:.3f} +- {spread([e.r2 for e in found]):.3f} ({published[4]:.3f})",
        f"{mean.ridge:.0f}",
        f"{mean.left_out:.1f}",
        f"{time.monotonic() - started:.0f} s",
    ]
    return f"| {' | '.join(cells)} |", [f"beta = {beta:g}: missed {name}" for name, fine in checks.items() if not fine]


def spread(values: list[float]) -> float:
    """Standard error of the mean over networks."""
    return float(np.std(values, ddof=1) / np.sqrt(len(values)))


HEAD = (
    "beta | flow | uncertainty | one Newton step | maximum entropy | ratio to the flow (published) | "
    "R2 (published) | ridge, median | spins left out | time"
)
NOTES = """
Values in nats per attempt, held out (five folds of whole chains), the mean of three networks a row; standard errors
between networks. The flow is that of the couplings on the same attempts. R2: inferred theta_ij - theta_ji against
J_ij - J_ji, i < j; it may pass the published. Published: one network a row, other ones than these, from as many states:
Aguilera, Ito & Kolchinsky, PRL 136, 077101 (2026), at n = 100.
Where the bound rests on few effective samples (above beta = 2) a ridge is needed, which costs some of the bound; the
published values there are those of one early-stopped fit on a tenth of the states.
The low R2 at beta = 2 is one network: couplings of one spin run away along a combination that its flips hardly
constrain (0.73; 0.99 in the two others).
"""


def main() -> int:
    """Print the page; 0 if the published ratios hold up to beta = 2.5 and the order of the bounds everywhere."""
    wanted = [float(b) for b in sys.argv[1:]] or list(PUBLISHED)
    rows = [row(beta, index) for index, beta in enumerate(PUBLISHED) if beta in wanted]
    missed = [text for _, texts in rows for text in texts]
    table = "\n".join([f"| {HEAD} |", "|" + " --- |" * (HEAD.count("|") + 1), *(line for line, _ in rows)])
    sizes = {
        "n": N,
        "k": DEGREE,
        "states": STATES,
        "chains": CHAINS,
        "sweeps before": BURN_IN,
        "networks": NETWORKS,
        "seed": SEED,
    }
    said = "\n".join(f"- {text}" for text in missed) or "All checks hold."
    page(__doc__, sizes, f"{table}\n{NOTES}\n{said}")
    strict = [t for t in missed if "order" in t or "above" in t or not t.startswith(("beta = 3", "beta = 4"))]
    return int(bool(strict))


if __name__ == "__main__":
    sys.exit(main())

"""A fit of ten million transitions of 200 units: convergence, and the memory it takes."""

import resource
import sys
import time

import jax
import jax.random as jr
import numpy as np
from _page import page

import nonequil as nq

UNITS, CHAINS, STEPS, SEED, LIMIT = 200, 500, 20_000, 5, 8.0


def main() -> int:
    """Print the page; 0 if every neuron converged within the memory."""
    model = nq.SherringtonKirkpatrick(J0=0.0, dJ=1.0, dH=0.2).sample(jr.key(SEED), UNITS)
    x = np.empty((CHAINS * STEPS, UNITS), np.int8)
    x_next, state, part = np.empty_like(x), nq.random_spins(jr.key(SEED + 1), (CHAINS, UNITS)), 1000
    for start in range(0, STEPS, part):
        settings = {"steps": part, "key": jr.fold_in(jr.key(SEED), start), "observers": (nq.Record(),)}
        state, (seen,) = nq.simulate(nq.Parallel(model), state, **settings)
        at = slice(start * CHAINS, (start + part) * CHAINS)
        x[at], x_next[at] = (np.asarray(side).reshape(-1, UNITS) for side in (seen.x, seen.x_next))
    before, started, cpu = _peak(), time.perf_counter(), time.process_time()
    fitted = nq.fit(nq.Transitions(x, x_next), errors=nq.inference.ERRORS.none, tolerance=1e-6)
    wall, cpu, peak = time.perf_counter() - started, time.process_time() - cpu, _peak()
    largest = float(fitted.gradient_max.max())
    error = float(np.sqrt(np.mean((np.asarray(fitted.model.J) - np.asarray(model.J)) ** 2)))
    fine = bool(fitted.converged.all()) and peak < LIMIT
    lines = [
        "| gradient passes | largest gradient | rms error of J | wall s | CPU s | peak GiB | GiB before it |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        f"| {fitted.steps} | {largest:.1e} | {error:.1e} | {wall:.0f} | {cpu:.0f} | {peak:.2f} | {before:.2f} |",
    ]
    sizes = {"units": UNITS, "transitions": len(x), "seed": SEED, "memory allowed": f"{LIMIT:g} GiB"}
    spins = (
        f"\n\nThe int8 spins of both sides take {2 * x.nbytes / 2**30:.1f} GiB. {'Passed' if fine else '**Failed**'}."
    )
    page(__doc__, sizes, "\n".join(lines) + spins)
    return 0 if fine else 1


def _peak() -> float:
    """Largest memory of this process so far, in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", False)
    sys.exit(main())

"""The main job, end to end, on a network whose couplings are known.

Simulates 40 neurons that fire in 2 to 5 % of the bins, saves 1000 s of their spike times, hands the file to
`nonequil fit` as if it were a recording, and compares what comes back with the truth.
"""

import json
import shutil
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

import nonequil as nq
from nonequil.cli import main as nonequil

UNITS, SECONDS, BIN, SEED = 40, 1000.0, 0.02, 2026
FOLDER = Path("runs/demo")


def network(key: jax.Array) -> nq.Ising:
    """Random couplings around a silent background: alone, each neuron fires in 2.2 to 3 % of the bins."""
    key_J, key_rate = jr.split(key)
    J = nq.SherringtonKirkpatrick(J0=0.0, dJ=0.7).sample(key_J, UNITS).J
    rate = jr.uniform(key_rate, (UNITS,), minval=0.022, maxval=0.03)
    return nq.Ising(J, jax.scipy.special.logit(rate) / 2 + J.sum(axis=1))


def spike_table(dynamics: nq.Parallel, key: jax.Array) -> dict[str, np.ndarray]:
    """One long recording as a table of spike times (seconds) and units; a spike falls anywhere in its bin."""
    key_run, key_place = jr.split(key)
    bins = round(SECONDS / BIN)
    silent = -jnp.ones((1, UNITS), jnp.int8)
    _, (record,) = nq.simulate(dynamics, silent, steps=bins, key=key_run, observers=(nq.Record(),), burn_in=100)
    k, unit = np.nonzero(np.asarray(record.x_next) > 0)
    time = (k + np.asarray(jr.uniform(key_place, k.shape, minval=0.01, maxval=0.99))) * BIN
    order = np.argsort(time)
    return {"time": time[order], "unit": unit[order], "start": np.array(0.0), "stop": np.array(SECONDS)}


def true_entropy_production(dynamics: nq.Parallel, key: jax.Array) -> tuple[float, float]:
    """Entropy production of the network itself in nats per bin, from 256 long chains, and its standard error."""
    x0 = -jnp.ones((256, UNITS), jnp.int8)
    flow = nq.Mean(lambda x, x_next: nq.thermodynamics.entropy_flow(dynamics, x, x_next))
    _, (mean,) = nq.simulate(dynamics, x0, steps=4000, key=key, observers=(flow,), burn_in=100)
    return float(mean.value), float(mean.stderr)


def main() -> int:
    """Run the demonstration; 0 if the fit finds the truth."""
    jax.config.update("jax_enable_x64", True)
    keys = jr.split(jr.key(SEED), 3)
    dynamics = nq.Parallel(network(keys[0]))
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    np.savez(FOLDER / "recording.npz", **spike_table(dynamics, keys[1]))
    code = nonequil(["fit", str(FOLDER / "recording.npz"), "--bin", str(BIN), "--out", str(FOLDER / "fit")])
    if code:
        return code
    summary = json.loads((FOLDER / "fit" / "summary.json").read_text())
    fitted = np.load(FOLDER / "fit" / "couplings.npz")
    truth, error = true_entropy_production(dynamics, keys[2])
    within = np.abs(fitted["J"] - np.asarray(dynamics.model.J)) < 2 * fitted["J_stderr"]
    model = summary["entropy_production"]["model"]
    distance = abs(model["value"] - truth) / model["stderr"]
    print(f"\nAgainst the known network of {UNITS} neurons:")
    print(
        f"  {100 * within.mean():.1f} % of the {UNITS * UNITS} couplings lie within 2 standard errors (expected: 95 %)"
    )
    print(
        f"  entropy production: true {truth:.4f} +- {error:.4f}, "
        f"estimated {model['value']:.4f} +- {model['stderr']:.4f} nats/bin, "
        f"{distance:.1f} standard errors apart (in-sample: {model['in_sample']:.4f})"
    )
    print(f"  report: {FOLDER / 'fit' / 'report.html'}")
    return 0 if 0.93 <= within.mean() <= 0.97 and distance < 2 else 1


if __name__ == "__main__":
    sys.exit(main())

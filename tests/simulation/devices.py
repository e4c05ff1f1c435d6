"""A run whose chains may be spread over devices; as a script: `devices.py FILE COUNT` saves what it saw."""

import sys

import jax
import jax.random as jr
import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec

import nonequil as nq


def run(count: int) -> dict[str, np.ndarray]:
    """Last states and all statistics of a parallel run and of sequential ones, each chain with its own sites or not."""
    mesh = jax.make_mesh((count,), ("chains",), axis_types=(AxisType.Auto,), devices=jax.devices()[:count])
    model = nq.SherringtonKirkpatrick(J0=0.0, dJ=1.0, H0=0.0, dH=0.3).sample(jr.key(0), 10)
    x0 = jax.device_put(nq.random_spins(jr.key(1), (128, 10)), NamedSharding(mesh, PartitionSpec("chains")))
    seen = {}
    clocks = {"parallel": nq.Parallel(model), "own": nq.Sequential(model), "shared": nq.Sequential(model, sharing=16)}
    for name, dynamics in clocks.items():
        observers = (nq.Moments(), nq.Mean(dynamics.log_prob))[: 1 + (name != "shared")]
        out = nq.simulate(dynamics, x0, steps=400, burn_in=7, key=jr.key(2), observers=observers)
        seen |= {f"{name} {k}": np.asarray(leaf) for k, leaf in enumerate(jax.tree.leaves(out))}
        seen["devices"] = np.array(len(out[0].sharding.device_set))
    return seen


if __name__ == "__main__":
    np.savez(sys.argv[1], **run(int(sys.argv[2])))

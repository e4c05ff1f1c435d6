"""What the experiment `memory-explosive` computes."""

from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import xarray as xr

from .. import simulation
from ..dynamics import Sequential
from ..meanfield import curved_beta
from ..models import CurvedIsing
from ..statistics import Mean
from ._dataset import NONE, Variables, dataset
from ._memory_explosive import MemoryExplosive
from ._stages import Stages

OVERLAPS = np.linspace(1e-3, 0.9995, 400)


def explosive_dataset(config: MemoryExplosive, stages: Stages) -> xr.Dataset:
    """Overlaps on (gamma, way, beta), the theory's beta on (gamma, overlap); one stage a curvature."""
    program = _program(config)
    stages.expect(len(config.gamma), "curvature")
    found = [
        stages(f"gamma-{k:04d}", lambda g=g, k=k: program(g, jr.fold_in(config.key(), k)))
        for k, g in enumerate(config.gamma)
    ]
    m = np.stack([run["m"] for run in found])  # gamma, way, beta, chains
    theory = [np.asarray(jax.vmap(curved_beta, (0, None))(jnp.asarray(OVERLAPS), g)) for g in config.gamma]
    axes = ("gamma", "way", "beta")
    variables: Variables = {
        "m": (axes, m.mean(axis=-1), NONE, "modulus of the overlap, mean over runs"),
        "m_stderr": (axes, m.std(axis=-1, ddof=1) / np.sqrt(config.chains), NONE, "its standard error"),
        "beta_of_overlap": (("gamma", "overlap"), np.stack(theory), NONE, "where the mean field rests at an overlap"),
    }
    coordinates = {
        "gamma": np.array(config.gamma),
        "way": ["up", "back"],
        "beta": config.beta.values,
        "overlap": OVERLAPS,
    }
    title = f"{config.figure}: curved networks of {config.n} spins, one pattern"
    return dataset(variables, coordinates, {"title": title, "config": config.to_toml()})


def _program(config: MemoryExplosive) -> Any:
    """Overlaps (way, beta, chains) of one curvature; compiled once. The pattern is all up, up to a gauge."""
    n, half = config.n, config.sweeps // 2
    J, H = jnp.full((n, n), 1 / n) * (1 - jnp.eye(n)), jnp.zeros(n)
    betas = np.concatenate([config.beta.values, config.beta.values[::-1]])
    seen = Mean(lambda x, x_next: jnp.abs(jnp.mean(x_next.astype(float))))

    def visit(state: tuple[Any, Any], given: tuple[Any, Any]) -> tuple[Any, Any]:
        (x, gamma), (beta, key) = state, given
        c = 1 / (2 * n)  # the diagonal of the published Q = m**2 / 2, which J leaves out
        clock = Sequential(CurvedIsing(J, H, gamma / (1 + gamma * c), beta / (1 + gamma * c)))

        def one(x: Any, key: Any) -> Any:
            run = dict(steps=(config.sweeps - half) * n, burn_in=half * n, key=key, observers=(seen,))
            x, (average,) = simulation.simulate(clock, x[None], **run)
            return x[0], average.value

        x, m = jax.vmap(one)(x, jr.split(key, config.chains))
        return (x, gamma), m

    @jax.jit
    def loop(gamma: Any, key: Any) -> Any:
        x = jr.rademacher(jr.fold_in(key, 1), (config.chains, n), jnp.int8)
        keys = jr.split(key, len(betas))
        return jax.lax.scan(visit, (x, gamma), (jnp.asarray(betas), keys))[1]

    def at(gamma: float, key: Any) -> dict[str, np.ndarray]:
        up, back = np.split(np.asarray(loop(jnp.asarray(gamma, float), key)), 2)
        return {"m": np.stack([up, back[::-1]])}

    return at

"""What the experiment `memory-retrieval` computes."""

from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import xarray as xr

from ..models import ModernHopfield, retrieve
from ._dataset import NONE, Variables, dataset
from ._memory_retrieval import MemoryRetrieval
from ._stages import Stages

NAMES = {
    "error_one": "distance from the pattern after one update, in units of n**0.5",
    "error_resting": "distance from the pattern where the state rests, in units of n**0.5",
    "updates": "updates until it rests",
    "effective_patterns": "number of patterns that the noisy state attends to",
}


def retrieval_dataset(config: MemoryRetrieval, stages: Stages) -> xr.Dataset:
    """Means over networks with standard errors, on beta; one stage."""
    beta = np.geomspace(*config.beta, config.points)
    stages.expect(1, "sweep")
    found = stages("sweep", lambda: _sweep(config, beta))
    root = np.sqrt(config.networks)
    variables: Variables = {name: (("beta",), found[name].mean(axis=1), NONE, text) for name, text in NAMES.items()}
    errors: Variables = {
        f"{name}_stderr": (("beta",), found[name].std(axis=1, ddof=1) / root, NONE, f"standard error of {name}")
        for name in NAMES
    }
    title = f"{config.figure}: {config.p} patterns of {config.n} numbers, {config.networks} sets"
    return dataset({**variables, **errors}, {"beta": beta}, {"title": title, "config": config.to_toml()})


def _sweep(config: MemoryRetrieval, beta: np.ndarray) -> dict[str, np.ndarray]:
    """All on (beta, networks)."""

    def one(beta: Any, key: Any) -> dict[str, Any]:
        patterns, noise = jr.split(key)
        modern = ModernHopfield(jr.normal(patterns, (config.p, config.n)), beta)
        x = modern.patterns[0] + config.noise * jr.normal(noise, (config.n,))
        rest = retrieve(modern, x, throw=False)
        away = lambda x: jnp.linalg.norm(x - modern.patterns[0]) / jnp.sqrt(config.n)  # noqa: E731
        seen = away(modern.update(x)), away(rest.x), rest.updates, modern.effective_patterns(x)
        return dict(zip(NAMES, seen, strict=True))

    keys = jr.split(config.key(), config.networks)
    found = jax.jit(jax.vmap(jax.vmap(one, (None, 0)), (0, None)))(jnp.asarray(beta), keys)
    return {name: np.asarray(value) for name, value in found.items()}

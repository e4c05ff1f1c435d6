"""What the experiment `attention-sizes` computes."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import xarray as xr

from .. import simulation
from ..dynamics import ClassCounts
from ..ensembles import standard_attention
from ..meanfield import attention_trajectory
from ..models import Positions
from ..statistics import Record
from ._attention_sizes import AttentionSizes
from ._dataset import NONE, Variables, dataset
from ._stages import Stages


def sizes_dataset(config: AttentionSizes, stages: Stages) -> xr.Dataset:
    """Distances, and distances times sqrt(n), on axes (beta, size), with standard errors over the runs."""
    stages.expect(len(config.beta), "beta")
    found = [stages(f"beta-{k:04d}", lambda k=k: _distances(config, k)) for k in range(len(config.beta))]
    square, error = (np.stack([one[name] for one in found]) for name in ("square", "error"))
    distance, root = np.sqrt(square), np.sqrt(np.array(config.sizes))
    axes, stderr = ("beta", "size"), error / (2 * distance)
    variables: Variables = {
        "distance": (axes, distance, NONE, "root mean square over runs, tokens and features"),
        "distance_stderr": (axes, stderr, NONE, "its standard error, over runs"),
        "scaled": (axes, distance * root, NONE, "distance times sqrt(n)"),
        "scaled_stderr": (axes, stderr * root, NONE, "its standard error"),
    }
    title = f"{config.figure}: {config.chains} runs of {config.steps} tokens"
    coordinates = {"beta": np.array(config.beta), "size": np.array(config.sizes)}
    return dataset(variables, coordinates, {"title": title, "config": config.to_toml()})


def _distances(config: AttentionSizes, place: int) -> dict[str, np.ndarray]:
    """The mean over runs of the squared distance at each size, and its standard error; one program for all sizes."""
    net = dataclasses.replace(standard_attention(n_bits=config.n_bits), beta=jnp.asarray(config.beta[place]))
    exact = attention_trajectory(net, steps=config.steps).mu

    @jax.jit
    def of_size(sizes: Any, key: Any) -> Any:
        clock = ClassCounts(net, sizes)
        first = clock.first_window()
        _, (record,) = simulation.simulate(
            clock,
            jnp.broadcast_to(first, (config.chains, *first.shape)),
            steps=config.steps,
            key=key,
            drive=Positions(net.window),
            observers=(Record(),),
        )
        mu = jax.vmap(clock.overlaps)(record.x_next[:, -1])[:, 0, 0].reshape(config.chains, config.steps, -1)
        return jnp.mean((mu - exact[None]) ** 2, axis=(1, 2))

    key_sizes, key_runs = jr.split(jr.fold_in(config.key(), place))
    runs = [
        np.asarray(of_size(net.class_sizes(jr.fold_in(key_sizes, n), n), jr.fold_in(key_runs, n))) for n in config.sizes
    ]
    return {
        "square": np.array([run.mean() for run in runs]),
        "error": np.array([run.std(ddof=1) / np.sqrt(len(run)) for run in runs]),
    }

"""What the experiment `sk-raster` computes and draws."""

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from .. import plot
from ..statistics import Record
from ._chunks import run_chunks
from ._dataset import NONE, dataset
from ._simulating import CLOCKS, network
from ._sk_raster import SKRaster
from ._stages import Stages

UNITS_OF_TIME = {"parallel": "step", "sequential": "sweep"}


def raster_dataset(config: SKRaster, stages: Stages) -> xr.Dataset:
    """States of the network, one each `every` steps."""
    key_network, key_run = jr.split(config.key())
    model = network(config.model, key_network)
    _, (record,) = run_chunks(
        CLOCKS[config.clock](model),
        jnp.ones((1, model.n), jnp.int8),
        steps=config.steps,
        key=key_run,
        observers=(Record(),),
        burn_in=config.burn_in,
        every=config.every,
        chunk=config.chunk,
        stages=stages,
    )
    x = np.asarray(record.x_next)
    variables = {
        "spins": (("time", "unit"), x, NONE, "states"),
        "m": (("time",), x.mean(axis=1, dtype=float), NONE, "magnetisation"),
    }
    at = config.model
    title = f"{config.clock} dynamics of {at.n} spins at dJ = {at.dJ:g}, beta = {at.beta:g}"
    attributes = {"title": title, "clock": config.clock, "config": config.to_toml()}
    result = dataset(variables, {"time": _time(config, len(x)), "unit": np.arange(model.n)}, attributes)
    result.time.attrs["units"] = UNITS_OF_TIME[config.clock]
    return result


def _time(config: SKRaster, shown: int) -> np.ndarray:
    """Time of each state in steps or sweeps, from the first one on."""
    step = 1 / config.model.n if config.clock == "sequential" else 1.0
    every = config.every or round(1 / step)
    return np.arange(shown) * every * step


def raster_figure(result: xr.Dataset) -> Figure:
    """One row a spin."""
    figure = Figure(figsize=(7.0, 3.2), layout="constrained")
    ax = plot.spins(result.spins.values, result.time.values, ax=figure.subplots())
    ax.set(xlabel=f"time ({result.time.attrs['units']}s)", title=result.attrs["title"])
    return figure

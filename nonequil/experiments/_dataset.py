"""Datasets: every variable with its dimensions, its unit and what it is."""

from typing import Any

import numpy as np
import xarray as xr

NONE = "1"  # unit of a number without one
Variables = dict[str, tuple[tuple[str, ...], Any, str, str]]


def dataset(variables: Variables, coordinates: dict[str, Any], attributes: dict[str, Any]) -> xr.Dataset:
    """A Dataset from (dimensions, values, unit, description) a variable."""
    from .. import __version__

    arrays = {
        name: xr.Variable(dims, np.asarray(values), {"units": unit, "long_name": text})
        for name, (dims, values, unit, text) in variables.items()
    }
    return xr.Dataset(arrays, coordinates, {**attributes, "nonequil": __version__})


def on_host(tree: Any) -> Any:
    """A tree with its arrays on the host, whole, wherever their parts are; every process of a run has to ask."""
    import jax

    from .. import numerics

    return jax.tree.map(lambda leaf: numerics.gathered(leaf) if isinstance(leaf, jax.Array) else leaf, tree)

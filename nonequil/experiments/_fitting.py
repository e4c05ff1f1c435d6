"""What the experiment `fit` computes."""

from typing import Any

import jax.numpy as jnp
import jax.random as jr
import xarray as xr

from .. import data
from ..models import Ising
from . import _fit_stages as pieces
from . import _fit_variables as variables
from ._dataset import dataset
from ._fit import Fit
from ._stages import Stages

PIECES = 9  # a bin width


def fit_dataset(config: Fit, stages: Stages) -> xr.Dataset:
    """Couplings, errors, checks and entropy production of a recording, one entry a bin width."""
    raster = read(config)
    binned = [raster.bin(width) for width in config.bin]
    for bins in binned:
        check_size(bins)
    stages.expect(PIECES * len(binned), "piece")
    results = [fit_bin(config, bins, stages) for bins in binned]
    widths = xr.Variable("bin", list(config.bin), {"units": "s", "long_name": "width of the bins"})
    joined = xr.concat(results, widths, combine_attrs="override")
    return joined.merge(variables.spikes(raster)).assign_attrs(attributes(config, raster, binned))


def fit_bin(config: Fit, binned: data.Binned, stages: Stages) -> xr.Dataset:
    """All pieces for one bin width."""
    t = binned.transitions()
    keys = jr.split(config.key(), 3)
    stage = lambda name, compute: stages(f"{binned.width:g} s {name}", compute)  # noqa: E731
    chosen = stage("penalty", lambda: pieces.penalty(t, config.l2, config.l1, config.folds))
    fitted = stage("couplings", lambda: pieces.couplings(t, chosen["l2"], config.l1))
    model = Ising(jnp.asarray(fitted["J"]), jnp.asarray(fitted["H"]))
    held_out = stage("validation", lambda: pieces.validation(t, chosen["l2"], config.l1, config.folds))
    recorded = stage("correlations", lambda: pieces.recorded(t))
    predicted = stage("simulation", lambda: pieces.predicted(t, model, keys[0]))
    estimates = {
        "maxent": stage("maxent", lambda: pieces.maxent(t)),
        "quadratic": stage("quadratic", lambda: pieces.quadratic(t, keys[1])),
        "model": stage("model", lambda: pieces.modelled(t)),
    }
    control = stage("control", lambda: pieces.control(t, keys[2]))
    found = variables.couplings({**fitted, **held_out, **chosen, "l1": config.l1})
    found |= variables.correlations(recorded, predicted, binned.width)
    found |= variables.counts(binned, t) | variables.surrogates(estimates["quadratic"], control)
    for name, estimate in estimates.items():
        found |= variables.estimate(name, estimate)
    unit = variables.ids(binned)
    return dataset(found, {"unit": unit, "unit_post": unit, "lag": list(pieces.LAGS)}, {})


def read(config: Fit) -> data.Raster:
    """The recording, with the units that were asked for."""
    return data.load(
        config.recording,
        start=config.start,
        stop=config.stop,
        epochs=config.epochs or None,
        units=config.units or None,
        min_rate=config.min_rate or None,
        field=config.field,
        time_scale=config.time_scale,
    )


def check_size(binned: data.Binned) -> None:
    """Raise ValueError if there are fewer transitions than parameters of a unit."""
    parameters = binned.spins.shape[1] + 1
    if binned.n_transitions < parameters:
        raise ValueError(
            f"bin = {binned.width:g} s leaves {binned.n_transitions} transitions for {parameters} parameters of each "
            "unit: take narrower bins, a longer recording or fewer --units"
        )


def attributes(config: Fit, raster: data.Raster, binned: list[data.Binned]) -> dict[str, Any]:
    """What the recording was, and what to watch for in it."""
    warnings = list(dict.fromkeys(line for bins in binned for line in bins.warnings))
    return {
        "title": f"Couplings and entropy production of {config.recording.name}",
        "recording": config.recording.name,
        "duration": raster.duration,
        "n_trials": len(raster.epochs),
        "warnings": "\n".join(warnings),
        "config": config.to_toml(),
    }

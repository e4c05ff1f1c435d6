"""What the experiment `entropy-recording` computes."""

import itertools
from typing import Any

import jax.random as jr
import numpy as np
import xarray as xr
from jaxtyping import Int

from .. import data
from .._results import Estimate
from ..thermodynamics import QuadraticBound
from ._dataset import NONE, Variables, dataset
from ._entropy_recording import EntropyRecording
from ._fit_stages import plain_estimate
from ._sk_theory import result_names
from ._stages import Stages

ABSENT = "absent"
AXES = ("recording", "bin", "group", "subset")
LISTED = {
    "value": ("nats/bin", "lower bound ln(1 + U) on the entropy production"),
    "stderr": ("nats/bin", "standard error between blocks"),
    "floor": ("nats/bin", "2 d / n"),
    "u": ("nats/bin", "quadratic estimate U"),
    "u_stderr": ("nats/bin", "standard error of U"),
    "null_mean": ("nats/bin", "mean of U after blocks were reversed at random"),
    "null_spread": ("nats/bin", "standard deviation of U after blocks were reversed at random"),
    "p_value": (NONE, "share of such reversals that look as irreversible"),
    "per_second": ("nats/s", "the bound a second"),
    "per_second_stderr": ("nats/s", "its standard error"),
    "per_spike": ("nats/spike", "the bound a spike of these units"),
    "per_spike_stderr": ("nats/spike", "its standard error"),
    "spikes_per_bin": ("spikes/bin", "spikes of these units in a bin, clipped ones included"),
    "clipped": (NONE, "share of the spikes that share a bin with an earlier one of their unit"),
    "n": (NONE, "transitions"),
    "n_blocks": (NONE, "blocks, trials where there are trials"),
}


def recording_dataset(config: EntropyRecording, stages: Stages) -> xr.Dataset:
    """Every number on axes (recording, bin, group, subset); the last group is all units, in one subset."""
    rasters = [_read(config, path) for path in config.recording]
    orders = [_orders(config, raster.n_units) for raster in rasters]
    groups = [*config.units, None]
    places = list(itertools.product(*map(range, (len(rasters), len(config.bin), len(groups), config.subsets))))
    wanted = [at for at in places if _exists(config, at, rasters[at[0]].n_units)]
    stages.expect(len(wanted), "bound")
    shape = (len(rasters), len(config.bin), len(groups), config.subsets)
    arrays = {name: np.full(shape, np.nan) for name in LISTED}
    result = np.full(shape, ABSENT, dtype="U40")
    for at in wanted:
        units = np.sort(orders[at[0]][at[3]][: groups[at[2]]])
        name = "_".join(map(str, at))
        found = stages(name, lambda at=at, units=units: _bound(config, at, rasters[at[0]], units))
        for key in LISTED:
            arrays[key][at] = found.get(key, np.nan)
        result[at] = found["result"]
    variables: Variables = {name: (AXES, arrays[name], *text) for name, text in LISTED.items()}
    variables["result"] = (AXES, result, NONE, "how the computation ended; absent: the recording has fewer units")
    variables["n_units"] = (AXES[:1] + AXES[2:3], _numbers(config, rasters), NONE, "number of units")
    return dataset(variables, _coordinates(config), _attributes(config, rasters))


def _read(config: EntropyRecording, path: Any) -> data.Raster:
    return data.load(path, min_rate=config.min_rate or None, time_scale=config.time_scale)


def _orders(config: EntropyRecording, n_units: int) -> Int[np.ndarray, "subsets units"]:
    """Random orders of the units, whose beginnings are the subsets: the same for recordings of as many units."""
    keys = jr.split(jr.fold_in(config.key(), n_units), config.subsets)
    return np.stack([np.asarray(jr.permutation(key, n_units)) for key in keys])


def _exists(config: EntropyRecording, at: tuple[int, ...], n_units: int) -> bool:
    """Whether the recording has units left outside such a subset; all units are one subset."""
    _, _, group, subset = at
    return config.units[group] < n_units if group < len(config.units) else subset == 0


def _bound(config: EntropyRecording, at: tuple[int, ...], raster: data.Raster, units: np.ndarray) -> dict[str, Any]:
    """The bound of some units in bins of one width, and what binning does to their spikes."""
    binned = raster.select(raster.unit_ids[units]).bin(config.bin[at[1]])
    key = jr.fold_in(config.key(), at[3])
    estimate = QuadraticBound()(binned.transitions(), key=key)
    spikes_per_bin = binned.n_spikes / len(binned.spins)
    return {
        **plain_estimate(estimate),
        "result": str(result_names(estimate.result)),
        **_converted("per_second", estimate.per_second(binned.width)),
        **_converted("per_spike", estimate.per_spike(spikes_per_bin)),
        "spikes_per_bin": spikes_per_bin,
        "clipped": binned.clipped_fraction,
    }


def _converted(name: str, estimate: Estimate) -> dict[str, float]:
    return {name: float(estimate.value), f"{name}_stderr": float(estimate.stderr)}


def _numbers(config: EntropyRecording, rasters: list[data.Raster]) -> Int[np.ndarray, "recordings groups"]:
    return np.array([[*config.units, raster.n_units] for raster in rasters])


def _coordinates(config: EntropyRecording) -> dict[str, Any]:
    return {
        "recording": [path.stem for path in config.recording],
        "bin": xr.Variable("bin", list(config.bin), {"units": "s", "long_name": "width of the bins"}),
        "group": [*map(str, config.units), "all"],
        "subset": np.arange(config.subsets),
    }


def _attributes(config: EntropyRecording, rasters: list[data.Raster]) -> dict[str, Any]:
    names = [path.stem for path in config.recording]
    warnings = [f"{name}: {line}" for name, r in zip(names, rasters, strict=True) for line in r.warnings]
    title = f"Irreversibility of {', '.join(names)}"
    return {"title": title, "warnings": "\n".join(warnings), "config": config.to_toml()}


def describe_recordings(r: xr.Dataset) -> str:
    """A line for each file and width, all units together."""
    lines = [r.attrs["title"]]
    for name, width in itertools.product(r.recording.values, r.bin.values):
        at = r.sel(recording=name, bin=width, group="all", subset=0)
        if not np.isfinite(at.value):
            lines.append(f"{name}, {1000 * width:g} ms: no number ({at.result.item()}), floor {float(at.floor):.2g}")
            continue
        lines.append(
            f"{name}, {1000 * width:g} ms, {int(at.n_units)} units: {float(at.value):.4f} +- {float(at.stderr):.4f} "
            f"nats/bin (reversed blocks: +- {float(at.null_spread):.4f}, p = {float(at.p_value):.2g}; floor "
            f"{float(at.floor):.4f}), {float(at.per_second):.3g} nats/s, {float(at.per_spike):.3g} nats/spike; "
            f"{float(at.clipped):.1%} of the spikes clipped"
        )
    return "\n".join(lines + ([r.attrs["warnings"]] if r.attrs["warnings"] else []))

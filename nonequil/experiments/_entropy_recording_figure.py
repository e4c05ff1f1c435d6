"""The figure of the experiment `entropy-recording`."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import plot
from ._entropy_recording_data import ABSENT
from ._fit_variables import SUCCESSFUL

UNITS = {"value": "bin", "per_second": "s", "per_spike": "spike"}
STDERR = {"value": "stderr", "per_second": "per_second_stderr", "per_spike": "per_spike_stderr"}


def recording_figure(r: xr.Dataset) -> Figure:
    """A column for each width, against the number of units; below, all units against the width, and clipped spikes."""
    columns = max(3, r.sizes["bin"])
    figure = Figure(figsize=(3.9 * columns, 8.4), layout="constrained")
    places = figure.subplots(3, columns)
    for ax in places.flat:
        ax.set_visible(False)
    for name, line in zip(("value", "per_spike"), places, strict=False):
        for width, ax in zip(r.bin.values, line, strict=False):
            against_units(r.sel(bin=width), name, ax)
            ax.set_title(f"bins of {1000 * width:g} ms", loc="left", fontsize="medium")
    every = r.sel(group="all", subset=0)
    for name, ax in zip(("per_second", "per_spike"), places[-1], strict=False):
        against_width(every, name, ax)
        ax.set_title("all units", loc="left", fontsize="medium")
    clipped(every, places[-1, 2])
    places[0, 0].legend(frameon=False, fontsize="small")
    return figure


def against_units(r: xr.Dataset, name: str, ax: Axes) -> None:
    """Means over subsets; bars are the spread between subsets, or the standard error where there is one alone."""
    ax.set_visible(True)
    scale = r[name] / r["value"]
    several = r[name].notnull().sum("subset") > 1
    bars = r[name].std("subset").where(several, r[STDERR[name]].mean("subset"))
    plot.bounds(
        r.n_units.values,
        r[name].mean("subset").values,
        bars.values,
        list(r.recording.values),
        null=(r.null_spread * scale).mean("subset").values,
        floor=(r.floor * scale).mean("subset").values,
        sound=r.result.isin([SUCCESSFUL, ABSENT]).all("subset").values,
        xlabel="units",
        ylabel=f"ln(1 + U) (nats/{UNITS[name]})",
        ax=ax,
    )


def against_width(r: xr.Dataset, name: str, ax: Axes) -> None:
    """The bound of all units with its standard error, its null and its floor."""
    ax.set_visible(True)
    scale = r[name] / r["value"]
    plot.bounds(
        1000 * r.bin.values,
        r[name].values,
        r[STDERR[name]].values,
        list(r.recording.values),
        null=(r.null_spread * scale).values,
        floor=(r.floor * scale).values,
        sound=(r.result == SUCCESSFUL).values,
        xlabel="width of the bins (ms)",
        ylabel=f"ln(1 + U) (nats/{UNITS[name]})",
        ax=ax,
    )


def clipped(r: xr.Dataset, ax: Axes) -> None:
    """What the bins lose."""
    ax.set_visible(True)
    share = 100 * r.clipped.values
    plot.bounds(
        1000 * r.bin.values,
        share,
        np.zeros_like(share),
        list(r.recording.values),
        xlabel="width of the bins (ms)",
        ylabel="spikes clipped (%)",
        ax=ax,
    )

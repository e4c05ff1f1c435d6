"""The figure of the experiment `sk-sizes`."""

import itertools

import xarray as xr
from matplotlib.figure import Figure

from .. import plot
from ._sk_theory import trusted


def sizes_figure(r: xr.Dataset) -> Figure:
    """A row for each clock and dJ: magnetisation, self-correlation, entropy production."""
    rows = list(itertools.product(r.clock.values, r.dJ.values))
    figure = Figure(figsize=(10.5, 2.7 * len(rows)), layout="constrained")
    places = figure.subplots(len(rows), 3, squeeze=False, sharex=True)
    for line, (clock, dJ) in zip(places, rows, strict=True):
        unit = r.attrs[f"unit_of_sigma_{clock}"]
        labels = {"m": "$m$", "q": "$q$", "sigma": rf"$\sigma/N$ ({unit})"}
        here = r.sel(clock=clock, dJ=dJ)
        also = () if clock == "parallel" else ("alternating",)
        for ax, (name, label) in zip(line, labels.items(), strict=True):
            exact = trusted(here[f"{name}_theory"].values, here.result_theory.values, also)
            drawn = here[name].values, here[f"{name}_stderr"].values, r.n.values
            plot.sizes(r.beta.values, *drawn, (r.theory_beta.values, exact), ylabel=label, ax=ax)
        line[0].set_title(rf"{clock}, $\Delta J$ = {dJ:g}", loc="left", fontsize="medium")
    for ax in places[-1]:
        ax.set_xlabel(r"$\beta$")
    places[0, 0].legend(frameon=False, fontsize="small")
    return figure

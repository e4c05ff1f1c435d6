"""Figures of the self-attention network over two parameters, and over its size."""

import numpy as np
import xarray as xr
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure

from ._attention_diagram_data import NAMES

REGIMES = ("#f0f0f0", "#56B4E9", "#0072B2", "#E69F00", "#D55E00", "#bbbbbb")
SIZES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")


def phase_figure(r: xr.Dataset) -> Figure:
    """The regimes on the left, the leading exponent on the right."""
    figure = Figure(figsize=(10, 3.9), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    places = np.arange(len(NAMES) + 1) - 0.5
    norm = BoundaryNorm(places, len(NAMES))
    drawn = left.pcolormesh(r.beta, r.gamma, r.regime, cmap=ListedColormap(REGIMES), norm=norm, rasterized=True)
    bar = figure.colorbar(drawn, ax=left, ticks=range(len(NAMES)))
    bar.ax.set_yticklabels([name.replace("_", " ") for name in NAMES], fontsize="small")
    first = r.exponent.values[..., 0]
    largest = max(float(np.nanmax(first)), 0.01)  # deep cycles would hide chaos
    shown = right.pcolormesh(r.beta, r.gamma, first, cmap="RdBu_r", vmin=-largest, vmax=largest, rasterized=True)
    figure.colorbar(shown, ax=right, label=r"$\lambda_1$ (nats/step)")
    left.set_ylabel(r"$\gamma$")
    for ax in (left, right):
        ax.set_xlabel(r"$\beta$")
    return figure


def sizes_figure(r: xr.Dataset) -> Figure:
    """The distance from the mean field against the size, with the law 1/sqrt(n) through the largest size."""
    figure = Figure(figsize=(5.2, 3.8), layout="constrained")
    ax = figure.subplots()
    size = r["size"].values
    for colour, beta in zip(SIZES * len(r.beta), r.beta.values, strict=False):
        here = r.sel(beta=beta)
        told = rf"$\beta$ = {beta:g}, {float(here.scaled[-1]):.2f} $n^{{-1/2}}$"
        ax.errorbar(size, here.distance, 2 * here.distance_stderr, fmt="o", ms=4, color=colour, label=told)
        ax.plot(size, float(here.scaled[-1]) / np.sqrt(size), color=colour, lw=0.8)
    ax.set(xscale="log", yscale="log", xlabel="spins of a token", ylabel="distance from the mean field")
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    return figure

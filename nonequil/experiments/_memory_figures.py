"""Figures of associative memories."""

import matplotlib
import numpy as np
import xarray as xr
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure

from ._memory_diagram_data import PHASES

COLOURS = ("#f0f0f0", "#bbbbbb", "#9ecae1", "#3182bd")
WAYS = {"up": ("o", "#D55E00"), "back": ("s", "#0072B2")}


def diagram_figure(r: xr.Dataset) -> Figure:
    """Phases on the left, the capacities of patterns and of sequences on the right."""
    figure = Figure(figsize=(10, 3.9), layout="constrained")
    left, right = figure.subplots(1, 2)
    norm = BoundaryNorm(np.arange(5) - 0.5, 4)
    drawn = left.pcolormesh(r.alpha, r["T"], r.phase, cmap=ListedColormap(COLOURS), norm=norm, rasterized=True)
    bar = figure.colorbar(drawn, ax=left, ticks=range(4))
    bar.ax.set_yticklabels(PHASES, fontsize="small")
    for name, style in (("capacity", "-"), ("global_capacity", "--")):
        left.plot(r[name], r["T"], style, color="black", lw=1.2)
    left.set(xlabel=r"load $\alpha = p/n$", ylabel="temperature", xlim=(0, float(r.alpha.max())))
    for name, label in (
        ("capacity", "patterns"),
        ("global_capacity", "patterns, lowest free energy"),
        ("sequence_capacity", "sequence, all spins at once"),
    ):
        right.plot(r["T"], r[name], label=label, lw=1.5)
    right.set(xlabel="temperature", ylabel=r"capacity $\alpha_c$", xlim=(0, 1.05), ylim=(0, None))
    right.legend(frameon=False, fontsize="small")
    right.spines[["top", "right"]].set_visible(False)
    return figure


def recall_figure(r: xr.Dataset) -> Figure:
    """Overlaps against steps, points for networks and lines for theory; below, what a step dissipates."""
    figure = Figure(figsize=(5.6, 5.4), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    for colour, m0 in zip(matplotlib.colormaps["viridis"](np.linspace(0.85, 0.1, len(r.m0))), r.m0.values, strict=True):
        here = r.sel(m0=m0)
        top.errorbar(r.step, here.m, 2 * here.m_stderr, fmt="o", ms=3.5, color=colour, label=rf"$m_0$ = {m0:g}")
        top.plot(r.step, here.theory, color=colour, lw=1)
        flow = here.entropy_flow
        bottom.errorbar(r.step, flow, 2 * here.entropy_flow_stderr, fmt="o-", ms=2.5, lw=0.8, color=colour)
    top.set(ylabel="overlap with the pattern in turn", ylim=(-0.05, 1.05))
    bottom.set(xlabel="step", ylabel="entropy flow\n(nats/step/spin)")
    top.legend(frameon=False, fontsize="small", ncols=2)
    for ax in (top, bottom):
        ax.spines[["top", "right"]].set_visible(False)
    return figure


def explosive_figure(r: xr.Dataset) -> Figure:
    """The overlap on the way up and back for each curvature, over the mean field's curve, dashed where unstable."""
    figure = Figure(figsize=(3.1 * len(r.gamma), 3.2), layout="constrained")
    for ax, gamma in zip(np.atleast_1d(figure.subplots(1, len(r.gamma), sharey=True)), r.gamma.values, strict=True):
        here = r.sel(gamma=gamma)
        rising = np.gradient(here.beta_of_overlap.values) > 0
        for stable, style in ((True, "-"), (False, "--")):
            ax.plot(np.where(rising == stable, here.beta_of_overlap, np.nan), r.overlap, style, color="black", lw=1)
        for way, (marker, colour) in WAYS.items():
            one = here.sel(way=way)
            ax.errorbar(r.beta, one.m, 2 * one.m_stderr, fmt=marker, ms=3, lw=0.8, color=colour, label=way)
        ax.set(title=rf"$\gamma$ = {gamma:g}", xlabel=r"$\beta$", xlim=(r.beta.min(), r.beta.max()), ylim=(0, 1.02))
        ax.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("|overlap|")
    figure.axes[0].legend(frameon=False, fontsize="small")
    return figure


def retrieval_figure(r: xr.Dataset) -> Figure:
    """Errors of retrieval on the left, what the state attends to on the right, against beta."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, label, colour in (("error_one", "one update", "#D55E00"), ("error_resting", "at rest", "#0072B2")):
        left.errorbar(r.beta, r[name], 2 * r[f"{name}_stderr"], fmt="o-", ms=3, lw=1, color=colour, label=label)
    left.set(xscale="log", xlabel=r"$\beta$", ylabel=r"distance from the pattern / $\sqrt{n}$")
    left.legend(frameon=False)
    for name, label, colour in (
        ("effective_patterns", "patterns attended to", "#009E73"),
        ("updates", "updates", "#CC79A7"),
    ):
        right.errorbar(r.beta, r[name], 2 * r[f"{name}_stderr"], fmt="o-", ms=3, lw=1, color=colour, label=label)
    right.set(xscale="log", yscale="log", xlabel=r"$\beta$")
    right.legend(frameon=False)
    for ax in (left, right):
        ax.spines[["top", "right"]].set_visible(False)
    return figure

"""Figures of the experiments on the self-attention mean field."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from .. import plot

COLOURS = {"token": "#0072B2", "up": "#0072B2", "down": "#D55E00"}
SHOWN = 250  # tokens of an orbit in time


def diagram_figure(r: xr.Dataset) -> Figure:
    """Attention on the attractors above, the largest exponents below."""
    figure = Figure(figsize=(7.5, 5.6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    feature = r.attrs["feature"]
    several = len(r.start) > 1
    for start in r.start.values:
        here = r.sel(start=start)
        drawn = r.beta.values, here.attention.values[:, :, feature]
        label = f"from {start}" if start == "token" else f"going {start}"
        plot.bifurcation_diagram(
            *drawn,
            colour=COLOURS[str(start)],
            label=label if several else None,
            critical=r.critical.values[None],
            ylabel=f"$A_{feature + 1}$",
            ax=above,
        )
        for index, alpha in enumerate((1, 0.4)):
            below.plot(r.beta, here.exponent[:, index], color=COLOURS[str(start)], alpha=alpha, lw=0.9)
    below.axhline(0, color="black", lw=0.6)
    below.set(xlabel=r"$\beta$", ylabel="$\\lambda_1, \\lambda_2$ (nats/step)")
    below.set_xlim(r.beta.values[0], r.beta.values[-1])
    below.set_ylim(*_near_zero(r.exponent.values[..., 0]))
    below.spines[["top", "right"]].set_visible(False)
    return figure


def _near_zero(values: np.ndarray) -> tuple[float, float]:
    """Limits that show positive exponents: deep cycles are cut off."""
    top = max(float(np.nanmax(values)), 0.01) * 1.2
    return -2 * top, top


def panels_figure(r: xr.Dataset) -> Figure:
    """A row for each beta: the first overlap in time, the plane of two overlaps, the spectrum."""
    figure = Figure(figsize=(11, 2.1 * len(r.beta)), layout="constrained")
    rows = figure.subplots(len(r.beta), 3, squeeze=False, width_ratios=(2, 1, 1.4))
    for k, (line, ax, spectrum) in enumerate(rows):
        mu = r.mu.values[k]
        period = int(r.period[k])
        line.plot(mu[:SHOWN, 0], color=COLOURS["token"], lw=0.7)
        told = f", period {period}" if period else ""
        title = rf"$\beta$ = {float(r.beta[k]):g}{told}, $\lambda_1$ = {float(r.exponent[k, 0]):z.4f}"
        line.set_title(title, loc="left", fontsize="medium")
        line.set(ylabel=r"$\mu_1$")
        line.spines[["top", "right"]].set_visible(False)
        plot.section(mu[:, 0], mu[:, 1], xlabel=r"$\mu_1$", ylabel=r"$\mu_2$", ax=ax)
        plot.spectrum(r.frequency.values, r.power.values[k], lowest=1e-12, ax=spectrum)
        if k < len(r.beta) - 1:
            spectrum.set_xlabel("")
            ax.set_xlabel("")
    rows[-1, 0].set_xlabel("token")
    return figure

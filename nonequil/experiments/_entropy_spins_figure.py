"""The figure of the experiment `entropy-spins`."""

import xarray as xr
from matplotlib.figure import Figure

from .. import plot
from ._entropy_spins_data import BOUNDS, FITS, TEXT, differences
from ._fit_variables import SUCCESSFUL


def spins_figure(r: xr.Dataset) -> Figure:
    """Left: flow and bounds along beta. Right: inferred couplings against true ones."""
    figure = Figure(figsize=(12.0, 3.7), layout="constrained")
    left, *right = figure.subplots(1, 1 + len(FITS), width_ratios=[1.5, *[1.0] * len(FITS)])
    here = r.sel(estimator=list(BOUNDS))
    flow = r.sel(estimator="flow")
    plot.bounds(
        r.beta.values,
        here.sigma.values,
        here.sigma_stderr.values,
        [TEXT[name] for name in BOUNDS],
        truth=(flow.sigma.values, flow.sigma_stderr.values),
        sound=here.result.values == SUCCESSFUL,
        xlabel=r"$\beta$",
        ylabel=f"entropy production ({r.sigma.attrs['units']})",
        ax=left,
    )
    left.legend(frameon=False, fontsize="small")
    left.set_title(r.attrs["title"], fontsize="small")
    for ax, name in zip(right, FITS, strict=True):
        title = rf"{TEXT[name]}: $R^2$ = {float(r.r2.sel(fit=name)):.3f}"
        labels = {"xlabel": r"$\beta(J_{ij} - J_{ji})$", "ylabel": r"$\theta_{ij} - \theta_{ji}$"}
        plot.agreement(differences(r.J.values), differences(r.theta.sel(fit=name).values), title=title, **labels, ax=ax)
        ax.set_title(rf"{title}, $\beta$ = {r.attrs['couplings_beta']:g}", fontsize="small")
    return figure

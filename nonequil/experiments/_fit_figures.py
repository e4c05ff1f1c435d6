"""The figures of a fit, from its result alone."""

from collections.abc import Callable

import xarray as xr
from matplotlib.figure import Figure

from .. import plot
from ._fit_summary import DISCOVERY, coefficients


def raster_figure(r: xr.Dataset) -> Figure:
    """Spikes of a stretch of the recording, and the rate of each unit."""
    figure = Figure(figsize=(9, 0.7 + 0.055 * max(r.sizes["unit"], 40)), layout="constrained")
    spikes, rates = figure.subplots(1, 2, width_ratios=(4, 1))
    plot.raster(r.spike_time.values, r.spike_unit.values, r.unit.values, ax=spikes)
    plot.firing_rates(r.rate.values, r.unit.values, ax=rates)
    rates.set(ylabel="", yticks=[])
    return figure


def couplings_figure(r: xr.Dataset) -> Figure:
    """The coupling matrix; dots mark the edges that stand out."""
    figure = Figure(figsize=(6.4, 5.4), layout="compressed")
    plot.couplings(r.J.values, r.q.values < DISCOVERY, r.unit.values, ax=figure.subplots())
    return figure


def eigenvalues_figure(r: xr.Dataset) -> Figure:
    """Eigenvalues of J, and of its linearisation around the mean activity."""
    figure = Figure(figsize=(5.2, 4.8), layout="constrained")
    plot.eigenvalues(r.J.values, r.m.values, ax=figure.subplots())
    return figure


def rates_figure(r: xr.Dataset) -> Figure:
    """Recorded rates against those of the simulated model."""
    figure = Figure(figsize=(5.0, 4.2), layout="constrained")
    plot.predicted_rates(r.rate_observed.values, r.rate_predicted.values, ax=figure.subplots())
    return figure


def correlations_figure(r: xr.Dataset) -> Figure:
    """Correlation coefficients of pairs, recorded against simulated: in the same bin, one and several bins apart."""
    figure = Figure(figsize=(8.8, 8.0), layout="constrained")
    same, *later = figure.subplots(2, 2).ravel()
    noise = float(r.n_transitions) ** -0.5
    observed, predicted = (coefficients(r[f"C_{whose}"], r[f"C_{whose}"]) for whose in ("observed", "predicted"))
    plot.correlations(observed, predicted, noise, title="same bin (mostly out of the model's reach)", ax=same)
    for k, ax in enumerate(later):
        lag = int(r.lag[k])
        title = f"{lag} bin{'s' if lag > 1 else ''} apart ({1000 * lag * float(r.bin):g} ms)"
        pair = (coefficients(r[f"D_{whose}"].isel(lag=k), r[f"C_{whose}"]) for whose in ("observed", "predicted"))
        plot.correlations(*pair, noise, title=title, ax=ax)
    return figure


def entropy_production_figure(r: xr.Dataset) -> Figure:
    """The quadratic estimate U against its null and its control."""
    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    u, stderr, floor = (r[f"ep_quadratic_{part}"].item() for part in ("u", "u_stderr", "floor"))
    ax = figure.subplots()
    plot.entropy_production(u, stderr, r.u_null.values, r.u_control.values, floor, unit="U, nats/bin", ax=ax)
    return figure


FIGURES: dict[str, tuple[Callable[[xr.Dataset], Figure], str, str]] = {
    "raster": (
        raster_figure,
        "Spikes and rates",
        "A stretch of the recording, one mark a spike, and the firing rate of each unit. Look for units that stop or "
        "start: the fit takes the recording as one steady state.",
    ),
    "couplings": (
        couplings_figure,
        "Couplings",
        "J: how much a spike of the unit in the column moves the log-odds that the unit in the row fires in the next "
        "bin (one spike instead of none adds 4 J). Dots mark couplings that stand out at a false-discovery rate of "
        "5 %. The diagonal is a unit's effect on itself, such as refractoriness.",
    ),
    "eigenvalues": (
        eigenvalues_figure,
        "Eigenvalues",
        "Modes of the couplings, alone (filled) and around the recorded mean activity (open). Outside the circle a "
        "perturbation of the means would grow from bin to bin; a complex pair is a rotation, which only asymmetric "
        "couplings make.",
    ),
    "rates": (
        rates_figure,
        "Rates: recorded and simulated",
        "The fitted network is simulated from scratch. Its rates need not agree with the data by construction, because "
        "the fit predicts one bin from the one before: points far from the line say that errors build up.",
    ),
    "correlations": (
        correlations_figure,
        "Correlations: recorded and simulated",
        "Each point is a pair of units. Correlations one bin apart are what the model is fitted to. Correlations "
        "within the same bin are mostly out of its reach: given the past, its units are independent. What "
        "they share in a bin (common input, fast synapses) shows as points below the line. Later lags test the model. "
        "Grey: within two standard errors of zero.",
    ),
    "entropy_production": (
        entropy_production_figure,
        "Arrow of time",
        "The estimate U (red, with one standard error) against the same estimate after time was reversed in randomly "
        "chosen blocks (grey): data without an arrow of time would lie in the grey. Blue: the control, in which units "
        "keep their own activity but lose each other. The bound to quote is ln(1+U).",
    ),
}

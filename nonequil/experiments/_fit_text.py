"""A fit in plain English."""

import math
from typing import Any

import xarray as xr

from ._fit_summary import fit_summary
from ._fit_variables import SUCCESSFUL

STRAY = 1.5  # ratio of simulated to recorded numbers from which a fit is said to stray
TITLES = {
    "maxent": "maximum-entropy bound",
    "quadratic": "quadratic bound ln(1+U)",
    "model": "fitted network",
}


def describe_fit(result: xr.Dataset) -> str:
    """What the fit found and how sure it is, for the terminal."""
    summary = fit_summary(result)
    lines = [headline(summary), ""]
    lines += [f"warning: {warning}" for warning in summary["warnings"]]
    for one in summary["bins"]:
        if len(summary["bins"]) > 1:
            lines += ["", f"Bins of {milliseconds(one)}"]
        lines += [*binning(one), *found(one), *cautions(one), *arrow(one)]
    if len(summary["bins"]) > 1:
        lines += ["", *table(summary["bins"])]
    return "\n".join(lines)


def headline(summary: dict[str, Any]) -> str:
    """How much was recorded."""
    trials = summary["n_trials"]
    span = f"{summary['duration_seconds']:.4g} s" + (f" in {trials} trials or epochs" if trials > 1 else "")
    return f"{summary['n_units']} units recorded for {span}"


def binning(one: dict[str, Any]) -> list[str]:
    """How many pairs of bins there are."""
    pairs, blocks = one["n_transitions"], one["n_blocks"]
    return [f"{pairs:,} transitions between bins of {milliseconds(one)}, in {blocks} blocks for the errors"]


def found(one: dict[str, Any]) -> list[str]:
    """How the fit went, what it predicts, how many couplings it found."""
    units, stuck = one["n_units"], one["units_not_converged"]
    fit = f"the fit converged for all {units} units" if not stuck else f"NOT converged: units {', '.join(stuck)}"
    gain = with_error(one["bits_per_spike_cv"], one["bits_per_spike_cv_stderr"])
    return [
        f"Couplings: {fit} (l2 = {value(one['l2'])}, {one['l2_how']})",
        f"  on held-out blocks the network gains {gain} bits/spike over constant rates",
        f"  {one['n_edges_between_units']} of {units * (units - 1)} couplings between different units stand out "
        f"(false-discovery rate 5 %, {one['errors']} errors)",
    ]


def cautions(one: dict[str, Any]) -> list[str]:
    """What to look at before believing the couplings."""
    lines = []
    if one["n_infinite_couplings"]:
        kept = "only the penalty keeps them finite" if one["l2"] or one["l1"] else "they are held at 14 log-odds"
        lines.append(
            f"  {one['n_infinite_couplings']} couplings have no finite best value, most because their pair never shows "
            f"one of its four states; {kept}: read their sign, not their size"
        )
    if one["flagged_units"]:
        lines.append("  look at units " + flagged(one["flagged_units"]))
    ratios = one["simulated_rate_ratio"], one["simulated_correlation_ratio"]
    if any(ratio is not None and not 1 / STRAY < ratio < STRAY for ratio in ratios):
        rate, correlation = map(value, ratios)
        lines.append(
            f"  left to itself, the fitted network enters states that the recording does not show: rates {rate} times, "
            f"correlations {correlation} times as large; it predicts the next bin, not the long run"
        )
    return lines


def flagged(units: dict[str, str], most: int = 5) -> str:
    """The first flagged units with their reasons."""
    named = [f"{unit} ({why})" for unit, why in units.items()]
    rest = f" and {len(named) - most} more, listed in summary.json" if len(named) > most else ""
    return ", ".join(named[:most]) + rest


def arrow(one: dict[str, Any]) -> list[str]:
    """Entropy production, with the line that says what could not be seen."""
    lines = ["Arrow of time (entropy production):"]
    for name, estimate in one["entropy_production"].items():
        lines.append(f"  {TITLES[name]:<24} {estimate_text(estimate)}")
    lines.append(f"  {power(one)}")
    lines.append(f"  {verdict(one)}")
    return lines


def estimate_text(estimate: dict[str, Any]) -> str:
    """One estimate with its error and kind; the reason where there is none."""
    if estimate["value"] is None:
        return f"no value: {estimate['result']}"
    text = f"{with_error(estimate['value'], estimate['stderr'])} {estimate['unit']}"
    text += f" = {value(estimate['per_second'])} nats/s, {estimate['kind'].replace('_', ' ')}"
    if estimate.get("in_sample") is not None:
        text += f" (on its own data: {value(estimate['in_sample'])}, biased upward)"
    return text + (f" [{estimate['result']}]" if estimate["result"] != SUCCESSFUL else "")


def power(one: dict[str, Any]) -> str:
    """The smallest entropy production that this much data can show."""
    floor = one["entropy_production"]["quadratic"]["floor"]
    if floor is None:
        return "no floor is known: too few data"
    return f"an entropy production below {floor:.2g} nats/bin is invisible at this length of recording"


def verdict(one: dict[str, Any]) -> str:
    """Whether an arrow of time is seen."""
    u, null = one["entropy_production"]["quadratic"].get("u"), one["null"]
    if u is None or not null["u_sd"]:
        return "time reversal: no verdict"
    distance = (u - (null["u_mean"] or 0.0)) / null["u_sd"]
    seen = "an arrow of time is seen" if distance > 3 else "no arrow of time is seen"
    return f"{seen}: U = {u:.4f} lies {distance:.1f} null s.d. above data with blocks reversed in time"


def table(bins: list[dict[str, Any]]) -> list[str]:
    """One row a bin width, to choose from."""
    rows = [HEADER, *(row(one) for one in bins)]
    widths = [max(len(cells[k]) for cells in rows) for k in range(len(HEADER))]
    return ["  ".join(cell.rjust(w) for cell, w in zip(cells, widths, strict=True)) for cells in rows]


HEADER = ("bin (ms)", "transitions", "clipped", "bits/spike", "bits/s", "ln(1+U)/bin", "+-", "nats/s", "floor/bin")


def row(one: dict[str, Any]) -> tuple[str, ...]:
    """The numbers by which to choose a width."""
    quadratic, bits = one["entropy_production"]["quadratic"], one["bits_per_spike_cv"]
    clipped = "" if one["clipped_fraction"] is None else percent(one["clipped_fraction"])
    per_second = None if bits is None else bits * (one["spikes_per_bin"] or 0.0) / one["bin_seconds"]
    estimates = (quadratic[key] for key in ("value", "stderr", "per_second", "floor"))
    cells = [f"{1000 * one['bin_seconds']:g}", f"{one['n_transitions']:,}", clipped]
    return (*cells, *(value(x) for x in (bits, per_second, *estimates)))


def with_error(x: float | None, error: float | None) -> str:
    """A number and its error, to two digits of the error."""
    if x is None or error is None or error <= 0:
        return f"{value(x)} +- {value(error)}"
    digits = max(0, 1 - math.floor(math.log10(error)))
    return f"{x:.{digits}f} +- {error:.{digits}f}"


def value(x: float | None) -> str:
    """Three digits, a dash where there is no number."""
    return "-" if x is None or not math.isfinite(x) else f"{x:.3g}"


def percent(x: float) -> str:
    """A fraction in percent."""
    return f"{100 * x:.1f} %"


def milliseconds(one: dict[str, Any]) -> str:
    """Width of the bins."""
    return f"{1000 * one['bin_seconds']:g} ms"

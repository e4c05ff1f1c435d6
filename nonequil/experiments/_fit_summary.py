"""The numbers of a fit, for `summary.json`."""

from typing import Any

import numpy as np
import xarray as xr

from ._store import number

ESTIMATORS = ("maxent", "quadratic", "model")
DISCOVERY = 0.05  # false-discovery rate at which edges are counted


def fit_summary(result: xr.Dataset) -> dict[str, Any]:
    """Numbers of the first bin width, and of all of them under `bins`; strict JSON, null where there is no number."""
    bins = [bin_summary(result.isel(bin=k)) for k in range(result.sizes["bin"])]
    recording = {
        "recording": result.attrs["recording"],
        "duration_seconds": number(result.attrs["duration"]),
        "n_units": int(result.sizes["unit"]),
        "unit_ids": [str(name) for name in result.unit.values],
        "n_trials": int(result.attrs["n_trials"]),
        "warnings": [line for line in str(result.attrs["warnings"]).splitlines() if line],
    }
    return {**recording, **bins[0], "bins": bins}


def bin_summary(r: xr.Dataset) -> dict[str, Any]:
    """Numbers of one bin width."""
    q = r.q.values
    other = ~np.eye(len(q), dtype=bool)
    spikes, clipped = int(r.n_spikes), int(r.n_clipped_spikes)
    return {
        "bin_seconds": float(r.bin),
        "n_units": int(r.sizes["unit"]),
        "n_transitions": int(r.n_transitions),
        "n_blocks": int(r.n_blocks),
        "n_spikes": spikes,
        "n_clipped_spikes": clipped,
        "clipped_fraction": clipped / spikes if spikes else None,
        "spikes_per_bin": number(r.spikes_per_bin),
        "simulated_rate_ratio": number(r.rate_predicted.sum() / r.rate_observed.sum()),
        "l2": number(r.l2),
        "l2_how": str(r.l2_how.item()),
        "l1": number(r.l1),
        "simulated_correlation_ratio": correlation_ratio(r),
        "errors": str(r.errors.item()),
        "log_likelihood": number(r.log_likelihood),
        "log_likelihood_constant_rate": number(r.log_likelihood_constant_rate),
        "aic": number(r.aic),
        "bic": number(r.bic),
        "bits_per_spike_cv": number(r.bits_per_spike_cv),
        "bits_per_spike_cv_stderr": number(r.bits_per_spike_cv_stderr),
        "converged": bool(r.converged.all()),
        "result": str(r.result.item()),
        "gradient_max": number(r.gradient_max),
        "units_not_converged": names(r, ~r.converged.values),
        "flagged_units": {str(u): str(f) for u, f in zip(r.unit.values, r.flags.values, strict=True) if str(f)},
        "n_infinite_couplings": int(r.infinite.sum()),
        "n_edges": int((q < DISCOVERY).sum()),
        "n_edges_between_units": int(((q < DISCOVERY) & other).sum()),
        "entropy_production": {name: estimate_summary(r, name) for name in ESTIMATORS},
        "null": {
            "u_mean": number(r.u_null.mean()),
            "u_sd": number(r.u_null.std()),
            "n_surrogates": int(r.sizes["surrogate"]),
        },
        "control": {"how": str(r.control_how.item()), "u": [number(u) for u in r.u_control.values]},
    }


def estimate_summary(r: xr.Dataset, name: str) -> dict[str, Any]:
    """One estimate: value, standard error, unit, kind, floor, how it ended; extra numbers of the estimator beside."""
    get = lambda part: r[f"ep_{name}{part}"]  # noqa: E731
    extra = {part: number(get(f"_{part}")) for part in ("u", "u_stderr", "in_sample") if f"ep_{name}_{part}" in r}
    return {
        "value": number(get("")),
        "stderr": number(get("_stderr")),
        "unit": str(get("").attrs["units"]),
        "kind": str(get("_kind").item()),
        "floor": number(get("_floor")),
        "result": str(get("_result").item()),
        **extra,
        "per_second": number(get("") / r.bin),
        "per_second_stderr": number(get("_stderr") / r.bin),
    }


def correlation_ratio(r: xr.Dataset) -> float | None:
    """Size of the correlations one bin apart of the simulated network, relative to the recorded ones."""
    size = {}
    for whose in ("observed", "predicted"):
        x = coefficients(r[f"D_{whose}"].sel(lag=1), r[f"C_{whose}"])
        x = x[np.isfinite(x)]
        size[whose] = np.sqrt(np.mean(x**2)) if x.size else np.nan
    return number(size["predicted"] / size["observed"]) if size["observed"] else None


def names(r: xr.Dataset, chosen: Any) -> list[str]:
    """Ids of the chosen units."""
    return [str(unit) for unit in r.unit.values[np.asarray(chosen)]]


def coefficients(covariance: xr.DataArray, same_bin: xr.DataArray) -> np.ndarray:
    """Correlation coefficients of different units; NaN for units that never change."""
    deviation = np.sqrt(np.diag(same_bin.values))
    scale = np.outer(deviation, deviation)
    x = np.where(scale > 0, covariance.values / np.where(scale > 0, scale, 1.0), np.nan)
    return x[~np.eye(len(x), dtype=bool)]

"""The variables of a fit's Dataset: dimensions, values, unit and description of each."""

from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Shaped

from .. import data, statistics
from ._dataset import NONE, Variables, dataset

SPIKES = 4000  # spikes shown in the raster
DRAWS = 200  # surrogates of the null
SUCCESSFUL = "successful"  # what is written where a computation ended well
NUMBERS = {
    "": "value",
    "_stderr": "stderr",
    "_floor": "floor",
    "_u": "u",
    "_u_stderr": "u_stderr",
    "_in_sample": "in_sample",
}
ALWAYS = ("value", "stderr", "floor")
EXTRA = {"quadratic": ("u", "u_stderr"), "model": ("in_sample",)}
PAIR, UNIT = ("unit_post", "unit"), ("unit",)


def couplings(found: dict[str, Any]) -> Variables:
    """Couplings with their errors and tests, and how well the fit does."""
    listed = {
        "J": (PAIR, NONE, "coupling from the column on the row, half log-odds"),
        "J_stderr": (PAIR, NONE, "standard error of J"),
        "z": (PAIR, NONE, "J / standard error"),
        "p": (PAIR, NONE, "two-sided probability of |z| without a coupling"),
        "q": (PAIR, NONE, "false-discovery rate at which the coupling is kept (Benjamini-Hochberg)"),
        "infinite": (PAIR, NONE, "whether the coupling has no finite best value without a penalty"),
        "H": (UNIT, NONE, "field, half log-odds"),
        "H_stderr": (UNIT, NONE, "standard error of H"),
        "converged": (UNIT, NONE, "whether the fit of the unit converged"),
        "flags": (UNIT, NONE, "what is peculiar about the unit"),
        "errors": ((), NONE, "kind of the standard errors of the couplings"),
        "log_likelihood": ((), "nats", "log-likelihood of all transitions"),
        "log_likelihood_constant_rate": ((), "nats", "the same with constant rates"),
        "aic": ((), NONE, "Akaike's criterion"),
        "bic": ((), NONE, "Schwarz's criterion"),
        "gradient_max": ((), NONE, "largest gradient per transition"),
        "result": ((), NONE, "how the fit ended"),
        "bits_per_spike_cv": ((), "bits/spike", "gain over constant rates on held-out blocks"),
        "bits_per_spike_cv_stderr": ((), "bits/spike", "standard error of the gain"),
        "l2": ((), NONE, "ridge penalty"),
        "l2_how": ((), NONE, "how the ridge penalty was chosen"),
        "l1": ((), NONE, "lasso penalty"),
    }
    return {name: (dims, found[name], unit, text) for name, (dims, unit, text) in listed.items()}


def correlations(recorded: dict[str, Any], predicted: dict[str, Any], width: float) -> Variables:
    """Rates and correlations, of the recording and of the simulated model."""
    variables: Variables = {"m": (UNIT, recorded["m"], NONE, "mean spin")}
    for whose, seen in (("observed", recorded), ("predicted", predicted)):
        rate = (1 + seen["m"]) / (2 * width)
        variables[f"rate_{whose}"] = (UNIT, rate, "Hz", f"bins with a spike a second, {whose}")
        variables[f"C_{whose}"] = (PAIR, seen["C"], NONE, f"connected correlation in the same bin, {whose}")
        text = f"connected correlation, row `lag` bins later, {whose}"
        variables[f"D_{whose}"] = (("lag", *PAIR), seen["D"], NONE, text)
    return variables


def counts(binned: data.Binned, t: data.Transitions) -> Variables:
    """How much data there is, and what the bins lose."""
    n_blocks = int(np.max(np.asarray(statistics.blocks(t)))) + 1
    numbers = {
        "n_transitions": (len(t), NONE, "pairs of successive bins"),
        "n_blocks": (n_blocks, NONE, "blocks that errors respect"),
        "n_spikes": (binned.n_spikes, NONE, "spikes in the bins"),
        "n_clipped_spikes": (
            binned.n_clipped_spikes,
            NONE,
            "spikes that share a bin with an earlier one of their unit",
        ),
        "spikes_per_bin": (binned.active.sum(), NONE, "active units per bin"),
    }
    return {name: ((), *rest) for name, rest in numbers.items()}


def estimate(name: str, found: dict[str, Any]) -> Variables:
    """One estimate of entropy production; NaN for a number that it does not have."""
    text = f"entropy production, {name}"
    numbers = {part: key for part, key in NUMBERS.items() if key in ALWAYS or key in EXTRA.get(name, ())}
    variables: Variables = {
        f"ep_{name}{part}": ((), found.get(key, np.nan), found["unit"], f"{text}: {key}")
        for part, key in numbers.items()
    }
    for key in ("kind", "result"):
        variables[f"ep_{name}_{key}"] = ((), found[key], NONE, f"{text}: {key}")
    return variables


def surrogates(quadratic: dict[str, Any], control: dict[str, Any]) -> Variables:
    """U of the null and of the control."""
    null = np.full(DRAWS, np.nan)
    if "null" in quadratic:
        null[:] = quadratic["null"]
    return {
        "u_null": (("surrogate",), null, quadratic["unit"], "U with blocks reversed in time at random"),
        "u_control": (("shuffle",), control["u"], quadratic["unit"], "U with trials permuted unit by unit"),
        "control_how": ((), control["how"], NONE, "what the control does"),
    }


def spikes(raster: data.Raster) -> xr.Dataset:
    """Rates, and the first spikes for the raster."""
    shown = slice(0, SPIKES)
    first = raster.trial[shown] == raster.trial[0]
    variables: Variables = {
        "rate": (UNIT, raster.rates(), "Hz", "mean firing rate"),
        "spike_time": (("spike",), raster.times[shown][first], "s", "times of the first spikes"),
        "spike_unit": (("spike",), raster.unit[shown][first], NONE, "unit of each of the first spikes, from 0"),
    }
    return dataset(variables, {"unit": ids(raster)}, {})


def ids(recording: data.Raster | data.Binned) -> Shaped[np.ndarray, " n"]:
    """Names of the units as text."""
    return np.array([str(name) for name in recording.unit_ids])

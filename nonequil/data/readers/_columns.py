"""Tables by the names of their columns."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._errors import DataError
from .._table import SpikeTable, order_note, precision_note

NAMES = {
    "time": ("time", "times", "t", "ts", "spiketime", "spiketimes", "timestamp", "timestamps"),
    "unit": (
        "unit", "units", "unitindex", "unitid", "unitids", "cell", "cells", "cellid", "cellids", "neuron", "neurons",
        "neuronid", "neuronids", "cluster", "clusters", "clusterid", "clusterids", "spikeclusters", "spikeunits",
        "id", "ids",
    ),
    "trial": ("trial", "trials", "trialindex", "trialid", "trialids", "repeat", "repeats"),
    "unit_ids": ("unitids", "unitnames", "unitid"),
    "trial_ids": ("trialids", "trialnames", "trialid"),
    "epochs": ("epochs", "epoch", "trialepochs", "intervals"),
    "start": ("start", "starts", "tstart"),
    "stop": ("stop", "stops", "tstop", "end"),
}  # fmt: skip
KNOWN = "time, unit and, where there are trials, trial (also times, spike_times, t; unit_index, cell, neuron, cluster)"


def plain(name: str) -> str:
    """A name without case, spaces and underscores."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


def find(columns: Mapping[str, Any], role: str) -> str | None:
    """Name of the column that plays a role, if there is one: the first of the known spellings."""
    spelled = {plain(name): name for name in columns}
    return next((spelled[name] for name in NAMES[role] if name in spelled), None)


def is_table(columns: Mapping[str, Any]) -> bool:
    """Whether there are columns of times and of units."""
    return find(columns, "time") is not None and find(columns, "unit") is not None


def from_columns(columns: Mapping[str, Any], source: str) -> SpikeTable:
    """A table of (time, unit[, trial]) with what it declares: ids of units and trials, epochs or start and stop.

    `unit_ids` holds a label a spike if there is no `unit`, else the ids of all units; `trial_ids` likewise.
    Raises DataError if there is no column of times or of units.
    """
    names = {role: find(columns, role) for role in NAMES}
    if names["time"] is None or names["unit"] is None:
        raise DataError(f"{source}: found {', '.join(columns) or 'nothing'}: name the columns {KNOWN}")
    used = {names["time"], names["unit"], names["trial"]}
    at: dict[str, Any] = {role: None if name is None else columns[name] for role, name in names.items()}
    declared = {role: None if names[role] in used else at[role] for role in ("unit_ids", "trial_ids")}
    in_step = at["trial"] is None or np.size(at["trial"]) == np.size(at["time"])
    notes = precision_note(at["time"]) + (order_note(at["time"], at["trial"]) if in_step else ())
    return SpikeTable(
        at["time"], at["unit"], at["trial"], declared["unit_ids"], declared["trial_ids"],
        epochs_of(columns, at["time"], source), notes, source,
    )  # fmt: skip


def epochs_of(columns: Mapping[str, Any], times: Any, source: str) -> Any:
    """Declared pairs, from `epochs` or from `start` and `stop`; a missing side is the first or the last spike."""
    names = {role: find(columns, role) for role in ("epochs", "start", "stop")}
    at = {role: None if name is None else np.asarray(columns[name]) for role, name in names.items()}
    if at["epochs"] is not None or (at["start"] is None and at["stop"] is None):
        return at["epochs"]
    if np.size(times) == 0:
        return None
    start = np.atleast_1d(np.min(times) if at["start"] is None else at["start"]).ravel()
    stop = np.atleast_1d(np.max(times) if at["stop"] is None else at["stop"]).ravel()
    if start.size != stop.size and 1 not in (start.size, stop.size):
        raise DataError(f"{source}: {start.size} starts and {stop.size} stops: give one each a trial")
    return np.stack(np.broadcast_arrays(start, stop), axis=1)

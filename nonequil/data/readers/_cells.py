"""Variables of a MATLAB file as spikes: which of them holds the times, and how."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._errors import DataError
from .._table import SpikeTable, precision_note
from ._columns import epochs_of, find, from_columns, plain

SPIKE_NAMES = ("spike", "spk", "times", "ts")


def from_variables(variables: Mapping[str, Any], field: str | None, source: str) -> SpikeTable:
    """The spikes of a file. Raises DataError, listing what it holds, where that cannot be told."""
    everything = {**variables, **_fields(variables)}
    if field is not None:
        if field not in everything:
            raise DataError(f"{source}: there is no field {field!r}; it holds {described(everything)}")
        return _one(everything[field], variables, f"{field} of {source}", everything)
    for columns in (variables, *(value for value in variables.values() if isinstance(value, dict))):
        if _is_vector_table(columns) or _is_trial_table(columns):
            return _table(columns, source)
    found = [name for name, value in everything.items() if _is_cell(value) and units_of(value) is not None]
    if len(everything) > 1:
        found = [name for name in found if any(word in plain(name) for word in SPIKE_NAMES)]
    if len(found) != 1:
        raise DataError(
            f"{source}: cannot tell which variable holds one vector of spike times a unit; name it with field= "
            f"(--field). The file holds {described(everything)}"
        )
    return _one(everything[found[0]], variables, source, everything)


def _one(value: Any, variables: Mapping[str, Any], source: str, everything: Mapping[str, Any]) -> SpikeTable:
    """The spikes in one variable."""
    if isinstance(value, dict) and (_is_vector_table(value) or _is_trial_table(value)):
        return _table(value, source)
    units = units_of(value)
    if units is None:
        raise DataError(
            f"{source}: this is not one vector of spike times a unit; the file holds {described(everything)}"
        )
    trials = max(len(unit) for unit in units)
    flat = [times for unit in units for times in unit]
    ids, trial_ids = np.arange(1, len(units) + 1), np.arange(1, trials + 1)
    times, sizes = np.concatenate(flat), [times.size for times in flat]
    return SpikeTable(
        times,
        np.repeat(np.repeat(ids, [len(unit) for unit in units]), sizes),
        np.repeat(np.tile(trial_ids, len(units)), sizes) if trials > 1 else None,
        ids,
        trial_ids if trials > 1 else None,
        epochs_of(variables, times, source),
        precision_note(times),
        source,
    )


def _table(columns: Mapping[str, Any], source: str) -> SpikeTable:
    """Vectors of times and units, or cells of them, one a trial."""
    if not _is_trial_table(columns):
        return from_columns({name: value for name, value in columns.items() if _is_numeric(value)}, source)
    time, unit = find(columns, "time"), find(columns, "unit")
    cells, cell_units = columns[time or ""].ravel(order="F"), columns[unit or ""].ravel(order="F")
    ids = np.arange(1, len(cells) + 1)
    rest = {name: value for name, value in columns.items() if name not in (time, unit) and _is_numeric(value)}
    flat = {"time": np.concatenate([c.ravel() for c in cells]), "unit": np.concatenate([c.ravel() for c in cell_units])}
    flat["trial"] = np.repeat(ids, [cell.size for cell in cells])
    return from_columns({**rest, **flat, "trial_ids": ids}, source)


def units_of(value: Any) -> list[list[np.ndarray]] | None:
    """Spike times by unit and trial, or None if `value` is something else."""
    if not _is_cell(value):
        times = leaf(value)
        return None if times is None else [[times]]
    leaves = [leaf(cell) for cell in value.ravel(order="C")]
    if all(times is not None for times in leaves):
        trials = value.shape[1] if value.ndim == 2 and min(value.shape) > 1 else 1
        if value.ndim > 2:
            return None
        return [[t for t in leaves[at : at + trials] if t is not None] for at in range(0, len(leaves), trials)]
    nested = _structs(value)
    return None if nested is None else [[times] for times in nested]


def _structs(value: Any) -> list[np.ndarray] | None:
    """The times of all structs in nested cells, where they hold nothing but structs and empty cells."""
    found: list[np.ndarray] = []
    for cell in value.ravel(order="F"):
        if _is_cell(cell):
            inner = _structs(cell)
            if inner is None:
                return None
            found += inner
        elif isinstance(cell, dict) and leaf(cell) is not None:
            found += [times for times in [leaf(cell)] if times is not None]
        elif np.size(cell) > 0:
            return None
    return found or None


def leaf(value: Any) -> np.ndarray | None:
    """The times of one unit: a vector of numbers, or a struct with such a field; None if it is something else."""
    if isinstance(value, dict):
        name = find(value, "time")
        return None if name is None or not _is_vector(value[name]) else leaf(value[name])
    return np.ravel(value) if _is_vector(value) else None


def _is_cell(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype == object and value.size > 0


def _is_numeric(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "iuf"


def _is_vector(value: Any) -> bool:
    return _is_numeric(value) and value.size in (0, max(value.shape, default=1))


def _is_vector_table(columns: Mapping[str, Any]) -> bool:
    pair = [columns[name] for role in ("time", "unit") if (name := find(columns, role)) is not None]
    return len(pair) == 2 and all(map(_is_vector, pair)) and pair[0].size == pair[1].size


def _is_trial_table(columns: Mapping[str, Any]) -> bool:
    pair = [columns[name] for role in ("time", "unit") if (name := find(columns, role)) is not None]
    if len(pair) < 2 or not all(_is_cell(cells) and all(map(_is_vector, cells.ravel())) for cells in pair):
        return False
    return [np.size(c) for c in pair[0].ravel()] == [np.size(c) for c in pair[1].ravel()]


def _fields(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of structs by dotted names."""
    found: dict[str, Any] = {}
    for name, value in variables.items():
        if isinstance(value, dict):
            inner = {f"{name}.{key}": item for key, item in value.items()}
            found |= inner | _fields(inner)
    return found


def described(variables: Mapping[str, Any]) -> str:
    """Names of the variables with what they are."""
    return "; ".join(f"{name} ({_kind(value)})" for name, value in variables.items()) or "nothing"


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return "struct"
    if isinstance(value, np.ndarray):
        shape = " x ".join(map(str, value.shape))
        return f"cell {shape}" if value.dtype == object else f"{value.dtype} {shape}"
    return type(value).__name__

"""Names of units and trials: integers or words."""

import difflib
from collections.abc import Iterable
from typing import Any

import numpy as np
from jaxtyping import Int, Shaped

from ._errors import DataError


def as_ids(values: Any, what: str) -> Shaped[np.ndarray, " ids"]:
    """`values` as int64 or as words. `what` ("unit of spikes.npz") names them in the error.

    Whole floats (MATLAB counts in them) become integers. Raises DataError for anything else.
    """
    array = np.asarray(values).ravel()
    if array.dtype.kind == "O":
        array = _from_objects(array, what)
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8")
    if array.dtype.kind == "f":
        bad = ~np.isfinite(array) | (array != np.rint(array))
        _refuse(array, bad, what)
        array = array.astype(np.int64)
    if array.dtype.kind in "iu":
        return array.astype(np.int64)
    if array.dtype.kind != "U":
        raise DataError(f"{what}: ids must be integers or names, found values of type {array.dtype}: rename them")
    _refuse(array, np.char.str_len(array) == 0, what)
    return array


def _from_objects(array: np.ndarray, what: str) -> np.ndarray:
    if all(isinstance(value, str) for value in array):
        return array.astype(str)
    if all(isinstance(value, (int, np.integer)) and not isinstance(value, bool) for value in array):
        return array.astype(np.int64)
    _refuse(array, np.array([not isinstance(value, (str, int, np.integer)) for value in array]), what)
    raise DataError(f"{what}: ids mix integers and names: use one of the two for all of them")


def _refuse(array: np.ndarray, bad: np.ndarray, what: str) -> None:
    if np.any(bad):
        at = int(np.flatnonzero(bad)[0])
        raise DataError(f"{what}: ids must be integers or names, found {array[at]!r} at {at}: rename it")


def distinct(ids: Shaped[np.ndarray, " ids"], what: str) -> Shaped[np.ndarray, " ids"]:
    """`ids`, refused if one of them occurs twice."""
    values, counts = np.unique(ids, return_counts=True)
    if np.any(counts > 1):
        raise DataError(f"{what}: id {values[counts > 1][0]!s} occurs {counts.max()} times: give each its own id")
    return ids


def positions(labels: Shaped[np.ndarray, " spikes"], ids: Shaped[np.ndarray, " ids"], what: str) -> np.ndarray:
    """Index in `ids` of each label. Integers label words by position: 0 is the first. Raises DataError if unknown."""
    if labels.dtype.kind == "i" and ids.dtype.kind == "U":
        unknown = (labels < 0) | (labels >= len(ids))
        found = labels
    elif labels.dtype.kind != ids.dtype.kind:
        raise DataError(f"{what}: labels are names, declared ids are integers: use one of the two for both")
    else:
        order = np.argsort(ids, kind="stable")
        at = np.minimum(np.searchsorted(ids, labels, sorter=order), len(ids) - 1)
        found = order[at] if len(ids) else np.zeros(labels.shape, np.int64)
        unknown = ids[found] != labels if len(ids) else np.ones(labels.shape, bool)
    if np.any(unknown):
        raise DataError(f"{what}: {labels[unknown][0]!s} is not among the {len(ids)} declared ids {spelled(ids)}")
    return found


def chosen(asked: Iterable[Any], ids: Shaped[np.ndarray, " ids"], argument: str) -> Int[np.ndarray, " chosen"]:
    """Positions of the `asked` ids, written as integers or as words, in the order asked.

    Raises DataError for an unknown id, with the nearest ones, and for one asked twice.
    """
    known = {str(name): at for at, name in enumerate(ids.tolist())}
    wanted = [str(name) for name in asked]
    for name in wanted:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3) or list(known)[:10]
            raise DataError(
                f"{argument}: there is no unit {name!r}: did you mean {' or '.join(near)}? ({len(ids)} units)"
            )
    if len(set(wanted)) < len(wanted) or not wanted:
        raise DataError(f"{argument} = {wanted}: name at least one unit, and each only once")
    return np.array([known[name] for name in wanted], dtype=np.int64)


def spelled(ids: Any, most: int = 10) -> str:
    """The first few ids as words of a sentence."""
    names = [str(name) for name in np.asarray(ids).tolist()]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")

"""Points of a sweep that were run: their results side by side, and what became of those that broke."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ._base import AbstractExperiment
from ._stages import RunFailed, Stages

if TYPE_CHECKING:
    import xarray

POINT = "point"


class Outcome(NamedTuple):
    """What a batch of points came to; a point is named by its place in the batch.

    - `result`: the results along the dimension `point`, whose coordinate holds places; None without any;
    - `failed`: why, for points whose numbers broke: they would break again;
    - `broken`: why, for points that something else kept from ending: they are worth another attempt;
    - `states`: of points that failed, the state before, where there is one.
    """

    result: "xarray.Dataset | None"
    failed: dict[int, str]
    broken: dict[int, str]
    states: dict[int, Any] = {}


def run_alone(points: Sequence[AbstractExperiment], stages: Stages) -> Outcome:
    """The results of points that are run one after the other."""
    return together([_alone(point, stages) for point in points])


def _alone(point: AbstractExperiment, stages: Stages) -> Outcome:
    try:
        return Outcome(point.run(stages).expand_dims({POINT: [0]}), {}, {})
    except Exception as error:
        return without_result(error)


def without_result(error: Exception) -> Outcome:
    """What a point came to that ended by an error; raised again if the disk refuses, which is no fault of the point."""
    if isinstance(error, OSError) and not isinstance(error, FileNotFoundError):
        raise error
    if isinstance(error, RunFailed) or type(error).__name__ == "EquinoxRuntimeError":
        return Outcome(None, {0: _told(error)}, {})
    return Outcome(None, {}, {0: f"{type(error).__name__}: {_told(error)}"})


def _told(error: Exception) -> str:
    """The first paragraph of an error."""
    return str(error).strip().split("\n\n")[0].replace("\n", " ")[:500]


def together(outcomes: Sequence[Outcome]) -> Outcome:
    """Outcomes of batches of one point as that of one batch."""
    results = [one.result.assign_coords({POINT: [k]}) for k, one in enumerate(outcomes) if one.result is not None]
    failed, broken, states = (
        {k: getattr(one, part)[0] for k, one in enumerate(outcomes) if getattr(one, part)}
        for part in ("failed", "broken", "states")
    )
    return Outcome(joined(results) if results else None, failed, broken, states)


def joined(parts: Sequence[Any]) -> Any:
    """Datasets with a dimension `point` as one, in the order of its coordinate; NaN where one has no place or name.

    What is said of variables or the whole stays where all say the same; of units all are named.
    """
    import xarray as xr

    whole = xr.concat(
        parts, POINT, data_vars="all", coords="minimal", compat="equals", join="outer", combine_attrs="drop_conflicts"
    )
    for name, variable in whole.data_vars.items():
        units = dict.fromkeys(part[name].attrs["units"] for part in parts if "units" in part.get(name, whole).attrs)
        variable.attrs |= {"units": " or ".join(units)} if units else {}
    return whole.sortby(POINT)


def completed(result: Any, points: Sequence[int], failed: dict[int, str]) -> Any:
    """Results at all `points`, NaN where there is none (text: empty), with the variables `state` and `message`.

    `state` is `done`, `failed` (then `message` says why) or `missing`.
    """
    import xarray as xr

    done: set[int] = set() if result is None else set(result[POINT].values.tolist())
    states = ["done" if index in done else "failed" if index in failed else "missing" for index in points]
    told = {
        "state": (POINT, np.array(states), {"long_name": "how the point ended"}),
        "message": (POINT, np.array([failed.get(index, "") for index in points]), {"long_name": "why it failed"}),
    }
    whole = xr.Dataset(told, {POINT: np.array(points)})
    return whole if result is None else result.reindex({POINT: points}, fill_value=_fills(result)).assign(told)


def _fills(result: Any) -> dict[str, Any]:
    return {name: "" if variable.dtype.kind in "OUT" else np.nan for name, variable in result.variables.items()}

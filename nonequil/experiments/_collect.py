"""The results of a sweep as one Dataset over its axes, and its scalars as a table."""

import csv
import io
from typing import Any

import numpy as np

from ._batch import POINT, completed, joined
from ._dataset import NONE
from ._execute import write_result
from ._folder import RESULT
from ._points import labels
from ._store import write_text
from ._sweep import SweepFolder

SCALARS = "scalars.csv"


def collect(sweep: SweepFolder) -> Any:
    """Write `result.nc` and `scalars.csv` into the folder of a sweep; the Dataset.

    Its dimensions are the axes of the sweep, `point` for those without an order, then those of the results. Points
    without a result are NaN there; the variable `state` says `done`, `failed` or `missing`, `message` why.
    """
    flat = _flat(sweep)
    result = _folded(sweep, flat)
    write_result(sweep.path / RESULT, result)
    write_text(sweep.path / SCALARS, _scalars(sweep, flat))
    return result


def changed_points(before: SweepFolder, after: SweepFolder) -> list[str]:
    """Results of the points that both sweeps have which are not the same bits; points without a result do not count."""
    old, new = _flat(before), _flat(after)
    done = [k for k in new[POINT].values if k in before.ids and old.state.sel({POINT: k}) == "done"]
    new = new.sel({POINT: done})
    old = old.sel({name: new[name].values for name in new.coords})
    numbers = [str(name) for name, variable in new.data_vars.items() if name not in ("state", "message")]
    return [name for name in numbers if name not in old or not _same(old[name].values, new[name].values)]


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return np.array_equal(a, b) if a.dtype.kind in "OUT" else a.dtype == b.dtype and a.tobytes() == b.tobytes()


def query(sweep: SweepFolder, sql: str) -> str:
    """What DuckDB answers, as a table; the scalars are called `scalars`.

    Raises ValueError if DuckDB is missing or refuses the query, OSError before the sweep is collected.
    """
    try:
        import duckdb
    except ImportError:
        raise ValueError("query needs DuckDB: pip install 'nonequil[results]', or read scalars.csv") from None
    path = sweep.path / SCALARS
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist: collect the sweep first")
    with duckdb.connect() as connection:
        try:
            name = str(path).replace("'", "''")
            connection.execute(f"create view scalars as select * from read_csv('{name}', header = true)")
            answer = connection.execute(sql)
            return _table([column[0] for column in answer.description], answer.fetchall())
        except duckdb.Error as error:
            raise ValueError(f"query = {sql!r}: {error}") from None


def _flat(sweep: SweepFolder) -> Any:
    """All points along `point`, in their order."""
    import xarray as xr

    paths = [sweep.task_folder(task) / RESULT for task in sweep.tasks]
    parts = [xr.load_dataset(path, engine="h5netcdf") for path in paths if path.exists()]
    failed: dict[int, str] = {}
    for part in parts:
        broken = part.state.values == "failed"
        failed |= dict(zip(part[POINT].values[broken].tolist(), map(str, part.message.values[broken]), strict=True))
    done = [part.drop_vars(["state", "message"]).isel({POINT: part.state.values == "done"}) for part in parts]
    done = [part for part in done if part.sizes[POINT] and part.data_vars]
    return completed(joined(done) if done else None, sorted(sweep.ids), failed)


def _folded(sweep: SweepFolder, flat: Any) -> Any:
    """The axis `point` as the axes of the sweep; of a part of the points, as it is."""
    import xarray as xr

    axes = sweep.plan.axes
    whole = len(sweep.ids) == axes.size
    coordinates = _coordinates(sweep, whole)
    clash = set(coordinates) & {*flat.variables, *flat.dims} - {POINT}
    if clash:
        raise ValueError(
            f"{sweep.path}: {', '.join(sorted(clash))} is the name of a result and of an axis of the sweep"
        )
    dims, shape = (tuple(axis.name for axis in axes.axes), axes.shape) if whole else ((POINT,), (len(sweep.ids),))
    ids = xr.Variable(POINT, np.array([sweep.ids[index] for index in sorted(sweep.ids)]), {"long_name": "id"})
    index = xr.Variable(POINT, np.array(sorted(sweep.ids)), {"long_name": "number of the point"})
    variables = {
        name: (
            (*dims, *variable.dims[1:]),
            variable.values.reshape(*shape, *variable.shape[1:]),
            variable.attrs,
        )
        for name, variable in {**flat.data_vars.variables, "id": ids, "index": index}.items()
    }
    own = {name: c.variable for name, c in flat.coords.items() if name != POINT}
    attributes = {**flat.attrs, "title": f"sweep of {axes.size} points", "config": sweep.plan.to_toml()}
    return xr.Dataset(variables, {**own, **coordinates}, attributes)


def _coordinates(sweep: SweepFolder, whole: bool) -> dict[str, Any]:
    """The values of each key along its axis."""
    axes, found = sweep.plan.axes, dict[str, Any]()
    names = axes.columns()
    if not whole:
        rows = [axes.values(index) for index in sorted(sweep.ids)]
        return {names[key]: (POINT, labels([row[key] for row in rows])) for key in axes.keys}
    for axis in axes.axes:
        for key, values in axis.columns.items():
            found[axis.name if axis.name != POINT else names[key]] = (axis.name, labels(values))
    return found


def _scalars(sweep: SweepFolder, flat: Any) -> str:
    """A row a point: index, id, task, state, values, and all results that are one number; empty where there is none."""
    names = [str(name) for name, v in flat.data_vars.items() if v.dims == (POINT,) and name not in ("state", "message")]
    columns = [flat[name].values.tolist() for name in names]
    state, message = flat.state.values.tolist(), flat.message.values.tolist()
    swept = list(sweep.rows[0])[3:]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["index", "id", "task", "state", *swept, *names, "message"])
    rows = sorted(sweep.rows, key=lambda row: int(row["index"]))
    for place, row in enumerate(rows):
        known = [row[name] for name in ("index", "id", "task")]
        numbers = ["" if column[place] != column[place] else column[place] for column in columns]
        writer.writerow([*known, state[place], *(row[name] for name in swept), *numbers, message[place]])
    return file.getvalue()


def _table(names: list[str], rows: list[tuple]) -> str:
    cells = [tuple(names), *(tuple("" if cell is None else str(cell) for cell in row) for row in rows)]
    widths = [max(len(row[k]) for row in cells) for k in range(len(names))]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in cells)


def summary(result: Any) -> str:
    """How many points there are, by their state."""
    states, counts = np.unique(result.state.values, return_counts=True)
    told = ", ".join(f"{count} {state}" for state, count in zip(states, counts, strict=True))
    axes = ", ".join(f"{name} {size}" for name, size in result.state.sizes.items())
    numbers = [
        f"{name} ({result[name].attrs.get('units', NONE)})"
        for name in result.data_vars
        if result[name].dims == result.state.dims
    ]
    return f"{told}; axes: {axes}\nscalars: {', '.join(numbers)}"

"""The points of a sweep: what its table says, as values of keys by the number of a point."""

import dataclasses
import json
import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ._points_table import Draw, Range, random_table
from ._toml import known_keys, near_miss, toml_value

POINT = "point"
"""The axis of points without an order: values that move together, and random draws."""


@dataclasses.dataclass(frozen=True)
class Axis:
    """One axis of a sweep: keys of the config, dots for tables, and their values along it."""

    name: str
    columns: dict[str, list[Any]]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))


@dataclasses.dataclass(frozen=True)
class Axes:
    """The axes of a sweep in the order of its table, points without an order last; the last axis moves fastest."""

    axes: tuple[Axis, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return tuple(map(len, self.axes))

    @property
    def size(self) -> int:
        """Number of points."""
        return math.prod(self.shape)

    @property
    def keys(self) -> list[str]:
        """The keys that vary."""
        return [key for axis in self.axes for key in axis.columns]

    def values(self, index: int) -> dict[str, Any]:
        """What a point puts at each key."""
        places = np.unravel_index(index, self.shape)
        return {key: v[int(k)] for axis, k in zip(self.axes, places, strict=True) for key, v in axis.columns.items()}

    def columns(self) -> dict[str, str]:
        """A short name for each key: its last part where that is enough."""
        last = [key.rsplit(".", 1)[-1] for key in self.keys]
        return {key: short if last.count(short) == 1 else key for key, short in zip(self.keys, last, strict=True)}


def read_axes(table: Any, source: str) -> Axes:
    """The axes that a `[sweep]` table describes.

    A key with a list, or with `{start, stop, points}`, is an axis; those of `[sweep.zip]` move together; those of
    `[sweep.random]` are drawn `count` times. Raises ValueError naming source, key and value, and the way out.
    """
    if not isinstance(table, dict):
        raise ValueError(f"{source}: sweep = {table!r}: make it a table, [sweep], of keys and their values")
    table = dict(table)
    together = _columns(table.pop("zip", {}), f"{source}: sweep.zip")
    drawn = random_table(flat(table.pop("random", {}), _is_law), f"{source}: sweep.random")
    product = _columns(table, f"{source}: sweep")
    _check(product, together, drawn, source)
    last = {key: key.rsplit(".", 1)[-1] for key in product}
    axes = [
        Axis(name if list(last.values()).count(name) == 1 and name != POINT else key, {key: product[key]})
        for key, name in last.items()
    ]
    loose = _together(together, drawn)
    return Axes((*axes, Axis(POINT, loose)) if loose else tuple(axes))


def axes_toml(table: dict[str, Any]) -> str:
    """A `[sweep]` table as TOML: keys with dots, in quotes, so that the axes keep their order."""
    parts = {"sweep": flat({k: v for k, v in table.items() if k not in ("zip", "random")}, _is_range)}
    parts |= {f"sweep.{name}": flat(table[name], test) for name, test in PARTS.items() if name in table}
    return "\n".join(
        "\n".join([f"[{name}]", *(f"{json.dumps(key)} = {toml_value(v)}" for key, v in part.items()), ""])
        for name, part in parts.items()
    )


def _columns(table: Any, source: str) -> dict[str, list[Any]]:
    """Keys with dots, and the list that each one goes through."""
    return {key: _listed(value, f"{source}.{key}") for key, value in flat(table, _is_range).items()}


def _listed(value: Any, what: str) -> list[Any]:
    values = Range.read(value, what).values() if isinstance(value, dict) else value
    if not isinstance(values, list):
        raise ValueError(f"{what} = {value!r}: give a list of values, or {{start = ..., stop = ..., points = ...}}")
    if not values:
        raise ValueError(f"{what} = []: an empty list makes an empty sweep, give at least one value")
    return values


def _check(product: dict[str, list], together: dict[str, list], drawn: dict[str, Draw], source: str) -> None:
    if not (product or together or drawn):
        raise ValueError(f"{source}: the sweep is empty: list the values of a key, as in [sweep] seed = [0, 1, 2]")
    for name in product:
        for value, times in Counter(map(label, product[name])).items():
            if times > 1:
                raise ValueError(f"{source}: sweep.{name} holds {value} twice: sweep the seed to repeat a point")
    lengths = {key: len(values) for key, values in together.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{key} has {length}" for key, length in lengths.items())
        raise ValueError(f"{source}: sweep.zip moves keys together, so their lists have one length: {told}")
    groups = (product, together, drawn)
    for key in {key for group in groups for key in group if sum(key in other for other in groups) > 1}:
        raise ValueError(f"{source}: {key} stands in two parts of the sweep: keep one of them")


def _together(together: dict[str, list[Any]], drawn: dict[str, Draw]) -> dict[str, list[Any]]:
    """Columns of the axis without an order: each zipped row with each draw."""
    rows = len(next(iter(together.values()), [0]))
    counts = {draw.count for draw in drawn.values()} or {1}
    (count,) = counts
    columns = {key: [value for value in values for _ in range(count)] for key, values in together.items()}
    return columns | {key: draw.values() * rows for key, draw in drawn.items()}


def flat(table: Any, described: Callable[[dict[str, Any]], bool], prefix: str = "") -> dict[str, Any]:
    """Inner tables as keys with dots; those that describe values stay."""
    if not isinstance(table, dict):
        raise ValueError(f"sweep.{prefix.rstrip('.')} = {table!r}: make it a table of keys and their values")
    found: dict[str, Any] = {}
    for key, value in table.items():
        inner = isinstance(value, dict) and not described(value)
        found |= flat(value, described, f"{prefix}{key}.") if inner else {f"{prefix}{key}": value}
    return found


def _is_law(table: dict[str, Any]) -> bool:
    return not any(isinstance(value, dict) for value in table.values())


def _is_range(table: dict[str, Any]) -> bool:
    return not any(isinstance(value, (dict, list)) for value in table.values())


PARTS = {"zip": _is_range, "random": _is_law}


def check_keys(axes: Axes, kind: Any, source: str) -> None:
    """Raise ValueError for a key that no config of this kind has, with the near one."""
    known = known_keys(kind)
    for key in axes.keys:
        if key not in known:
            raise ValueError(f"{source}: sweep has the unknown key {key!r}{near_miss(key, known)}")
        if key == "stream":
            raise ValueError(f"{source}: sweep.stream: a sweep gives each point its own stream; sweep seed to repeat")


def put(table: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """A copy of nested tables with values at keys with dots."""
    new = dict(table)
    for key, value in values.items():
        first, _, rest = key.partition(".")
        new[first] = put(new.get(first) or {}, {rest: value}) if rest else value
    return new


def label(value: Any) -> Any:
    """A value as a coordinate: numbers and text as they are, lists and tables as text."""
    return value if isinstance(value, (bool, int, float, str)) else json.dumps(value)


def labels(values: Sequence[Any]) -> np.ndarray:
    """Values as a coordinate: text if they are not of one kind."""
    known = [label(value) for value in values]
    numbers = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in known)
    same = numbers or len({type(value) for value in known}) == 1
    return np.array(known if same else list(map(str, known)))

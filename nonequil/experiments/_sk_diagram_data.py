"""What the experiment `sk-diagram` computes."""

import dataclasses
from collections import Counter
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from .. import meanfield
from ..ensembles import SherringtonKirkpatrick
from ..thermodynamics._sk_slope import slope
from ._dataset import NONE, Variables, dataset
from ._simulating import CLOCKS
from ._sk_diagram import Map, SKDiagram
from ._sk_theory import QUANTITIES, UNITS, result_names, steady_states
from ._stages import Stages

LINE = 201  # points of a critical line


class Panel(NamedTuple):
    """Points over `levels` (rows, a value of `vary` each) and inverse temperatures."""

    vary: str
    dims: tuple[str, str]
    levels: Any
    beta: Any

    def points(self, config: SKDiagram) -> np.ndarray:
        """Rows of (beta, dJ, dH)."""
        level, beta = np.meshgrid(self.levels, self.beta, indexing="ij")
        at = {"dJ": np.full_like(level, config.dJ), "dH": np.full_like(level, config.dH), self.vary: level}
        return np.stack([beta, at["dJ"], at["dH"]], axis=-1).reshape(-1, 3)


def diagram_dataset(config: SKDiagram, stages: Stages) -> xr.Dataset:
    """All panels: variables `QUANTITY_PANEL`, with the lines of the transition and the limit of temperature zero."""
    sk = SherringtonKirkpatrick(**config.model_dump(include={"J0", "dJ", "H0", "dH"}))
    panels = _panels(config)
    variables, coordinates = _solved(config, sk, panels, stages) if panels else ({}, {})
    for name, vary in (("map_dJ", "dJ"), ("map_dH", "dH")):
        table = getattr(config, name)
        if table is not None and config.H0 == 0:
            more = _line(stages, sk, table, vary)
            variables, coordinates = variables | more[0], coordinates | more[1]
    if config.zero_temperature is not None:
        more = _zero_temperature(config, sk, stages)
        variables, coordinates = variables | more[0], coordinates | more[1]
    title = f"{config.figure}: asymmetric Sherrington-Kirkpatrick model, infinitely many spins"
    attributes = {"title": title, "clock": config.clock, "config": config.to_toml()}
    return dataset(variables, coordinates, attributes)


def _panels(config: SKDiagram) -> dict[str, Panel]:
    panels = {}
    for name, vary in (("map_dJ", "dJ"), ("map_dH", "dH")):
        if (table := getattr(config, name)) is not None:
            panels[name] = Panel(vary, (vary, "beta"), table.values, config.beta.values)
    if (curves := config.curves) is not None:
        fine = np.linspace(config.beta.start, config.beta.stop, curves.points)
        panels["curves"] = Panel(curves.vary, ("curve", "curve_beta"), np.array(curves.values), fine)
    return panels


def _solved(
    config: SKDiagram, sk: SherringtonKirkpatrick, panels: dict[str, Panel], stages: Stages
) -> tuple[Variables, dict[str, Any]]:
    """Steady states of all panels, found together."""
    points = [panel.points(config) for panel in panels.values()]
    sequential = config.clock == "sequential"
    found = steady_states(sk, np.concatenate(points), stages, m0=config.m0, sequential=sequential)
    found["sigma"] = found.pop("sigma_sequential", found["sigma"])
    units = {"S": UNITS["parallel"], "S_reverse": UNITS["parallel"], "sigma": UNITS[config.clock]}
    ends = np.cumsum([len(part) for part in points])[:-1]
    variables: Variables = {}
    coordinates: dict[str, Any] = {}
    for k, (name, panel) in enumerate(panels.items()):
        shape = (len(panel.levels), len(panel.beta))
        for quantity, text in QUANTITIES.items():
            values = np.split(found[quantity], ends)[k].reshape(shape)
            variables[f"{quantity}_{name}"] = (panel.dims, values, units.get(quantity, NONE), text)
        coordinates |= dict(zip(panel.dims, (panel.levels, panel.beta), strict=True))
    return variables, coordinates


def _line(stages: Stages, sk: SherringtonKirkpatrick, table: Map, vary: str) -> tuple[Variables, dict[str, Any]]:
    """Where a magnetisation forms: inverse temperatures along the axis of a map, and the end of the line."""
    levels = np.linspace(table.start, table.stop, LINE)
    ends = {
        "dJ": lambda: meanfield.critical_dJ(sk.J0, sk.dH, throw=False),
        "dH": lambda: meanfield.critical_dH(sk.J0, sk.dJ, throw=False),
    }
    at = {"dJ": np.full(LINE, sk.dJ), "dH": np.full(LINE, sk.dH), vary: levels.astype(sk.dJ.dtype)}
    beta, limit = stages(f"line {vary}", lambda: (_critical_betas(sk, at["dJ"], at["dH"]), jax.jit(ends[vary])()))
    name = f"{vary}_line"
    variables: Variables = {
        f"critical_beta_{vary}": ((name,), beta, NONE, "inverse temperature of the transition, infinite without one"),
        f"critical_{vary}": ((), limit, NONE, f"{vary} above which no temperature orders, zero without a transition"),
    }
    return variables, {name: levels}


@jax.jit
def _critical_betas(sk: SherringtonKirkpatrick, dJ: Any, dH: Any) -> Any:
    def one(dJ: Any, dH: Any) -> Any:
        return meanfield.critical_beta(dataclasses.replace(sk, dJ=dJ, dH=dH), throw=False)

    return jax.vmap(one)(dJ, dH)


def _zero_temperature(
    config: SKDiagram, sk: SherringtonKirkpatrick, stages: Stages
) -> tuple[Variables, dict[str, Any]]:
    """The limit of sigma / beta along a parameter."""
    table = config.zero_temperature
    assert table is not None

    @jax.jit
    def at(levels: Any) -> Any:
        def one(x: Any) -> Any:
            found = meanfield.zero_temperature(dataclasses.replace(sk, **{table.vary: x}), config.m0)
            return slope(found, x if table.vary == "dJ" else sk.dJ, CLOCKS[config.clock])

        return jax.vmap(one)(levels)

    def solve() -> dict[str, np.ndarray]:
        found = at(jnp.asarray(table.values))
        return {"value": np.asarray(found.value), "result": result_names(found.result)}

    found, name = stages("zero temperature", solve), f"zero_{table.vary}"
    variables: Variables = {
        "sigma_over_beta": ((name,), found["value"], UNITS[config.clock], "limit of entropy production over beta"),
        "result_over_beta": ((name,), found["result"], NONE, QUANTITIES["result"]),
    }
    return variables, {name: table.values}


def describe_diagram(result: xr.Dataset) -> str:
    """Points solved, and what became of each."""
    lines = [result.attrs["title"]]
    for name, values in result.data_vars.items():
        if str(name).startswith("result_"):
            counts = Counter(values.values.ravel().tolist())
            ends = ", ".join(f"{count} {end}" for end, count in counts.most_common())
            lines.append(f"{str(name).removeprefix('result_')}: {values.size} points, {ends}")
    return "\n".join(lines)

"""The figure of the experiment `sk-diagram`."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from .. import plot
from ._sk_diagram import SKDiagram
from ._sk_theory import trusted

SYMBOLS = {
    "m": "$m$",
    "q": "$q$",
    "q_minus_m2": "$q - m^2$",
    "S": "$S/N$",
    "S_reverse": "$S^r/N$",
    "sigma": r"$\sigma/N$",
    "beta": r"$\beta$",
    "dJ": r"$\Delta J$",
    "dH": r"$\Delta H$",
}
OF_PARALLEL_STEPS = ("S", "S_reverse")
Draw = Callable[[Axes], Any]


def diagram_figure(config: SKDiagram, r: xr.Dataset) -> Figure:
    """A panel for each map, then the curves, then the limit of temperature zero."""
    panels = list(_panels(config, r))
    columns = len(panels) if len(panels) <= 3 else 2 if len(panels) == 4 else 3
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(4.6 * columns, 3.5 * rows), layout=ConstrainedLayoutEngine(wspace=0.06))
    places = figure.subplots(rows, columns, squeeze=False).ravel()
    for letter, ax, draw in zip("abcdefghijklmnop", places, panels, strict=False):
        draw(ax)
        ax.set_title(letter, loc="left", fontweight="bold")
    for ax in places[len(panels) :]:
        ax.remove()
    return figure


def _panels(config: SKDiagram, r: xr.Dataset) -> Iterator[Draw]:
    for name, vary in (("map_dJ", "dJ"), ("map_dH", "dH")):
        for quantity in () if (table := getattr(config, name)) is None else table.quantities:
            yield lambda ax, name=name, vary=vary, quantity=quantity: _map(r, name, vary, quantity, ax)
    if config.curves is not None:
        yield lambda ax: _curves(config, r, ax)
    if config.zero_temperature is not None:
        yield lambda ax: _zero_temperature(config, r, ax)


def _map(r: xr.Dataset, name: str, vary: str, quantity: str, ax: Axes) -> None:
    known = f"critical_{vary}" in r
    line = (r[f"critical_beta_{vary}"].values, r[f"{vary}_line"].values) if known else None
    limit = float(r[f"critical_{vary}"]) or np.nan if known else None
    names = {"label": _named(r, name, quantity), "xlabel": SYMBOLS["beta"], "ylabel": SYMBOLS[vary]}
    z = _values(r, name, quantity)
    plot.phase_map(
        r.beta.values, r[vary].values, z, line=line, limit=limit, square_root=quantity == "sigma", **names, ax=ax
    )


def _curves(config: SKDiagram, r: xr.Dataset, ax: Axes) -> None:
    table = config.curves
    assert table is not None
    names = [f"{SYMBOLS[table.vary]} = {value:g}" for value in r.curve.values]
    labels = {"xlabel": SYMBOLS["beta"], "ylabel": _named(r, "curves", table.quantity)}
    plot.curves(r.curve_beta.values, _values(r, "curves", table.quantity), names, **labels, ax=ax)


def _zero_temperature(config: SKDiagram, r: xr.Dataset, ax: Axes) -> None:
    table = config.zero_temperature
    assert table is not None
    value = trusted(r.sigma_over_beta.values, r.result_over_beta.values)
    label = rf"$\sigma/(N\beta)$ at $T = 0$ ({r.sigma_over_beta.attrs['units']})"
    plot.curves(r[f"zero_{table.vary}"].values, value[None], xlabel=SYMBOLS[table.vary], ylabel=label, ax=ax)


def _values(r: xr.Dataset, name: str, quantity: str) -> np.ndarray:
    """A quantity of a panel, NaN where there is none to be shown."""
    if quantity == "q_minus_m2":
        return _values(r, name, "q") - _values(r, name, "m") ** 2
    in_step = r.attrs["clock"] == "parallel" or quantity in OF_PARALLEL_STEPS
    also = () if in_step else ("alternating",)
    return trusted(r[f"{quantity}_{name}"].values, r[f"result_{name}"].values, also)


def _named(r: xr.Dataset, name: str, quantity: str) -> str:
    """Symbol of a quantity, with its unit if it has one."""
    unit = r[f"{quantity}_{name}"].attrs["units"] if f"{quantity}_{name}" in r else "1"
    return SYMBOLS[quantity] if unit == "1" else f"{SYMBOLS[quantity]} ({unit})"

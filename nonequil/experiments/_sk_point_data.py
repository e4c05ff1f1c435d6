"""What the experiment `sk-point` computes."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from .. import thermodynamics
from ..ensembles import SherringtonKirkpatrick
from ..meanfield import SKRule
from ._batch import POINT
from ._dataset import NONE, Variables, dataset
from ._sk_point import SKPoint
from ._sk_theory import QUANTITIES, UNITS, result_names

NUMBERS = ("J0", "dJ", "H0", "dH", "beta")


def rule_of(point: SKPoint) -> SKRule:
    """How finely the averages of a point are computed."""
    return SKRule.resolving(point.beta * point.dJ, point.beta * point.dH)


def solved(points: Sequence[SKPoint]) -> xr.Dataset:
    """Steady states of points of one shape, along `point`."""
    first, dims = points[0], (POINT,)
    numbers = {name: np.array([getattr(point, name) for point in points]) for name in NUMBERS}
    sequential = first.clock == "sequential"
    sk = SherringtonKirkpatrick(*np.zeros(2))
    found = thermodynamics.sk_phase_diagram(sk, **numbers, m0=first.m0, sequential=sequential, rule=rule_of(first))
    units = {"S": UNITS["parallel"], "S_reverse": UNITS["parallel"], "sigma": UNITS[first.clock]}
    values = {name: getattr(found, name) for name in QUANTITIES if name != "result"}
    values |= {"sigma": found.sigma_sequential} if sequential else {}
    values["result"] = result_names(found.result)
    variables: Variables = {name: (dims, v, units.get(name, NONE), QUANTITIES[name]) for name, v in values.items()}
    return dataset(variables, {POINT: np.arange(len(points))}, {})


def point_dataset(point: SKPoint) -> xr.Dataset:
    """The steady state of one point."""
    title = "asymmetric Sherrington-Kirkpatrick model, infinitely many spins"
    return solved([point]).isel({POINT: 0}, drop=True).assign_attrs(title=title, config=point.to_toml())

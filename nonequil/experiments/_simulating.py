"""What the experiment `simulate` computes."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from .. import plot, thermodynamics
from .._results import Unit
from ..dynamics import AbstractSpinClock, Parallel, Sequential, random_spins
from ..ensembles import Diluted, SherringtonKirkpatrick
from ..models import Ising
from ..statistics import AbstractObserver, Mean, Moments, Record
from ._chunks import run_chunks
from ._dataset import NONE, dataset
from ._simulate import DilutedNetwork, Network, SherringtonKirkpatrickNetwork, Simulate, StoredNetwork
from ._stages import Stages
from ._store import number, write_json, write_whole

CLOCKS: dict[str, Any] = {"parallel": Parallel, "sequential": Sequential}


def simulation_dataset(config: Simulate, stages: Stages) -> xr.Dataset:
    """Means, connected correlations and entropy production of a simulated network, and the network itself."""
    key_network, key_start, key_run = jr.split(config.key(), 3)
    model = network(config.model, key_network)
    dynamics = CLOCKS[config.clock](model)
    x0 = random_spins(key_start, (config.chains, model.n))
    _, observed = run_chunks(
        dynamics,
        x0,
        steps=config.steps,
        key=key_run,
        observers=_observers(config, dynamics),
        burn_in=config.burn_in,
        every=config.every,
        chunk=config.chunk,
        stages=stages,
    )
    return _dataset(config, model, dynamics.unit, observed)


def network(config: Network, key: Any) -> Ising:
    """The network that a table of the config names."""
    match config:
        case SherringtonKirkpatrickNetwork():
            return SherringtonKirkpatrick(**_ensemble(config)).sample(key, config.n)
        case DilutedNetwork():
            return Diluted(**_ensemble(config)).sample(key, config.n)
        case StoredNetwork():
            return stored(config.path)


def stored(path: Path) -> Ising:
    """The network of a `couplings.npz`. Raises OSError or ValueError naming the file."""
    if not path.is_file():
        raise FileNotFoundError(f"model.path = {path}: no such file")
    with np.load(path, allow_pickle=False) as arrays:
        missing = [name for name in ("J", "H") if name not in arrays]
        if missing:
            raise ValueError(f"model.path = {path}: it holds {', '.join(arrays)}, not {' and '.join(missing)}")
        return Ising(jnp.asarray(arrays["J"], float), jnp.asarray(arrays["H"], float))


def _ensemble(config: SherringtonKirkpatrickNetwork | DilutedNetwork) -> dict[str, Any]:
    return config.model_dump(exclude={"ensemble", "n"})


def _observers(config: Simulate, dynamics: AbstractSpinClock) -> tuple[AbstractObserver, ...]:
    flow = Mean(jax.tree_util.Partial(thermodynamics.entropy_flow, dynamics))
    return (Moments(), flow, Record()) if config.record else (Moments(), flow)


def _dataset(config: Simulate, model: Ising, unit: Unit, observed: tuple[Any, ...]) -> xr.Dataset:
    moments, flow, *record = observed
    pair = ("unit_post", "unit")
    variables = {
        "J": (pair, model.J, NONE, "couplings, from the column on the row"),
        "H": (("unit",), model.H, NONE, "fields"),
        "m": (("unit",), moments.m, NONE, "mean spin"),
        "m_before": (("unit",), moments.m_before, NONE, "mean spin of the earlier side of the pairs"),
        "C": (pair, moments.C, NONE, "connected correlation at equal times"),
        "D": (pair, moments.D, NONE, "connected correlation, row one step later than column"),
        "entropy_production": ((), flow.value, unit.value, "mean entropy flow"),
        "entropy_production_stderr": ((), flow.stderr, unit.value, "standard error of the mean entropy flow"),
    }
    if record:
        spins = np.asarray(record[0].x_next).reshape(config.chains, -1, model.n)
        variables["spins"] = (("chain", "time", "unit"), spins, NONE, "states after each gathered step")
    attributes = {"title": f"{config.clock} dynamics of {model.n} spins", "config": config.to_toml()}
    return dataset(variables, {"unit": np.arange(model.n), "unit_post": np.arange(model.n)}, attributes)


def write_simulation(result: xr.Dataset, folder: Path) -> None:
    """`summary.json` and the figures."""
    for name, draw in {"couplings": _couplings, "correlations": _correlations}.items():
        figure = draw(result)
        write_whole(folder / f"{name}.png", lambda part, figure=figure: figure.savefig(part, dpi=120))
    write_json(folder / "summary.json", simulation_summary(result))


def simulation_summary(result: xr.Dataset) -> dict[str, Any]:
    """The scalars of a simulation, None where there is no number."""
    other = ~np.eye(result.sizes["unit"], dtype=bool)
    squares = {name: result[name].values[other] ** 2 for name in ("C", "D")}
    rms = {name: number(np.sqrt(square.mean())) if square.size else None for name, square in squares.items()}
    return {
        "n_units": result.sizes["unit"],
        "mean_spin": number(result.m.mean()),
        "rms_correlation": rms["C"],
        "rms_lagged_correlation": rms["D"],
        "entropy_production": {
            "value": number(result.entropy_production),
            "stderr": number(result.entropy_production_stderr),
            "unit": result.entropy_production.attrs["units"],
        },
    }


def describe_simulation(result: xr.Dataset) -> str:
    """The scalars in plain English."""
    summary = simulation_summary(result)
    sigma = summary["entropy_production"]
    error = "" if sigma["stderr"] is None else f" +- {sigma['stderr']:.2g}"
    return (
        f"{result.attrs['title']}: mean spin {summary['mean_spin']:.3f}\n"
        f"entropy production {sigma['value']:.4f}{error} {sigma['unit']}"
    )


def _couplings(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(6.4, 5.4), layout="compressed")
    plot.couplings(result.J.values, ax=figure.subplots())
    return figure


def _correlations(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(10.5, 4.4), layout="compressed")
    same, lagged = figure.subplots(1, 2)
    plot.matrix(result.C.values, label="equal-time correlation C", ax=same)
    plot.matrix(result.D.values, label="correlation D, one step apart", ax=lagged)
    lagged.set(xlabel="unit (earlier)", ylabel="unit (later)")
    return figure

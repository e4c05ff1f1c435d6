"""What the experiment `simulate` computes."""

from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Key
from matplotlib.figure import Figure

from .. import numerics, plot, thermodynamics
from .._results import Unit
from ..dynamics import AbstractSpinClock, Parallel, Sequential, random_spins
from ..ensembles import AbstractEnsemble, Diluted, SherringtonKirkpatrick
from ..models import Ising
from ..statistics import AbstractObserver, Mean, Moments, Record
from ._chunks import run_chunks
from ._dataset import NONE, Variables, dataset, on_host
from ._simulate import DilutedNetwork, Network, SherringtonKirkpatrickNetwork, Simulate, StoredNetwork
from ._stages import Stages
from ._store import number, write_json, write_whole

PAIR = ("unit_post", "unit")
CLOCKS: dict[str, Any] = {"parallel": Parallel, "sequential": Sequential}


def simulation_dataset(config: Simulate, stages: Stages) -> xr.Dataset:
    """Means, connected correlations and entropy production of a simulated network, and the network itself.

    Chains are spread over all devices of the run.
    """
    dynamics, x0, key = begin(config, config.key(), ensemble(config.model))
    _, observed = run_chunks(
        dynamics,
        numerics.spread(x0),
        steps=config.steps,
        key=key,
        observers=observers(config, dynamics),
        burn_in=config.burn_in,
        every=config.every,
        chunk=config.chunk,
        stages=stages,
    )
    return _dataset(config, dynamics.model, dynamics.unit, on_host(observed))


def network(config: Network, key: Any) -> Ising:
    """The network that a table of the config names."""
    model: Any = ensemble(config).sample(key, getattr(config, "n", 0))
    return model


def begin(config: Simulate, key: Any, ensemble: AbstractEnsemble) -> tuple[Any, Any, Any]:
    """A drawn network in its clock, the states of all chains before the first step, and the key of the steps."""
    key_network, key_start, key_run = jr.split(key, 3)
    model: Any = ensemble.sample(key_network, getattr(config.model, "n", 0))
    return CLOCKS[config.clock](model), random_spins(key_start, (config.chains, model.n)), key_run


def ensemble(config: Network) -> AbstractEnsemble:
    """What a table of the config draws its network from."""
    match config:
        case SherringtonKirkpatrickNetwork():
            return SherringtonKirkpatrick(**_numbers(config))
        case DilutedNetwork():
            return Diluted(**_numbers(config))
        case StoredNetwork():
            return Stored(model=stored(config.path))


class Stored(AbstractEnsemble):
    """The ensemble of one network."""

    model: Ising = eqx.field(kw_only=True)
    self_coupling: bool = eqx.field(static=True, default=True)

    def sample(self, key: Key[Array, ""], n: int) -> Ising:
        """That network, whatever `key` and `n` are."""
        return self.model


def stored(path: Path) -> Ising:
    """The network of a `couplings.npz`. Raises OSError or ValueError naming the file."""
    if not path.is_file():
        raise FileNotFoundError(f"model.path = {path}: no such file")
    with np.load(path, allow_pickle=False) as arrays:
        missing = [name for name in ("J", "H") if name not in arrays]
        if missing:
            raise ValueError(f"model.path = {path}: it holds {', '.join(arrays)}, not {' and '.join(missing)}")
        return Ising(jnp.asarray(arrays["J"], float), jnp.asarray(arrays["H"], float))


def _numbers(config: SherringtonKirkpatrickNetwork | DilutedNetwork) -> dict[str, Any]:
    return config.model_dump(exclude={"ensemble", "n"})


def observers(config: Simulate, dynamics: AbstractSpinClock) -> tuple[AbstractObserver, ...]:
    """What is gathered: moments, the mean entropy flow and, if asked for, all states."""
    flow = Mean(jax.tree_util.Partial(thermodynamics.entropy_flow, dynamics))
    return (Moments(), flow, Record()) if config.record else (Moments(), flow)


def _dataset(config: Simulate, model: Ising, unit: Unit, observed: tuple[Any, ...]) -> xr.Dataset:
    moments, flow, *record = observed
    found = means((), moments, flow, unit)
    variables = {
        "J": (PAIR, model.J, NONE, "couplings, from the column on the row"),
        "H": (("unit",), model.H, NONE, "fields"),
        **{name: found[name] for name in ("m", "m_before")},  # the order of the file
        "C": (PAIR, moments.C, NONE, "connected correlation at equal times"),
        "D": (PAIR, moments.D, NONE, "connected correlation, row one step later than column"),
        **found,
    }
    if record:
        spins = np.asarray(record[0].x_next).reshape(config.chains, -1, model.n)
        variables["spins"] = (("chain", "time", "unit"), spins, NONE, "states after each gathered step")
    attributes = {"title": f"{config.clock} dynamics of {model.n} spins", "config": config.to_toml()}
    return dataset(variables, {"unit": np.arange(model.n), "unit_post": np.arange(model.n)}, attributes)


def means(dims: tuple[str, ...], moments: Any, flow: Any, unit: Unit) -> Variables:
    """Means of the spins and of the entropy flow, with leading dimensions `dims`."""
    return {
        "m": ((*dims, "unit"), moments.m, NONE, "mean spin"),
        "m_before": ((*dims, "unit"), moments.m_before, NONE, "mean spin of the earlier side of the pairs"),
        "entropy_production": (dims, flow.value, unit.value, "mean entropy flow"),
        "entropy_production_stderr": (dims, flow.stderr, unit.value, "standard error of the mean entropy flow"),
    }


def write_simulation(result: xr.Dataset, folder: Path) -> None:
    """`summary.json` and the figures."""
    for name, draw in {"couplings": _couplings, "correlations": _correlations}.items():
        figure = draw(result)
        write_whole(folder / f"{name}.png", lambda part, figure=figure: figure.savefig(part, dpi=120))
    write_json(folder / "summary.json", simulation_summary(result))


def simulation_summary(result: xr.Dataset) -> dict[str, Any]:
    """The scalars of a simulation, None where there is no number."""
    rms = {name: number(rms_of_pairs(result[name].values)) for name in ("C", "D")}
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


def rms_of_pairs(matrix: Float[np.ndarray, "... n n"]) -> Float[np.ndarray, "..."]:
    """Root mean square of the entries off the diagonal, NaN without any."""
    n = matrix.shape[-1]
    squares = np.ascontiguousarray(matrix[..., ~np.eye(n, dtype=bool)]) ** 2  # else the order of a sum is the batch's
    return np.asarray(np.sqrt(squares.mean(axis=-1)) if n > 1 else np.full(matrix.shape[:-2], np.nan))


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

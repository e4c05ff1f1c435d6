"""What the experiment `sk-sizes` computes."""

import itertools
from typing import Any

import jax
import jax.random as jr
import numpy as np
import xarray as xr

from ..ensembles import SherringtonKirkpatrick
from ..thermodynamics import disorder_average
from ._dataset import NONE, Variables, dataset
from ._simulating import CLOCKS
from ._sk_sizes import SKSizes
from ._sk_theory import UNITS, steady_states
from ._stages import Stages

AXES = ("clock", "dJ", "n", "beta")
TEXT = {
    "m": "magnetisation",
    "m_abs": "modulus of the magnetisation",
    "q": "self-correlation, one step or 16 sweeps apart",
    "C": "mean of s_i s_j over all pairs",
    "sigma": "entropy production of the clock",
}


def sizes_dataset(config: SKSizes, stages: Stages) -> xr.Dataset:
    """Averages over networks with their standard errors, on axes (clock, dJ, n, beta), and the theory."""
    values, errors = _simulated(config, stages)
    variables: Variables = {}
    for k, (name, text) in enumerate(TEXT.items()):
        unit = "nats/step/spin or nats/sweep/spin, by clock" if name == "sigma" else NONE
        variables[name] = (AXES, values[..., k], unit, text)
        variables[f"{name}_stderr"] = (AXES, errors[..., k], unit, f"standard error between networks: {text}")
    axes = (config.clocks, config.dJ, config.sizes, config.beta.values)
    coordinates = {name: np.array(axis) for name, axis in zip(AXES, axes, strict=True)}
    theory, fine = _theory(config, stages)
    attributes = {
        "title": f"{config.figure}: networks of {', '.join(map(str, config.sizes))} spins beside the theory",
        "networks": config.networks,
        "config": config.to_toml(),
        **{f"unit_of_sigma_{clock}": UNITS[clock] for clock in config.clocks},
    }
    return dataset(variables | theory, coordinates | {"theory_beta": fine}, attributes)


def _simulated(config: SKSizes, stages: Stages) -> tuple[np.ndarray, np.ndarray]:
    """Means and standard errors, last axis the names of `TEXT`; each point is kept in `stages`."""
    betas = config.beta.values
    shape = (len(config.clocks), len(config.dJ), len(config.sizes), len(betas))
    stages.expect(int(np.prod(shape)), "point")
    key = config.key()
    found = [
        stages("_".join(map(str, place)), lambda place=place: _point(config, place, betas, key))
        for place in itertools.product(*map(range, shape))
    ]
    both = np.array(found).reshape(*shape, 2, len(TEXT))
    return both[..., 0, :], both[..., 1, :]


def _point(config: SKSizes, place: tuple[int, ...], betas: np.ndarray, key: jax.Array) -> np.ndarray:
    clock, dJ, n = config.clocks[place[0]], config.dJ[place[1]], config.sizes[place[2]]
    for number in place:
        key = jr.fold_in(key, number)
    average = disorder_average(
        _ensemble(config, clock, dJ, betas[place[3]]),
        n,
        CLOCKS[clock],
        networks=config.networks,
        steps=config.steps,
        burn_in=config.burn_in,
        chunk=min(config.chunk, config.networks),
        key=key,
    )
    order, production = average.order_parameters, average.entropy_production
    mean, error = ([getattr(x, name) for name in TEXT if name != "sigma"] for x in (order.value, order.stderr))
    return np.array([[*mean, production.value], [*error, production.stderr]], dtype=float)


def _ensemble(config: SKSizes, clock: str, dJ: Any, beta: Any = 1.0) -> SherringtonKirkpatrick:
    same = config.model_dump(include={"J0", "H0", "dH", "center_fields"})
    return SherringtonKirkpatrick(**same, dJ=dJ, beta=beta, self_coupling=config.self_coupling and clock == "parallel")


def _theory(config: SKSizes, stages: Stages) -> tuple[Variables, np.ndarray]:
    """Curves of the infinite network on axes (clock, dJ, theory_beta)."""
    fine = np.linspace(config.beta.start, config.beta.stop, config.theory_points)
    level, beta = (x.ravel() for x in np.meshgrid(config.dJ, fine, indexing="ij"))
    points = np.stack([beta, level, np.full_like(beta, config.dH)], axis=1)
    sequential = "sequential" in config.clocks
    found = steady_states(_ensemble(config, "parallel", 1.0), points, stages, sequential=sequential)
    shape = (len(config.dJ), len(fine))
    production = {"parallel": "sigma", "sequential": "sigma_sequential"}
    sigma = np.stack([found[production[clock]].reshape(shape) for clock in config.clocks])
    dims = ("dJ", "theory_beta")
    variables: Variables = {
        f"{name}_theory": (dims, found[name].reshape(shape), NONE, f"{text}, infinite network")
        for name, text in {"m": "magnetisation", "q": "overlap of distant times", "result": "how it ended"}.items()
    }
    unit = "nats/step/spin or nats/sweep/spin, by clock"
    variables["sigma_theory"] = (("clock", *dims), sigma, unit, "entropy production, infinite network")
    return variables, fine


def describe_sizes(r: xr.Dataset) -> str:
    """How far the largest networks are from the theory."""
    exact = r.sigma_theory.interp(theory_beta=r.beta, method="cubic").drop_vars("theory_beta")
    largest = r.isel(n=int(np.argmax(r.n.values)))
    off = (largest.sigma / exact - 1).transpose("clock", "dJ", "beta")
    lines = [r.attrs["title"]]
    for clock, dJ in itertools.product(r.clock.values, r.dJ.values):
        here = off.sel(clock=clock, dJ=dJ).values
        median = np.median(np.abs(here[np.isfinite(here)]))
        lines.append(
            f"{clock}, dJ = {dJ:g}: entropy production at n = {int(largest.n)} is {median:.1%} from that of infinitely "
            f"many spins (median over beta; {r.attrs['networks']} networks a point)"
        )
    return "\n".join(lines)

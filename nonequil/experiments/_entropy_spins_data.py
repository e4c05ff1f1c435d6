"""What the experiment `entropy-spins` computes."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Key

from .. import thermodynamics
from .._results import Estimate
from ..data import Attempts, Transitions
from ..dynamics import Parallel, Sequential, random_spins
from ..ensembles import Diluted
from ..models import Ising
from ..simulation import simulate
from ..statistics import Record
from ._dataset import NONE, Variables, dataset
from ._entropy_spins import EntropySpins
from ._sk_theory import result_names
from ._stages import Stages

BOUNDS: dict[str, Callable[..., Callable[[Attempts], Estimate]]] = {
    "uncertainty": thermodynamics.ThermodynamicUncertainty,
    "one_step": thermodynamics.OneStepNewton,
    "maxent": thermodynamics.MaxEntBound,
}
TEXT = {
    "flow": "mean entropy flow, model known",
    "uncertainty": "thermodynamic uncertainty relation",
    "one_step": "one Newton step",
    "maxent": "maximum entropy",
}
FITS = ("one_step", "maxent")  # bounds whose coefficients are estimates of the couplings
UNIT = "nats/attempt"
BATCH = 4096  # states from which attempts are made together


def spins_dataset(config: EntropySpins, stages: Stages) -> xr.Dataset:
    """Flow and bounds on axes (estimator, beta); couplings, true and inferred, at one beta."""
    betas = np.unique([*config.beta.values, config.couplings_beta])
    stages.expect(len(betas), "point")
    found = [stages(f"beta {beta:.6g}", lambda k=k, beta=beta: _point(config, k, beta)) for k, beta in enumerate(betas)]
    dims = ("estimator", "beta")
    table = lambda name: np.stack([point[name] for point in found], axis=1)  # noqa: E731
    variables: Variables = {
        "sigma": (dims, table("value"), UNIT, "entropy production, or a lower bound on it"),
        "sigma_stderr": (dims, table("stderr"), UNIT, "standard error between chains"),
        "result": (dims, table("result"), NONE, "how the computation ended"),
        "left_out": (dims, table("left_out"), NONE, "spins that add nothing, as their flips have no finite optimum"),
        "floor": (("beta",), [point["floor"] for point in found], UNIT, "2 d / n"),
    }
    variables |= _couplings(found[int(np.searchsorted(betas, config.couplings_beta))])
    coordinates = {"estimator": list(TEXT), "beta": betas, "fit": list(FITS)}
    states = config.chains * config.states
    attributes = {
        "title": f"{config.n} spins with {config.k:g} senders each, {states} states a sweep apart",
        "couplings_beta": config.couplings_beta,
        "config": config.to_toml(),
    }
    return dataset(variables, coordinates, attributes)


def _point(config: EntropySpins, number: int, beta: float) -> dict[str, Any]:
    """All estimates at one inverse temperature."""
    key_network, key_run = jr.split(config.key())
    ensemble: dict[str, Any] = {"k": config.k, "dJ": config.dJ, "beta": beta}
    model = Diluted(**ensemble).sample(key_network, config.n)
    data = sampled_attempts(config, model, jr.fold_in(key_run, number))
    bounds = [bound(thermodynamics.SiteFlips())(data) for bound in BOUNDS.values()]
    estimates = [_flow(model, data), *bounds]
    return {
        "value": np.array([e.value for e in estimates], float),
        "stderr": np.array([e.stderr for e in estimates], float),
        "result": np.array([str(result_names(e.result)) for e in estimates]),
        "left_out": np.array([0, *(len(e.details.get("left_out", ())) for e in bounds)]),
        "floor": float(bounds[-1].floor),
        "J": model.J,
        **{name: e.details["theta"] for name, e in zip(BOUNDS, bounds, strict=True) if "theta" in e.details},
    }


def sampled_attempts(config: EntropySpins, model: Ising, key: Key[Array, ""]) -> Attempts:
    """States of the sequential clock one sweep apart, a block a chain, and one attempt at each site from each."""
    key_start, key_run, key_attempts = jr.split(key, 3)
    _, (record,) = simulate(
        Sequential(model),
        random_spins(key_start, (config.chains, config.n)),
        steps=config.n * config.states,
        key=key_run,
        observers=(Record(),),
        burn_in=config.n * config.warm_up,
    )
    return _attempts(model, record, key_attempts)


@eqx.filter_jit
def _attempts(model: Ising, record: Transitions, key: Key[Array, ""]) -> Attempts:
    """One attempt at each site from one state is what the clock that redraws all spins at once makes."""
    redrawn = lambda at: Parallel(model).step(at[0], at[1], key=key)  # noqa: E731
    x, index = record.x_next, jnp.arange(len(record))
    return Attempts(x, jax.lax.map(redrawn, (x, index), batch_size=BATCH) != x, block=record.block)


def _flow(model: Ising, data: Attempts) -> Estimate:
    """The mean flow of all attempts that these states allow, by the model."""
    flow = thermodynamics.MeanFlow(Sequential(model), thermodynamics.stationary_flow)
    return flow(Transitions(data.x, data.x, block=data.block))


def _couplings(point: dict[str, Any]) -> Variables:
    """J and theta at one beta, with the share of the variance that they agree on."""
    J, pair = point["J"], ("unit_post", "unit")
    theta = np.stack([np.asarray(point.get(name, np.full(J.shape, np.nan))) for name in FITS])
    r2 = [explained(J, each) for each in theta]
    return {
        "J": (pair, J, NONE, "coupling from the column on the row, beta folded in"),
        "theta": (("fit", *pair), theta, NONE, "coefficients of the bounds"),
        "r2": (("fit",), r2, NONE, "share of the variance of theta_ij - theta_ji that J_ij - J_ji explains"),
    }


def differences(matrix: Float[Any, "n n"]) -> Float[np.ndarray, " pairs"]:
    """Entries ij less entries ji, i < j."""
    matrix = np.asarray(matrix)
    return (matrix - matrix.T)[np.triu_indices(len(matrix), 1)]


def explained(J: Float[Any, "n n"], theta: Float[Any, "n n"]) -> float:
    """1 - <(theta_ij - theta_ji - J_ij + J_ji)**2> / Var(theta_ij - theta_ji) over pairs; NaN without variance."""
    true, found = differences(J), differences(theta)
    variance = float(np.var(found))
    return 1 - float(np.mean((found - true) ** 2)) / variance if variance > 0 else float("nan")


def describe_spins(r: xr.Dataset) -> str:
    """A line for each inverse temperature, in nats an attempt."""
    lines = [r.attrs["title"], "beta   " + "   ".join(f"{name:>17s}" for name in TEXT) + f"   ({UNIT})"]
    for beta in r.beta.values:
        here = r.sel(beta=beta)
        pairs = zip(here.sigma.values, here.sigma_stderr.values, strict=True)
        lines.append(f"{beta:5.2f}  " + "   ".join(f"{v:8.4f} +- {e:.4f}" for v, e in pairs))
    gone = zip(r.beta.values, r.left_out.sel(estimator="maxent").values, strict=True)
    lines += [f"maximum entropy, beta {beta:g}: {count} spins left out" for beta, count in gone if count]
    agree = ", ".join(f"{TEXT[name]} {float(r.r2.sel(fit=name)):.3f}" for name in FITS)
    return "\n".join([*lines, f"couplings at beta {r.attrs['couplings_beta']:g}, R^2: {agree}"])

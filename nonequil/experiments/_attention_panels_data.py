"""What the experiment `attention-panels` computes."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from .. import numerics
from ..ensembles import standard_attention
from ..meanfield import attention_lyapunov, attention_trajectory
from ._attention_panels import AttentionPanels
from ._dataset import NONE, dataset
from ._stages import Stages

maps = numerics.maps


def panels_dataset(config: AttentionPanels, stages: Stages) -> xr.Dataset:
    """Orbits on axes (beta, token, feature), spectra of the first overlap, exponents and periods."""
    r = stages("orbits", lambda: _orbits(config))
    orbit = ("beta", "token", "feature")
    variables = {
        "mu": (orbit, r["mu"], NONE, "semantic overlaps with the out patterns"),
        "attention": (orbit, r["attention"], NONE, "attention"),
        "power": (("beta", "frequency"), r["power"], NONE, "power of the first overlap"),
        "period": (("beta",), r["period"], "steps", "period of the orbit, 0 if it has none"),
        "exponent": (("beta", "index"), r["value"], "nats/step", "leading Lyapunov exponents"),
        "exponent_stderr": (("beta", "index"), r["stderr"], "nats/step", "standard error of the exponents, by blocks"),
    }
    attributes = {"title": f"{config.figure}: {config.n_bits} bits of position", "config": config.to_toml()}
    return dataset(variables, {"beta": np.array(config.betas), "frequency": r["frequency"][0]}, attributes)


def _orbits(config: AttentionPanels) -> dict[str, Any]:
    net = standard_attention(n_bits=config.n_bits)

    def one(beta: Any) -> dict[str, Any]:
        here = dataclasses.replace(net, beta=beta)
        orbit = attention_trajectory(here, steps=config.steps, transient=config.transient)
        exponents = attention_lyapunov(here, count=3, steps=config.exponent_steps, transient=config.transient)
        spectrum = maps.power_spectrum(orbit.mu[:, 0])
        return {
            "mu": orbit.mu,
            "attention": orbit.attention,
            "frequency": spectrum.frequency,
            "power": spectrum.power,
            "period": maps.period(orbit.mu, longest=min(config.longest, config.steps // 2)),
            "value": exponents.value,
            "stderr": exponents.stderr,
        }

    return jax.tree.map(np.asarray, jax.jit(jax.vmap(one))(jnp.asarray(config.betas)))


def describe_panels(r: xr.Dataset) -> str:
    """Period and exponent at each beta."""
    lines = [r.attrs["title"]]
    for k, beta in enumerate(r.beta.values):
        period, value, error = int(r.period[k]), float(r.exponent[k, 0]), float(r.exponent_stderr[k, 0])
        told = f"period {period}" if period else "no period"
        lines.append(f"beta = {beta:g}: {told}, largest exponent {value:.5f} +- {error:.5f} nats/step")
    return "\n".join(lines)

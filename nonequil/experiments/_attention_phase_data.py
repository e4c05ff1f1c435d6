"""What the experiment `attention-phase` computes."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from ..ensembles import standard_attention
from ..meanfield import attention_lyapunov
from ._attention_diagram_data import NAMES, regimes
from ._attention_phase import AttentionPhase
from ._dataset import NONE, dataset
from ._stages import Stages

SIDE_BY_SIDE = 128


def phase_dataset(config: AttentionPhase, stages: Stages) -> xr.Dataset:
    """Exponents on (gamma, beta, index), regimes on (gamma, beta); one stage a value of gamma."""
    program = _program(config)
    stages.expect(len(config.gamma.values), "line")
    found = [
        stages(f"gamma-{k:04d}", lambda gamma=gamma: program(gamma)) for k, gamma in enumerate(config.gamma.values)
    ]
    value, stderr, regime = (np.stack([one[name] for one in found]) for name in ("value", "stderr", "regime"))
    axes = ("gamma", "beta")
    variables = {
        "exponent": ((*axes, "index"), value, "nats/step", "leading Lyapunov exponents"),
        "exponent_stderr": ((*axes, "index"), stderr, "nats/step", "standard error of the exponents, by blocks"),
        "regime": (axes, regime, NONE, f"0 to {len(NAMES) - 1}: {', '.join(NAMES)}"),
    }
    title = f"{config.figure}: {config.n_bits} bits of position"
    coordinates = {"gamma": config.gamma.values, "beta": config.beta.values}
    return dataset(variables, coordinates, {"title": title, "config": config.to_toml()})


def _program(config: AttentionPhase) -> Any:
    """All values of beta at one gamma; compiled once."""
    net = standard_attention(n_bits=config.n_bits)

    @jax.jit
    def line(gamma: Any, betas: Any) -> Any:
        def one(beta: Any) -> Any:
            point = dataclasses.replace(net, beta=beta, gamma=gamma)
            return attention_lyapunov(point, count=2, transient=config.transient, steps=config.steps)

        return jax.lax.map(one, betas, batch_size=SIDE_BY_SIDE)

    def at(gamma: float) -> dict[str, np.ndarray]:
        found = line(jnp.asarray(gamma), jnp.asarray(config.beta.values))
        regime = regimes(found, config.threshold)
        return {"value": np.asarray(found.value), "stderr": np.asarray(found.stderr), "regime": regime}

    return at

"""What the experiment `attention-diagram` computes."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from .. import numerics
from ..ensembles import AttentionNetwork, standard_attention
from ..meanfield import AttentionMeanField, attention_critical_beta, attention_lyapunov, attention_map
from ._attention_diagram import AttentionDiagram
from ._dataset import NONE, dataset
from ._stages import Stages

maps = numerics.maps
NAMES = ("periodic", "quasi_periodic", "doubly_quasi_periodic", "chaotic", "hyperchaotic", "undecided")


def diagram_dataset(config: AttentionDiagram, stages: Stages) -> xr.Dataset:
    """Attention on axes (start, beta, token, feature), exponents on (start, beta, exponent), regimes on the first."""
    net = standard_attention(n_bits=config.n_bits)
    stages.expect(len(config.starts) + 1, "line")
    found = [stages(start, lambda start=start: _line(net, config, start)) for start in config.starts]
    critical = stages("critical", lambda: np.asarray(attention_critical_beta(net)))
    attention, value, stderr, regime = (
        np.stack([one[k] for one in found]) for k in ("attention", "value", "stderr", "regime")
    )
    line = ("start", "beta")
    variables = {
        "attention": ((*line, "token", "feature"), attention, NONE, "attention on the attractor"),
        "exponent": ((*line, "index"), value, "nats/step", "leading Lyapunov exponents"),
        "exponent_stderr": ((*line, "index"), stderr, "nats/step", "standard error of the exponents, by blocks"),
        "regime": (line, regime, NONE, f"0 to {len(NAMES) - 1}: {', '.join(NAMES)}"),
        "critical": ((), critical, NONE, "beta at which the cycle forced by the positions loses its stability"),
    }
    attributes = {"title": f"{config.figure}: {config.n_bits} bits of position", "feature": config.feature}
    coordinates = {"start": np.array(config.starts), "beta": config.beta.values}
    return dataset(variables, coordinates, attributes | {"config": config.to_toml()})


def _line(net: AttentionNetwork, config: AttentionDiagram, start: str) -> dict[str, Any]:
    """One line of attractors, and exponents from the last state of each."""

    def at(beta: Any) -> AttentionNetwork:
        return dataclasses.replace(net, beta=beta)

    def family(beta: Any) -> Any:
        return attention_map(at(beta))

    @jax.jit
    def exponents(betas: Any, states: Any) -> Any:
        def one(given: Any) -> Any:
            return attention_lyapunov(at(given[0]), count=3, steps=config.exponent_steps, start=given[1])

        return jax.lax.map(one, (betas, states), batch_size=128)

    betas, x0 = jnp.asarray(config.beta.values), AttentionMeanField().init(net)
    follow = maps.bifurcation_diagram if start == "token" else maps.continuation
    ahead = betas[::-1] if start == "down" else betas
    last, attention = follow(
        family, x0, ahead, config.records, transient=config.transient, record=lambda state: state.attention.ravel()
    )
    found = exponents(ahead, last)
    regime = regimes(found, config.threshold)
    line = {"attention": attention, "value": found.value, "stderr": found.stderr, "regime": regime}
    return {k: np.asarray(v)[::-1] if start == "down" else np.asarray(v) for k, v in line.items()}


def regimes(exponents: Any, threshold: float) -> np.ndarray:
    """The regime of each of a batch of exponents, as its place in `NAMES`."""
    found = jax.vmap(lambda one: maps.classify(one, threshold))(exponents)
    places = [np.asarray(found == getattr(maps.REGIMES, name)) for name in NAMES]
    return np.argmax(places, axis=0)


def describe_diagram(r: xr.Dataset) -> str:
    """How many values of beta are in each regime."""
    lines = [f"{r.attrs['title']}; the forced cycle loses its stability at beta = {float(r.critical):.7f}"]
    for start in r.start.values:
        lines.append(f"from {start}: {counted(r.regime.sel(start=start).values)}")
    return "\n".join(lines)


def counted(regime: np.ndarray) -> str:
    """How many of some points are in each regime."""
    count = np.bincount(regime.ravel(), minlength=len(NAMES))
    return ", ".join(f"{n} {name.replace('_', '-')}" for n, name in zip(count, NAMES, strict=True) if n)

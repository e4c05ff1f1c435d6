"""What the experiment `memory-recall` computes."""

from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import xarray as xr

from .. import simulation
from ..dynamics import Parallel
from ..ensembles import Hebbian
from ..meanfield import sequence_transient
from ..models import overlaps, sequence
from ..statistics import Record
from ..thermodynamics import entropy_flow
from ._dataset import NONE, Variables, dataset
from ._memory_recall import MemoryRecall
from ._stages import Stages

SIDE_BY_SIDE = 4


def recall_dataset(config: MemoryRecall, stages: Stages) -> xr.Dataset:
    """Overlaps and entropy flows on (m0, step), means over networks with standard errors; one stage a first overlap."""
    program = _program(config)
    stages.expect(len(config.m0), "start")
    found = [stages(f"start-{k:04d}", lambda m0=m0: program(m0)) for k, m0 in enumerate(config.m0)]
    m, flow = (np.stack([run[name] for run in found]) for name in ("m", "flow"))
    theory = [np.asarray(sequence_transient(config.alpha, config.T, m0, config.steps).m) for m0 in config.m0]
    axes, root = ("m0", "step"), np.sqrt(config.networks)
    error = lambda x: x.std(axis=1, ddof=1) / root  # noqa: E731
    start = np.full((len(config.m0), 1), np.nan)  # no step leads to the first state
    variables: Variables = {
        "m": (axes, m.mean(axis=1), NONE, "overlap with the pattern whose turn it is, mean over networks"),
        "m_stderr": (axes, error(m), NONE, "its standard error"),
        "theory": (axes, np.stack(theory), NONE, "the same of infinitely many spins"),
        "entropy_flow": (axes, np.hstack([start, flow.mean(axis=1)]), "nats/step/spin", "entropy given away by a step"),
        "entropy_flow_stderr": (axes, np.hstack([start, error(flow)]), "nats/step/spin", "its standard error"),
    }
    title = f"{config.figure}: {config.networks} networks of {config.n} spins, alpha = {config.alpha:g}"
    coordinates = {"m0": np.array(config.m0), "step": np.arange(config.steps + 1)}
    return dataset(variables, coordinates, {"title": title, "config": config.to_toml()})


def _program(config: MemoryRecall) -> Any:
    """Overlaps (networks, steps + 1) and flows (networks, steps) from a first overlap; compiled once."""
    p = max(config.steps + 1, round(config.alpha * config.n))
    turns = jnp.arange(config.steps + 1) % p

    def one(given: tuple[Any, Any]) -> Any:
        m0, key = given
        patterns, start, path = jr.split(key, 3)
        memory = Hebbian(p=p, A=sequence(p), beta=jnp.asarray(1 / config.T)).sample(patterns, config.n)
        wrong = jr.uniform(start, (config.n,)) < (1 - m0) / 2
        x0 = (jnp.where(wrong, -1, 1) * memory.xi[0]).astype(jnp.int8)
        clock = Parallel(memory)
        _, (seen,) = simulation.simulate(clock, x0[None], steps=config.steps, key=path, observers=(Record(),))
        flow = jax.vmap(lambda x, x_next: entropy_flow(clock, x, x_next) / config.n)(seen.x, seen.x_next)
        states = jnp.concatenate([x0[None], seen.x_next])
        return overlaps(memory, states)[jnp.arange(config.steps + 1), turns], flow

    @jax.jit
    def all_of(m0: Any, keys: Any) -> Any:
        starts = jnp.full(config.networks, m0)
        return jax.lax.map(one, (starts, keys), batch_size=SIDE_BY_SIDE)

    def at(m0: float) -> dict[str, np.ndarray]:
        m, flow = all_of(jnp.asarray(m0), jr.split(config.key(), config.networks))
        return {"m": np.asarray(m), "flow": np.asarray(flow)}

    return at

"""What the experiment `memory-diagram` computes."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from ..meanfield import capacity, global_capacity, saddle_point, sequence_capacity
from ._dataset import NONE, Variables, dataset
from ._memory_diagram import CAPACITIES, MemoryDiagram
from ._stages import Stages

PHASES = ("paramagnet", "spin glass", "metastable memory", "memory")
LINES = dict(zip(CAPACITIES, (capacity, global_capacity, sequence_capacity), strict=True))


def diagram_dataset(config: MemoryDiagram, stages: Stages) -> xr.Dataset:
    """Overlaps, free energies and phases on (T, alpha), capacities on T; one stage each."""
    alpha, T = config.alpha.values, config.T.values
    stages.expect(2, "stage")
    grid = stages("grid", lambda: _grid(alpha, T))
    lines = stages("lines", lambda: {name: _each(line, T) for name, line in LINES.items()})
    axes = ("T", "alpha")
    variables: Variables = {
        "m": (axes, grid["m"], NONE, "overlap with a remembered pattern"),
        "q": (axes, grid["q"], NONE, "mean squared mean of a spin"),
        "f": (axes, grid["f"], NONE, "free energy a spin of the state with memory, where there is one"),
        "f_without": (axes, grid["f_without"], NONE, "free energy a spin of the state without memory"),
        "replicon": (axes, grid["replicon"], NONE, "stability of the state with memory: negative, replicas part"),
        "phase": (axes, grid["phase"], NONE, f"0 to 3: {', '.join(PHASES)}"),
        **{name: (("T",), lines[name], NONE, "patterns a spin") for name in CAPACITIES},
    }
    title = f"{config.figure}: Hopfield networks of alpha n patterns"
    return dataset(variables, {"T": T, "alpha": alpha}, {"title": title, "config": config.to_toml()})


def _each(f: Callable, *values: np.ndarray) -> Any:
    """F at all points one after the other: theories are loops, which compile faster and end sooner alone."""
    found = jax.jit(lambda given: jax.lax.map(lambda x: f(*x), given))(tuple(map(jnp.asarray, values)))
    return jax.tree.map(np.asarray, found)


def _grid(alpha: np.ndarray, T: np.ndarray) -> dict[str, np.ndarray]:
    """Both branches at each point."""
    points = np.meshgrid(T, alpha, np.array([1.0, 0.0]), indexing="ij")
    state = lambda T, alpha, m0: saddle_point(alpha, T, m0, throw=False)  # noqa: E731
    found = _each(state, *(x.ravel() for x in points))
    memory, without = (jax.tree.map(lambda x, k=k: x.reshape(points[0].shape)[..., k], found) for k in (0, 1))
    frozen = 0 + (np.asarray(without.q) > 0)
    phase = np.where(memory.m > 0, np.where(memory.f < without.f, 3, 2), frozen)
    found = {name: np.asarray(getattr(memory, name)) for name in ("m", "q", "f", "replicon")}
    return {**found, "f_without": np.asarray(without.f), "phase": phase}

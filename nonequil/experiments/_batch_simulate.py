"""Simulations of many networks side by side: one program for all points that differ in numbers alone."""

import functools as ft
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import xarray as xr
from jaxtyping import Array, Bool, Int, Key

from .. import simulation
from ..simulation import SimulationState
from ._batch import POINT, Outcome, together, without_result
from ._batch_lanes import padded, side_by_side
from ._chunks import all_finite
from ._dataset import NONE, dataset
from ._simulate import Simulate
from ._simulating import CLOCKS, begin, ensemble, means, observers, rms_of_pairs
from ._stages import Stages

UNBROKEN = -1  # step of a point whose numbers are all finite


class _Begin(eqx.Module):
    """Network, key and first state of a point, from its numbers and its key."""

    like: Simulate = eqx.field(static=True)

    def __call__(self, own: tuple, shared: Any) -> tuple:
        numbers, key = own
        at = lambda e: [getattr(e, name) for name in self.like.numbers()]  # noqa: E731
        drawn = eqx.tree_at(at, shared, [numbers[name] for name in self.like.numbers()]) if numbers else shared
        dynamics, x0, key = begin(self.like, key, drawn)
        steps, burn_in = self.like.steps, self.like.burn_in
        seen: dict[str, Any] = {"observers": observers(self.like, dynamics), "every": self.like.every}
        state = simulation.start(dynamics, x0, steps=steps, burn_in=burn_in, **seen)
        return dynamics, key, (state.x, state.totals, state.held)


class _Advance(eqx.Module):
    """The state of a point some steps later, and whether its numbers are finite."""

    like: Simulate = eqx.field(static=True)
    steps: int = eqx.field(static=True)
    last: bool = eqx.field(static=True)  # then the observers are asked anyway

    def __call__(self, own: tuple, index: Int[Array, ""]) -> tuple[tuple, Bool[Array, ""]]:
        dynamics, key, moving = own
        seen: dict[str, Any] = {"observers": observers(self.like, dynamics), "every": self.like.every}
        later = simulation.advance(dynamics, _state(self.like, moving, index), steps=self.steps, key=key, **seen)
        new = (later.x, later.totals, later.held)
        return new, all_finite(new if self.last else (new, simulation.totals(dynamics, later, **seen)))


class _Finish(eqx.Module):
    """What the observers of a point say."""

    like: Simulate = eqx.field(static=True)

    def __call__(self, own: tuple, index: Int[Array, ""]) -> Any:
        dynamics, _, moving = own
        seen: dict[str, Any] = {"observers": observers(self.like, dynamics), "every": self.like.every}
        moments, flow, *record = simulation.finish(dynamics, _state(self.like, moving, index), **seen)
        return (moments, flow, [pairs.x_next for pairs in record]), all_finite((moments.m, flow.value))


def _state(like: Simulate, moving: tuple, index: Int[Array, ""]) -> SimulationState:
    x, totals, held = moving
    return SimulationState(x, index, jnp.full((), like.burn_in, int), totals, held)


def run_simulations(points: Sequence[Simulate], width: int, stages: Stages) -> Outcome:
    """The results of points of one shape, `width` on each device; if one of them cannot begin, the others do."""
    try:
        return _run(points, width, stages, "simulation")
    except Exception as error:
        if len(points) == 1 or isinstance(error, OSError):
            return without_result(error)
        return together([_alone(point, width, stages, f"simulation {k}") for k, point in enumerate(points)])


def _alone(point: Simulate, width: int, stages: Stages, name: str) -> Outcome:
    try:
        return _run([point], width, stages, name)
    except Exception as error:
        return without_result(error)


def _run(points: Sequence[Simulate], width: int, stages: Stages, name: str) -> Outcome:
    like, total = points[0].alike(), points[0].burn_in + points[0].steps
    dynamics, key, moving, count = _begun(like, points, width)
    state = {"index": jnp.zeros((), int), "broke": jnp.full(len(points), UNBROKEN), "moving": moving}
    kept = stages.restore(name, state)
    state = state if kept is None else kept
    stages.expect(total, "step")
    stages.show(name, int(state["index"]))
    observed = None
    while (index := int(state["index"])) < total:
        length = min(like.chunk, total - index)
        ahead = ft.partial(_advance, like, dynamics, key, count)
        later, fine = ahead(state["moving"], index, length, last=index + length == total)
        if index + length == total:
            observed, whole = _finished(like, dynamics, key, later, total, count)
            fine = fine & whole
        broke = np.array(state["broke"])
        lost = np.flatnonzero((broke == UNBROKEN) & ~fine[: len(points)])
        for place, (step, before) in _last_good(ahead, state["moving"], index, length, lost).items():
            broke[place] = step + 1
            stages.save(f"{name} before {place}", {"step": step, "state": before})
        state = {"index": jnp.asarray(index + length), "broke": jnp.asarray(broke), "moving": later}
        stages.show(name, length)
        stages.keep(name, index + length, state)
    if observed is None:  # it was stopped after its last step
        observed, _ = _finished(like, dynamics, key, state["moving"], total, count)
    return _outcome(like, observed, np.asarray(state["broke"]), stages, name)


def _begun(like: Simulate, points: Sequence[Simulate], width: int) -> tuple:
    """Clocks, keys and first states of all seats, and how many seats of each device are taken."""
    own, count = padded(list(points), width)
    numbers = {key: jnp.array([getattr(point.model, key) for point in own], float) for key in like.numbers()}
    return *side_by_side(_Begin(like), (numbers, _keys(own)), (ensemble(like.model),), count), count


def _keys(points: Sequence[Simulate]) -> Key[Array, " points"]:
    """`point.key()` of each, those of one seed together."""
    seeds = {point.seed for point in points}
    if len(seeds) > 1 or points[0].stream is None:
        return jnp.stack([point.key() for point in points])
    streams = np.array([point.stream for point in points], np.uint32)
    return jax.vmap(jr.fold_in, (None, 0))(jr.key(*seeds), streams)


def _advance(
    like: Simulate, dynamics: Any, key: Any, count: Array, moving: Any, index: int, steps: int, last: bool = False
) -> tuple[Any, np.ndarray]:
    """All seats some steps later, and which of them are fine."""
    at = jnp.asarray(index)
    later, fine = side_by_side(_Advance(like, steps, last), (dynamics, key, moving), (at,), count)
    return later, np.asarray(fine)


def _finished(like: Simulate, dynamics: Any, key: Any, moving: Any, index: int, count: Array) -> tuple[Any, np.ndarray]:
    """What the observers say in all seats, and in which of them it is fine."""
    observed, fine = side_by_side(_Finish(like), (dynamics, key, moving), (jnp.asarray(index),), count)
    return observed, np.asarray(fine)


def _last_good(ahead: Callable, moving: Any, index: int, length: int, lost: np.ndarray) -> dict[int, Any]:
    """The step and the state before the first number of each lost point that is not finite, by going there again."""
    found: dict[int, Any] = {}
    for step in range(index, index + length):
        if len(found) == len(lost):
            break
        later, fine = ahead(moving, step, 1)
        for place in set(lost.tolist()) - set(found):
            if not fine[place]:
                found[int(place)] = step, [np.asarray(leaf[place]) for leaf in jax.tree.leaves(moving)]
        moving = later
    return found


def _outcome(like: Simulate, observed: Any, broke: np.ndarray, stages: Stages, name: str) -> Outcome:
    whole = np.flatnonzero(broke == UNBROKEN)
    failed = {
        int(place): f"a number was not finite after step {broke[place]}"
        for place in set(range(len(broke))) - set(whole)
    }
    states = {place: stages.load(f"{name} before {place}") for place in failed}
    result = _dataset(like, jax.tree.map(lambda leaf: np.asarray(leaf)[whole], observed), whole) if len(whole) else None
    return Outcome(result, failed, {}, states)


def _dataset(like: Simulate, observed: Any, places: np.ndarray) -> xr.Dataset:
    """Means, sizes of the correlations and entropy production, without what fills a disk: networks and matrices."""
    moments, flow, record = observed
    n, dims = moments.m.shape[-1], (POINT,)
    variables = {
        "mean_spin": (dims, moments.m.mean(axis=-1), NONE, "mean over all spins"),
        "rms_correlation": (dims, rms_of_pairs(moments.C), NONE, "root mean square of C_ij, i and j different"),
        "rms_lagged_correlation": (dims, rms_of_pairs(moments.D), NONE, "the same of D, one step apart"),
        **means(dims, moments, flow, CLOCKS[like.clock].unit),
    }
    if record:
        spins = record[0].reshape(len(places), like.chains, -1, n)
        variables["spins"] = ((*dims, "chain", "time", "unit"), spins, NONE, "states after each gathered step")
    return dataset(variables, {POINT: places, "unit": np.arange(n)}, {})

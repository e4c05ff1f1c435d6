"""A run that writes most of the time, killed at any moment: what it leaves is whole, and it goes on from there."""

import multiprocessing
import random
import time
from pathlib import Path
from typing import ClassVar

import jax
import numpy as np
import orbax.checkpoint  # noqa: F401 (once, not in each run)
import xarray as xr

from nonequil.experiments import AbstractExperiment, RunFolder
from nonequil.experiments._checkpoints import Checkpoints
from nonequil.experiments._execute import execute, read_result
from nonequil.experiments._store import load_tree, read_json

SIZE = 10_000


class Walk(AbstractExperiment):
    """Goes through states that are different at each step, and keeps every one of them."""

    kind: ClassVar[str] = "walk"

    steps: int = 12

    def run(self, stages):
        start = state(0)
        kept = stages.restore("walk", start)
        for step in range(1 + int(start["step"] if kept is None else kept["step"]), self.steps + 1):
            stages.keep("walk", step, state(step))
        values = [stages(f"piece {k}", lambda k=k: numbers(k)) for k in range(3)]
        return xr.Dataset({"x": (("piece", "place"), np.array(values)), "last": (("place",), numbers(self.steps))})

    def write(self, result, folder):
        pass

    def describe(self, result):
        return ""


def numbers(seed):
    return np.random.default_rng(seed).random(SIZE)


def state(step):
    """All of it says which step it is, so that a mixture of two would be seen."""
    return {"step": jax.numpy.asarray(step), "x": jax.numpy.asarray(numbers(step)), "key": jax.random.key(step)}


def walk(out):
    execute(Walk(), Path(out), resume=True)


def check_whole(out: Path, reference: bytes) -> str:
    """The state of a folder. Raises AssertionError if anything in it that would be read is half written."""
    folder = RunFolder(out)
    if not out.exists():
        return "nothing"
    for file in (path for path in out.rglob("*.json") if path.parent == out and path.name[0] != "."):
        assert isinstance(read_json(file), dict)
    if (out / "result.nc").exists():
        assert (out / "result.nc").read_bytes() == reference
    if folder.done:
        assert read_result(out).sizes == {"piece": 3, "place": SIZE}
    for file in folder.checkpoints.glob("[!.]*.npz"):
        assert np.array_equal(load_tree(file), numbers(int(file.stem[-1])))
    if (kept := Checkpoints(folder.checkpoints / "walk.state").load(state(0))) is not None:
        whole = state(int(kept["step"]))
        assert np.array_equal(kept["x"], whole["x"])
        assert kept["key"] == whole["key"]
    return folder.status["state"]


def kill_at_random(folder: Path, reference: bytes, seconds: float, times: int, seed: int) -> list[str]:
    """Kill a run `times` times, at moments of its length in `seconds`; the states in which it was found."""
    draw, found, runs = random.Random(seed), [], 0
    for _ in range(times):
        process = PROCESSES.Process(target=walk, args=(folder / str(runs),))
        process.start()
        process.join(draw.uniform(0.0, seconds))
        process.kill()
        process.join()
        found.append(check_whole(folder / str(runs), reference))
        runs += found[-1] == "done"
    for run in range(runs + 1):
        execute(Walk(), folder / str(run), resume=True)
        assert (folder / str(run) / "result.nc").read_bytes() == reference
    return found


def whole_run(out: Path) -> tuple[bytes, float]:
    """The result of a run that nobody stops, and the seconds that it takes."""
    server = PROCESSES.Process(target=int)
    server.start()
    server.join()
    begin = time.monotonic()
    process = PROCESSES.Process(target=walk, args=(out,))
    process.start()
    process.join()
    assert process.exitcode == 0
    return (out / "result.nc").read_bytes(), time.monotonic() - begin


PROCESSES = multiprocessing.get_context("forkserver")  # which reads this file once, and forks for each run
PROCESSES.set_forkserver_preload([__name__])
